"""What is wrong with a form, its rules or its texts, each as one sentence; nothing at all for a sound set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from string import Formatter
from typing import Final

from services.screening.domain.answers import AnswerType
from services.screening.domain.assessment import MESSAGES
from services.screening.domain.catalogue import Form
from services.screening.domain.conditions import Age, All, AnyOf, Condition, DaysSince, Each, Is, IsNot, Ticked
from services.screening.domain.questionnaire import DOB, Question, Questionnaire
from services.screening.domain.ruleset import Effect, Otherwise, Rule, Ruleset
from services.screening.domain.strictness import is_milder
from services.screening.domain.told import LATER
from services.screening.domain.wording import PLACEHOLDERS

# What every set must hold, whatever a practice wants: the mandatory contraindications, the signs that need help now,
# childhood, and everything open or contradictory. Softer outcomes than these are refused.
MANDATORY: Final[Mapping[str, Effect]] = {
    **dict.fromkeys(("R01", "R02", "R03", "R04", "R05", "R20", "R21"), Effect.DECLINED),
    **dict.fromkeys(("R22", "R43", "R65", "R66", "R68", "R70", "R71", "R72"), Effect.NEEDS_REVIEW),
    **dict.fromkeys(("R80", "R81", "R85", "R86", "R87"), Effect.NEEDS_REVIEW),
    "R99": Effect.CLEARED,
}
# What a text must name: the number to call, and the moment or the day that it is about.
FILLED: Final[Mapping[str, str]] = {
    "URGENT": "emergency_number",
    "REVIEW": "deadline",
    "REVIEW_CLEARANCE": "deadline",
    "DECLINED_RETRY": "retry_after",
    "REVIEW_REQUESTED": "deadline",
}
TOGETHER: Final = 6  # questions in a group, not counting those that follow from an answer (specification, section 6b)


def of_texts(by_key: Mapping[str, str]) -> Iterator[str]:
    for key in (*MESSAGES, *LATER):
        if not by_key.get(key):
            yield f"there is no text for {key}"
    for key, text in by_key.items():
        blanks = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
        yield from (f"{key} has an unknown field {blank}" for blank in sorted(blanks - PLACEHOLDERS))
        if key in FILLED and FILLED[key] not in blanks:
            yield f"{key} does not name its {FILLED[key]}"


def of_questionnaire(form: Questionnaire, locales: Iterable[str]) -> Iterator[str]:
    yield from _group_troubles(form, locales)
    for name, texts in (("the title", form.title), *form.labels.items()):
        yield from (f"{name} has no text in {locale}" for locale in locales if not texts.get(locale))
    before: dict[str, Question] = {}
    for question in form.questions:
        if question.id in before:
            yield f"{question.id} is asked twice"
        if question.type in (AnswerType.CHOICE, AnswerType.MULTI) and not question.options:
            yield f"{question.id} has no options"
        if question.shown_when is not None:
            yield from _condition_troubles(question.id, question.shown_when, before)
            if not all(
                isinstance(part, All | AnyOf | Age | Is | IsNot | Ticked) for part in question.shown_when.parts()
            ):
                yield f"{question.id} is shown by a condition that a page cannot follow"
        for texts in (question.text, *(option.text for option in question.options)):
            yield from (f"{question.id} has no text in {locale}" for locale in locales if not texts.get(locale))
        before[question.id] = question
    birth = before.get(DOB)
    if birth is None or birth.type is not AnswerType.DATE or not birth.essential or birth.shown_when is not None:
        yield f"{DOB} must be an essential date that is always asked"


def _group_troubles(form: Questionnaire, locales: Iterable[str]) -> Iterator[str]:
    """Groups are in the order of their questions, and none is longer than people can take in at once."""
    in_order = [group.id for group in form.groups]
    if [name for name, _ in groupby(question.group for question in form.questions)] != in_order:
        yield "the groups are not those of the questions, in their order"
    for group in form.groups:
        yield from (f"group {group.id} has no title in {locale}" for locale in locales if not group.title.get(locale))
        first = [q for q in form.questions if q.group == group.id and not _follows(q)]
        if len(first) > TOGETHER:
            yield f"group {group.id} asks more than {TOGETHER} questions"


def _follows(question: Question) -> bool:
    """Asked only after an answer to another question."""
    return question.shown_when is not None and any(
        getattr(part, "question", None) for part in question.shown_when.parts()
    )


def of_rules(form: Form, locales: Iterable[str]) -> Iterator[str]:
    questions = {question.id: question for question in form.questionnaire.questions}
    rules = {rule.id: rule for rule in form.ruleset.rules}
    if len(rules) != len(form.ruleset.rules) or len({rule.code for rule in rules.values()}) != len(rules):
        yield "two rules have the same id or code"
    for name, effect in MANDATORY.items():
        if name not in rules or not rules[name].lock or is_milder(rules[name].effect, effect):
            yield f"{name} must be there, locked, with the outcome {effect}"
    for rule in rules.values():
        yield from (f"{rule.id} {trouble}" for trouble in _rule_troubles(rule, form.ruleset, locales))
        for condition in rule.conditions():
            yield from _condition_troubles(rule.id, condition, questions)
        if isinstance(rule.when, Each) and rule.when.among is not None:
            yield from (f"{rule.id} names an unknown question {q}" for q in rule.when.among - questions.keys())
    yield from (f"unknown clearance question {q}" for q in form.ruleset.clearance_questions - questions.keys())


def _rule_troubles(rule: Rule, ruleset: Ruleset, locales: Iterable[str]) -> Iterator[str]:
    if (rule.effect is Effect.CLEARED) != isinstance(rule.when, Otherwise):
        yield "may clear only as the rule for everything else"
    if bool(rule.messages) != (rule.effect is not Effect.NOTE) or set(rule.messages) - set(MESSAGES):
        yield "needs a message that exists, unless it is a note"
    if set(rule.sources) - ruleset.sources.keys():
        yield "names a source that is not listed"
    if ("*" in rule.code) != isinstance(rule.when, Each):
        yield "needs a * in its code exactly if it looks at each question"
    window = rule.window
    if rule.time_limited and (rule.effect is not Effect.DECLINED or window is None or window.band.high is None):
        yield "is limited in time without declining inside a window that ends"
    if rule.approve_for and (rule.effect is not Effect.NEEDS_REVIEW or rule.approve_for[0] > rule.approve_for[1]):
        yield "says how long an approval counts without asking for one, or a default beyond its most"
    yield from (f"has no explanation in {locale}" for locale in locales if not rule.explanation.get(locale))


def _condition_troubles(owner: str, condition: Condition, known: Mapping[str, Question]) -> Iterator[str]:
    for part in condition.parts():
        name = getattr(part, "question", None)
        if name is None:
            continue
        question = known.get(name)
        if question is None:
            yield f"{owner} names a question that is unknown there: {name}"
        elif isinstance(part, DaysSince) and question.type is not AnswerType.FUZZY_DATE:
            yield f"{owner} counts days from {name}, which is not a date"
        else:
            yield from (f"{owner} expects {value} of {name}" for value in _expected(part) - _possible(question))


def _expected(part: Condition) -> frozenset[str | bool]:
    match part:
        case Is(values=values):
            return values
        case IsNot(value=value) | Ticked(value=value):
            return frozenset({value})
        case _:
            return frozenset()


def _possible(question: Question) -> frozenset[str | bool]:
    match question.type:
        case AnswerType.BOOL:
            return frozenset({True, False})
        case AnswerType.TRI:
            return frozenset({"yes", "no", "unsure", "skip"})
        case AnswerType.MULTI:
            return frozenset(question.limits.values)
        case _:
            return frozenset(question.limits.values) | {"unsure", "skip"}
