"""The forms of working hours and time off: what was typed, read into ranges, or what is wrong field by field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from services.booking.domain.practice import DAY_MINUTES, RASTER_MINUTES, Block, Hours, WeeklyHours, wall_text
from services.booking.moments import FIRST_YEAR, LAST_YEAR

RANGES: Final = 4
"""So many are offered for a day; a day that has more keeps them."""
MOST: Final = 24
LONGEST_NOTE: Final = 200
CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00", re.ASCII)
Wrong = Mapping[str, str]
"""What is wrong, as a key of the words, by the id of its field and in the order of the page."""


@dataclass(frozen=True, slots=True)
class Row:
    """One range as it stands in a form."""

    place: str = ""
    starts: str = ""
    ends: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    hours: tuple[Hours, ...]
    wrong: Wrong


def rows(hours: Iterable[Hours]) -> Sequence[Row]:
    """With empty ones after them; a range of no length means nothing and is left out."""
    told = [
        Row(one.place, wall_text(one.starts), _end_text(one.ends)) for one in _sorted(hours) if one.starts < one.ends
    ]
    return [*told, *[Row()] * max(1 if len(told) >= RANGES else 0, RANGES - len(told))]


def typed(form: Mapping[str, str], prefix: str) -> Sequence[Row]:
    """What was sent, to be shown again as it was."""
    return [
        Row(*(form.get(f"{prefix}.{name}.{index}", "") for name in ("place", "starts", "ends")))
        for index in range(MOST)
        if index < RANGES or f"{prefix}.starts.{index}" in form
    ]


def read(form: Mapping[str, str], prefix: str, places: Sequence[str]) -> Read:
    """The ranges of one day. One place needs not be named; an end at midnight is that of the same day."""
    hours: list[Hours] = []
    wrong: dict[str, str] = {}
    for index, row in enumerate(typed(form, prefix)):
        if not row.starts and not row.ends:
            continue
        place = row.place if len(places) > 1 else places[0] if places else ""
        found = list(_slips(row, place, places))
        wrong |= {f"{prefix}.{field}.{index}": f"wrong:hours:{what}" for field, what in found}
        if not found:
            hours.append(Hours(place=place, starts=_minutes(row.starts) or 0, ends=_end(row.ends) or 0))
    if not wrong and _is_at_two_places(hours):
        wrong[f"{prefix}.starts.0"] = "wrong:hours:apart"
    return Read(tuple(_sorted(hours)), wrong)


def read_week(form: Mapping[str, str], places: Sequence[str]) -> tuple[tuple[WeeklyHours, ...], Wrong]:
    hours: list[WeeklyHours] = []
    wrong: dict[str, str] = {}
    for weekday in range(7):
        day = read(form, f"d{weekday}", places)
        wrong |= day.wrong
        hours += [WeeklyHours(place=one.place, starts=one.starts, ends=one.ends, weekday=weekday) for one in day.hours]
    return tuple(hours), wrong


def read_block(form: Mapping[str, str]) -> tuple[Block | None, Wrong]:
    """Without times whole days; wall times of the practice."""
    first, last = a_day(form.get("from_day", "")), a_day(form.get("until_day") or form.get("from_day", ""))
    starts = _minutes(form.get("from_time") or "00:00")
    ends = _end(form.get("until_time") or "24:00")
    note = " ".join(form.get("note", "").split())
    is_wrong = {
        "from_day": (first is None, "day"),
        "from_time": (starts is None, "time"),
        "until_day": (last is None, "day"),
        "until_time": (ends is None, "time"),
        "note": (len(note) > LONGEST_NOTE or not note.isprintable(), "note"),
    }
    wrong = {field: f"wrong:hours:{what}" for field, (is_so, what) in is_wrong.items() if is_so}
    if wrong or first is None or last is None or starts is None or ends is None:
        return None, wrong
    block = Block(starts_at=_at(first, starts), ends_at=_at(last, ends), note=note)
    if block.ends_at <= block.starts_at:
        return None, {"until_day": "wrong:hours:before"}
    return block, {}


def a_day(text: str) -> date | None:
    """Written like 2026-12-24 and within the years that are kept."""
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None
    return day if day is not None and FIRST_YEAR <= day.year < LAST_YEAR else None


def _slips(row: Row, place: str, places: Sequence[str]) -> Iterator[tuple[str, str]]:
    starts, ends = _minutes(row.starts), _end(row.ends)
    if place not in places:
        yield "place", "place"
    if starts is None or starts % RASTER_MINUTES or starts >= DAY_MINUTES:
        yield "starts", "time"
    if ends is None or ends % RASTER_MINUTES:
        yield "ends", "time"
    elif starts is not None and ends <= starts:
        yield "ends", "before"


def _is_at_two_places(hours: Sequence[Hours]) -> bool:
    return any(
        one.place != other.place and one.starts < other.ends and other.starts < one.ends
        for index, one in enumerate(hours)
        for other in hours[index + 1 :]
    )


def _sorted(hours: Iterable[Hours]) -> list[Hours]:
    return sorted(hours, key=lambda one: (one.starts, one.ends, one.place))


def _minutes(text: str) -> int | None:
    if not CLOCK.fullmatch(text):
        return None
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _end(text: str) -> int | None:
    """A field for a time knows no 24:00, and nothing ends where its day begins."""
    return _minutes(text) or (DAY_MINUTES if text == "00:00" else None)


def _end_text(minutes: int) -> str:
    return wall_text(minutes % DAY_MINUTES)


def _at(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minutes)
