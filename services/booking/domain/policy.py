"""How long a time stays held for what has to come next, and when it is too late to change a visit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

CHECK_BEFORE: Final = timedelta(days=14)
"""So long before a visit that no clearance reaches its health check is asked for once more."""
CHECK_ENDS_BEFORE: Final = timedelta(hours=48)
"""So long before the visit the answer is needed, so that somebody else can have the time."""
CHECK_AT_LEAST: Final = timedelta(hours=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The installation's own patience; what a practice decides is in the terms of each offer."""

    hold_for: timedelta = timedelta(minutes=10)
    answers_within: timedelta = timedelta(minutes=30)
    calendars_count_for: timedelta = timedelta(hours=6)


def held_until(now: datetime, patience: timedelta, starts_at: datetime) -> datetime:
    """A time is never held beyond its own start."""
    return min(now + patience, starts_at)


def check_until(now: datetime, starts_at: datetime) -> datetime:
    """How long a client has to fill in the health check once more; the whole time that is left, if that is little."""
    return min(max(now + CHECK_AT_LEAST, starts_at - CHECK_ENDS_BEFORE), starts_at)


def is_late(starts_at: datetime, window: timedelta, now: datetime) -> bool:
    """Inside the cancellation window: the boundary itself is late."""
    return now >= starts_at - window
