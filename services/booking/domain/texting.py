"""How a practice texts: which of the optional texts, when each of them, how many, and when none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Final

PRESETS: Final[Mapping[str, tuple[str, ...]]] = {
    "gentle": ("day_before", "aftercare"),
    "full": ("received", "prepare", "two_days", "day_before", "two_hours", "aftercare", "check_in", "rebook"),
}
OPTIONAL_TEXTS: Final = PRESETS["full"]
"""The texts that a practice may do without."""
MOST_A_DAY: Final = 4
MOST_A_WEEK: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Settable:
    """What of a text's time may be set: days or hours from the visit within bounds, and the wall time."""

    days: tuple[int, int] | None = None
    hours: tuple[int, int] | None = None
    at: bool = False


SETTABLE: Final[Mapping[str, Settable]] = {
    "received": Settable(),
    "prepare": Settable(days=(1, 7), at=True),
    "two_days": Settable(hours=(36, 72)),
    "day_before": Settable(at=True),
    "two_hours": Settable(hours=(1, 6)),
    "aftercare": Settable(hours=(1, 12)),
    "check_in": Settable(days=(1, 3), at=True),
    "rebook": Settable(days=(2, 30), at=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTiming:
    """When a text comes instead of at its usual time; what is None stays as usual."""

    step: str
    days: int | None = None
    hours: int | None = None
    at: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Texting:
    """The optional steps switched on, and their timings; quiet hours are the client's local wall time.

    A client gets at most `most_a_day` and `most_a_week` texts, news and answers aside. `wakes_for_changes` lets the
    news of a visit that the practice changes at short notice come in quiet hours.
    """

    steps: tuple[str, ...] = PRESETS["gentle"]
    quiet_from: time = time(21)
    quiet_until: time = time(8)
    timings: tuple[StepTiming, ...] = ()
    most_a_day: int = 2
    most_a_week: int = 5
    wakes_for_changes: bool = False

    @property
    def quiet_for(self) -> timedelta:
        begins, ends = (timedelta(hours=at.hour, minutes=at.minute) for at in (self.quiet_from, self.quiet_until))
        return (ends - begins) % timedelta(days=1)

    def is_quiet(self, at: time) -> bool:
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= at < self.quiet_until
        return at >= self.quiet_from or at < self.quiet_until
