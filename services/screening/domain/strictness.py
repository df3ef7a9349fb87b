"""Whether one set is nowhere softer than another: shown rule by rule and question by question, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from services.screening.domain.assessment import MESSAGES, URGENT
from services.screening.domain.catalogue import Form
from services.screening.domain.conditions import (
    Age,
    All,
    AnyOf,
    Band,
    Condition,
    DaysSince,
    Each,
    Is,
    Number,
    TickedCount,
    Written,
)
from services.screening.domain.questionnaire import Question, Questionnaire
from services.screening.domain.ruleset import Clearance, Effect, Otherwise, Rule, Ruleset, When

ORDER: Final = (Effect.NOTE, Effect.CLEARED, Effect.NEEDS_REVIEW, Effect.DECLINED)
SEVERITY: Final = {Effect.CLEARED: 0, Effect.NEEDS_REVIEW: 1, Effect.DECLINED: 2}
CLEARANCES: Final = (Clearance.NO, Clearance.ON_LISTED_QUESTIONS, Clearance.YES)


def weaker(was: Form, now: Form) -> Iterator[str]:
    """In what `now` could be softer than `was`; nothing at all if it cannot be, whatever somebody answers.

    A condition is built without negation, and open answers stay open, so what covers each part covers the whole.
    """
    yield from _questions(was.questionnaire, now.questionnaire)
    yield from _rules(was.ruleset, now.ruleset)


def _questions(was: Questionnaire, now: Questionnaire) -> Iterator[str]:
    known = {question.id: question for question in now.questions}
    if len(known) != len(now.questions):
        yield "a question is asked twice"
    order = [question.id for question in now.questions if question.id in {q.id for q in was.questions}]
    if set(order) == {q.id for q in was.questions} and order != [q.id for q in was.questions]:
        yield "the questions stand in another order"
    for question in was.questions:
        after = known.get(question.id)
        if after is None:
            yield f"{question.id} is not asked any longer"
        else:
            yield from (f"{question.id} {trouble}" for trouble in _question(question, after))


def _question(was: Question, now: Question) -> Iterator[str]:
    """Another option is another way to answer, of which the rules may know nothing."""
    if now.type is not was.type or now.limits != was.limits:
        yield "takes other answers"
    if [option.value for option in now.options] != [option.value for option in was.options]:
        yield "has other options"
    if {o.value for o in was.options if o.urgent} - {o.value for o in now.options if o.urgent}:
        yield "shows the urgent text later"
    if (was.required and not now.required) or (was.essential and not now.essential):
        yield "may be left out"
    if now.shown_when != was.shown_when:
        yield "is asked of other people"  # also of more: an answer that contradicted the others would not any longer


def _rules(was: Ruleset, now: Ruleset) -> Iterator[str]:
    known = {rule.id: rule for rule in now.rules}
    if len(known) != len(now.rules):
        yield "two rules have the same id"
    for rule in was.rules:
        after = known.get(rule.id)
        if after is None:
            yield f"{rule.id} is gone"
        else:
            yield from (f"{rule.id} {trouble}" for trouble in _rule(rule, after))
    for question in sorted(was.clearance_questions - now.clearance_questions):
        yield f"{question} asks for no clearance any longer"


def _rule(was: Rule, now: Rule) -> Iterator[str]:
    if is_milder(now.effect, was.effect):
        yield f"leads to {now.effect} instead of {was.effect}"
    if Effect.CLEARED in (was.effect, now.effect) and was.effect is not now.effect:
        yield "clears, or clears no longer"
    if now.code != was.code:
        yield "has another code"
    if was.urgent and not now.urgent:
        yield "is not urgent any longer"
    if CLEARANCES.index(now.clearance) < CLEARANCES.index(was.clearance) and now.effect is not Effect.DECLINED:
        yield "asks for less of a clearance"
    if was.lock and not now.lock:
        yield "is not locked any longer"
    if not covers(was.when, now.when):
        yield "fires in fewer cases"
    yield from _what_follows(was, now)


def _what_follows(was: Rule, now: Rule) -> Iterator[str]:
    if now.time_limited and was.effect is Effect.DECLINED and not was.time_limited:
        yield "lets a client try again"
    if now.effect is Effect.NEEDS_REVIEW and was.approve_for is not None:
        longer = now.approve_for is None or any(a > b for a, b in zip(now.approve_for, was.approve_for, strict=True))
        if longer:
            yield "lets an approval count for longer"
    if was.messages and (not now.messages or _rank(now) > _rank(was)):
        yield "tells the client something milder"
    if URGENT in was.messages and URGENT not in now.messages:
        yield "does not tell the client to get help"


def _rank(rule: Rule) -> int:
    return min(MESSAGES.index(key) for key in rule.messages)


def is_milder(effect: Effect, other: Effect) -> bool:
    return ORDER.index(effect) < ORDER.index(other)


def covers(was: When, now: When) -> bool:
    """Whether `now` holds, or is unknown, wherever `was` does, and holds wherever `was` holds."""
    if isinstance(was, Otherwise) or isinstance(now, Otherwise):
        return was == now
    if isinstance(was, Each) or isinstance(now, Each):
        return isinstance(was, Each) and isinstance(now, Each) and _covers_each(was, now)
    return _covers(was, now)


def _covers(was: Condition, now: Condition) -> bool:
    if was == now or _wider(was, now):
        return True
    if isinstance(was, AnyOf):
        return bool(was.of) and all(_covers(part, now) for part in was.of)
    if isinstance(now, All):
        return bool(now.of) and all(_covers(was, part) for part in now.of)
    if isinstance(now, AnyOf) and any(_covers(was, part) for part in now.of):
        return True
    return isinstance(was, All) and any(_covers(part, now) for part in was.of)


def _wider(was: Condition, now: Condition) -> bool:
    match was, now:
        case (Is(question=a, values=few), Is(question=b, values=more)):
            return a == b and few <= more
        case (Written(question=a, nothing=more), Written(question=b, nothing=few)):
            return a == b and few <= more
        case (Age(band=inner), Age(band=outer)):
            return _holds(inner, outer)
        case (
            (DaysSince(question=a, band=inner), DaysSince(question=b, band=outer))
            | (Number(question=a, band=inner), Number(question=b, band=outer))
            | (TickedCount(question=a, band=inner), TickedCount(question=b, band=outer))
        ):
            return a == b and _holds(inner, outer)
        case _:
            return False


def _covers_each(was: Each, now: Each) -> bool:
    among = now.among is None or (was.among is not None and was.among <= now.among)
    return was.trait is now.trait and among and now.but <= was.but


def _holds(inner: Band, outer: Band) -> bool:
    low = outer.low is None or (inner.low is not None and outer.low <= inner.low)
    high = outer.high is None or (inner.high is not None and outer.high >= inner.high)
    return low and high
