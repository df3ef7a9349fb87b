"""Reads a calendar file that a stranger wrote: the time in it that is taken, by a process of limited means.

A few lines of a file may ask for more repetitions than anybody has time for, and nothing can stop a thread that
works them out. So a process of its own does, which the system ends when it takes too long or too much.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import recurring_ical_events  # type: ignore[import-untyped]  # no types
from icalendar import Calendar, Component

from services.booking.domain.calendar import day_start, first_instant, instant_of, last_instant, minute_after, minute_of
from services.booking.domain.spans import Span, clipped, merged

MOST_ENTRIES: Final = 20_000
MOST_CPU_SECONDS: Final = 10
MOST_MEMORY: Final = 512 * 1024 * 1024
PATIENCE_SECONDS: Final = 30.0
UNREADABLE: Final = 65  # as in sysexits.h: the data are at fault
WIDE: Final = timedelta(days=2)
"""Times on a wall may lie so far from the same figures in UTC, twice over."""
FREE: Final = frozenset({"TRANSPARENT", "CANCELLED", "FREE"})
MARKS: Final = ("TRANSP", "STATUS", "X-MICROSOFT-CDO-BUSYSTATUS")


class Unreadable(Exception):
    """This is no calendar."""


class TooMuch(Exception):
    """The file asks for more than is worked out."""


@dataclass(frozen=True, slots=True)
class Taken:
    """`skipped` entries could not be understood."""

    spans: list[Span]
    skipped: int


async def taken(file: bytes, *, zone: ZoneInfo, window: tuple[datetime, datetime]) -> Taken:
    """As `read`, in a process of its own. Raises `Unreadable` or `TooMuch`."""
    ends = [str(minute_of(end)) for end in window]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.booking.calendar_file", zone.key, *ends),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        env={},  # it needs none of our secrets
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            told, _ = await process.communicate(file)
    except TimeoutError as error:
        raise TooMuch("takes too long") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode == UNREADABLE:
        raise Unreadable("is no calendar")
    if process.returncode != 0:
        raise TooMuch("takes too much")
    answer = json.loads(told)
    return Taken([(starts, ends) for starts, ends in answer["spans"]], answer["skipped"])


def read(file: bytes, *, zone: ZoneInfo, window: tuple[datetime, datetime]) -> Taken:
    """What is taken in the window, with every repetition; times on the wall are of `zone`.

    So are those of a zone that nobody knows: rather an hour too many is taken than none. Raises `Unreadable` or
    `TooMuch`.
    """
    if not file.rstrip().upper().endswith(b"END:VCALENDAR"):
        raise Unreadable("has no end")
    try:
        calendars = Calendar.from_ical(file, multiple=True)
    except (ValueError, IndexError, KeyError) as error:
        raise Unreadable("cannot be parsed") from error
    if not calendars or any(calendar.name != "VCALENDAR" for calendar in calendars):
        raise Unreadable("holds no calendar")
    spans: list[Span] = []
    skipped = 0
    for calendar in calendars:
        broken = [entry for entry in calendar.walk("VEVENT") if _is_broken(entry)]
        calendar.subcomponents = [entry for entry in calendar.subcomponents if entry not in broken]
        skipped += len(broken)
        for entry in _repeated(calendar, window):
            span = _span(entry, zone)
            if span is not None:
                spans.append(span)
            if len(spans) > MOST_ENTRIES:
                raise TooMuch("has too many entries")
    first, last = (minute_of(end) for end in window)
    return Taken(clipped(merged(spans), first, last), skipped)


def _is_broken(entry: Component) -> bool:
    needed = {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"}
    return "DTSTART" not in entry or any(name in needed for name, _ in entry.errors)


def _repeated(calendar: Component, window: tuple[datetime, datetime]) -> list[Component]:
    try:
        query = recurring_ical_events.of(calendar, skip_bad_series=True)
        return list(query.between(window[0] - WIDE, window[1] + WIDE))
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError) as error:
        raise Unreadable("repeats in a way nobody understands") from error


def _span(entry: Any, zone: ZoneInfo) -> Span | None:
    """Whole days, times on the wall and instants alike; None of what takes no time."""
    if any(str(entry.get(mark, "")).upper() in FREE for mark in MARKS):
        return None
    starts, ends = entry.start, entry.end
    return _first(starts, zone), _last(ends, zone)


def _first(at: date, zone: ZoneInfo) -> int:
    if not isinstance(at, datetime):
        return day_start(at, zone)
    return minute_of(at if at.tzinfo is not None else first_instant(at, zone))


def _last(at: date, zone: ZoneInfo) -> int:
    if not isinstance(at, datetime):
        return day_start(at, zone)
    return minute_after(at if at.tzinfo is not None else last_instant(at, zone))


def main() -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_SECONDS, MOST_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    zone, first, last = sys.argv[1:]
    window = (instant_of(int(first)), instant_of(int(last)))
    try:
        found = read(sys.stdin.buffer.read(), zone=ZoneInfo(zone), window=window)
    except Unreadable:
        return UNREADABLE
    except TooMuch:
        return 1
    sys.stdout.write(json.dumps({"spans": found.spans, "skipped": found.skipped}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
