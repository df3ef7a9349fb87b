"""What a practice adds to a form of the library, and the form that comes of it: nothing is taken from the base."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from services.screening.domain.assessment import RETRY, URGENT
from services.screening.domain.catalogue import Form
from services.screening.domain.conditions import Age, All, AnyOf, Band, Condition, DaysSince, Number, TickedCount
from services.screening.domain.examples import OWN, Example
from services.screening.domain.questionnaire import Group, Question, Questionnaire
from services.screening.domain.ruleset import Clearance, Effect, Rule, Ruleset

OWN_RULE: Final = "P"
OWN_CODE: Final = "OWN_"
BOUNDED: Final[Mapping[str, type[Condition]]] = {
    "days": DaysSince,
    "age": Age,
    "number": Number,
    "ticked_count": TickedCount,
}


class OverlayBroken(Exception):
    """An overlay that does not fit its base; `troubles` are sentences that name what is wrong."""

    def __init__(self, troubles: tuple[str, ...]) -> None:
        super().__init__(troubles[0])
        self.troubles = troubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Of one rule of the base; what is None stays. `bands` are by the name of what they bound, as in `BOUNDED`."""

    rule: str
    effect: Effect | None = None
    urgent: bool = False
    clearance: bool = False
    time_limited: bool | None = None
    bands: Mapping[str, Band]
    approve_for: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """`base` and `ruleset` are exact ids of the library, `release` is the practice's own version.

    `notes` say what this release changes. `forces_rescreen`: what was cleared before counts no longer.
    """

    base: str
    ruleset: str
    release: str
    notes: str = ""
    forces_rescreen: bool = False
    groups: tuple[Group, ...] = ()
    questions: tuple[Question, ...] = ()
    rules: tuple[Rule, ...] = ()
    changes: tuple[Change, ...] = ()
    clearance_questions: frozenset[str] = frozenset()
    sources: Mapping[str, str]
    examples: tuple[Example, ...] = ()

    @property
    def touched(self) -> frozenset[str]:
        """The rules that it adds or changes."""
        return frozenset(rule.id for rule in self.rules) | {change.rule for change in self.changes}


def applied(base: Form, overlay: Overlay, digest: str) -> Form:
    """The whole form, under ids that name the base and the release. Raises `OverlayBroken`."""
    if troubles := tuple(_troubles(base, overlay)):
        raise OverlayBroken(troubles)
    return Form(_questionnaire(base.questionnaire, overlay, digest), _ruleset(base.ruleset, overlay, digest))


def _questionnaire(base: Questionnaire, overlay: Overlay, digest: str) -> Questionnaire:
    groups = (*base.groups, *overlay.groups)
    every = (*base.questions, *overlay.questions)
    in_order = tuple(question for group in groups for question in every if question.group == group.id)
    version = f"{base.version}+{overlay.release}"
    return replace(base, version=version, groups=groups, questions=in_order, digest=_both(base.digest, digest))


def _ruleset(base: Ruleset, overlay: Overlay, digest: str) -> Ruleset:
    changes = {change.rule: change for change in overlay.changes}
    kept = (changed(rule, changes[rule.id]) if rule.id in changes else rule for rule in base.rules)
    version = f"{base.version}+{overlay.release}"
    return replace(
        base,
        version=version,
        questionnaire=f"{base.questionnaire}+{overlay.release}",
        rules=tuple(sorted((*kept, *overlay.rules), key=lambda rule: rule.id)),
        clearance_questions=base.clearance_questions | overlay.clearance_questions,
        sources={**overlay.sources, **base.sources},
        forces_rescreen=overlay.forces_rescreen,
        digest=_both(base.digest, digest),
    )


def _both(base: str, overlay: str) -> str:
    """Of the one on top of the other."""
    return hashlib.sha256(f"{base}+{overlay}".encode()).hexdigest()


def changed(rule: Rule, change: Change) -> Rule:
    """With the texts that follow from what it leads to now."""
    effect = rule.effect if change.effect is None else change.effect
    limited = rule.time_limited if change.time_limited is None else change.time_limited
    when = rule.when
    for kind, band in change.bands.items():
        when = _bounded(when, BOUNDED[kind], band)  # type: ignore[arg-type]  # only conditions have parts with bands
    after = replace(
        rule,
        when=when,
        effect=effect,
        urgent=rule.urgent or change.urgent,
        clearance=Clearance.YES if change.clearance else rule.clearance,
        time_limited=limited and effect is Effect.DECLINED,
        approve_for=(change.approve_for or rule.approve_for) if effect is Effect.NEEDS_REVIEW else None,
    )
    same = (after.effect, after.urgent, after.clearance, after.time_limited) == (
        rule.effect,
        rule.urgent,
        rule.clearance,
        rule.time_limited,
    )
    return after if same else replace(after, messages=messages(after))


def messages(rule: Rule) -> tuple[str, ...]:
    """What a client is told of a rule that leads to this."""
    match rule.effect:
        case Effect.DECLINED:
            return (URGENT,) if rule.urgent else (RETRY,) if rule.time_limited else ("DECLINED",)
        case Effect.NEEDS_REVIEW:
            review = "REVIEW_CLEARANCE" if rule.clearance is Clearance.YES else "REVIEW"
            return (URGENT, review) if rule.urgent else (review,)
        case _:
            return rule.messages


def _bounded(condition: Condition, kind: type[Condition], band: Band) -> Condition:
    match condition:
        case All(of=parts):
            return All(tuple(_bounded(part, kind, band) for part in parts))
        case AnyOf(of=parts):
            return AnyOf(tuple(_bounded(part, kind, band) for part in parts))
        case DaysSince() | Age() | Number() | TickedCount() if isinstance(condition, kind):
            return replace(condition, band=band)
        case _:
            return condition


def _troubles(base: Form, overlay: Overlay) -> Iterator[str]:
    if (overlay.base, overlay.ruleset) != (base.questionnaire.id, base.ruleset.id):
        yield f"the base is {base.questionnaire.id} with {base.ruleset.id}"
    yield from _twice("question", [one.id for one in overlay.questions], {q.id for q in base.questionnaire.questions})
    yield from _twice("rule", [one.id for one in overlay.rules], {rule.id for rule in base.ruleset.rules})
    yield from _twice("group", [one.id for one in overlay.groups], {one.id for one in base.questionnaire.groups})
    yield from _twice("change", [one.rule for one in overlay.changes], set())
    yield from (f"{q.id} must begin with {OWN}" for q in overlay.questions if not q.id.startswith(OWN))
    yield from (f"{q.id} may not be essential" for q in overlay.questions if q.essential)
    yield from (f"{rule.id} must begin with {OWN_RULE}" for rule in overlay.rules if not rule.id.startswith(OWN_RULE))
    yield from (f"{r.id} needs a code that begins with {OWN_CODE}" for r in overlay.rules if not _own_code(r))
    yield from (f"{r.id} is urgent and only a note" for r in overlay.rules if r.urgent and r.effect is Effect.NOTE)
    groups = {group.id for group in (*base.questionnaire.groups, *overlay.groups)}
    yield from (f"{q.id} stands in an unknown group: {q.group}" for q in overlay.questions if q.group not in groups)
    rules = {rule.id: rule for rule in base.ruleset.rules}
    for change in overlay.changes:
        rule = rules.get(change.rule)
        if rule is None:
            yield f"a change names an unknown rule: {change.rule}"
        else:
            yield from _change_troubles(rule, change)


def _change_troubles(rule: Rule, change: Change) -> Iterator[str]:
    if Effect.CLEARED in (rule.effect, change.effect):
        yield f"{rule.id} cannot be changed so: what clears is the rule for everything else"
    for kind in change.bands:
        if sum(isinstance(part, BOUNDED[kind]) for part in rule.conditions()) != 1:
            yield f"{rule.id} has not exactly one bound of this kind: {kind}"


def _twice(what: str, names: list[str], taken: set[str]) -> Iterator[str]:
    yield from (f"{what} {name} is there already" for name in sorted(set(names) & taken))
    yield from (f"{what} {name} is named twice" for name in sorted({one for one in names if names.count(one) > 1}))


def _own_code(rule: Rule) -> bool:
    return rule.code.startswith(OWN_CODE)
