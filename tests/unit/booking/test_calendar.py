"""Local ranges as real time, across every kind of clock change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain.calendar import (
    Wall,
    classify,
    day_start,
    first_instant,
    instant_of,
    instants,
    last_instant,
    local_date,
    minute_after,
    minute_of,
    stretches,
    utc_text,
)
from services.booking.domain.practice import wall_minutes, wall_text

WHOLE_DAY = (0, 1440)
MIDNIGHT_GAPS = [
    ("America/Santiago", "2026-09-06"),
    ("Africa/Cairo", "2026-04-24"),
    ("America/Havana", "2026-03-08"),
    ("Asia/Beirut", "2026-03-29"),
    ("Atlantic/Azores", "2026-03-29"),
]


def resolved(zone: str, day: str, *ranges: str) -> list[str]:
    """The stretches as UTC, joined where they touch: "07:00-15:00"."""
    spans = [(wall_minutes(one[:5]), wall_minutes(one[6:])) for one in ranges]
    joined: list[list[int]] = []
    for stretch in stretches(date.fromisoformat(day), tuple(spans), ZoneInfo(zone)):
        if joined and joined[-1][1] == stretch.starts:
            joined[-1][1] = stretch.ends
        else:
            joined.append([stretch.starts, stretch.ends])
    return ["-".join(f"{instant_of(end):%d %H:%M}" for end in ends) for ends in joined]


def real_minutes(zone: str, day: str, span: tuple[int, int] = WHOLE_DAY) -> int:
    return sum(one.ends - one.starts for one in stretches(date.fromisoformat(day), (span,), ZoneInfo(zone)))


def naive(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("Europe/Zurich", "2026-01-15", ["15 08:00-15 16:00"]),
        ("Europe/Zurich", "2026-07-15", ["15 07:00-15 15:00"]),
        ("Asia/Kathmandu", "2026-07-15", ["15 03:15-15 11:15"]),
        ("Pacific/Kiritimati", "2026-07-15", ["14 19:00-15 03:00"]),
        ("Pacific/Pago_Pago", "2026-07-15", ["15 20:00-16 04:00"]),
        ("Australia/Sydney", "2026-01-15", ["14 22:00-15 06:00"]),
    ],
)
def test_an_ordinary_range_is_the_zone_s_offset_away(zone: str, day: str, expected: list[str]) -> None:
    assert resolved(zone, day, "09:00-17:00") == expected


@pytest.mark.parametrize(
    ("wall", "zone", "expected"),
    [
        ("2026-03-29 01:59", "Europe/Zurich", Wall.NORMAL),
        ("2026-03-29 02:00", "Europe/Zurich", Wall.GAP),
        ("2026-03-29 02:59", "Europe/Zurich", Wall.GAP),
        ("2026-03-29 03:00", "Europe/Zurich", Wall.NORMAL),
        ("2026-10-25 02:00", "Europe/Zurich", Wall.FOLD),
        ("2026-10-25 03:00", "Europe/Zurich", Wall.NORMAL),
        ("2026-10-04 02:30", "Australia/Sydney", Wall.GAP),
        ("2026-04-05 02:30", "Australia/Sydney", Wall.FOLD),
        ("2026-04-05 01:29", "Australia/Lord_Howe", Wall.NORMAL),
        ("2026-04-05 01:30", "Australia/Lord_Howe", Wall.FOLD),
        ("2026-10-04 02:29", "Australia/Lord_Howe", Wall.GAP),
        ("2026-10-04 02:30", "Australia/Lord_Howe", Wall.NORMAL),
    ],
)
def test_a_wall_time_is_shown_once_never_or_twice(wall: str, zone: str, expected: Wall) -> None:
    assert classify(naive(wall), ZoneInfo(zone)) is expected
    assert len(instants(naive(wall), ZoneInfo(zone))) == [Wall.GAP, Wall.NORMAL, Wall.FOLD].index(expected)


def test_the_passes_of_a_fold_come_in_order() -> None:
    first, second = instants(naive("2026-10-25 02:30"), ZoneInfo("Europe/Zurich"))
    assert (first, second) == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    assert first_instant(naive("2026-10-25 02:30"), ZoneInfo("Europe/Zurich")) == first
    assert last_instant(naive("2026-10-25 02:30"), ZoneInfo("Europe/Zurich")) == second


def test_a_wall_time_in_a_gap_becomes_the_moment_of_the_change() -> None:
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert first_instant(naive("2026-03-29 02:40"), ZoneInfo("Europe/Zurich")) == change
    assert last_instant(naive("2026-03-29 02:40"), ZoneInfo("Europe/Zurich")) == change


@pytest.mark.parametrize(("zone", "day"), MIDNIGHT_GAPS)
def test_a_date_whose_midnight_is_skipped_begins_at_one(zone: str, day: str) -> None:
    start = day_start(date.fromisoformat(day), ZoneInfo(zone))
    assert f"{instant_of(start).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" == f"{day} 01:00"
    assert local_date(start - 1, ZoneInfo(zone)) == date.fromisoformat(day) - timedelta(days=1)
    assert real_minutes(zone, day) == 23 * 60
    assert real_minutes(zone, day, (9 * 60, 17 * 60)) == 8 * 60


@pytest.mark.parametrize(("zone", "day"), MIDNIGHT_GAPS)
def test_the_day_before_a_skipped_midnight_still_lasts_until_twenty_four(zone: str, day: str) -> None:
    before = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    assert real_minutes(zone, before) == 24 * 60
    assert real_minutes(zone, before, (23 * 60, 1440)) == 60


def test_a_skipped_date_has_no_time_at_all() -> None:
    assert real_minutes("Pacific/Apia", "2011-12-30") == 0
    assert day_start(date(2011, 12, 30), ZoneInfo("Pacific/Apia")) == day_start(
        date(2011, 12, 31), ZoneInfo("Pacific/Apia")
    )


@pytest.mark.parametrize(
    ("zone", "day", "minutes"),
    [
        ("Europe/Zurich", "2026-03-29", 23 * 60),
        ("Europe/Zurich", "2026-10-25", 25 * 60),
        ("Australia/Sydney", "2026-10-04", 23 * 60),
        ("Australia/Sydney", "2026-04-05", 25 * 60),
        ("Australia/Lord_Howe", "2026-10-04", 23 * 60 + 30),
        ("Australia/Lord_Howe", "2026-04-05", 24 * 60 + 30),
        ("Antarctica/Troll", "2026-03-29", 22 * 60),
        ("America/Havana", "2026-11-01", 25 * 60),
        ("Asia/Beirut", "2026-10-24", 25 * 60),
    ],
)
def test_a_day_with_a_change_is_as_long_as_it_really_is(zone: str, day: str, minutes: int) -> None:
    assert real_minutes(zone, day) == minutes


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        (["02:15-02:45"], []),
        (["02:30-04:00"], ["29 01:00-29 02:00"]),
        (["01:00-02:30"], ["29 00:00-29 01:00"]),
        (["01:30-03:30"], ["29 00:30-29 01:30"]),
    ],
)
def test_what_lies_in_a_gap_does_not_exist(ranges: list[str], expected: list[str]) -> None:
    assert resolved("Europe/Zurich", "2026-03-29", *ranges) == expected


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        (["02:15-02:45"], ["25 00:15-25 00:45"]),
        (["01:00-02:30"], ["24 23:00-25 00:30"]),
        (["02:30-04:00"], ["25 00:30-25 01:00", "25 02:00-25 03:00"]),
        (["02:00-03:00"], ["25 00:00-25 02:00"]),
        (["01:00-04:00"], ["24 23:00-25 03:00"]),
        (["01:00-02:30", "02:30-04:00"], ["24 23:00-25 03:00"]),
        (["01:00-02:00"], ["24 23:00-25 00:00"]),
        (["03:00-04:00"], ["25 02:00-25 03:00"]),
    ],
)
def test_a_fold_counts_twice_only_if_the_range_takes_it_in_whole(ranges: list[str], expected: list[str]) -> None:
    assert resolved("Europe/Zurich", "2026-10-25", *ranges) == expected


def test_overlapping_and_touching_ranges_are_one_in_any_order() -> None:
    expected = ["01 07:00-01 15:00"]
    assert resolved("Europe/Zurich", "2026-06-01", "12:00-17:00", "09:00-12:30") == expected
    assert resolved("Europe/Zurich", "2026-06-01", "09:00-12:00", "12:00-17:00", "10:00-11:00") == expected


def test_a_range_of_no_length_is_no_time() -> None:
    assert resolved("Europe/Zurich", "2026-06-01", "09:00-09:00") == []


def test_every_stretch_knows_the_date_and_the_beginning_of_its_range() -> None:
    first, second = stretches(date(2026, 10, 25), (WHOLE_DAY,), ZoneInfo("Europe/Zurich"))
    assert (first.day, second.day) == (date(2026, 10, 25), date(2026, 10, 25))
    assert (first.anchor, second.anchor) == (first.starts + first.offset, first.anchor)
    assert (first.offset, second.offset) == (120, 60)


def test_instants_round_to_whole_minutes_downward_and_upward() -> None:
    at = datetime(2026, 6, 1, 9, 0, 30, tzinfo=UTC)
    assert instant_of(minute_of(at)) == datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    assert instant_of(minute_after(at)) == datetime(2026, 6, 1, 9, 1, tzinfo=UTC)
    assert minute_after(instant_of(5)) == minute_of(instant_of(5)) == 5


@pytest.mark.parametrize("text", ["00:00", "09:30", "23:59", "24:00"])
def test_times_of_day_are_read_and_written_alike(text: str) -> None:
    assert wall_text(wall_minutes(text)) == text


@pytest.mark.parametrize("text", ["9:30", "24:01", "25:00", "12:60", "noon", ""])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a time of day"):
        wall_minutes(text)


@given(st.integers(minute_of(datetime(2000, 1, 1, tzinfo=UTC)), minute_of(datetime(2200, 12, 31, tzinfo=UTC))))
def test_an_instant_is_written_as_everybody_reads_it(minute: int) -> None:
    assert datetime.fromisoformat(utc_text(minute)) == instant_of(minute)
    assert utc_text(minute).endswith(":00Z")
