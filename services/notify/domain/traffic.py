"""What else a client gets: several visits on a day are told once, and nobody gets more than so many texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.notify.domain.delivery import Message, State, original
from services.notify.domain.frame import Planned, Rank, Step, Together
from services.notify.domain.plan import plan
from services.notify.domain.practice import Practice
from services.notify.domain.steps import STEPS
from services.notify.domain.verdict import Drop, Wait
from services.notify.domain.visit import Visit, VisitState

WEEK: Final = timedelta(days=7)
# Texts about a visit end within this of its end: further back, no visit shares a day with one that is still told of.
LOOKS_BACK: Final = timedelta(days=36)
MERGED, CAPPED, VISIT_AHEAD = "merged", "capped", "visit_ahead"
BY_NAME: Final[Mapping[str, Step]] = {step.name: step for step in STEPS}
GIVES_WAY: Final = frozenset(step.name for step in STEPS if step.rank is not Rank.NEWS)
TO_COME: Final = frozenset({VisitState.REQUESTED, VisitState.IN_REVIEW, VisitState.CONFIRMED})


@dataclass(frozen=True, slots=True)
class Sent:
    """A text about a visit that was begun to be sent."""

    id: str
    step: str
    appointment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Traffic:
    """One number at one practice: its other visits, its texts of the last week, and the ids of those that never go."""

    visits: Sequence[Visit] = ()
    sent: Sequence[Sent] = ()
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Awaited:
    """A text that may still go, of the given visit."""

    visit: Visit
    text: Planned

    @property
    def step(self) -> Step:
        return BY_NAME[self.text.step]


def gives_way(
    message: Message, visit: Visit, practice: Practice, traffic: Traffic, now: datetime
) -> Wait | Drop | None:
    """To the client's other visits and texts. Never news of a visit, and never what the desk sends once more.

    Everybody who is asked at the same time comes to the same order of the client's texts, whatever was written since:
    so two workers never both take the last place of a day.
    """
    if message.step not in GIVES_WAY or message.id != original(message.id):
        return None
    step = BY_NAME[message.step]
    if step.promotes and any(other.state in TO_COME and other.starts_at > now for other in traffic.visits):
        return Drop(State.SKIPPED, VISIT_AHEAD)
    told = _told_by_another(message, step, visit, practice, traffic, now) if traffic.visits else None
    return told or _capped(message, step, visit, practice, traffic, now)


def _told_by_another(
    message: Message, step: Step, visit: Visit, practice: Practice, traffic: Traffic, now: datetime
) -> Wait | Drop | None:
    """Only by a text that went or may still go: one visit of a day is always told of."""
    others = {other.appointment: other for other in traffic.visits if _day(other) == _day(visit)}
    if step.together is Together.EACH or not others:
        return None
    if any(sent.step == step.name and sent.appointment in others for sent in traffic.sent):
        return Drop(State.SKIPPED, MERGED)
    nearer = [other for other in others.values() if _speaks_for(other, visit, step)]
    if any(text.step == step.name for other in nearer for text in _open(other, practice, traffic, now)):
        return Drop(State.SKIPPED, MERGED)
    waits = [due for other in nearer if (due := _expected(other, practice, step)) and now < due < message.not_after]
    return Wait(max(waits), MERGED) if waits else None


def _capped(
    message: Message, step: Step, visit: Visit, practice: Practice, traffic: Traffic, now: datetime
) -> Drop | None:
    """By what went, and by what is worth more and still to go within a week: a text never takes the place of that."""
    gone = [sent.at for sent in traffic.sent if sent.id != message.id]
    ahead = [
        max(one.text.due, now)
        for one in _awaited(visit, practice, traffic, now)
        if one.text.id != message.id and _comes_first(one, message, step, now)
    ]
    zone = ZoneInfo(visit.client_zone)
    today = now.astimezone(zone).date()
    of_today = sum(at.astimezone(zone).date() == today for at in (*gone, *ahead))
    if of_today >= practice.most_a_day or any(
        sum(at > then - WEEK for at in gone) + sum(at <= then for at in ahead) >= practice.most_a_week
        for then in (now, *ahead)
    ):
        return Drop(State.SKIPPED, CAPPED)
    return None


def _comes_first(one: _Awaited, message: Message, step: Step, now: datetime) -> bool:
    """Of two that are worth the same and due, the one that was due earlier."""
    if one.step.rank is Rank.NEWS or one.text.due >= now + WEEK:
        return False
    before = (one.text.due, one.text.id) < (message.planned_for, message.id)
    return one.step.rank > step.rank or (one.step.rank is step.rank and one.text.due <= now and before)


def _awaited(visit: Visit, practice: Practice, traffic: Traffic, now: datetime) -> Iterator[_Awaited]:
    """What may still go to this client, without those that another visit's text will stand for."""
    visits = (visit, *traffic.visits)
    found = [_Awaited(one, text) for one in visits for text in _open(one, practice, traffic, now)]
    for one in found:
        rivals = (other for other in found if other.text.step == one.text.step and _day(other.visit) == _day(one.visit))
        if one.step.together is Together.EACH or not any(_speaks_for(r.visit, one.visit, one.step) for r in rivals):
            yield one


def _open(visit: Visit, practice: Practice, traffic: Traffic, now: datetime) -> Iterator[Planned]:
    over = {sent.id for sent in traffic.sent} | traffic.gone
    return (text for text in plan(visit, practice) if text.id not in over and now < text.not_after)


def _expected(visit: Visit, practice: Practice, step: Step) -> datetime | None:
    """When the client of a visit that is agreed gets this text once it was attended."""
    if visit.state is not VisitState.CONFIRMED:
        return None
    attended = replace(visit, state=VisitState.ATTENDED, since=visit.ends_at)
    return next((text.due for text in plan(attended, practice) if text.step == step.name), None)


def _speaks_for(other: Visit, visit: Visit, step: Step) -> bool:
    theirs, ours = (other.starts_at, other.appointment), (visit.starts_at, visit.appointment)
    return theirs < ours if step.together is Together.FIRST else theirs > ours


def _day(visit: Visit) -> date:
    return visit.starts_at.astimezone(ZoneInfo(visit.zone)).date()
