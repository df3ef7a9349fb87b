"""What the page of working hours shows: seven dates with what is open and off on each, and time off in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.booking.console import spoken
from services.booking.domain.editing import block_id
from services.booking.domain.practice import DAY_MINUTES, Block, DayException, Hours, Practice, Practitioner, wall_text


@dataclass(frozen=True, slots=True)
class Open:
    """A range; `place` is told where there are several."""

    starts: int
    ends: int
    place: str

    @property
    def told(self) -> str:
        return f"{wall_text(self.starts)}–{wall_text(self.ends)}{' · ' if self.place else ''}{self.place}"


@dataclass(frozen=True, slots=True)
class DayShown:
    """`only` is what holds on this date alone."""

    date: date
    title: str
    open: Sequence[Open]
    off: Sequence[Open]
    only: DayException | None


@dataclass(frozen=True, slots=True)
class OffShown:
    id: str
    told: str
    note: str


def week(practice: Practice, person: Practitioner, monday: date, locale: str) -> Sequence[DayShown]:
    return [day_shown(practice, person, monday + timedelta(days=number), locale) for number in range(7)]


def day_shown(practice: Practice, person: Practitioner, day: date, locale: str) -> DayShown:
    only = next((one for one in person.exceptions if one.day == day), None)
    hours = weekly(person, day.weekday()) if only is None else only.hours
    zone = ZoneInfo(practice.zone)
    off = sorted(span for block in person.blocks if (span := _on(block, day, zone)) is not None)
    return DayShown(
        day, spoken.day(day, locale), opened(practice, hours), [Open(starts, ends, "") for starts, ends in off], only
    )


def weekly(person: Practitioner, weekday: int) -> Sequence[Hours]:
    return [one for one in person.hours if one.weekday == weekday]


def opened(practice: Practice, hours: Sequence[Hours]) -> Sequence[Open]:
    names = {place.id: place.name for place in practice.places} if len(practice.places) > 1 else {}
    real = sorted((one for one in hours if one.starts < one.ends), key=lambda one: (one.starts, one.ends))
    return [Open(one.starts, one.ends, names.get(one.place, "")) for one in real]


def time_off(practice: Practice, person: Practitioner, now: datetime, locale: str) -> Sequence[OffShown]:
    """What is not over yet, the next first."""
    zone = ZoneInfo(practice.zone)
    today = now.astimezone(zone).replace(tzinfo=None)
    spans = sorted((*_walls(block, zone), block_id(block), block.note) for block in person.blocks)
    return [OffShown(id_, _told(starts, ends, locale), note) for starts, ends, id_, note in spans if ends > today]


def _told(starts: datetime, ends: datetime, locale: str) -> str:
    """Whole days without their midnights."""
    whole = starts.time() == ends.time() == time()
    last = ends - timedelta(days=1) if whole else ends
    first_told, last_told = (f"{spoken.day(at.date(), locale)} {at.year}" for at in (starts, last))
    if whole:
        return first_told if starts.date() == last.date() else f"{first_told} – {last_told}"
    if starts.date() == ends.date():
        return f"{first_told}, {starts:%H:%M}–{ends:%H:%M}"
    return f"{first_told}, {starts:%H:%M} – {last_told}, {ends:%H:%M}"


def _walls(block: Block, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """On the practice's wall."""
    starts, ends = (
        at if at.tzinfo is None else at.astimezone(zone).replace(tzinfo=None) for at in (block.starts_at, block.ends_at)
    )
    return starts, ends


def _on(block: Block, day: date, zone: ZoneInfo) -> tuple[int, int] | None:
    """Its minutes of the date."""
    midnight = datetime.combine(day, time())
    starts, ends = (int((at - midnight).total_seconds() // 60) for at in _walls(block, zone))
    starts, ends = max(starts, 0), min(ends, DAY_MINUTES)
    return (starts, ends) if starts < ends else None
