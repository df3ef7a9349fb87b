"""Which starts are free: one function for the list, for the check of one start, and for why a start is not offered.

The list is what the rules leave of the hours, on the raster of steps; an explanation names the rules that a start
falls foul of. Nothing depends on the past.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from operator import attrgetter, itemgetter
from zoneinfo import ZoneInfo

from services.booking.domain import calendar
from services.booking.domain.practice import Practitioner
from services.booking.domain.question import REACH, Busy, Question, Reason, Start, Where
from services.booking.domain.rules import Rules

__all__ = ["REACH", "Busy", "Question", "Reason", "Start", "by_day", "explain", "free_start", "free_starts", "window"]


def free_starts(question: Question) -> list[Start]:
    """Every start that can be booked, in order, each once.

    With any practitioner a start goes to whoever has the fewest visits on that local day, ties to the first by
    name. A room is the first free one of the place by id.
    """
    people = question.practice.who_offers(question.service.id)
    if question.practitioner is not None:
        people = tuple(person for person in people if person.id == question.practitioner)
    # What is preferred comes last, and so takes the place of what is not.
    found: list[tuple[int, range, Where]] = []
    taken = _by_practitioner(question.busy)
    for person in reversed(people):
        for rules in reversed(list(_rules_of(question, person, taken.get(person.id, ())))):
            for day, minutes, where in rules.offered():
                found.append((rules.visits_on(day) if len(people) > 1 else 0, minutes, where))
    found.sort(key=itemgetter(0), reverse=True)
    chosen: dict[int, Where] = {}
    for _, minutes, where in found:
        chosen.update(dict.fromkeys(minutes, where))
    return [Start(minute, *chosen[minute]) for minute in sorted(chosen)]


def free_start(question: Question, at: datetime) -> Start | None:
    """The start at exactly `at`, if it is on offer; the question's own window does not matter."""
    starts = free_starts(_narrowed(question, at))
    return starts[0] if starts and starts[0].starts_at == at else None


def explain(question: Question, at: datetime) -> dict[str, tuple[Reason, ...]]:
    """Per practitioner asked about, why a start at `at` is not on offer; no reason means that it is.

    Someone at several places answers for one with hours then, if any, and the fewest rules in the way.
    """
    asked = question.practice.practitioners
    if question.practitioner is not None:
        asked = (question.practice.practitioner(question.practitioner),)
    return {person.id: _against(_narrowed(question, at), person, at) for person in asked}


def window(first: date, number: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The window of `number` dates from `first` on, as they begin and end in the viewer's zone."""
    ends = calendar.day_start(first + timedelta(days=number), zone)
    return calendar.instant_of(calendar.day_start(first, zone)), calendar.instant_of(ends)


def by_day(starts: Sequence[Start], zone: ZoneInfo) -> dict[date, list[Start]]:
    """The starts under their dates in the viewer's zone."""
    days: dict[date, list[Start]] = {}
    at = 0
    while at < len(starts):
        day = calendar.local_date(starts[at].minute, zone)
        ends = calendar.day_start(day + timedelta(days=1), zone)
        behind = bisect_left(starts, ends, at, key=attrgetter("minute"))
        days[day] = list(starts[at:behind])
        at = behind
    return days


def _narrowed(question: Question, at: datetime) -> Question:
    return replace(question, starts_from=at, starts_until=at + timedelta(minutes=1))


def _against(question: Question, person: Practitioner, at: datetime) -> tuple[Reason, ...]:
    if question.service.id not in person.services:
        return (Reason.SERVICE,)
    verdicts = (tuple(rules.against(at)) for rules in _rules_of(question, person))
    return min(verdicts, key=_distance, default=(Reason.HOURS,))


def _distance(reasons: tuple[Reason, ...]) -> tuple[bool, int]:
    return not {Reason.HOURS, Reason.EXCEPTION}.isdisjoint(reasons), len(reasons)


def _rules_of(question: Question, person: Practitioner, theirs: Sequence[Busy] | None = None) -> Iterator[Rules]:
    for place in person.places:
        yield Rules(question, person, question.practice.place(place), theirs)


def _by_practitioner(taken: Iterable[Busy]) -> dict[str | None, list[Busy]]:
    whose: dict[str | None, list[Busy]] = {}
    for busy in taken:
        whose.setdefault(busy.practitioner, []).append(busy)
    return whose
