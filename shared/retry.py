"""What becomes of a delivery: done, tried again later, or parked for a person; a pure decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.errors import Kind, Refusal
from shared.mongo import UNREACHABLE

# One queue per rung: a message that waits on a shared queue would wait for the slowest in front of it.
LADDER: Final = {name: timedelta(seconds=s) for name, s in {"5s": 5, "30s": 30, "2m": 120, "15m": 900}.items()}
MOST_ATTEMPTS: Final = 12


@dataclass(frozen=True, slots=True)
class Done:
    """The event has had its effect, now or earlier."""


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Not yet: try again after about `delay`, rounded up to the next rung of the ladder."""

    delay: timedelta
    why: str


@dataclass(frozen=True, slots=True)
class Park:
    """A person has to look at it."""

    why: str


Verdict = Done | RetryAfter | Park
DONE: Final = Done()


def rung(delay: timedelta) -> str:
    """The shortest rung that waits at least `delay`; the longest one if none does."""
    return next((name for name, wait in LADDER.items() if wait >= delay), "15m")


def after(error: Exception, attempt: int) -> Verdict:
    """Judge a handler that failed on its `attempt`-th try, counted from 0.

    An unreachable database is nobody's fault and is waited for without end; a refusal will be the same
    tomorrow, unless it is that something else is away; that and anything else climbs the ladder.
    """
    why = f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, UNREACHABLE):
        return RetryAfter(LADDER["5s"] if attempt < 3 else LADDER["30s"], why)
    if isinstance(error, Refusal) and error.kind is not Kind.UNAVAILABLE:
        return Park(error.slug)
    return limited(RetryAfter(LADDER["5s"], why), attempt)


def limited(verdict: Verdict, attempt: int) -> Verdict:
    """Climb the ladder with every try, and park what has been asked to come back too often."""
    if not isinstance(verdict, RetryAfter):
        return verdict
    if attempt + 1 >= MOST_ATTEMPTS:
        return Park(f"{verdict.why}, {attempt + 1} times")
    return RetryAfter(max(verdict.delay, list(LADDER.values())[min(attempt, len(LADDER) - 1)]), verdict.why)
