"""What a row of the plan looks at: one visit under one policy, and what of it is planned so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import IntEnum, StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from services.notify.domain.practice import Practice
from services.notify.domain.quiet import MARGIN, resolved
from services.notify.domain.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One text: due at `due`, never sent at or after `not_after`, worth `validity` of waiting at the provider."""

    id: str
    step: str
    template: str
    due: datetime
    not_after: datetime
    validity: timedelta


@dataclass(frozen=True)
class Frame:
    """One visit under one practice's policy, what of it has been planned so far, and the visits of its course."""

    visit: Visit
    practice: Practice
    course: Sequence[Visit] = ()
    planned: dict[str, Planned] = field(default_factory=dict)

    @cached_property
    def zone(self) -> ZoneInfo:
        """Where the client sleeps: quiet hours and day steps go by this wall clock."""
        return ZoneInfo(self.visit.client_zone)

    @cached_property
    def notice(self) -> timedelta:
        return self.visit.starts_at - self.visit.since

    def days_before(self, days: int, at: time | None = None) -> datetime:
        """The visit's wall time so many days earlier, or the given one on that day."""
        local = self.visit.starts_at.astimezone(self.zone).replace(tzinfo=None) - timedelta(days=days)
        return resolved(local if at is None else datetime.combine(local.date(), at), self.zone)

    def earlier(self, instant: datetime) -> datetime:
        return self.practice.quiet.earlier(instant, self.zone)

    def later(self, instant: datetime, margin: timedelta = MARGIN) -> datetime:
        return self.practice.quiet.later(instant, self.zone, margin)

    def on_the_day(self, instant: datetime) -> bool:
        """The same calendar day as the visit, where the visit is."""
        there = ZoneInfo(self.visit.zone)
        return instant.astimezone(there).date() == self.visit.starts_at.astimezone(there).date()


class Rank(IntEnum):
    """Which texts give way when a client would get too many: the lower first, news of a visit never."""

    REBOOK = 1
    CHECK_IN = 2
    TWO_DAYS = 3
    AFTERCARE = 4
    PREPARE = 5
    TWO_HOURS = 6
    DAY_BEFORE = 7
    NEWS = 8


class Together(StrEnum):
    """Of several visits of one client on a day, which gets this text."""

    EACH = "each"
    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row of the plan: whom it applies to, when, until when, and in which words.

    A `promotes` step offers further visits, and needs a consent of its own.
    """

    name: str
    applies: Callable[[Frame], bool]
    due: Callable[[Frame], datetime]
    until: Callable[[Frame, datetime], datetime]
    validity: timedelta
    words: Callable[[Frame, datetime], str]
    optional: bool = False
    rank: Rank = Rank.NEWS
    together: Together = Together.EACH
    promotes: bool = False
