"""What else a client gets: several visits on a day are told once, and nobody gets more than so many texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
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
# Texts about a visit end within this of its end: further back, no visit shares a day with one that is still told of.
LOOKS_BACK: Final = timedelta(days=36)
# What is due within a week is about a visit that ends within this.
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
    known = _Known(practice, traffic, now, plans, visit)
    return known.told_by_another(text, step) or known.capped(text, step)


@dataclass(frozen=True)
class _Known:
    """All that is known at this moment of the texts of one client, one of whose visits is asked about."""

    practice: Practice
    traffic: Traffic
    now: datetime
    plans: Plans
    visit: Visit

    def told_by_another(self, text: Planned, step: Step) -> Wait | Drop | None:
        """Only by a text that went or may still go, of a visit that stands: one visit of a day is always told of.

        The first visit of a day is reminded of even if a later one was before; aftercare is enough once.
        """
        if step.together is Together.EACH:
            return None
        others = [other for other in self._near if other.state not in OFF and _day(other) == _day(self.visit)]
        nearer = [other for other in others if _speaks_for(other, self.visit, step)]
        began = {original(sent.id) for sent in self.traffic.sent}
        told = nearer if step.together is Together.FIRST else others
        if any(identity(other, step.name) in began for other in told):
            return Drop(State.SKIPPED, MERGED)
        if any(one.step == step.name and of in nearer for one, of in self._awaited):
            return Drop(State.SKIPPED, MERGED)
        expected = (self._expected(other, step) for other in nearer)
        waits = [due for due in expected if due is not None and self.now < due < text.not_after]
        return Wait(max(waits), MERGED) if waits else None

    def capped(self, text: Planned, step: Step) -> Drop | None:
        """By what went, and by what is worth more and still to go within a week: a text never takes its place."""
        gone = [sent.at for sent in self.traffic.sent if sent.id != text.id]
        ahead = [max(due, self.now) for due in self._worthier(text, step)]
        if len(gone) + len(ahead) < min(self.practice.most_a_day, self.practice.most_a_week):
            return None
        zone = ZoneInfo(self.visit.client_zone)
        today = self.now.astimezone(zone).date()
        of_today = sum(at.astimezone(zone).date() == today for at in (*gone, *ahead))
        if of_today >= self.practice.most_a_day or any(
            sum(at > then - WEEK for at in gone) + sum(at <= then for at in ahead) >= self.practice.most_a_week
            for then in (self.now, *ahead)
        ):
            return Drop(State.SKIPPED, CAPPED)
        return None

    def _worthier(self, text: Planned, step: Step) -> Iterator[datetime]:
        """When those texts are due that come first; of two that are worth the same and due, the one due earlier.

        What was due a week ago was begun before the week that is looked at.
        """
        for one, of in self._awaited:
            if one.id == text.id or not self.now - WEEK < one.due < self.now + WEEK:
                continue
            rank = BY_NAME[one.step].rank
            earlier = one.due <= self.now and (one.due, one.id) < (text.due, text.id)
            if (rank > step.rank or (rank is step.rank and earlier)) and not self._is_told_elsewhere(one, of):
                yield one.due

    @cached_property
    def _near(self) -> Sequence[Visit]:
        return [other for other in self.traffic.visits if other.ends_at < self.now + LOOKS_AHEAD]

    @cached_property
    def _awaited(self) -> Sequence[tuple[Planned, Visit]]:
        return [(text, of) for of in (self.visit, *self._near) for text in self._open(of)]

    def _is_told_elsewhere(self, text: Planned, of: Visit) -> bool:
        """Whether another visit's text will stand for this one, so that it needs no place."""
        step = BY_NAME[text.step]
        if step.together is Together.EACH or not self._near:
            return False
        return any(
            one.step == step.name and _day(other) == _day(of) and _speaks_for(other, of, step)
            for one, other in self._awaited
        )

    def _open(self, visit: Visit) -> Iterator[Planned]:
        begun = {sent.id for sent in self.traffic.sent}
        for text in self.plans(visit, self.practice):
            if text.id not in begun and self.now < text.not_after and self._is_there(text):
                yield text

    def _is_there(self, text: Planned) -> bool:
        there = self.traffic.there
        return text.id not in self.traffic.gone and (there is None or text.id in there)

    def _expected(self, visit: Visit, step: Step) -> datetime | None:
        """When the client of a visit that is agreed gets this text once it was attended."""
        if visit.state is not VisitState.CONFIRMED:
            return None
        texts = self.plans(attended(visit), self.practice)
        return next((text.due for text in texts if text.step == step.name), None)


def attended(visit: Visit) -> Visit:
    """As it will be when it was attended, and noted at once."""
    return replace(visit, state=VisitState.ATTENDED, since=visit.ends_at)


def _speaks_for(other: Visit, visit: Visit, step: Step) -> bool:
    theirs, ours = (other.starts_at, other.appointment), (visit.starts_at, visit.appointment)
    return theirs < ours if step.together is Together.FIRST else theirs > ours


def _day(visit: Visit) -> date:
    return visit.starts_at.astimezone(ZoneInfo(visit.zone)).date()
