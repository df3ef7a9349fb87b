"""How long a time stays held for what has to come next, and when it is too late to change a visit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The installation's own patience; what a practice decides is in the terms of each offer."""

    hold_for: timedelta = timedelta(minutes=10)
    answers_within: timedelta = timedelta(minutes=30)
    calendars_count_for: timedelta = timedelta(hours=6)


def held_until(now: datetime, patience: timedelta, starts_at: datetime) -> datetime:
    """A time is never held beyond its own start."""
    return min(now + patience, starts_at)


def is_late(starts_at: datetime, window: timedelta, now: datetime) -> bool:
    """Inside the cancellation window: the boundary itself is late."""
    return now >= starts_at - window
