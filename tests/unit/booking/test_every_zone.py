"""Offered = bookable in every IANA zone, on each of 366 days, for three kinds of hours.

Zones whose clocks agree all year are worked out once, and every zone is compared with the one that stands for it.
The list of a whole year is compared with the slow way of finding it; the check of one start with the list, on each
day around a change of clocks and one ordinary day, every five minutes.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

from services.booking.domain.availability import Question, explain, free_start, free_starts
from services.booking.domain.calendar import instant_of, stretches
from services.booking.domain.practice import Practice, wall_minutes
from tests.support.booking_examples import a_practice, a_practitioner, asking, weekly
from tests.support.booking_oracle import is_working, ranges_of

FIRST, DAYS = date(2026, 1, 1), 366
FROM, UNTIL = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC))
HOURS = ["09:00-17:00", "15:00-19:00", "00:00-24:00"]
QUARTER = timedelta(minutes=15)
Offsets = tuple[tuple[datetime, timedelta | None], ...]


@cache
def zones_alike() -> dict[Offsets, list[str]]:
    """Every zone, under the offsets of its year: each with the first quarter of an hour that has it."""
    alike: dict[Offsets, list[str]] = defaultdict(list)
    for name in sorted(available_timezones()):
        alike[offsets(ZoneInfo(name))].append(name)
    return alike


def offsets(zone: ZoneInfo) -> Offsets:
    changes = [(FROM - timedelta(days=1), offset_at(FROM - timedelta(days=1), zone))]
    for day in range(DAYS + 2):
        today = FROM + timedelta(days=day - 1)
        if offset_at(today + timedelta(days=1), zone) != changes[-1][1]:
            quarters = (today + QUARTER * number for number in range(97))
            change = next(quarter for quarter in quarters if offset_at(quarter, zone) != changes[-1][1])
            changes.append((change, offset_at(change, zone)))
    return tuple(changes)


def offset_at(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def a_year(zone: str, hours: str) -> Question:
    practice = a_practice(a_practitioner(hours=weekly(hours)), zone=zone)
    return asking(practice, FROM, UNTIL, practitioner="anna")


def expected_minutes(practice: Practice) -> list[int]:
    """Every quarter of an hour from which a full hour lies in the hours, looked at from the last to the first.

    Hours, offsets and steps all lie on quarters of an hour.
    """
    zone, at_work = ZoneInfo(practice.zone), ranges_of(practice.practitioners[0], "main")
    first, last = (int(at.timestamp()) // 60 for at in (FROM, UNTIL))
    found, worked = [], 0
    for minute in range(last + 45, first - 15, -15):
        worked = worked + 15 if is_working(at_work, zone, minute) else 0
        if worked >= 60 and minute < last:
            found.append(minute)
    return found[::-1]


def test_no_zone_changes_its_clocks_twice_within_three_days() -> None:
    """What `calendar.stretches` takes for granted."""
    for changes, names in zones_alike().items():
        times = [change for change, _ in changes[1:]]
        assert all(later - earlier > timedelta(days=3) for earlier, later in pairwise(times)), names


@pytest.mark.parametrize("hours", HOURS)
def test_every_zone_has_the_hours_of_the_zone_that_stands_for_it(hours: str) -> None:
    span = (wall_minutes(hours[:5]), wall_minutes(hours[6:]))
    days = [FIRST + timedelta(days=day) for day in range(DAYS)]
    for names in zones_alike().values():
        of_each = [[tuple(stretches(day, (span,), ZoneInfo(name))) for day in days] for name in names]
        assert all(one == of_each[0] for one in of_each), names


@pytest.mark.parametrize("hours", HOURS)
def test_a_year_offers_exactly_what_the_slow_way_finds(hours: str) -> None:
    for names in zones_alike().values():
        question = a_year(names[0], hours)
        assert [start.minute for start in free_starts(question)] == expected_minutes(question.practice), names[0]


@pytest.mark.parametrize("hours", HOURS)
def test_every_offered_start_is_accepted_and_every_other_refused(hours: str) -> None:
    for changes, names in zones_alike().items():
        question = a_year(names[0], hours)
        listed = {start.minute: start for start in free_starts(question)}
        around = [FROM + timedelta(days=150), *(change for change, _ in changes[1:] if FROM < change < UNTIL)]
        for middle in around:
            begin = int(middle.timestamp()) // 60 // 15 * 15 - 18 * 60
            for minute in range(begin, begin + 36 * 60, 5):
                if FROM <= instant_of(minute) < UNTIL:
                    assert free_start(question, instant_of(minute)) == listed.get(minute), (names[0], minute)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("hours", HOURS)
def test_every_quarter_of_the_year_is_accepted_if_it_is_offered_and_refused_if_not(hours: str) -> None:
    for names in zones_alike().values():
        question = a_year(names[0], hours)
        listed = {start.minute: start for start in free_starts(question)}
        for minute in range(int(FROM.timestamp()) // 60, int(UNTIL.timestamp()) // 60, 15):
            assert free_start(question, instant_of(minute)) == listed.get(minute), (names[0], minute)


def test_what_is_not_offered_can_be_explained_and_what_is_needs_no_reason() -> None:
    for changes, names in zones_alike().items():
        question = a_year(names[0], "00:00-24:00")
        for change, _ in changes[1:3]:
            for quarter in range(-12, 12):
                at = change + quarter * QUARTER
                assert (free_start(question, at) is None) == bool(explain(question, at)["anna"]), (names[0], at)
