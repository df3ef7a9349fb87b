"""What must hold for every form that anybody could hand in."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.screening import library
from services.screening.domain.answers import AnswerType
from services.screening.domain.assessment import UNDETERMINED, Assessment, assess
from services.screening.domain.catalogue import Form
from services.screening.domain.conditions import Is
from services.screening.domain.ruleset import Effect, Ruleset

FORM: Form = library.read().form("cst-core")
QUESTIONS = {question.id: question for question in FORM.questionnaire.questions}
EARLIEST = date(2024, 1, 1)
SEVERITY = {Effect.CLEARED: 0, Effect.NEEDS_REVIEW: 1, Effect.DECLINED: 2}
FLAGS = [option.value for option in QUESTIONS["q_red_flags"].options]
Answers = dict[str, Any]
# STILLPOINT_TEST_EXAMPLES=20000 is the long run before a rule set is published.
thoroughly = settings(max_examples=int(os.environ.get("STILLPOINT_TEST_EXAMPLES", "150")), deadline=None)

as_ofs = st.dates(EARLIEST, date(2032, 12, 31))
tri = st.sampled_from(["yes", "no", "no", "unsure", "skip"])
known = st.sampled_from(["yes", "no"])


def exactly(day: date) -> Answers:
    return {"kind": "date", "value": day.isoformat()}


def in_month(day: date) -> Answers:
    return {"kind": "month", "value": f"{day:%Y-%m}"}


def in_year(day: date) -> Answers:
    return {"kind": "year", "value": f"{day:%Y}"}


@st.composite
def forms(draw: st.DrawFn, *, open_answers: bool = True, exact: bool = False) -> tuple[date, Answers]:
    """A day and a form that is filled in as a careful client would: nothing orphaned, nothing dated impossibly."""
    as_of = draw(as_ofs)
    answer = tri if open_answers else known
    dob = as_of - timedelta(days=draw(st.integers(0, 45_000) | st.integers(6_000, 7_000) | st.integers(700, 760)))
    given_: Answers = {
        "dob": dob.isoformat(),
        "respondent_role": draw(st.sampled_from(["self", "guardian"])),
        "q_red_flags": draw(st.just(["none"]) | st.lists(st.sampled_from(FLAGS), min_size=1, max_size=3, unique=True)),
    }
    for question in FORM.questionnaire.questions:
        if question.id in given_ or question.type is AnswerType.TEXT:
            continue
        shown = question.shown_when
        if isinstance(shown, Is) and given_.get(shown.question) not in shown.values:
            continue
        match question.type:
            case AnswerType.TRI:
                given_[question.id] = draw(answer)
            case AnswerType.CHOICE:
                listed = [option.value for option in question.options]
                given_[question.id] = draw(st.sampled_from(listed + (["unsure", "skip"] if open_answers else [])))
            case AnswerType.FUZZY_DATE:
                day = as_of - timedelta(days=draw(st.integers(0, min(400, (as_of - dob).days))))
                shapes = [exactly] if exact else [exactly, in_month, in_year]
                given_[question.id] = draw(st.sampled_from(shapes))(day)
            case _:
                pass
    _suit_the_age(given_, as_of, draw(st.booleans()))
    return as_of, given_


def _suit_the_age(given_: Answers, as_of: date, consent: bool) -> None:
    sheet = FORM.questionnaire.sheet(FORM.questionnaire.read(given_), as_of=as_of)
    for orphan in sheet.orphans:
        given_.pop(orphan)
    if "guardian_consent" in sheet.shown:
        given_["guardian_consent"] = consent


def judged(as_of: date, answers: Answers, ruleset: Ruleset = FORM.ruleset) -> Assessment:
    return assess(ruleset, FORM.questionnaire.sheet(FORM.questionnaire.read(answers), as_of=as_of))


def severity(as_of: date, answers: Answers) -> int:
    return SEVERITY[judged(as_of, answers).outcome]


def completed(as_of: date, answers: Answers, day: date) -> Answers:
    """The follow-up questions of a changed answer, filled in."""
    sheet = FORM.questionnaire.sheet(FORM.questionnaire.read(answers), as_of=as_of)
    filled = {name: value for name, value in answers.items() if name not in sheet.orphans}
    for name in sheet.missing:
        match QUESTIONS[name].type:
            case AnswerType.FUZZY_DATE:
                filled[name] = exactly(day)
            case AnswerType.TRI:
                filled[name] = "no"
            case AnswerType.CHOICE:
                filled[name] = "mild"
            case _:
                pass
    return filled


@thoroughly
@given(forms())
def test_an_open_answer_is_never_cleared(form: tuple[date, Answers]) -> None:
    as_of, answers = form
    if {"unsure", "skip"} & {value for value in answers.values() if isinstance(value, str)} or "unsure" in answers[
        "q_red_flags"
    ]:
        assert severity(as_of, answers) > 0


@thoroughly
@given(forms(exact=True), st.sampled_from(["yes", "unsure", "skip"]), st.integers(0, 400), st.data())
def test_turning_a_no_into_anything_else_never_softens_the_outcome(
    form: tuple[date, Answers], to: str, days: int, data: st.DataObject
) -> None:
    as_of, answers = form
    noes = sorted(name for name, value in answers.items() if value == "no")
    if noes:
        day = max(as_of - timedelta(days=days), date.fromisoformat(answers["dob"]))
        changed = completed(as_of, {**answers, data.draw(st.sampled_from(noes)): to}, day)
        assert severity(as_of, changed) >= severity(as_of, answers)


@thoroughly
@given(forms(exact=True), st.integers(1, 400))
def test_a_more_recent_event_never_softens_the_outcome(form: tuple[date, Answers], days: int) -> None:
    as_of, answers = form
    for name, value in answers.items():
        if name.endswith("_date") and isinstance(value, dict):
            day = min(as_of, date.fromisoformat(value["value"]) + timedelta(days=days))
            assert severity(as_of, {**answers, name: exactly(day)}) >= severity(as_of, answers)


@thoroughly
@given(forms(), st.randoms(use_true_random=False))
def test_the_order_of_answers_and_rules_does_not_matter(form: tuple[date, Answers], chance: random.Random) -> None:
    as_of, answers = form
    names, rules = list(answers), list(FORM.ruleset.rules)
    chance.shuffle(names)
    chance.shuffle(rules)
    shuffled = judged(as_of, {name: answers[name] for name in names}, replace(FORM.ruleset, rules=tuple(rules)))
    assert shuffled == judged(as_of, answers)


@thoroughly
@given(forms(), st.data())
def test_leaving_out_a_required_answer_is_never_cleared(form: tuple[date, Answers], data: st.DataObject) -> None:
    as_of, answers = form
    required = sorted(name for name in answers if QUESTIONS[name].required and not QUESTIONS[name].essential)
    left_out = data.draw(st.sampled_from(required))
    assert severity(as_of, {name: value for name, value in answers.items() if name != left_out}) > 0


@thoroughly
@given(forms(exact=True))
def test_knowing_a_date_less_exactly_never_softens_the_outcome(form: tuple[date, Answers]) -> None:
    as_of, answers = form
    for name, value in answers.items():
        if name.endswith("_date") and isinstance(value, dict):
            day = date.fromisoformat(value["value"])
            by_month = severity(as_of, {**answers, name: in_month(day)})
            assert severity(as_of, answers) <= by_month <= severity(as_of, {**answers, name: in_year(day)})


@thoroughly
@given(forms())
def test_nobody_under_18_is_cleared(form: tuple[date, Answers]) -> None:
    as_of, answers = form
    found = judged(as_of, answers)
    if "MINOR" in found.reason_codes:
        assert found.outcome is not Effect.CLEARED
    adult = FORM.questionnaire.sheet(FORM.questionnaire.read(answers), as_of=as_of).age >= 18
    assert adult is not ("MINOR" in found.reason_codes)


@thoroughly
@given(forms())
def test_every_outcome_has_its_reasons_and_its_text(form: tuple[date, Answers]) -> None:
    found = judged(*form)
    assert (found.outcome is Effect.CLEARED) is (not found.reason_codes)
    assert found.messages
    assert found.reason_codes == tuple(sorted(set(found.reason_codes)))
    assert not any(code.startswith(UNDETERMINED.rstrip("*")) for code in found.reason_codes)
    assert found.retry_after is None or (found.outcome is Effect.DECLINED and not found.urgent)
    assert found.retry_after is not None or "DECLINED_RETRY" not in found.messages


@thoroughly
@given(forms())
def test_a_rule_set_with_a_hole_in_it_still_clears_nobody_of_whom_it_does_not_know(form: tuple[date, Answers]) -> None:
    as_of, answers = form
    holed = replace(FORM.ruleset, rules=tuple(r for r in FORM.ruleset.rules if r.id not in {"R70", "R71", "R72"}))
    if answers.get("q_aneurysm") in ("unsure", "skip"):
        found = judged(as_of, answers, holed)
        assert found.outcome is not Effect.CLEARED
        assert found.messages
