"""What must hold for every form that anybody could hand in, each as a function that fails on a counter-example.

A property makes a case of its own and returns whether the case was about it, so that whoever counts cases counts
those only. `pick` is the one source of chance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, TypeVar

from services.screening.actions.casework import judge
from services.screening.domain.answers import SKIP, UNSURE, AnswerType
from services.screening.domain.assessment import MESSAGES, UNDETERMINED, URGENT, Assessment
from services.screening.domain.catalogue import Form
from services.screening.domain.generated import Pick, Temper
from services.screening.domain.questionnaire import Question
from services.screening.domain.ruleset import Effect, Rule
from services.screening.domain.sheet import Sheet, completed_years
from services.screening.routes.evaluating import evaluate
from services.screening.routes.payloads import EvaluateIn
from services.screening.routes.views import evaluation
from tests.support.screening_cases import Made, a_case, dated, exactly

Property = Callable[[Form, Pick], bool]
T = TypeVar("T")
OPENLY = (AnswerType.TRI, AnswerType.CHOICE, AnswerType.FUZZY_DATE, AnswerType.INT)
LIFE = 36_500
OPEN_RULES = {"R70", "R71", "R72", "R85", "R86"}


def an_open_answer_is_never_cleared(form: Form, pick: Pick) -> bool:
    made = a_case(form, pick)
    shown = sheet(made).shown
    open_to = [q for q in form.questionnaire.questions if q.id in shown and (q.type in OPENLY or _takes_unsure(q))]
    question = one(open_to, pick)
    opened: object = [UNSURE] if question.type is AnswerType.MULTI else one((UNSURE, SKIP), pick)
    assert made.but(**{question.id: opened}).severity > 0, (question.id, made)
    return True


def turning_a_no_into_anything_else_never_softens_the_outcome(form: Form, pick: Pick) -> bool:
    """Of somebody who contradicts neither themselves nor what they said earlier: truth lifts a contradiction."""
    made = a_case(form, pick, temper=one((Temper.CAREFUL, Temper.OPEN), pick))
    noes = sorted(name for name, value in made.answers.items() if value == "no")
    if not noes:
        return False
    changed = one(noes, pick)
    made = replace(made, prior_yes=made.prior_yes - {changed})
    other = made.but(**{changed: one(("yes", UNSURE, SKIP), pick)})
    assert _with_its_follow_ups(made, other, pick).severity >= made.severity, (changed, made, other)
    return True


def a_more_recent_event_never_softens_the_outcome(form: Form, pick: Pick) -> bool:
    made = exactly(a_case(form, pick))
    name, day = _some_date(made, pick)
    if name is None:
        return False
    if not made.born <= day < made.as_of:
        return False
    closer = day + timedelta(days=1 + pick(min((made.as_of - day).days, one((3, 60, 200, LIFE), pick))))
    assert made.but(**{name: dated(closer)}).severity >= made.severity, (name, closer, made)
    return True


def the_order_of_answers_and_rules_does_not_matter(form: Form, pick: Pick) -> bool:
    made = a_case(form, pick)
    rules = replace(form.ruleset, rules=tuple(shuffled(form.ruleset.rules, pick)))
    names = shuffled(tuple(made.answers), pick)
    other = replace(made, form=replace(form, ruleset=rules), answers={name: made.answers[name] for name in names})
    assert other.judged() == made.judged(), made
    assert written(other.judged(), form) == written(made.judged(), form), made
    return True


def leaving_out_a_required_answer_is_never_cleared(form: Form, pick: Pick) -> bool:
    made = a_case(form, pick)
    shown = sheet(made).shown
    asked = [q.id for q in form.questionnaire.questions if q.required and not q.essential and q.id in shown]
    name = one(asked, pick)
    assert made.without(name).severity > 0, (name, made)
    return True


def knowing_a_date_less_exactly_never_softens_the_outcome(form: Form, pick: Pick) -> bool:
    """Also of a date in the future. One before birth is left out: its month may be a month in which they lived."""
    made = exactly(a_case(form, pick))
    name, day = _some_date(made, pick)
    if name is None:
        return False
    if pick(5) == 0:
        day = made.as_of + timedelta(days=1 + pick(400))
    exact, by_month, by_year = (made.but(**{name: dated(day, kind)}).severity for kind in ("date", "month", "year"))
    assert exact <= by_month <= by_year, (name, day, made)
    return True


def the_same_answers_give_the_same_bytes_again(form: Form, pick: Pick) -> bool:
    made = a_case(form, pick)
    again = replace(made, answers=dict(made.answers), prior_yes=frozenset(sorted(made.prior_yes, reverse=True)))
    assert written(made.judged(), form) == written(again.judged(), form), made
    return True


def what_is_urgent_comes_first_and_names_no_day(form: Form, pick: Pick) -> bool:
    found = a_case(form, pick).judged()
    rules = fired(found, form)
    assert found.urgent is any(rule.urgent for rule in rules)
    assert (found.messages[0] == URGENT) is found.urgent
    if found.urgent:
        assert found.retry_after is None
    return found.urgent


def a_day_to_try_again_is_named_exactly_when_time_alone_lifts_every_decline(form: Form, pick: Pick) -> bool:
    made = a_case(form, pick)
    found = made.judged()
    declines = [rule for rule in fired(found, form) if rule.effect is Effect.DECLINED]
    due = found.outcome is Effect.DECLINED and not found.urgent and all(rule.time_limited for rule in declines)
    assert (found.retry_after is not None) is due, made
    if found.retry_after is None:
        return found.outcome is Effect.DECLINED
    assert found.retry_after > made.as_of, made
    then = exactly(made).judged().retry_after
    if then is not None:
        later = judge(form, exactly(made).answers, as_of=then, prior_yes=made.prior_yes)
        assert not [rule for rule in fired(later, form) if rule.time_limited], (then, made)
    return True


def nobody_under_18_is_cleared(form: Form, pick: Pick) -> bool:
    made = a_case(form, pick)
    found = made.judged()
    adult = completed_years(made.born, made.as_of) >= 18
    assert adult is not ("MINOR" in found.reason_codes), made
    assert adult or found.outcome is not Effect.CLEARED, made
    return not adult


def every_outcome_has_its_reasons_and_its_text(form: Form, pick: Pick) -> bool:
    found = a_case(form, pick).judged()
    assert found.outcome is not Effect.NOTE
    assert (found.outcome is Effect.CLEARED) is (not found.reason_codes)
    assert found.reason_codes == tuple(sorted(set(found.reason_codes)))
    assert found.note_codes == tuple(sorted(set(found.note_codes)))
    assert found.messages
    assert set(found.messages) <= set(MESSAGES)
    assert ("DECLINED_RETRY" not in found.messages) or found.retry_after is not None
    by_effect = {kind: {f.code for f in found.trace if f.effect is kind} for kind in Effect}
    assert set(found.note_codes) == by_effect[Effect.NOTE]
    assert set(found.reason_codes) == by_effect[Effect.DECLINED] | by_effect[Effect.NEEDS_REVIEW]
    return True


def what_was_said_has_everything_that_explains_it(form: Form, pick: Pick) -> bool:
    made = a_case(form, pick)
    asked = sheet(made)
    found = made.judged()
    assert not any(code.startswith(UNDETERMINED.rstrip("*")) for code in found.reason_codes), made
    for finding, rule in zip(found.trace, fired(found, form), strict=True):
        assert finding.evidence, finding
        assert finding.sources, finding
        assert all(form.ruleset.sources[tag] for tag in finding.sources), finding
        assert finding.effect is rule.effect
        assert (finding.band is None) is (rule.window is None)
        assert set(finding.inputs) <= asked.values.keys() | {"age"}, finding
    return True


def a_form_belongs_to_the_day_that_the_practice_had(form: Form, pick: Pick) -> bool:
    """The clock on the wall was set first, and the instant worked out from it; the engine goes the other way."""
    made = a_case(form, pick)
    body = {
        "questionnaire": form.questionnaire.id,
        "practice_tz": made.zone,
        "submitted_at": made.submitted_at.isoformat(),
        "client": {"dob": made.answers["dob"]},
        "respondent_role": made.answers["respondent_role"],
        "prior_yes": sorted(made.prior_yes),
        "answers": {k: v for k, v in made.answers.items() if k not in ("dob", "respondent_role")},
    }
    said = evaluate(EvaluateIn.model_validate(body), form)
    assert said.model_dump_json() == written(made.judged(), form), made
    return True


def a_set_with_a_hole_in_it_still_clears_nobody_of_whom_it_does_not_know(form: Form, pick: Pick) -> bool:
    """Even without the rules about answers that are open, missing or impossible."""
    made = exactly(a_case(form, pick))
    holed = replace(form.ruleset, rules=tuple(r for r in form.ruleset.rules if r.id not in OPEN_RULES))
    made = replace(made, form=replace(form, ruleset=holed))
    assert made.but(q_aneurysm=one((UNSURE, SKIP), pick)).judged().outcome is not Effect.CLEARED, made
    assert made.without("q_aneurysm").judged().outcome is not Effect.CLEARED, made
    name, _ = _some_date(made, pick)
    if name is None or name not in sheet(made).shown:
        return made.severity == 0
    after, before = made.as_of + timedelta(days=1), made.born - timedelta(days=1)
    undated = one((UNSURE, SKIP, dated(after), dated(before)), pick)
    assert made.but(**{name: undated}).judged().outcome is not Effect.CLEARED, (name, undated, made)
    assert made.without(name).judged().outcome is not Effect.CLEARED, (name, made)
    return True


PROPERTIES: tuple[Property, ...] = (
    an_open_answer_is_never_cleared,
    turning_a_no_into_anything_else_never_softens_the_outcome,
    a_more_recent_event_never_softens_the_outcome,
    the_order_of_answers_and_rules_does_not_matter,
    leaving_out_a_required_answer_is_never_cleared,
    knowing_a_date_less_exactly_never_softens_the_outcome,
    the_same_answers_give_the_same_bytes_again,
    what_is_urgent_comes_first_and_names_no_day,
    a_day_to_try_again_is_named_exactly_when_time_alone_lifts_every_decline,
    nobody_under_18_is_cleared,
    every_outcome_has_its_reasons_and_its_text,
    what_was_said_has_everything_that_explains_it,
    a_form_belongs_to_the_day_that_the_practice_had,
    a_set_with_a_hole_in_it_still_clears_nobody_of_whom_it_does_not_know,
)


def sheet(made: Made) -> Sheet:
    form = made.form.questionnaire
    return form.sheet(form.read(made.answers), as_of=made.as_of, prior_yes=made.prior_yes)


def fired(found: Assessment, form: Form) -> list[Rule]:
    rules = {rule.id: rule for rule in form.ruleset.rules}
    return [rules[finding.rule] for finding in found.trace]


def written(found: Assessment, form: Form) -> str:
    return evaluation(found, form.ruleset).model_dump_json()


def one(things: Sequence[T], pick: Pick) -> T:
    return things[pick(len(things))]


def shuffled(things: Sequence[T], pick: Pick) -> list[T]:
    left = list(things)
    return [left.pop(pick(len(left))) for _ in things]


def _takes_unsure(question: Question) -> bool:
    return question.type is AnswerType.MULTI and UNSURE in question.limits.values


def _some_date(made: Made, pick: Pick) -> tuple[str | None, date]:
    dates = sorted(name for name, value in made.answers.items() if isinstance(value, dict))
    if not dates:
        return None, made.as_of
    name = one(dates, pick)
    return name, date.fromisoformat(made.answers[name]["value"])


def _with_its_follow_ups(was: Made, made: Made, pick: Pick) -> Made:
    """What is asked because of the change, answered somehow; what is no longer asked, left out."""
    questions = {question.id: question for question in made.form.questionnaire.questions}
    before, now = sheet(was), sheet(made)
    for gone in now.orphans - before.orphans:
        made = made.without(gone)
    for name in sorted(now.missing - before.missing):
        made = made.but(**{name: _some_answer(questions[name], made, pick)})
    return made


def _some_answer(question: Question, made: Made, pick: Pick) -> Any:
    if pick(4) == 0:
        return one((UNSURE, SKIP), pick)
    match question.type:
        case AnswerType.TRI:
            return one(("yes", "no"), pick)
        case AnswerType.CHOICE:
            return one(sorted(question.limits.values), pick)
        case AnswerType.FUZZY_DATE:
            ago = pick(1 + min((made.as_of - made.born).days, one((50, 400, LIFE), pick)))
            return dated(made.as_of - timedelta(days=ago), one(("date", "month", "year"), pick))
        case AnswerType.INT:
            return (question.limits.least or 0) + pick(20)
        case _:
            raise AssertionError(question)
