"""Changing a practice part by part: what stays, what is told, and what a killed process leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from services.booking.actions.profiles import ChangedMeanwhile, Edited, Profiles
from services.booking.domain import editing
from services.booking.domain.appointment import Change
from services.booking.domain.outside import Why
from services.booking.domain.practice import DayException, Practice, Room
from services.booking.domain.practice_check import InvalidPractice
from services.booking.domain.refusals import NoSuchPractice
from tests.support.booking import HOUR, MINUTE, STAFF, TEN, House, a_house, wants
from tests.support.notify import Killed, Life, Mortal

AT_THE_DESK = replace(STAFF, where="192.0.2.7")
Change_ = Callable[[Practice], Practice]


def named(name: str) -> Change_:
    return lambda practice: replace(practice, name=name)


def with_room(id_: str) -> Change_:
    return lambda practice: editing.with_part(practice, Room(id=id_, place="lake"))


async def edit(house: House, change: Change_, version: int | None = None) -> Edited:
    return await house.booking.profiles.edit("still-water", change, hand=AT_THE_DESK, version=version)


async def test_a_change_is_kept_said_and_signed() -> None:
    house = House()
    edited = await edit(house, named("Deep Water"))
    assert (edited.kept.version, edited.outside) == (2, ())
    kept = await house.booking.profiles.get("still-water")
    assert kept.practice == a_house(name="Deep Water")
    assert [(said.sequence, said.data.display_name) for said in house.practices.said] == [(2, "Deep Water")]
    (entry,) = await house.booking.auditing.of_practice("still-water", before=None, limit=10)
    assert (entry.subject, entry.deed, entry.who, entry.where, entry.at) == (
        "practice",
        "changed",
        "operator",
        "192.0.2.7",
        house.time(),
    )
    assert entry.changes == (Change(field="name", old='"Still Water"', new='"Deep Water"'),)


def followed(*calendars: str) -> Change_:
    return lambda practice: editing.with_part(practice, replace(practice.practitioner("ana"), calendars=calendars))


async def test_the_audit_tells_that_a_calendar_changed_and_not_how_to_read_it() -> None:
    house = House()
    for calendars in (("https://cal.example/one-secret.ics",), ("https://cal.example/another.ics",), ()):
        await edit(house, followed(*calendars))
    last, between, first = await house.booking.auditing.of_practice("still-water", before=None, limit=10)

    assert {change.field for entry in (first, between, last) for change in entry.changes} == {
        "practitioners[ana].calendars"
    }
    told = [(change.old, change.new) for entry in (first, between, last) for change in entry.changes]
    assert told[0][1] == told[1][0] != told[1][1] == told[2][0]
    assert "cal.example" in repr(told)
    assert "secret" not in repr(told) + repr(house.audit.kept)
    assert "another.ics" not in repr(told)


async def test_what_is_wrong_afterwards_is_refused_and_nothing_is_kept_or_told() -> None:
    house = House()
    with pytest.raises(InvalidPractice, match=r"rooms\[2\]\.place: 'moon' does not exist"):
        await edit(house, lambda practice: editing.with_part(practice, Room(id="egret", place="moon")))
    assert (await house.booking.profiles.get("still-water")).version == 1
    assert house.practices.said == []
    assert house.audit.kept == {}
    with pytest.raises(NoSuchPractice):
        await house.booking.profiles.edit("nowhere", named("x"), hand=STAFF)


async def test_what_changes_nothing_says_nothing() -> None:
    house = House()
    assert (await edit(house, named("Still Water"))).kept.version == 1
    assert (await house.booking.profiles.put(a_house(), hand=STAFF)).kept.version == 1
    assert house.practices.said == []
    assert house.audit.kept == {}


async def test_changes_at_the_same_moment_all_stay() -> None:
    house = House()
    ids = [f"room-{number}" for number in range(6)]
    edited = await asyncio.gather(*(edit(house, with_room(one)) for one in ids))
    assert sorted(one.kept.version for one in edited) == [2, 3, 4, 5, 6, 7]
    kept = await house.booking.profiles.get("still-water")
    assert {room.id for room in kept.practice.rooms} == {"heron", "kingfisher", *ids}
    entries = await house.booking.auditing.of_practice("still-water", before=None, limit=10)
    assert [one.id for one in entries] == [f"practice-{version:08d}" for version in (7, 6, 5, 4, 3, 2)]
    assert {one.changes[0].field for one in entries} == {f"rooms[{one}]" for one in ids}


async def test_who_relies_on_a_version_that_has_gone_is_told() -> None:
    house = House()
    edits = (edit(house, with_room(f"room-{number}"), version=1) for number in range(4))
    told = await asyncio.gather(*edits, return_exceptions=True)
    assert sorted(type(one).__name__ for one in told) == ["ChangedMeanwhile"] * 3 + ["Edited"]
    with pytest.raises(ChangedMeanwhile):
        await house.booking.profiles.put(a_house(name="Mine"), hand=STAFF, version=1)
    with pytest.raises(ChangedMeanwhile):
        await house.booking.profiles.put(a_house(id="new-water"), hand=STAFF, version=1)
    assert (await house.booking.profiles.put(a_house(name="Mine"), hand=STAFF, version=2)).kept.version == 3


async def test_a_new_practice_is_begun_and_its_audit_says_so() -> None:
    house = House()
    begun = await house.booking.profiles.put(a_house(id="new-water"), hand=STAFF, version=0)
    assert begun.kept.version == 1
    (entry,) = await house.booking.auditing.of_practice("new-water", before=None, limit=10)
    assert (entry.deed, entry.changes) == ("begun", ())


async def test_visits_that_fall_outside_are_told_and_stand_where_they_are() -> None:
    house = House()
    past = await house.book(wants(TEN - 3 * HOUR), key="past")
    visit = await house.book(wants(TEN), key="booked")
    house.time.pass_(timedelta(days=1, hours=4))
    await house.hold(wants(TEN + 2 * HOUR), key="only held")
    await house.book(wants(TEN, practitioner="ben"), key="bens")

    closed = DayException(day=TEN.date())
    edited = await edit(house, lambda practice: editing.with_exception(practice, "ana", closed))

    assert [(one.appointment.id, one.reasons) for one in edited.outside] == [(visit.id, (Why.EXCEPTION,))]
    assert house.appointments.kept[visit.id] == visit
    assert house.appointments.kept[past.id] == past
    again = await edit(house, lambda practice: editing.without_exception(practice, "ana", closed.day))
    assert again.outside == ()


async def test_the_audit_is_told_page_by_page_and_of_its_practice_only() -> None:
    house = House()
    await house.booking.profiles.put(a_house(id="new-water"), hand=STAFF)
    for number in range(5):
        house.time.pass_(MINUTE)
        await edit(house, named(f"Water {number}"))
    pages: list[str] = []
    before = None
    while page := await house.booking.auditing.of_practice("still-water", before=before, limit=2):
        pages += [one.changes[0].new or "" for one in page]
        before = page[-1].id
    assert pages == [f'"Water {number}"' for number in (4, 3, 2, 1, 0)]


async def test_a_change_is_in_the_audit_before_anybody_asks_for_it() -> None:
    house = House()
    await edit(house, named("Deep Water"))
    assert [one.id for one in house.audit.kept.values()] == ["practice-00000002"]


@pytest.mark.parametrize("listed_in_between", [True, False])
@pytest.mark.parametrize("dies_at", range(14))
async def test_a_kill_anywhere_loses_no_change_from_the_audit_and_none_is_there_twice(
    dies_at: int, listed_in_between: bool
) -> None:
    """Two changes by one process that dies at some call; then another process changes once more."""
    house = House()
    life = Life(dies_at)
    mortal = Profiles(Mortal(house.practices, life), house.appointments, Mortal(house.audit, life), house.time)  # type: ignore[arg-type]  # stand for them
    names = ["First", "Second"]
    with suppress(Killed):
        for name in names:
            await mortal.edit("still-water", named(name), hand=STAFF)

    kept = house.practices.kept["still-water"]
    if listed_in_between:
        assert await audited(house) == names[: kept.version - 1]
    await edit(house, named("Last"))
    assert await audited(house) == [*names[: kept.version - 1], "Last"]


async def audited(house: House) -> list[str]:
    """The names that the practice was given, as its audit tells them, oldest first."""
    entries = await house.booking.auditing.of_practice("still-water", before=None, limit=100)
    return [(change.new or "").strip('"') for entry in reversed(entries) for change in entry.changes]
