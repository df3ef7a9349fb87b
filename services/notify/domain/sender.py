"""The number or service that texts leave by: whether anything may leave now, how much, and what is left of the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

# A text may take two segments, and the bucket has to hold the largest; a worker may look in once a second only.
LEAST_BURST: Final = 2.0
BURST_SECONDS: Final = 2.0
# This part of the day's segments is for news of a visit, answers and codes alone.
RESERVED: Final = 5
# So many POSTs in a row without an answer of the provider, and nothing goes out for a while, longer each time.
BREAKS_AT: Final = 10
FIRST_BREAK: Final = timedelta(seconds=30)
LONGEST_BREAK: Final = timedelta(minutes=10)
MOST_DOUBLINGS: Final = 5
# One worker may try with one text; if it does not come back, another one may.
PROBE: Final = timedelta(seconds=60)
NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Standing(StrEnum):
    OPEN = "open"
    HALF_OPEN = "half_open"
    SHUT = "shut"
    RESTING = "resting"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Segments per second and per day, 0 for as many as there are; the day is that of the account in `zone`."""

    per_second: float = 0.0
    per_day: int = 0
    zone: str = "UTC"

    @property
    def burst(self) -> float:
        return max(LEAST_BURST, self.per_second * BURST_SECONDS)

    @property
    def ordinary(self) -> int:
        """What of a day's segments may go to texts that are no news."""
        return self.per_day - self.per_day // RESERVED

    @property
    def any(self) -> bool:
        return self.per_second > 0 or self.per_day > 0


@dataclass(frozen=True, slots=True)
class Want:
    """A text that would go: what it takes, and whether it is among those the reserve is for."""

    segments: int
    first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Nothing goes out until somebody lets it; `by` is a person at the desk, or the provider."""

    by: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """One sender as all workers share it, at the store's time `at`.

    `tokens` are the segments in the bucket at `filled_at`; `spent` those of `day`. `failures` are POSTs in a row that
    got no answer, `trips` how often the breaker fell since one did, `shut_until` when it may be tried again.
    """

    name: str
    at: datetime = NEVER
    tokens: float | None = None
    filled_at: datetime = NEVER
    day: str = ""
    spent: int = 0
    failures: int = 0
    trips: int = 0
    shut_until: datetime | None = None
    probe_until: datetime | None = None
    rests_until: datetime | None = None
    rests_why: str | None = None
    paused: Pause | None = None
    resumed_at: datetime | None = None
    resumed_by: str | None = None

    @property
    def standing(self) -> Standing:
        if self.paused is not None:
            return Standing.PAUSED
        if self.rests_until is not None and self.at < self.rests_until:
            return Standing.RESTING
        if self.shut_until is None:
            return Standing.OPEN
        return Standing.SHUT if self.at < self.shut_until else Standing.HALF_OPEN

    @property
    def has_failed(self) -> bool:
        return self.failures > 0 or self.shut_until is not None


def today(sender: Sender, limits: Limits) -> str:
    return sender.at.astimezone(ZoneInfo(limits.zone)).date().isoformat()


def refreshed(sender: Sender, limits: Limits) -> Sender:
    """With what has run into the bucket since, and nothing spent on a new day."""
    gone = max((sender.at - sender.filled_at).total_seconds(), 0.0)
    tokens = limits.burst if sender.tokens is None else min(limits.burst, sender.tokens + gone * limits.per_second)
    day = today(sender, limits)
    return replace(sender, tokens=tokens, filled_at=sender.at, day=day, spent=sender.spent if sender.day == day else 0)


def room(sender: Sender, limits: Limits, most: int) -> int:
    """How many texts are worth taking up now, at a segment each; none while nothing may leave."""
    if sender.standing is not Standing.OPEN:
        return 0
    now = refreshed(sender, limits)
    by_second = int(now.tokens or 0) if limits.per_second else most
    by_day = max(limits.per_day - now.spent, 0) if limits.per_day else most
    return min(most, by_second, by_day)


def take(sender: Sender, wants: Sequence[Want], limits: Limits) -> tuple[Sender, tuple[bool, ...]]:
    """Which of them may go, in their order; the store does the same in one write.

    The first that finds the bucket too empty stops all after it, so that a longer text is not passed for ever; one that
    finds the day's share spent stops no other.
    """
    now = refreshed(sender, limits)
    left, spent, dry, granted = now.tokens or 0.0, now.spent, False, []
    for want in wants:
        dry = dry or (limits.per_second > 0 and want.segments > left)
        share = limits.per_day if want.first else limits.ordinary
        goes = not dry and (limits.per_day == 0 or spent + want.segments <= share)
        granted.append(goes)
        left -= want.segments if goes and limits.per_second else 0
        spent += want.segments if goes else 0
    return replace(now, tokens=left, spent=spent), tuple(granted)


def unanswered(sender: Sender, posts: int) -> Sender:
    """So many POSTs got no answer; the breaker falls, or a probe has failed. While it is open nothing counts twice."""
    failures = sender.failures + posts
    if failures < BREAKS_AT or (sender.shut_until is not None and sender.at < sender.shut_until):
        return replace(sender, failures=failures)
    wait = min(FIRST_BREAK * 2 ** min(sender.trips, MOST_DOUBLINGS), LONGEST_BREAK)
    return replace(sender, failures=failures, trips=sender.trips + 1, shut_until=sender.at + wait, probe_until=None)


def answered(sender: Sender) -> Sender:
    return replace(sender, failures=0, trips=0, shut_until=None, probe_until=None)
