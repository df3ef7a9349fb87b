"""What else a client gets: several visits on a day are told once, and nobody gets more than so many texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from services.notify.domain.delivery import State, original
from services.notify.domain.frame import Planned, Rank, Step, Together
from services.notify.domain.plan import identity, plan
from services.notify.domain.practice import Practice
from services.notify.domain.steps import STEPS
from services.notify.domain.verdict import Drop, Wait
from services.notify.domain.visit import NOT_CONFIRMED, Visit, VisitState

WEEK: Final = timedelta(days=7)
# No calendar day is longer, whatever the clocks do.
LONGEST_DAY: Final = timedelta(hours=27)
# Texts about a visit end within this of its end: further back, no visit shares a day with one that is still told of.
LOOKS_BACK: Final = timedelta(days=36)
# What is due within a week, news aside, is about a visit that ends within this.
LOOKS_AHEAD: Final = timedelta(days=16)
MERGED, CAPPED, VISIT_AHEAD = "merged", "capped", "visit_ahead"
BY_NAME: Final[Mapping[str, Step]] = {step.name: step for step in STEPS}
GIVES_WAY: Final = frozenset(step.name for step in STEPS if step.rank is not Rank.NEWS)
Plans = Callable[[Visit, Practice], Sequence[Planned]]
TO_COME: Final = frozenset({VisitState.REQUESTED, VisitState.IN_REVIEW, VisitState.CONFIRMED})
OFF: Final = frozenset({VisitState.CANCELLED, *NOT_CONFIRMED})


@dataclass(frozen=True, slots=True)
class Sent:
    """A text about a visit that was begun to be sent."""

    id: str
    step: str
    appointment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Traffic:
    """One number at one practice: its other visits, its texts of the last week, and the ids of those that never go.

    Where it is known which texts of these visits are `there` and were not given up, nobody relies on one that is not,
    for a policy that came later may plan on paper what was never made.
    """

    visits: Sequence[Visit] = ()
    sent: Sequence[Sent] = ()
    gone: Set[str] = frozenset()
    there: Set[str] | None = None


def gives_way(
    text: Planned, visit: Visit, practice: Practice, traffic: Traffic, now: datetime, *, plans: Plans = plan
) -> Wait | Drop | None:
    """To the client's other visits and texts; news of a visit never does.

    Everybody who is asked at the same time comes to the same order of the client's texts, whatever was written since:
    so two workers never both take the last place of a day.
    """
    step = BY_NAME[text.step]
    if step.rank is Rank.NEWS:
        return None
    if step.promotes and any(other.state in TO_COME and other.starts_at > now for other in traffic.visits):
        return Drop(State.SKIPPED, VISIT_AHEAD)
    known = _known(visit, practice, traffic, now, plans)
    told = known.told_by_another(text, step) if traffic.visits else None
    return told or known.capped(text, step)


@dataclass(frozen=True, slots=True)
class _Known:
    """All that is known at this moment of the texts of one client, one of whose visits is asked about.

    `near` are the other visits that may be told of within a week, `awaited` the texts that may still go, each with its
    visit, and `began` the ids of those that went, a copy under that of the text whose words it repeats.
    """

    practice: Practice
    traffic: Traffic
    now: datetime
    plans: Plans
    visit: Visit
    near: Sequence[Visit]
    awaited: Sequence[tuple[Planned, Visit]]
    began: Set[str]

    def told_by_another(self, text: Planned, step: Step) -> Wait | Drop | None:
        """Only by a text that went or may still go, of a visit that stands: one visit of a day is always told of.

        The first visit of a day is reminded of even if a later one was before; aftercare is enough once.
        """
        if step.together is Together.EACH:
            return None
        if self._is_told_elsewhere(step, self.visit):
            return Drop(State.SKIPPED, MERGED)
        nearer = [other for other in self._beside(self.visit) if _speaks_for(other, self.visit, step)]
        expected = (self._expected(other, step) for other in nearer)
        waits = [due for due in expected if due is not None and self.now < due < text.not_after]
        return Wait(max(waits), MERGED) if waits else None

    def capped(self, text: Planned, step: Step) -> Drop | None:
        """By what went, and by what is worth more and still to go within a week: a text never takes its place."""
        gone = [sent.at for sent in self.traffic.sent if sent.id != text.id]
        ahead = [max(due, self.now) for due in self._worthier(text, step)]
        if self._is_full_day([*gone, *ahead]) or self._is_full_week(gone, ahead):
            return Drop(State.SKIPPED, CAPPED)
        return None

    def _is_full_day(self, others: Sequence[datetime]) -> bool:
        most = self.practice.most_a_day
        first, last = self.now - LONGEST_DAY, self.now + LONGEST_DAY
        near = [at for at in others if first < at < last]
        if len(near) < most:
            return False
        zone = ZoneInfo(self.visit.client_zone)
        today = self.now.astimezone(zone).date()
        return sum(at.astimezone(zone).date() == today for at in near) >= most

    def _is_full_week(self, gone: Sequence[datetime], ahead: Sequence[datetime]) -> bool:
        most, ends = self.practice.most_a_week, (self.now, *ahead)
        return len(gone) + len(ahead) >= most and any(
            sum(at > end - WEEK for at in gone) + sum(at <= end for at in ahead) >= most for end in ends
        )

    def _worthier(self, text: Planned, step: Step) -> Iterator[datetime]:
        """When those texts are due that come first; of two that are worth the same and due, the one due earlier.

        What was due a week ago was begun before the week that is looked at.
        """
        for one, of in self.awaited:
            if not self.now - WEEK < one.due < self.now + WEEK:
                continue
            rank = BY_NAME[one.step].rank
            earlier = one.due <= self.now and (one.due, one.id) < (text.due, text.id)
            first = rank > step.rank or (rank is step.rank and earlier)
            if first and not self._is_told_elsewhere(BY_NAME[one.step], of):
                yield one.due

    def _is_told_elsewhere(self, step: Step, of: Visit) -> bool:
        """Whether another visit's text went, or may still go, that stands for this visit's: it needs no place."""
        if step.together is Together.EACH or not self.near:
            return False
        others = self._beside(of)
        nearer = [other for other in others if _speaks_for(other, of, step)]
        told = nearer if step.together is Together.FIRST else others
        return any(identity(other, step.name) in self.began for other in told) or any(
            one.step == step.name and about in nearer for one, about in self.awaited
        )

    def _beside(self, visit: Visit) -> list[Visit]:
        """The visits of its day that stand."""
        mine, day = visit.appointment, day_of(visit)
        return [
            other
            for other in (self.visit, *self.near)
            if other.appointment != mine and other.state not in OFF and day_of(other) == day
        ]

    def _expected(self, visit: Visit, step: Step) -> datetime | None:
        """When the client of a visit that is agreed gets this text once it was attended."""
        if visit.state is not VisitState.CONFIRMED:
            return None
        texts = self.plans(attended(visit), self.practice)
        return next((text.due for text in texts if text.step == step.name), None)


def _known(visit: Visit, practice: Practice, traffic: Traffic, now: datetime, plans: Plans) -> _Known:
    near = [other for other in traffic.visits if other.ends_at < now + LOOKS_AHEAD]
    begun, gone, there = {sent.id for sent in traffic.sent}, traffic.gone, traffic.there
    awaited = [
        (text, of)
        for of in (visit, *near)
        for text in plans(of, practice)
        if now < text.not_after and text.id not in begun and text.id not in gone and (there is None or text.id in there)
    ]
    return _Known(practice, traffic, now, plans, visit, near, awaited, {original(sent.id) for sent in traffic.sent})


def attended(visit: Visit) -> Visit:
    """As it will be when it was attended, and noted at once."""
    return replace(visit, state=VisitState.ATTENDED, since=visit.ends_at)


def _speaks_for(other: Visit, visit: Visit, step: Step) -> bool:
    theirs, ours = (other.starts_at, other.appointment), (visit.starts_at, visit.appointment)
    return theirs < ours if step.together is Together.FIRST else theirs > ours


def day_of(visit: Visit) -> date:
    return _day_there(visit.starts_at, visit.zone)


@lru_cache(4096)
def _day_there(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()
