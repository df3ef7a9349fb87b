"""The next free times that fit a wish: when of the day, on which weekdays, however far ahead."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain.calendar import minute_of
from services.booking.domain.practice import Block, Practice
from services.booking.domain.question import Start
from services.booking.domain.refusals import NoSuchPractitioner, NoSuchService
from services.booking.domain.search import LONGEST_WINDOW_DAYS, Wish, windows
from tests.support.booking import HOUR, NOW, House, a_house, wants
from tests.support.booking_examples import local

ZURICH = ZoneInfo("Europe/Zurich")
ANYTIME = Wish()


async def soonest(house: House, wish: Wish = ANYTIME, **asked: Any) -> list[str]:
    """As wall times of the viewer's: "03-01 16:00 ana"."""
    wanted: dict[str, Any] = {"service": "long", "practitioner": None, "first": None, "most": 3, "zone": None}
    found = await house.booking.times.soonest("still-water", wish, **wanted | asked)
    return [f"{one.starts_at.astimezone(found.zone):%m-%d %H:%M} {one.practitioner}" for one in found.starts]


async def test_the_next_three_times_with_anyone_in_the_afternoon() -> None:
    house = House()
    assert await soonest(house, Wish(after=16 * 60)) == ["03-01 16:00 ana", "03-01 16:15 ana", "03-01 16:30 ana"]
    four = NOW.astimezone(ZURICH).replace(hour=16).astimezone(UTC)
    await house.hold(wants(four, service="long"))
    assert (await soonest(house, Wish(after=16 * 60)))[0] == "03-01 16:00 ben"


async def test_the_wish_is_half_open_and_on_the_viewer_s_wall() -> None:
    house = House()
    assert await soonest(house, Wish(after=20 * 60 + 30, before=20 * 60 + 31)) == [
        "03-01 20:30 ana",
        "03-02 20:30 ana",
        "03-03 20:30 ana",
    ]
    assert await soonest(house, Wish(after=20 * 60, before=20 * 60)) == []
    assert await soonest(house, Wish(after=16 * 60), zone="America/New_York", most=1) == []
    assert await soonest(house, Wish(before=60), zone="America/New_York", most=1) == ["03-01 00:00 ana"]


async def test_only_the_weekdays_wished_for_are_found_from_the_day_given_on() -> None:
    house = House()
    wish = Wish(before=6 * 60 + 15, weekdays=frozenset({1, 6}))
    assert await soonest(house, wish) == ["03-02 06:00 ana", "03-07 06:00 ana", "03-09 06:00 ana"]
    assert (await soonest(house, wish, first=date(2027, 3, 3)))[0] == "03-07 06:00 ana"
    assert (await soonest(house, wish, first=date(2020, 1, 1)))[0] == "03-02 06:00 ana"


def away_until(day: str, **changes: Any) -> Practice:
    house = a_house(**changes)
    block = Block(starts_at=NOW - HOUR, ends_at=local(f"{day} 00:00"))
    return replace(house, practitioners=tuple(replace(one, blocks=(block,)) for one in house.practitioners))


async def test_the_search_goes_on_until_the_horizon_and_no_further() -> None:
    """180 dates ahead of the first of March 2027 is the 28th of August."""
    assert await soonest(House(away_until("2027-08-28")), most=20) != []
    assert (await soonest(House(away_until("2027-08-28"))))[0] == "08-28 06:00 ana"
    assert await soonest(House(away_until("2027-08-29"))) == []
    assert await soonest(House(), first=date(2027, 8, 29)) == []


async def test_a_viewer_behind_the_practice_sees_the_last_day_too() -> None:
    late = House(away_until("2027-08-28"))
    behind, ahead = "Pacific/Pago_Pago", "Pacific/Kiritimati"
    assert len({len(await soonest(late, zone=zone, most=500)) for zone in (behind, ahead, None)}) == 1


async def test_it_is_the_list_cut_short() -> None:
    house = House()
    free = await house.booking.times.free(
        "still-water", service="call", practitioner=None, first=None, days=3, zone=None
    )
    listed = [start for starts in free.days.values() for start in starts]
    found = await house.booking.times.soonest(
        "still-water", ANYTIME, service="call", practitioner=None, first=None, most=100, zone=None
    )
    assert found.starts == listed[:100]


async def test_what_does_not_exist_is_named() -> None:
    with pytest.raises(NoSuchService):
        await soonest(House(), service="nothing")
    with pytest.raises(NoSuchPractitioner):
        await soonest(House(), practitioner="nobody")


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(-3, 800))
def test_windows_cover_each_date_once_and_in_order(first: date, number: int) -> None:
    last = first + timedelta(days=number)
    covered = [day + timedelta(days=ahead) for day, days in windows(first, last) for ahead in range(days)]
    assert covered == [first + timedelta(days=ahead) for ahead in range(number + 1)]
    assert all(0 < days <= LONGEST_WINDOW_DAYS for _, days in windows(first, last))
    assert len(list(windows(first, last))) <= 3 + max(0, number) // LONGEST_WINDOW_DAYS + 1


@given(st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)), st.integers(0, 1440), st.integers(0, 1440))  # noqa: DTZ001  made aware below
def test_a_wish_is_met_on_the_wall(at: datetime, after: int, before: int) -> None:
    wall = at.replace(second=0, microsecond=0, tzinfo=UTC).astimezone(ZURICH)
    start = Start(minute_of(wall), "ana", "lake", None)
    wish = Wish(after=after, before=before, weekdays=frozenset({wall.weekday(), (wall.weekday() + 1) % 7}))
    assert wish.is_met_by(start, ZURICH) == (after <= wall.hour * 60 + wall.minute < before)
    assert not replace(wish, weekdays=frozenset({(wall.weekday() + 2) % 7})).is_met_by(start, ZURICH)
