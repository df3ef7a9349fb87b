"""What a rule set says of a sheet: a pure function of its arguments, in which unknown never clears anybody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.screening.domain.answers import plain
from services.screening.domain.conditions import Band, Each, Trait
from services.screening.domain.questionnaire import DOB
from services.screening.domain.ruleset import Clearance, Effect, Otherwise, Rule, Ruleset
from services.screening.domain.sheet import Sheet

URGENT = "URGENT"
RETRY = "DECLINED_RETRY"
# The most severe text comes first; a client reads the first one, and below an urgent one what becomes of the booking.
MESSAGES = (URGENT, "DECLINED", RETRY, "REVIEW_CLEARANCE", "REVIEW", "CLEARED")
UNDETERMINED = "UNDETERMINED:*"  # no rule of the set reports this; it catches a set with a hole in it

Fired = tuple[Rule, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fired rule with all that it read; `inputs` are normalised values by question."""

    rule: str
    code: str
    effect: Effect
    inputs: dict[str, str | int | bool | list[str]]
    band: tuple[int | None, int | None] | None
    sources: tuple[str, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The outcome with its reasons. `outcome` is never `note`; codes are sorted; `messages` are in reading order.

    `retry_after` is the day from which the form may be filled in again, and no promise about that day.
    """

    outcome: Effect
    urgent: bool
    reason_codes: tuple[str, ...]
    note_codes: tuple[str, ...]
    clearance_required: bool
    retry_after: date | None
    messages: tuple[str, ...]
    trace: tuple[Finding, ...]


def assess(ruleset: Ruleset, sheet: Sheet) -> Assessment:
    """Collect every rule that holds; the most severe decides."""
    fired, unknown = _collect(ruleset, sheet)
    outcome = _outcome(fired)
    reasons = {_code(rule, subject) for rule, subject in fired if rule.effect is not Effect.NOTE}
    if outcome is Effect.CLEARED and unknown:
        outcome = Effect.NEEDS_REVIEW
        reasons = {UNDETERMINED.replace("*", rule) for rule in unknown}
    if outcome is Effect.CLEARED:
        fired += [(rule, "") for rule in ruleset.rules if isinstance(rule.when, Otherwise)]
    urgent = any(rule.urgent for rule, _ in fired)
    retry_after = None if urgent else _retry_after((rule for rule, _ in fired), sheet)
    return Assessment(
        outcome=outcome,
        urgent=urgent,
        reason_codes=tuple(sorted(reasons)),
        note_codes=tuple(sorted({rule.code for rule, _ in fired if rule.effect is Effect.NOTE})),
        clearance_required=any(_needs_clearance(rule, subject, ruleset) for rule, subject in fired),
        retry_after=retry_after,
        messages=_messages([rule for rule, _ in fired], outcome, retry_after),
        trace=tuple(_finding(rule, subject, sheet) for rule, subject in sorted(fired, key=_by_rule)),
    )


def _collect(ruleset: Ruleset, sheet: Sheet) -> tuple[list[Fired], list[str]]:
    """Every fired rule with its subject (empty for most), and the rules of which nobody can tell."""
    fired: list[Fired] = []
    unknown: list[str] = []
    for rule in ruleset.rules:
        if isinstance(rule.when, Each):
            fired += [(rule, subject) for subject in rule.when.subjects(sheet)]
        elif not isinstance(rule.when, Otherwise):
            truth = rule.when.holds(sheet)
            if truth is None and rule.effect is not Effect.NOTE:
                unknown.append(rule.id)
            elif truth:
                fired.append((rule, ""))
    return fired, unknown


def _outcome(fired: Iterable[Fired]) -> Effect:
    effects = {rule.effect for rule, _ in fired}
    severest = (Effect.DECLINED, Effect.NEEDS_REVIEW)
    return next((effect for effect in severest if effect in effects), Effect.CLEARED)


def _needs_clearance(rule: Rule, subject: str, ruleset: Ruleset) -> bool:
    if rule.clearance is Clearance.ON_LISTED_QUESTIONS:
        return subject in ruleset.clearance_questions
    return rule.clearance is Clearance.YES


def _retry_after(fired: Iterable[Rule], sheet: Sheet) -> date | None:
    """The latest day on which a window ends, if time alone lifts every decline."""
    ends: list[date] = []
    for rule in fired:
        if rule.effect is not Effect.DECLINED:
            continue
        window = rule.window
        day = sheet.latest_day(window.question) if window else None
        if not rule.time_limited or window is None or window.band.high is None or day is None:
            return None
        if (date.max - day).days < window.band.high:
            return None  # the calendar ends first
        ends.append(day + timedelta(days=window.band.high))
    return max(ends, default=None)


def _messages(fired: Sequence[Rule], outcome: Effect, retry_after: date | None) -> tuple[str, ...]:
    """One text, or the urgent one with what becomes of the booking below it.

    A sign that declines by itself needs nothing below: the urgent text already says that no booking was made.
    Without a day to name, nobody is told that there is one.
    """
    named = {key for rule in fired for key in rule.messages}
    if retry_after is None and RETRY in named:
        named = named - {RETRY} | {"DECLINED"}
    keys = sorted(named, key=MESSAGES.index)
    if not keys:
        return ("REVIEW",) if outcome is Effect.NEEDS_REVIEW else ()
    ends_there = any(URGENT in rule.messages and rule.effect is Effect.DECLINED for rule in fired)
    return tuple(keys[:2]) if keys[0] == URGENT and not ends_there else (keys[0],)


def _code(rule: Rule, subject: str) -> str:
    return rule.code.replace("*", subject)


def _by_rule(found: Fired) -> tuple[str, str]:
    return found[0].id, found[1]


def _finding(rule: Rule, subject: str, sheet: Sheet) -> Finding:
    asked = _asked(rule.when, subject, sheet) if isinstance(rule.when, Each) else rule.reads
    inputs = {name: plain(sheet.values[name]) for name in asked if name in sheet.values}
    if rule.reads_age:
        inputs["age"] = sheet.age
    return Finding(
        rule=rule.id,
        code=_code(rule, subject),
        effect=rule.effect,
        inputs=inputs,
        band=_edges(rule.window.band) if rule.window else None,
        sources=rule.sources,
        evidence=rule.evidence,
    )


def _asked(each: Each, subject: str, sheet: Sheet) -> Sequence[str]:
    """The question that it was found on, or those of which one value was ticked; and what a date was held against."""
    if each.among and subject not in sheet.values:
        return sorted(each.among)
    return (subject, DOB) if each.trait is Trait.BEFORE_BIRTH else (subject,)


def _edges(band: Band) -> tuple[int | None, int | None]:
    return band.low, band.high
