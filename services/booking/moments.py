"""Dates and times as documents and requests must write them: spelled out, never a count of seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

# Far enough from the ends of the calendar that days and zones can be added without a thought.
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2200
WALL: Final = r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
OFFSET: Final = r"([Zz]|[+-]\d{2}:\d{2})"


def _moment(written: object) -> datetime:
    """Pydantic's own reading would take a run of digits for seconds since 1970."""
    if isinstance(written, datetime):
        return written
    if not isinstance(written, str) or not re.fullmatch(f"{WALL}{OFFSET}?", written):
        raise ValueError("not a date and time like 2026-12-24T12:00 or 2026-12-24T12:00:00+01:00")
    return datetime.fromisoformat(written.upper())


def _instant(written: object) -> datetime:
    moment = _moment(written)
    if moment.tzinfo is None:
        raise ValueError("has no offset from UTC")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"is not in the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment.astimezone(UTC)


_SPELLED = PlainSerializer(datetime.isoformat, return_type=str, when_used="json")

Moment = Annotated[
    datetime, PlainValidator(_moment), _SPELLED, WithJsonSchema({"type": "string", "pattern": f"^{WALL}{OFFSET}?$"})
]
"""With or without an offset."""

Instant = Annotated[
    datetime,
    PlainValidator(_instant),
    _SPELLED,
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{WALL}{OFFSET}$"}),
]
"""An exact moment, read into UTC."""
