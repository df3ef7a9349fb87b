"""What a row of the plan looks at: one visit under one policy, and what of it is planned so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.notify.domain.practice import Practice
from services.notify.domain.quiet import MARGIN, resolved
from services.notify.domain.visit import Visit, VisitState


class Planned(NamedTuple):
    """One text: due at `due`, never sent at or after `not_after`, worth `validity` of waiting at the provider.

    Before `wakes_until`, if it has one, it may go out in quiet hours. Millions of them are made to foretell a year: a
    tuple takes half as long to make as a frozen dataclass.
    """

    id: str
    step: str
    template: str
    due: datetime
    not_after: datetime
    validity: timedelta
    wakes_until: datetime | None = None


# A visit that the practice changes at shorter notice than this may be news for which it wakes a client.
WAKING = timedelta(hours=12)


@dataclass(slots=True)
class Frame:
    """One visit under one practice's policy, what of it has been planned so far, and the visits of its course.

    Quiet hours and day steps go by the wall clock of `zone`, where the client sleeps; `starts` is the start by it.
    """

    visit: Visit
    practice: Practice
    course: Sequence[Visit] = ()
    planned: dict[str, Planned] = field(default_factory=dict)
    zone: ZoneInfo = field(init=False)
    starts: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.zone = ZoneInfo(self.visit.client_zone)
        self.starts = self.visit.starts_at.astimezone(self.zone).replace(tzinfo=None)

    @property
    def notice(self) -> timedelta:
        return self.visit.starts_at - self.visit.since

    def days_before(self, days: int, at: time | None = None) -> datetime:
        """The visit's wall time so many days earlier, or the given one on that day."""
        local = self.starts - timedelta(days=days)
        return resolved(local if at is None else datetime.combine(local.date(), at), self.zone)

    def days_after(self, days: int, at: time) -> datetime:
        """That wall time, so many days after the day on which the visit ends."""
        day = self.visit.ends_at.astimezone(self.zone).date() + timedelta(days=days)
        return resolved(datetime.combine(day, at), self.zone)

    @property
    def wakes(self) -> bool:
        """The practice changed it at short notice, seen from the new time or the one it had, and wants this told."""
        if not (self.practice.wakes_for_changes and self.visit.by_practice):
            return False
        return self.soonest - self.visit.since < WAKING

    @property
    def soonest(self) -> datetime:
        """When a client who knows nothing of this turn would come: at the start, or at the earlier one."""
        starts, before = self.visit.starts_at, self.visit.moved_from
        return starts if before is None or before <= self.visit.since else min(starts, before)

    def news(self, instant: datetime) -> datetime:
        """When a client is told of a change that became true at this instant."""
        return instant if self.wakes else self.in_time(instant)

    def in_time(self, instant: datetime) -> datetime:
        """After the quiet hours and the half-hour that follows them, or without it where the visit does not wait."""
        decent = self.later(instant)
        if decent == instant or decent < self.soonest:
            return decent
        first = self.later(instant, timedelta())
        return first if first < self.soonest else decent

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
    RECEIVED = 3
    TWO_DAYS = 4
    AFTERCARE = 5
    PREPARE = 6
    TWO_HOURS = 7
    DAY_BEFORE = 8
    NEWS = 9


class Together(StrEnum):
    """Of several visits of one client on a day, which gets this text."""

    EACH = "each"
    FIRST = "first"
    LAST = "last"


def _always(_: Frame) -> bool:
    return True


def _never_wakes(_: Frame) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row of the plan: in which states of a visit and to which it applies, when, until when, in which words.

    A `promotes` step offers further visits, and needs a consent of its own. `settable` are the fields of its timing
    that a practice can have otherwise; `wakes` says until when it may go out in quiet hours. A `once` step is better
    missed than sent twice: where nobody knows whether it arrived, it is left to the desk.
    """

    name: str
    states: frozenset[VisitState]
    due: Callable[[Frame], datetime]
    until: Callable[[Frame, datetime], datetime]
    validity: timedelta
    words: Callable[[Frame, datetime], str]
    applies: Callable[[Frame], bool] = _always
    optional: bool = False
    rank: Rank = Rank.NEWS
    together: Together = Together.EACH
    promotes: bool = False
    once: bool = False
    settable: frozenset[str] = frozenset()
    wakes: Callable[[Frame], datetime | None] = _never_wakes
