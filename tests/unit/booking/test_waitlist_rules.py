"""The rules of the waitlist: an offer always fits, can always be booked, and is open at a decent hour."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.booking.actions.times import Wanted
from services.booking.actions.waitlist import Wish
from services.booking.domain.freed import Freed, Seat, made
from services.booking.domain.offering import offer
from services.booking.domain.practice import Practice, WaitlistPolicy
from services.booking.domain.question import Start
from services.booking.domain.texting import Texting
from services.booking.domain.waitlist import Hours, Range, Waiting, WaitingId, fits, heard_at, over_at
from services.booking.inbox import subscriptions
from shared.errors import Refusal
from tests.support.booking import CLIENT, HOUR, MINUTE, NOW, TEN, House, a_client, a_house, a_person, wants

# Clocks that go forward and back at night, at midnight, by half an hour, and not at all.
ZONES = [
    "Europe/Zurich", "America/Santiago", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu",
    "Pacific/Kiritimati", "Pacific/Midway",
]  # fmt: skip
zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  bounds
walls = st.times().map(lambda at: time(at.hour, at.minute))
quiet = st.builds(Texting, quiet_from=walls, quiet_until=walls)
DAYS = [date(2027, 3, 1) + timedelta(days=n) for n in range(4)]
hours = st.builds(
    lambda weekday, starts, length: Hours(weekday=weekday, starts=starts, ends=min(starts + length, 1440)),
    st.integers(0, 3),
    st.integers(6 * 60, 20 * 60),
    st.integers(1, 600),
)
ranges = st.builds(
    lambda days, several: Range(first=min(days), last=max(days), hours=tuple(several)),
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=2),
    st.lists(hours, max_size=3),
)


def is_quiet(at: datetime, texting: Texting, zone: ZoneInfo) -> bool:
    """Minute by minute, as anybody would read it off a clock."""
    wall, begins, ends = at.astimezone(zone).time(), texting.quiet_from, texting.quiet_until
    if begins == ends:
        return False
    return wall >= begins and wall < ends if begins < ends else not ends <= wall < begins


@given(moments, quiet, zones)
def test_nobody_is_spoken_to_in_quiet_hours_and_nobody_waits_longer_than_they_last(
    now: datetime, texting: Texting, zone: ZoneInfo
) -> None:
    heard = heard_at(now, texting, zone)
    assert heard >= now
    if not is_quiet(now, texting, zone):
        assert heard == now
        return
    between = (now + n * MINUTE for n in range((heard - now) // MINUTE))
    awake = [at for at in between if not is_quiet(at, texting, zone)]
    # In the hour that the clocks go through twice, the first time they show the end of the quiet hours counts,
    # and when they jump over it, the moment of the jump.
    assert awake == [] or zone.utcoffset(now) != zone.utcoffset(heard) or heard.astimezone(zone).fold == 1
    assert heard.astimezone(zone).time() >= texting.quiet_until or zone.utcoffset(now) != zone.utcoffset(heard)
    assert heard - now < timedelta(hours=26)


def test_quiet_hours_that_end_in_the_hour_the_clocks_go_through_twice() -> None:
    zone, texting = ZoneInfo("Europe/Zurich"), Texting(quiet_from=time(22), quiet_until=time(2, 30))
    first_pass, second_pass = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert heard_at(first_pass - HOUR, texting, zone) == first_pass
    assert heard_at(first_pass, texting, zone) == first_pass
    assert heard_at(second_pass - 10 * MINUTE, texting, zone) == second_pass


def test_quiet_hours_whose_end_the_clocks_jump_over() -> None:
    zone, texting = ZoneInfo("Europe/Zurich"), Texting(quiet_from=time(22), quiet_until=time(2, 30))
    jump = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
    assert heard_at(jump - HOUR, texting, zone) == jump


def an_entry(zone: str) -> Waiting:
    client = replace(a_client(), zone=zone)
    last = datetime(2028, 1, 1, tzinfo=UTC)
    return Waiting(
        id=WaitingId("w" * 26), practice="still-water", service="session", practitioner=None, client=client,
        ranges=(Range(first=date(2026, 1, 1), last=date(2027, 12, 31)),), since=NOW, until=last, asked="asked",
    )  # fmt: skip


@given(
    moments,
    st.timedeltas(timedelta(), timedelta(days=3)),
    quiet,
    st.sampled_from(ZONES),
    st.integers(0, 2880),
    st.integers(5, 1440),
)
def test_an_offer_ends_before_the_notice_begins_and_gives_its_client_time_while_awake(
    now: datetime, ahead: timedelta, texting: Texting, zone: str, notice: int, minutes: int
) -> None:
    house = _house(texting, notice, minutes)
    starts_at, entry = now + ahead, an_entry(zone)
    terms = offer(house, house.service("session"), Start(0, "ana", "lake", "heron"))
    freed = Freed(event="e", practitioner="ana", starts_at=starts_at, ends_at=starts_at + HOUR)
    offered = made(entry, terms, starts_at, seat=Seat(freed=freed, round=1, name="text-0"), practice=house, now=now)
    heard = heard_at(now, texting, ZoneInfo(zone))
    latest = starts_at - notice * MINUTE
    if offered is None:
        assert latest <= heard
        return
    assert heard < offered.expires_at <= latest
    assert offered.expires_at in {heard + minutes * MINUTE, latest}
    assert offered.due_at == offered.expires_at


def _house(texting: Texting, notice: int, minutes: int) -> Practice:
    house = a_house(texting=texting, waitlist=WaitlistPolicy(offer_minutes=minutes))
    session = replace(house.service("session"), notice_minutes=notice)
    return replace(house, services=(session, *house.services[1:]))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(ranges, min_size=1, max_size=3),
    st.sampled_from(["session", "call", "long"]),
    st.sampled_from([None, "ana", "ben"]),
    st.integers(0, 3 * 24 * 4),
    st.booleans(),
)
def test_an_offer_fits_what_its_client_waits_for_and_can_be_booked(
    several: list[Range], service: str, practitioner: str | None, quarter: int, neighbour: bool
) -> None:
    asyncio.run(_fits_and_can_be_booked(tuple(several), service, practitioner, quarter, neighbour=neighbour))


async def _fits_and_can_be_booked(
    several: tuple[Range, ...], service: str, practitioner: str | None, quarter: int, *, neighbour: bool
) -> None:
    line = House(a_house(texting=Texting(quiet_from=time(0), quiet_until=time(0))))
    wish = Wish(service=service, practitioner=practitioner, ranges=several)
    await line.booking.waitlist.join("still-water", wish, a_person(), key="k", hand=CLIENT)
    at = TEN - 4 * HOUR + quarter * 15 * MINUTE
    try:
        held = await line.hold(wants(at))
    except Refusal:
        return  # nobody works then
    await line.booking.visits.request(held.id, a_person(name="Ola", phone="+41791239999"), hand=CLIENT)
    await line.booking.visits.cancel(held.id, hand=CLIENT)
    if neighbour:
        await line.hold(wants(at + 30 * MINUTE, service="call"), key="neighbour")
    cancelled = line.appointments.said[-1]
    await subscriptions(line.booking)[type(cancelled.data)](cancelled)
    could = [
        start
        for start in (at + n * 5 * MINUTE for n in range(12))
        if practitioner in {None, "ana"} and fits(several, start, ZoneInfo("Europe/Zurich"))
        if await _is_free(line, service, start)
    ]
    assert [one.starts_at for one in line.offers.kept.values()] == could[:1]


async def _is_free(line: House, service: str, at: datetime) -> bool:
    try:
        await line.booking.times.find("still-water", Wanted(service=service, practitioner="ana", starts_at=at))
    except Refusal:
        return False
    return True


@pytest.mark.parametrize(
    ("local", "does"),
    [
        ("2027-03-02T09:59", False),
        ("2027-03-02T10:00", True),
        ("2027-03-02T10:59", True),
        ("2027-03-02T11:00", False),
        ("2027-03-03T10:30", False),
        ("2027-03-09T10:30", False),
    ],
)
def test_dates_include_both_ends_and_hours_only_the_first(local: str, does: bool) -> None:
    zone = ZoneInfo("Europe/Zurich")
    wanted = Range(
        first=date(2027, 3, 2), last=date(2027, 3, 8), hours=(Hours(weekday=1, starts=10 * 60, ends=11 * 60),)
    )
    assert fits([wanted], datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(UTC), zone) is does


def test_an_entry_is_over_when_its_last_date_has_ended_at_every_place() -> None:
    house = a_house(zone="Asia/Tokyo")
    last = [Range(first=date(2027, 3, 2), last=date(2027, 3, 2))]
    assert over_at(last, house) == datetime(2027, 3, 2, 23, tzinfo=UTC)
