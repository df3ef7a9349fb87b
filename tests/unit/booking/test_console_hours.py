"""Hours and time off in the console: whose they are, what is typed, what is kept, and what no longer fits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.booking import console
from services.booking.actions.team import Team
from services.booking.console import hours_form, hours_shown
from services.booking.domain.editing import block_id
from services.booking.domain.practice import Block, DayException, Hours, Place, Practitioner, WeeklyHours
from shared import httpkit
from shared.httpkit import Door
from shared.staff import COOKIE, Passes, Role, Staff
from shared.tokens import Tokens
from tests.support.booking import House
from tests.support.booking_team import PlainPasswords

SIGNING, ORIGIN, HERE = "signing-" + "k" * 32, "http://still.example", "/booking/console/hours"
OWNER = Staff(user="u1", name="Olga", practice="still-water", role=Role.OWNER, session="s1")


class Desk:
    def __init__(self, house: House, http: TestClient) -> None:
        self.house, self.http, self.passes = house, http, Passes(SIGNING)

    async def see(self, path: str = "", staff: Staff = OWNER) -> tuple[int, str]:
        async with self.http.get(HERE + path, headers=self._shown(staff), allow_redirects=False) as answer:
            return answer.status, unescape(await answer.text())

    async def do(self, path: str, form: Mapping[str, str], staff: Staff = OWNER) -> tuple[int, str]:
        """With the version that stands and a form of this session, unless it is said otherwise."""
        sent = {"csrf": self.passes.form(staff.session), "version": str(self.version), **form}
        headers = self._shown(staff)
        async with self.http.post(HERE + path, data=sent, headers=headers, allow_redirects=False) as answer:
            return answer.status, unescape(await answer.text())

    @property
    def version(self) -> int:
        return self.house.practices.kept["still-water"].version

    @property
    def person(self) -> Practitioner:
        return self.house.practices.kept["still-water"].practice.practitioners[0]

    @property
    def who(self) -> str:
        return f"/{self.person.id}"

    @property
    def place(self) -> str:
        return self.house.practices.kept["still-water"].practice.places[0].id

    def move_in(self, **changes: Any) -> None:
        kept = self.house.practices.kept["still-water"]
        self.house.practices.kept["still-water"] = replace(kept, practice=replace(kept.practice, **changes))

    def _shown(self, staff: Staff) -> Mapping[str, str]:
        return {"Cookie": f"{COOKIE}={self.passes.mint(staff, self.house.time())}"}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    house = House()

    async def ready() -> Mapping[str, bool]:
        return {}

    team = Team(house.stores, PlainPasswords(), house.time)
    routes = console.routes(house.booking, team, Passes(SIGNING), origin=ORIGIN, now=house.time)
    app = httpkit.application("booking", routes, AsyncExitStack(), Door(Tokens(SIGNING), "o" * 32, ready, house.time))
    async with TestClient(TestServer(httpkit.mounted({"booking": app}))) as http:
        yield Desk(house, http)


def a_range(prefix: str, index: int, starts: str, ends: str) -> dict[str, str]:
    return {f"{prefix}.starts.{index}": starts, f"{prefix}.ends.{index}": ends}


async def test_the_week_that_is_typed_is_the_week_that_is_kept(desk: Desk) -> None:
    form = {
        **a_range("d0", 0, "13:00", "00:00"),
        **a_range("d0", 2, "08:30", "12:00"),
        **a_range("d6", 1, "10:00", "11:00"),
    }

    status, _ = await desk.do(f"{desk.who}/week", form)

    assert status == 303
    at = desk.place
    assert desk.person.hours == (
        WeeklyHours(place=at, starts=510, ends=720, weekday=0),
        WeeklyHours(place=at, starts=780, ends=1440, weekday=0),
        WeeklyHours(place=at, starts=600, ends=660, weekday=6),
    )
    _, page = await desk.see()
    assert "08:30–12:00" in page
    assert "13:00–24:00" in page
    _, spanish = await desk.see(staff=replace(OWNER, locale="es"))
    assert "Horario y tiempo libre" in spanish
    assert [entry.who for entry in desk.house.audit.kept.values()] == ["user:u1"]


@pytest.mark.parametrize(
    ("starts", "ends", "field"),
    [
        ("09:00", "", "d2.ends.0"),
        ("", "09:00", "d2.starts.0"),
        ("12:00", "11:00", "d2.ends.0"),
        ("12:00", "12:00", "d2.ends.0"),
        ("09:02", "11:00", "d2.starts.0"),
        ("24:00", "00:00", "d2.starts.0"),
        ("soon", "11:00", "d2.starts.0"),
        ("٠9:00", "11:00", "d2.starts.0"),
    ],
)
async def test_a_slip_is_told_beside_what_was_typed_and_nothing_is_kept(
    desk: Desk, starts: str, ends: str, field: str
) -> None:
    before = desk.person

    status, page = await desk.do(
        f"{desk.who}/week", {**a_range("d2", 0, starts, ends), **a_range("d4", 0, "07:35", "8:00")}
    )

    assert status == 422
    assert f'href="#{field}"' in page
    assert 'value="07:35"' in page
    assert desk.person == before


async def test_a_form_that_is_out_of_date_is_shown_again_and_then_kept(desk: Desk) -> None:
    form = a_range("d1", 0, "06:05", "07:10")
    before = desk.person

    for stale in ("", "99", "9" * 5000, "x"):
        status, page = await desk.do(f"{desk.who}/week", {**form, "version": stale})
        assert status == 409
        assert 'value="06:05"' in page
        assert "changed meanwhile" in page
        assert f'name="version" value="{desk.version}"' in page
    assert desk.person == before
    assert (await desk.do(f"{desk.who}/week", form))[0] == 303
    assert desk.person.hours != before.hours


async def test_a_date_is_closed_opened_and_let_be_as_every_week(desk: Desk) -> None:
    day = "2026-12-24"
    at = f"{desk.who}/days/{day}"

    assert (await desk.do(at, {"closed": "yes", "note": " The  eve "}))[0] == 303
    assert desk.person.exceptions == (DayException(day=date(2026, 12, 24), note="The eve"),)
    _, page = await desk.see(f"?day={day}")
    assert "only on this date" in page
    assert (await desk.do(at, a_range("d", 0, "10:00", "12:00")))[0] == 303
    assert desk.person.exceptions[0].hours == (Hours(place=desk.place, starts=600, ends=720),)
    _, page = await desk.see(at)
    assert 'value="10:00"' in page
    assert (await desk.do(f"{at}/remove", {}))[0] == 303
    assert desk.person.exceptions == ()
    assert (await desk.do(f"{at}/remove", {}))[0] == 404


async def test_a_date_without_hours_has_to_be_said_to_be_closed(desk: Desk) -> None:
    status, page = await desk.do(f"{desk.who}/days/2026-12-24", {"note": "x" * 201})

    assert status == 422
    assert 'href="#d.starts.0"' in page
    assert 'href="#note"' in page
    assert desk.person.exceptions == ()


@pytest.mark.parametrize("day", ["2026-02-30", "tomorrow", "1999-01-01", "9999-12-31", "٢026-01-01"])
async def test_what_is_no_date_is_not_there(desk: Desk, day: str) -> None:
    assert (await desk.see(f"{desk.who}/days/{day}"))[0] == 404
    assert (await desk.do(f"{desk.who}/days/{day}", {"closed": "yes"}))[0] == 404
    assert (await desk.see(f"?day={day}"))[0] == 200


async def test_hours_of_the_address_are_added_in_the_form_and_not_kept(desk: Desk) -> None:
    before = desk.person

    status, page = await desk.see(f"{desk.who}/days/2026-12-24?starts=20:00&ends=21:30")

    assert status == 200
    assert 'value="20:00"' in page
    assert 'value="21:30"' in page
    assert desk.person == before


@pytest.mark.parametrize(
    ("form", "starts", "ends"),
    [
        ({"from_day": "2099-12-24"}, "2099-12-24", "2099-12-25"),
        ({"from_day": "2099-12-24", "until_day": "2099-12-31"}, "2099-12-24", "2100-01-01"),
        (
            {"from_day": "2099-12-24", "from_time": "12:00", "until_time": "13:30"},
            "2099-12-24T12:00",
            "2099-12-24T13:30",
        ),
    ],
)
async def test_time_off_is_whole_days_or_from_a_time_to_a_time(
    desk: Desk, form: dict[str, str], starts: str, ends: str
) -> None:
    assert (await desk.do(f"{desk.who}/blocks", {**form, "note": "Away"}))[0] == 303

    block = Block(starts_at=datetime.fromisoformat(starts), ends_at=datetime.fromisoformat(ends), note="Away")
    assert desk.person.blocks == (block,)
    _, page = await desk.see("?day=2099-12-24")
    assert "Away" in page
    assert 'class="tag alert">off' in page
    assert (await desk.do(f"{desk.who}/blocks/{block_id(block)}/remove", {}))[0] == 303
    assert desk.person.blocks == ()
    assert (await desk.do(f"{desk.who}/blocks/{block_id(block)}/remove", {}))[0] == 404


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({}, "from_day"),
        ({"from_day": "2026-12-24", "until_day": "2026-12-23"}, "until_day"),
        ({"from_day": "2026-12-24", "from_time": "13:00", "until_time": "12:00"}, "until_day"),
        ({"from_day": "2026-12-24", "from_time": "noon"}, "from_time"),
        ({"from_day": "2026-12-24", "until_time": "noon"}, "until_time"),
        ({"from_day": "2026-12-24", "note": "x" * 201}, "note"),
    ],
)
async def test_time_off_that_makes_no_sense_is_told(desk: Desk, form: dict[str, str], field: str) -> None:
    status, page = await desk.do(f"{desk.who}/blocks", {"note": "Mine", **form})

    assert status == 422
    assert f'href="#{field}"' in page
    assert desk.person.blocks == ()


async def test_visits_that_no_longer_fit_are_listed_with_their_links(desk: Desk) -> None:
    visit = await desk.house.book()
    day = f"{visit.starts_at:%Y-%m-%d}"

    status, page = await desk.do(f"/{visit.offer.practitioner}/blocks", {"from_day": day})

    assert status == 200
    assert f'href="/booking/console/visits/{visit.id}"' in page
    assert "in time off" in page
    assert desk.house.appointments.kept[visit.id].state is visit.state


async def test_a_practitioner_changes_their_own_hours_and_nobody_elses(desk: Desk) -> None:
    first = desk.person
    other = replace(first, id="other-one", name="Somebody Else")
    desk.move_in(practitioners=(first, other))
    mine = replace(OWNER, role=Role.PRACTITIONER, practitioner=first.id)

    status, page = await desk.see(staff=mine)
    assert (status, "Somebody Else" in page) == (200, False)
    assert "Somebody Else" in (await desk.see())[1]
    assert (await desk.see("?who=other-one", mine))[0] == 403
    assert (await desk.see("/other-one/days/2026-12-24", mine))[0] == 403
    for path, form in (
        ("week", {}),
        ("days/2026-12-24", {"closed": "yes"}),
        ("days/2026-12-24/remove", {}),
        ("blocks", {"from_day": "2026-12-24"}),
        ("blocks/x/remove", {}),
    ):
        assert (await desk.do(f"/other-one/{path}", form, mine))[0] == 403
    assert desk.house.practices.kept["still-water"].practice.practitioners == (first, other)
    assert (await desk.do(f"/{first.id}/blocks", {"from_day": "2026-12-24"}, mine))[0] == 303
    nobody = replace(mine, practitioner=None)
    assert "You do not give visits" in (await desk.see(staff=nobody))[1]


@pytest.mark.parametrize("csrf", ["", "0" * 64])
async def test_a_form_of_nobody_changes_nothing(desk: Desk, csrf: str) -> None:
    before = desk.person
    for path, form in (("week", {}), ("days/2026-12-24", {"closed": "yes"}), ("blocks", {"from_day": "2026-12-24"})):
        assert (await desk.do(f"{desk.who}/{path}", {**form, "csrf": csrf}))[0] == 403
    assert desk.person == before


async def test_the_desk_reads_none_and_another_practices_person_is_not_there(desk: Desk) -> None:
    other = replace(desk.house.practice, id="elsewhere", practitioners=(replace(desk.person, id="theirs"),))
    desk.house.practices.kept[other.id] = replace(desk.house.practices.kept["still-water"], practice=other)

    assert (await desk.see(staff=replace(OWNER, role=Role.DESK)))[0] == 403
    assert (await desk.see("?who=theirs"))[0] == 404
    assert (await desk.do("/theirs/blocks", {"from_day": "2026-12-24"}))[0] == 404
    assert desk.house.practices.kept["elsewhere"].practice == other


async def test_nobody_is_at_two_places_at_once_and_each_place_is_asked_for(desk: Desk) -> None:
    here = desk.house.practice.places[0]
    there = Place(id="there", name="There", address="1 Way", zone="Asia/Tokyo")
    desk.move_in(places=(here, there))
    two = {**a_range("d3", 0, "09:00", "12:00"), "d3.place.0": here.id}

    status, page = await desk.do(
        f"{desk.who}/week", {**two, **a_range("d3", 1, "11:00", "13:00"), "d3.place.1": "there"}
    )
    assert status == 422
    assert "Nobody is at two places" in page
    assert "There keeps the time of Asia/Tokyo." in page
    status, page = await desk.do(f"{desk.who}/week", {**two, "d3.place.0": "nowhere"})
    assert (status, 'href="#d3.place.0"' in page) == (422, True)
    assert (await desk.do(f"{desk.who}/week", {**two, **a_range("d3", 1, "12:00", "13:00"), "d3.place.1": "there"}))[
        0
    ] == 303
    assert [one.place for one in desk.person.hours] == [here.id, "there"]


def test_a_day_with_many_ranges_keeps_them_all() -> None:
    hours = [Hours(place="a", starts=60 * one, ends=60 * one + 30) for one in range(6)]
    rows = hours_form.rows(hours)
    form = {f"d.{name}.{at}": getattr(row, name) for at, row in enumerate(rows) for name in ("starts", "ends")}

    assert len(rows) == 7
    assert hours_form.read(form, "d", ["a"]).hours == tuple(hours)


def test_time_off_as_instants_is_told_by_the_practices_clock(desk: Desk) -> None:
    practice = desk.house.practice
    noon = datetime.fromisoformat("2026-12-24T12:00:00+00:00")
    person = replace(desk.person, blocks=(Block(starts_at=noon, ends_at=noon + timedelta(hours=1)),))
    zoned = replace(practice, zone="Asia/Tokyo")

    (off,) = hours_shown.day_shown(zoned, person, date(2026, 12, 24), "en").off
    assert off.told == "21:00–22:00"
    assert hours_shown.time_off(zoned, person, noon + timedelta(hours=2), "en") == []
    assert "21:00–22:00" in hours_shown.time_off(zoned, person, noon, "en")[0].told
