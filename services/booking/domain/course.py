"""A course of visits: how far apart they lie, and how the later ones follow what becomes of the first.

A course is nothing but its visits. The first of them speaks for all: its request commits the course, its health check
is that of the course, and until that is decided the others wait for it, however long it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from services.booking.domain import turns
from services.booking.domain.appointment import ACTIVE, BOOKED, PENDING, Appointment, By, Deed, Seat, State, Turn
from services.booking.domain.clearance import AGAINST, CLEARED, is_voided
from services.booking.domain.practice import Service
from shared.errors import Kind, Refusal

SHORTEST: Final = 3
LONGEST: Final = 10
WIDEST_DAYS: Final = 92
LOOK_AGAIN: Final = timedelta(minutes=1)
WAITING: Final = frozenset({State.REQUESTED, State.IN_REVIEW})
OVER_WITHOUT_US: Final = frozenset({State.DECLINED, State.LAPSED, State.CANCELLED})


UNSAID: Final = frozenset({Deed.POSTPONED, Deed.RECHECKED, Deed.VOIDED})
"""Turns of the first visit that mean something for the others, and that no event tells of."""


class NoSuchCourse(Refusal):
    """There is no course of this id."""

    slug = "no-such-course"
    kind = Kind.NOT_FOUND


class NoCoursePlan(Refusal):
    """The free times do not hold so many visits at such distances."""

    slug = "no-course-plan"
    kind = Kind.CONFLICT


class WrongSpacing(Refusal):
    """Two visits are too near to each other or too far apart for a course of this service."""

    slug = "wrong-spacing"
    kind = Kind.INVALID


class WrongCount(Refusal):
    """A course has 3 to 10 visits; upkeep begins with one at least."""

    slug = "wrong-count"
    kind = Kind.INVALID


class NotOpenEnded(Refusal):
    """The course has a number of visits; only upkeep goes on."""

    slug = "not-open-ended"
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Spacing:
    """Local dates from one visit to the next, both bounds included."""

    least: int
    most: int

    @property
    def ideal(self) -> int:
        """Whole weeks if any fit, those nearest to the middle; the middle otherwise."""
        middle = (self.least + self.most) // 2
        weeks = [days for days in range(self.least, self.most + 1) if days % 7 == 0]
        return min(weeks, key=lambda days: abs(days - middle), default=middle)

    def check(self, days: Sequence[date]) -> None:
        for place, (one, other) in enumerate(pairwise(days), 1):
            if not self.least <= (other - one).days <= self.most:
                told = f"{other} is not {self.least} to {self.most} days after {one}"
                raise WrongSpacing(told, field=f"visits[{place}].starts_at")


def spacing(service: Service, least: int | None, most: int | None, *, open_ended: bool) -> Spacing:
    """What the practice wants between two visits; upkeep may ask for longer, never for shorter intervals."""
    ours = Spacing(least=service.course_days_from, most=service.course_days_until)
    if least is None and most is None:
        return ours
    asked = Spacing(least=ours.least if least is None else least, most=max(ours.most, least or 0, most or 0))
    asked = asked if most is None else replace(asked, most=most)
    if not open_ended or not ours.least <= asked.least <= asked.most <= WIDEST_DAYS:
        raise WrongSpacing(f"visits cannot lie {asked.least} to {asked.most} days apart", field="days_from")
    return asked


def check_count(count: int, *, open_ended: bool) -> None:
    if not (1 if open_ended else SHORTEST) <= count <= LONGEST:
        raise WrongCount(f"{count} visits are no course", field="visits")


def seat_of(visit: Appointment) -> Seat:
    """Raises for a visit that is not part of any course."""
    if visit.seat is None:
        raise NoSuchCourse("this visit is not part of a course")
    return visit.seat


def local_date(visit: Appointment) -> date:
    return visit.starts_at.astimezone(ZoneInfo(visit.offer.zone)).date()


def standing(visits: Iterable[Appointment]) -> list[Appointment]:
    """What takes or took place, in the order of time."""
    kept = (visit for visit in visits if visit.state in ACTIVE | {State.ATTENDED, State.MISSED})
    return sorted(kept, key=lambda visit: visit.starts_at)


def latest(visits: Sequence[Appointment]) -> Appointment:
    """From which the next one keeps its distance; if nothing stands any more, what came to nothing last."""
    return standing(visits)[-1] if standing(visits) else max(visits, key=lambda visit: visit.starts_at)


def follow(visit: Appointment, lead: Appointment, *, now: datetime) -> Appointment:
    """What the first visit's fate means for a later one; the same visit as long as it means nothing.

    Safe to repeat. Once the first was confirmed, its own end is nobody else's, but what its health check comes to is:
    a later visit counts on that check until its own was decided.
    """
    if not visit.follows or visit.checked or visit.state not in BOOKED:
        return visit
    if lead.state is State.DECLINED:
        return turns.decline(visit, event=f"{lead.id}:followed", now=now) if now < visit.starts_at else visit
    if was_confirmed(lead):
        return _as_cleared(visit, lead, now=now)
    if lead.is_postponed:
        return _postponed(visit, lead.cleared_until, lead, now=now)
    return _as_it_ended(visit, lead, now=now)


def _as_cleared(visit: Appointment, lead: Appointment, *, now: datetime) -> Appointment:
    """Once the first was confirmed: as far as its clearance reaches, unless that counts no longer."""
    if not counts(lead):
        return _postponed(visit, None, lead, now=now)
    if visit.state is State.CONFIRMED:
        return visit
    if not visit.is_reached(lead.cleared_until):
        return _postponed(visit, lead.cleared_until, lead, now=now)
    return turns.confirm(visit, cleared_until=lead.cleared_until, event=f"{lead.id}:followed", now=now)


def _postponed(visit: Appointment, until: date | None, lead: Appointment, *, now: datetime) -> Appointment:
    """Its own check is asked for when it is near, unless it is being asked for or waits with no more than this."""
    waits = visit.state is State.REQUESTED and visit.cleared_until == until and (until is None or visit.is_postponed)
    if waits or visit.is_asked_again or now >= visit.starts_at:
        return visit
    return turns.postpone(visit, cleared_until=until, event=f"{lead.id}:followed", now=now)


def _as_it_ended(visit: Appointment, lead: Appointment, *, now: datetime) -> Appointment:
    """The first came to nothing before it was ever confirmed."""
    if lead.state not in OVER_WITHOUT_US or visit.state is State.CONFIRMED:
        return visit
    if lead.client is None:
        return give_back(visit, now=now)
    if lead.state is State.CANCELLED and now < visit.starts_at:
        return turns.cancel(visit, by=lead.history[-1].by, now=now)
    return turns.lapse(replace(visit, held_until=now), now=now)


def doubted(lead: Appointment, *, event: str, now: datetime) -> Appointment:
    """What the first one's health check said was taken back on the page of a later visit, which relied on it."""
    if any(turn.event == event for turn in lead.history) or not counts(lead):
        return lead
    if lead.state in turns.VOIDABLE and (now >= lead.starts_at or lead.state not in BOOKED):
        return turns.void(lead, event=event, now=now)
    if lead.state is State.CONFIRMED or lead.is_postponed:
        return turns.ask_check(lead, now=now, voided_by=event)
    return lead


def takes_back(visit: Appointment, event: str) -> bool:
    """Whether that word took back what the visit relied on until then, which is the check of the first."""
    own = (turn for turn in visit.history if turn.deed in {Deed.CHECK_ASKED, Deed.VOIDED})
    first = next(own, None)
    return visit.follows and first is not None and first.event == event


def counts(lead: Appointment) -> bool:
    """Whether the newest that was decided of the first is a clearance, and was not voided since."""
    decided = (turn for turn in reversed(lead.history) if turn.deed in CLEARED | AGAINST or is_voided(turn))
    newest = next(decided, None)
    return newest is None or newest.deed in CLEARED


def was_confirmed(lead: Appointment) -> bool:
    """Whatever happened since."""
    stands = lead.state in {State.CONFIRMED, State.ATTENDED, State.MISSED}
    return stands or any(turn.deed is Deed.CONFIRMED for turn in lead.history)


def call_off(visit: Appointment, lead: Appointment, *, by: By, now: datetime) -> Appointment:
    """Free what lies ahead; in silence as long as the course has not been asked for."""
    if visit.state not in ACTIVE or visit.starts_at <= now:
        return visit
    if visit.client is not None and lead.client is None:
        return give_back(visit, now=now)
    return turns.cancel(visit, by=by, now=now)


def clear(visit: Appointment, lead: Appointment, *, now: datetime) -> Appointment:
    """A person has looked at a visit that lies beyond the clearance of the first; it counts for that day alone.

    What its own health check has come to is ruled on there.
    """
    waits = visit.state in WAITING and visit.follows and not visit.checked
    if not waits or not was_confirmed(lead) or not counts(lead):
        return visit
    return turns.confirm(visit, cleared_until=local_date(visit), event=f"{lead.id}:cleared", now=now)


def give_back(visit: Appointment, *, now: datetime) -> Appointment:
    """Undo the taking of a visit whose course never came about: in silence, and nothing of the client is kept."""
    if visit.state not in WAITING | {State.HELD}:
        return visit
    return replace(turns.cancel(visit, by=By.RULES, now=now), client=None, requested_with=None)


def keep_time(visit: Appointment, lead: Appointment | None, *, now: datetime) -> Appointment | None:
    """As for any visit, but one that waits for the first of its course waits for as long as that one does."""
    due = visit.due_at
    if not visit.follows or visit.state is not State.REQUESTED or due is None or now < due:
        return turns.keep_time(visit, now=now)
    if lead is None:  # forgotten, as holds are that nobody asked for
        return give_back(visit, now=now)
    followed = follow(visit, lead, now=now)
    if followed is not visit:
        return followed
    if visit.starts_at <= now:
        return give_back(visit, now=now) if lead.client is None else turns.keep_time(visit, now=now)
    if lead.state in PENDING and not lead.is_postponed and not visit.is_asked_again:
        return _waiting_on(visit, until=max(lead.held_until or now, now) + LOOK_AGAIN, now=now)
    if visit.is_postponed or visit.is_asked_again:
        return turns.keep_time(visit, now=now)
    # It waited for the first, which came to nothing after it had been confirmed once.
    return turns.postpone(visit, cleared_until=None, event=f"{lead.id}:followed", now=now)


def _waiting_on(visit: Appointment, *, until: datetime, now: datetime) -> Appointment:
    turn = Turn(deed=Deed.RENEWED, by=By.RULES, at=now, version=visit.version + 1)
    history = (*visit.history[-turns.MOST_TURNS + 1 :], turn)
    return replace(visit, version=turn.version, history=history, held_until=min(until, visit.starts_at))
