"""Outside calendars: what they say is taken, how they are kept up with, and what happens when they cannot be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import ip_address

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.booking import calendar_reading
from services.booking.actions.calendars import Reading
from services.booking.calendar_reading import reading
from services.booking.domain import imported
from services.booking.domain.availability import Reason
from services.booking.domain.calendar import minute_of
from services.booking.domain.imported import Imported, Source, sources
from services.booking.domain.practice import Practice
from services.booking.domain.refusals import NoSuchPractice, OutsideHours
from services.booking.domain.spans import Spans
from services.booking.outward import Outward
from services.booking.ports import Kept
from tests.support.booking import HOUR, NOW, TEN, House, a_house, wants
from tests.support.booking_calendars import a_file

ADDRESS = "https://calendar.example/secret/ana.ics"
TENTH = a_file("DTSTART:20270302T090000Z|DURATION:PT1H")
EVERY = timedelta(minutes=10)
STALE_AFTER = timedelta(hours=6)


def naming(*addresses: str, who: str = "ana", practice: Practice | None = None) -> Practice:
    house = practice or a_house()
    people = (replace(one, calendars=addresses) if one.id == who else one for one in house.practitioners)
    return replace(house, practitioners=tuple(people))


def source_of(practice: Practice) -> Source:
    (source,) = sources(practice)
    return source


def hours_from(at: datetime, hours: int = 1) -> Spans:
    return ((minute_of(at), minute_of(at) + 60 * hours),)


def was_read(practice: Practice, taken: Spans, at: datetime = NOW) -> Imported:
    source = source_of(practice)
    begun = imported.begun(source, at)
    return imported.read(begun, taken, skipped=0, tag=None, until=imported.window(source, at)[1], at=at)


async def a_house_reading(taken: Spans, *, at: datetime = NOW) -> House:
    practice = naming(ADDRESS)
    house = House(practice)
    await house.calendars.put(was_read(practice, taken, at))
    return house


async def starts_on_the_day(house: House, practitioner: str | None = "ana") -> list[datetime]:
    free = await house.booking.times.free(
        "still-water", service="session", practitioner=practitioner, first=TEN.date(), days=1, zone=None
    )
    return [start.starts_at for starts in free.days.values() for start in starts]


# What is taken elsewhere


async def test_what_a_calendar_says_is_taken_is_not_offered_and_cannot_be_had() -> None:
    house = await a_house_reading(hours_from(TEN))
    listed = await starts_on_the_day(house)
    assert TEN - HOUR - timedelta(minutes=15) in listed  # the need after it fits too
    assert not any(TEN - HOUR - timedelta(minutes=15) < start < TEN + HOUR for start in listed)
    assert TEN + HOUR in listed
    with pytest.raises(OutsideHours):
        await house.hold()


async def test_why_somebody_is_away_is_told_to_the_practice_only() -> None:
    house = await a_house_reading(hours_from(TEN))
    reasons = await house.booking.times.explain("still-water", wants(practitioner=None))
    assert reasons == {"ana": (Reason.CALENDAR,), "ben": ()}


async def test_somebody_else_is_offered_meanwhile() -> None:
    house = await a_house_reading(hours_from(TEN))
    assert TEN in await starts_on_the_day(house, practitioner=None)
    assert (await house.hold(wants(practitioner=None))).offer.practitioner == "ben"


async def test_a_calendar_counts_no_visits_when_the_least_busy_is_chosen() -> None:
    house = await a_house_reading(hours_from(TEN + 5 * HOUR))
    assert (await house.hold(wants(practitioner=None))).offer.practitioner == "ana"


async def test_an_entry_of_many_days_is_found_from_inside() -> None:
    house = await a_house_reading(hours_from(TEN - timedelta(days=20), 24 * 40))
    assert await starts_on_the_day(house) == []


async def test_a_calendar_that_the_profile_no_longer_names_stops_counting_at_once() -> None:
    house = await a_house_reading(hours_from(TEN))
    house.practices.kept["still-water"] = Kept(a_house(), 2)
    assert TEN in await starts_on_the_day(house)


async def test_no_calendar_is_asked_about_when_there_is_none() -> None:
    house = House()
    house.calendars.kept = {}
    await starts_on_the_day(house)
    assert house.calendars.asked == 0


# How it goes


async def stale_of(house: House, practitioner: str | None) -> tuple[str, ...]:
    free = await house.booking.times.free(
        "still-water", service="session", practitioner=practitioner, first=None, days=1, zone=None
    )
    return free.stale


async def test_a_calendar_that_was_not_read_for_long_still_counts_and_is_told_to_be_stale() -> None:
    house = await a_house_reading(hours_from(TEN))
    house.time.pass_(STALE_AFTER)
    assert await stale_of(house, "ana") == ()
    house.time.pass_(timedelta(seconds=1))
    assert await stale_of(house, "ana") == await stale_of(house, None) == ("ana",)
    assert await stale_of(house, "ben") == ()
    assert TEN not in await starts_on_the_day(house)


async def test_a_calendar_that_was_never_read_is_told_to_be_stale() -> None:
    house = House(naming(ADDRESS))
    assert await stale_of(house, "ana") == ("ana",)
    (followed,) = await house.booking.calendars.followed("still-water")
    assert (followed.source.practitioner, followed.state, followed.stale) == ("ana", None, True)


async def test_of_an_unknown_practice_nothing_is_told() -> None:
    with pytest.raises(NoSuchPractice):
        await House().booking.calendars.followed("nowhere")
    assert await House().booking.calendars.followed("still-water") == []


def test_the_id_of_a_calendar_depends_on_whose_it_is_and_hides_the_address() -> None:
    ids = {
        source_of(practice).id
        for practice in (
            naming(ADDRESS),
            naming(ADDRESS, who="ben"),
            naming(ADDRESS + "?"),
            naming(ADDRESS, practice=a_house(zone="Europe/London")),
            naming(ADDRESS, practice=a_house(id="other")),
        )
    }
    assert len(ids) == 5
    assert not any("secret" in id_ for id_ in ids)


def test_what_was_read_reaches_a_week_beyond_what_can_be_booked() -> None:
    practice = naming(ADDRESS)
    source, state = source_of(practice), was_read(practice, ())
    assert source.horizon_days == 365
    assert imported.window(source, NOW) == (NOW - timedelta(days=1), NOW + timedelta(days=373))
    assert imported.is_far_enough(state, source, NOW + timedelta(days=7))
    assert not imported.is_far_enough(state, source, NOW + timedelta(days=7, seconds=1))
    assert not imported.is_far_enough(imported.begun(source, NOW), source, NOW)


# Keeping up


@dataclass(slots=True)
class Reader:
    """Reads what it is told to, and remembers what it was asked."""

    says: Spans = ()
    asked: list[str] = field(default_factory=list)

    async def __call__(self, source: Source, was: Imported, now: datetime) -> Imported:
        self.asked.append(source.practitioner)
        await asyncio.sleep(0)
        return imported.read(was, self.says, skipped=0, tag=None, until=now, at=now)


async def test_each_calendar_is_read_once_in_a_while_and_a_new_one_at_once() -> None:
    practice = naming(ADDRESS)
    house, reader = House(practice), Reader(hours_from(TEN))
    follow = house.booking.calendars.refresh
    await follow(reader, every=EVERY)
    assert TEN not in await starts_on_the_day(house)
    house.time.pass_(EVERY - timedelta(seconds=1))
    await follow(reader, every=EVERY)
    assert reader.asked == ["ana"]
    house.practices.kept["still-water"] = Kept(naming(ADDRESS, who="ben", practice=practice), 2)
    await follow(reader, every=EVERY)
    assert reader.asked == ["ana", "ben"]
    house.time.pass_(timedelta(seconds=1))
    await follow(reader, every=EVERY)
    assert reader.asked == ["ana", "ben", "ana"]


async def test_only_who_has_the_lease_reads() -> None:
    house, reader = House(naming(ADDRESS)), Reader()
    house.calendars.leads = False
    await house.booking.calendars.refresh(reader, every=EVERY)
    assert reader.asked == []


# Over the network


@dataclass(slots=True)
class Elsewhere:
    """The server of a calendar: answers with what it is told to."""

    file: bytes = TENTH
    status: int = 200
    tag: str | None = None
    moved_to: str | None = None
    waits: bool = False
    asked: list[str | None] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.headers.get("If-None-Match"))
        if self.waits:
            await asyncio.Event().wait()
        if self.moved_to is not None:
            return web.Response(status=302, headers={"Location": self.moved_to})
        if self.tag is not None and request.headers.get("If-None-Match") == self.tag:
            return web.Response(status=304)
        return web.Response(status=self.status, body=self.file, headers={"ETag": self.tag} if self.tag else {})


class Follower(House):
    def __init__(self, practice: Practice, read: Reading) -> None:
        super().__init__(practice)
        self.read = read


@asynccontextmanager
async def following(elsewhere: Elsewhere) -> AsyncIterator[Follower]:
    """A house with one calendar there."""
    app = web.Application()
    app.router.add_get("/ana.ics", elsewhere.answer)
    loopback = ip_address("127.0.0.1")
    async with (
        TestServer(app, host="127.0.0.1") as server,
        Outward.open(private=True, reaches=lambda address: address == loopback) as outward,
    ):
        yield Follower(naming(str(server.make_url("/ana.ics"))), reading(outward))


async def read_again(house: Follower) -> Imported:
    house.time.pass_(EVERY)
    await house.booking.calendars.refresh(house.read, every=EVERY)
    (followed,) = await house.booking.calendars.followed("still-water")
    assert followed.state is not None
    return followed.state


async def test_a_calendar_is_fetched_and_what_it_says_is_taken() -> None:
    async with following(Elsewhere()) as house:
        state = await read_again(house)
        assert (state.taken, state.read_at, state.trouble) == (hours_from(TEN), house.time(), None)
        assert TEN not in await starts_on_the_day(house)


async def trouble_of(elsewhere: Elsewhere) -> str | None:
    """What goes wrong after it went well; what was read then must still count, and come back into order."""
    well = Elsewhere()
    async with following(well) as house:
        read_at = (await read_again(house)).read_at
        for name in ("file", "status", "moved_to", "waits"):
            setattr(well, name, getattr(elsewhere, name))
        state = await read_again(house)
        since = house.time()
        assert (state.taken, state.read_at, state.failing_since) == (hours_from(TEN), read_at, since)
        assert (await read_again(house)).failing_since == since
        well.file, well.status, well.moved_to, well.waits = a_file(), 200, None, False
        assert (await read_again(house)).trouble is None
        assert TEN in await starts_on_the_day(house)
        return state.trouble


@pytest.mark.parametrize(
    ("elsewhere", "trouble"),
    [
        (Elsewhere(status=404), "status-404"),
        (Elsewhere(status=500), "status-500"),
        (Elsewhere(status=304), "status-304"),
        (Elsewhere(file=b"<html>please log in</html>"), "malformed-calendar"),
        (Elsewhere(file=b"x" * 20_000), "too-large"),
        (Elsewhere(moved_to="http://127.0.0.2/ana.ics"), "refused-address"),
        (Elsewhere(moved_to="ftp://127.0.0.1/ana.ics"), "insecure-address"),
        (Elsewhere(waits=True), "too-slow"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_trouble_has_a_name_and_what_was_read_before_counts_until_it_is_over(
    elsewhere: Elsewhere, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar_reading, "WITHIN", timedelta(milliseconds=150))
    monkeypatch.setattr(calendar_reading, "LARGEST", 10_000)
    assert await trouble_of(elsewhere) == trouble


async def test_a_server_that_is_gone_is_trouble_too() -> None:
    async with following(Elsewhere()) as house:
        pass
    house.time.pass_(EVERY)
    async with Outward.open(private=True) as outward:
        await house.booking.calendars.refresh(reading(outward), every=EVERY)
    (followed,) = await house.booking.calendars.followed("still-water")
    assert followed.state is not None
    assert (followed.state.trouble, followed.state.read_at) == ("unreachable", None)


async def test_an_unchanged_calendar_is_not_sent_again_until_it_must_reach_further() -> None:
    elsewhere = Elsewhere(tag='"one"')
    async with following(elsewhere) as house:
        first = await read_again(house)
        again = await read_again(house)
        assert (again.taken, again.read_until, again.read_at) == (first.taken, first.read_until, house.time())
        house.time.pass_(timedelta(days=8))
        assert (await read_again(house)).read_until != first.read_until
    assert elsewhere.asked == [None, '"one"', None]
