"""A visit is moved by the staff: to a time that is free, by their hand, and never by a foreign form or practice."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from services.booking.actions.times import Wanted
from services.booking.domain.appointment import Appointment, Deed, State
from tests.unit.booking.test_console_day import OWNER, Desk
from tests.unit.booking.test_console_day import desk as desk  # noqa: PLC0414  a fixture


def slots(page: str) -> list[str]:
    return re.findall(r'name="slot" value="([^"]+)"', page)


def path(visit: Appointment) -> str:
    return f"/console/visits/{visit.id}/move"


async def test_a_visit_is_moved_to_one_of_the_times_that_are_shown(desk: Desk) -> None:
    visit = await desk.house.book()
    assert f'href="/booking{path(visit)}"' in (await desk.see(f"/console/visits/{visit.id}"))[1]
    status, page = await desk.see(path(visit))
    slot = slots(page)[-1]

    moved, headers = await desk.do(path(visit), slot=slot)

    assert status == 200
    assert (moved, headers["Location"]) == (303, f"/booking/console/visits/{visit.id}")
    kept = desk.kept(visit)
    assert f"{kept.starts_at.isoformat()}/{kept.offer.practitioner}" == slot
    assert (kept.history[-1].deed, kept.history[-1].who) == (Deed.MOVED, "user:u1")
    assert kept.starts_at != visit.starts_at


async def test_a_week_is_shown_at_a_time_and_none_that_are_past(desk: Desk) -> None:
    visit = await desk.house.book()
    today = desk.house.time().date()
    page = (await desk.see(path(visit)))[1]
    later = (await desk.see(f"{path(visit)}?day={today + timedelta(days=7)}"))[1]

    assert max(slots(page)) < min(slots(later))
    assert "Week before" not in page
    assert "Week before" in later
    for wrong in ("?day=yesterday", "?day=0001-01-01", "?day=9999-12-31", "?day=2001-01-01", "?who=nobody"):
        assert slots((await desk.see(path(visit) + wrong))[1]) == slots(page)
    assert (await desk.see(f"{path(visit)}?day=2040-01-01"))[1].count("No time is free in these seven days.") == 1


async def test_a_time_that_was_taken_meanwhile_leads_back_to_those_that_are_free(desk: Desk) -> None:
    visit = await desk.house.book()
    page = (await desk.see(path(visit)))[1]
    taken = slots(page)[0]
    starts_at = next(
        start.starts_at
        for starts in (await desk.house.booking.times.free(
            "still-water", service=visit.offer.service, practitioner=None, first=None, days=7, zone=None
        )).days.values()
        for start in starts
        if taken == f"{start.starts_at.isoformat()}/{start.practitioner}"
    )  # fmt: skip
    practitioner = taken.partition("/")[2]
    await desk.house.book(
        Wanted(service=visit.offer.service, practitioner=practitioner, starts_at=starts_at), key="other"
    )

    assert (await desk.do(path(visit), slot=taken))[0] == 409
    assert desk.kept(visit).starts_at == visit.starts_at
    assert taken not in slots((await desk.see(path(visit)))[1])


async def test_what_is_no_time_changes_nothing(desk: Desk) -> None:
    visit = await desk.house.book()

    for wrong in ("", "tomorrow/ana", "2026-13-40T00:00:00Z/ana"):
        assert (await desk.do(path(visit), slot=wrong))[0] == 422
    assert desk.kept(visit) == visit


async def test_neither_a_foreign_form_nor_another_practice_moves_a_visit(desk: Desk) -> None:
    visit = await desk.house.book()
    slot = slots((await desk.see(path(visit)))[1])[0]
    stranger = replace(OWNER, practice="another")
    desk.house.practices.kept["another"] = desk.house.practices.kept["still-water"]

    assert (await desk.do(path(visit), csrf="", slot=slot))[0] == 403
    assert (await desk.do(path(visit), csrf=desk.passes.form("s2"), slot=slot))[0] == 403
    assert (await desk.see(path(visit), stranger))[0] == 404
    assert (await desk.do(path(visit), stranger, slot=slot))[0] == 404
    assert desk.kept(visit) == visit


async def test_a_cancelled_visit_is_not_moved_any_more(desk: Desk) -> None:
    visit = await desk.house.book()
    slot = slots((await desk.see(path(visit)))[1])[0]
    await desk.do(f"/console/visits/{visit.id}/cancel")

    page = (await desk.see(path(visit)))[1]
    assert "cannot be moved any more" in page
    assert slots(page) == []
    assert (await desk.do(path(visit), slot=slot))[0] == 409
    assert desk.kept(visit).state is State.CANCELLED
