"""Reading one outside calendar: fetched from its address, worked out, and what became of that."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.booking import calendar_file
from services.booking.actions.calendars import Reading
from services.booking.calendar_file import TooMuch, Unreadable
from services.booking.domain import imported
from services.booking.domain.imported import Imported, Source
from services.booking.outward import Answered, NotReached, Outward

LARGEST: Final = 4 * 1024 * 1024
WITHIN: Final = timedelta(seconds=20)
LONGEST_TAG: Final = 200
ASKED_FOR: Final = "text/calendar, text/plain;q=0.5, */*;q=0.1"


def reading(outward: Outward) -> Reading:
    async def read(source: Source, was: Imported, now: datetime) -> Imported:
        asks = {"Accept": ASKED_FOR}
        if was.tag is not None and imported.is_far_enough(was, source, now):
            asks["If-None-Match"] = was.tag
        try:
            answered = await outward.get(source.address, asks, within=WITHIN, most=LARGEST)
        except NotReached as error:
            return imported.failed(was, error.failure.value, now)
        if answered.status == 304 and "If-None-Match" in asks:
            return imported.unchanged(was, now)
        return await _worked_out(answered, source, was, now)

    return read


async def _worked_out(answered: Answered, source: Source, was: Imported, now: datetime) -> Imported:
    if answered.status != 200:
        return imported.failed(was, f"status-{answered.status}", now)
    if not answered.whole:
        return imported.failed(was, "too-large", now)
    window = imported.window(source, now)
    try:
        found = await calendar_file.taken(answered.body, zone=ZoneInfo(source.zone), window=window)
    except Unreadable:
        return imported.failed(was, "malformed-calendar", now)
    except TooMuch:
        return imported.failed(was, "too-much", now)
    tag = answered.headers.get("ETag", "")
    kept = tag if 0 < len(tag) <= LONGEST_TAG and tag.isascii() and tag.isprintable() else None
    return imported.read(was, tuple(found.spans), skipped=found.skipped, tag=kept, until=window[1], at=now)
