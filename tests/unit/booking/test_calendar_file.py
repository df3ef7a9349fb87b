"""What a calendar file says is taken, however it is written, and how a hostile one is ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.booking import calendar_file
from services.booking.calendar_file import TooMuch, Unreadable, read
from services.booking.domain.calendar import instant_of
from tests.support.booking_calendars import a_file

ZURICH = ZoneInfo("Europe/Zurich")
WINDOW = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
AT_TEN = "DTSTART;TZID=Europe/Zurich:20260601T100000|DTEND;TZID=Europe/Zurich:20260601T110000"
# Five hours ahead of UTC for ever.
OWN_ZONE = (
    "BEGIN:VTIMEZONE|TZID:Ours|BEGIN:STANDARD|DTSTART:19700101T000000|TZOFFSETFROM:+0500|TZOFFSETTO:+0500"
    "|END:STANDARD|END:VTIMEZONE"
)


def told(*entries: str, head: str = "", zone: ZoneInfo = ZURICH) -> list[str]:
    """As wall times of the zone: "06-01 10:00 to 06-01 11:00"."""
    spans = read(a_file(*entries, head=head), zone=zone, window=WINDOW).spans
    return [" to ".join(f"{instant_of(end).astimezone(zone):%m-%d %H:%M}" for end in span) for span in spans]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("DTSTART:20260601T080000Z|DTEND:20260601T090000Z", ["06-01 10:00 to 06-01 11:00"]),
        ("DTSTART:20260601T080000Z|DURATION:PT1H", ["06-01 10:00 to 06-01 11:00"]),
        ("DTSTART:20260601T080030Z|DTEND:20260601T090030Z", ["06-01 10:00 to 06-01 11:01"]),
        (AT_TEN, ["06-01 10:00 to 06-01 11:00"]),
        ("DTSTART:20260601T100000|DTEND:20260601T110000", ["06-01 10:00 to 06-01 11:00"]),
        (
            "DTSTART;TZID=America/New_York:20260601T100000|DTEND;TZID=America/New_York:20260601T110000",
            ["06-01 16:00 to 06-01 17:00"],
        ),
        (
            "DTSTART;TZID=Eastern Standard Time:20260601T100000|DTEND;TZID=Eastern Standard Time:20260601T110000",
            ["06-01 16:00 to 06-01 17:00"],
        ),
        (
            "DTSTART;TZID=Nowhere/Land:20260601T100000|DTEND;TZID=Nowhere/Land:20260601T110000",
            ["06-01 10:00 to 06-01 11:00"],
        ),
        ("DTSTART;VALUE=DATE:20260601", ["06-01 00:00 to 06-02 00:00"]),
        ("DTSTART;VALUE=DATE:20260601|DTEND;VALUE=DATE:20260604", ["06-01 00:00 to 06-04 00:00"]),
        ("DTSTART:20260601T220000|DTEND:20260603T060000", ["06-01 22:00 to 06-03 06:00"]),
        ("DTSTART;VALUE=DATE:20260329", ["03-29 00:00 to 03-30 00:00"]),
        ("DTSTART:20261025T023000|DTEND:20261025T024500", ["10-25 02:30 to 10-25 02:45"]),
        ("DTSTART:20260601T100000Z", []),
        (f"{AT_TEN}|TRANSP:TRANSPARENT", []),
        (f"{AT_TEN}|STATUS:CANCELLED", []),
        (f"{AT_TEN}|X-MICROSOFT-CDO-BUSYSTATUS:FREE", []),
        (f"{AT_TEN}|STATUS:TENTATIVE", ["06-01 10:00 to 06-01 11:00"]),
    ],
)
def test_an_entry_takes_the_time_it_says(entry: str, expected: list[str]) -> None:
    assert told(entry) == expected


def test_a_time_that_clocks_show_twice_is_taken_both_times() -> None:
    (span,) = read(a_file("DTSTART:20261025T023000|DTEND:20261025T024500"), zone=ZURICH, window=WINDOW).spans
    assert span[1] - span[0] == 75


def test_a_whole_day_is_as_long_as_the_practice_s_day() -> None:
    assert told("DTSTART;VALUE=DATE:20260906", zone=ZoneInfo("America/Santiago")) == ["09-06 01:00 to 09-07 00:00"]


def test_a_zone_of_the_file_s_own_is_used() -> None:
    ours = "DTSTART;TZID=Ours:20260601T100000|DTEND;TZID=Ours:20260601T110000"
    assert told(ours, head=OWN_ZONE) == ["06-01 07:00 to 06-01 08:00"]


WEEKLY = f"{AT_TEN}|RRULE:FREQ=WEEKLY;COUNT=4"


def test_a_repetition_keeps_its_wall_time_across_a_change_of_clocks() -> None:
    spans = told("DTSTART;TZID=Europe/Zurich:20261021T100000|DURATION:PT1H|RRULE:FREQ=WEEKLY;COUNT=2")
    assert spans == ["10-21 10:00 to 10-21 11:00", "10-28 10:00 to 10-28 11:00"]


def test_exceptions_to_a_repetition_are_left_out_or_moved() -> None:
    left_out = f"{WEEKLY}|EXDATE;TZID=Europe/Zurich:20260608T100000"
    moved = "DTSTART;TZID=Europe/Zurich:20260616T150000|DURATION:PT1H|RECURRENCE-ID;TZID=Europe/Zurich:20260615T100000"
    cancelled = (
        "DTSTART;TZID=Europe/Zurich:20260622T100000|DURATION:PT1H|STATUS:CANCELLED"
        "|RECURRENCE-ID;TZID=Europe/Zurich:20260622T100000"
    )
    file = a_file(left_out, moved, cancelled).replace(b"UID:1@", b"UID:0@").replace(b"UID:2@", b"UID:0@")
    spans = read(file, zone=ZURICH, window=WINDOW).spans
    assert [f"{instant_of(starts).astimezone(ZURICH):%m-%d %H:%M}" for starts, _ in spans] == [
        "06-01 10:00",
        "06-16 15:00",
    ]


def test_a_repetition_without_end_is_told_as_far_as_the_window() -> None:
    spans = read(a_file("DTSTART:20200101T100000Z|DURATION:PT1H|RRULE:FREQ=DAILY"), zone=ZURICH, window=WINDOW).spans
    assert len(spans) == (WINDOW[1] - WINDOW[0]).days
    assert spans[-1][1] <= WINDOW[1].timestamp() // 60


def test_what_overlaps_is_one_and_what_reaches_into_the_window_is_cut() -> None:
    assert told(AT_TEN, "DTSTART:20260601T083000Z|DURATION:PT1H") == ["06-01 10:00 to 06-01 11:30"]
    assert told("DTSTART:20260227T000000Z|DTEND:20260302T000000Z") == ["03-01 01:00 to 03-02 01:00"]


def test_what_one_entry_gets_wrong_does_not_hide_the_others() -> None:
    wrong = ["DTSTART:soon|DURATION:PT1H", "DURATION:PT1H", f"{AT_TEN}|RRULE:FREQ=OFTEN"]
    right = "DTSTART:20260602T080000Z|DURATION:PT1H"
    found = read(a_file(*wrong, right), zone=ZURICH, window=WINDOW)
    assert (len(found.spans), found.skipped) == (1, 3)


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"<html></html>",
        b"\xff\xfe\x00",
        a_file(AT_TEN)[:-20],
        b"BEGIN:VEVENT\r\nEND:VEVENT\r\n",
        b"BEGIN:VEVENT\r\nEND:VCALENDAR\r\n",
    ],
)
def test_what_is_no_calendar_is_refused(file: bytes) -> None:
    with pytest.raises(Unreadable):
        read(file, zone=ZURICH, window=WINDOW)


def test_a_file_of_no_entries_takes_nothing() -> None:
    assert told() == []


async def in_its_own_process(file: bytes, window: Sequence[datetime] = WINDOW) -> calendar_file.Taken:
    return await calendar_file.taken(file, zone=ZURICH, window=(window[0], window[1]))


async def test_another_process_reads_the_same() -> None:
    assert await in_its_own_process(a_file(WEEKLY)) == read(a_file(WEEKLY), zone=ZURICH, window=WINDOW)
    with pytest.raises(Unreadable):
        await in_its_own_process(b"nothing")


@pytest.mark.parametrize(
    "hostile",
    [
        a_file("DTSTART:20260601T000000Z|DURATION:PT1S|RRULE:FREQ=SECONDLY"),
        a_file("DTSTART:20200101T000000Z|DURATION:PT1M|RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30"),
    ],
    ids=["more repetitions than anybody counts", "repetitions that never come"],
)
async def test_a_file_that_asks_for_too_much_is_ended(hostile: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendar_file, "PATIENCE_SECONDS", 2.0)
    with pytest.raises(TooMuch):
        await in_its_own_process(hostile)


def test_more_entries_than_anybody_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendar_file, "MOST_ENTRIES", 3)
    assert len(told(WEEKLY.replace("COUNT=4", "COUNT=3"))) == 3
    with pytest.raises(TooMuch):
        told(WEEKLY)
