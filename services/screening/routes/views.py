"""Values of the domain as the JSON that goes out."""

from __future__ import annotations

from collections.abc import Sequence

from services.screening.domain.answers import SKIP, UNSURE, AnswerType
from services.screening.domain.assessment import URGENT, Assessment, Finding
from services.screening.domain.case import Case, Reopening, State
from services.screening.domain.history import Correction, Lasting
from services.screening.domain.questionnaire import Question, Questionnaire
from services.screening.domain.ruleset import Ruleset
from services.screening.domain.told import Told
from services.screening.domain.wording import Reader, Texts
from services.screening.routes import payloads as p
from services.screening.tables import described

BECAUSE = {Reopening.GUARDIAN_WITHDRAWN: Reopening.WITHDRAWN.value}
OPENLY = {
    AnswerType.TRI: ("yes", "no", UNSURE, SKIP),
    AnswerType.CHOICE: (UNSURE, SKIP),
    AnswerType.FUZZY_DATE: (UNSURE, SKIP),
    AnswerType.INT: (UNSURE, SKIP),
}


def questionnaire(form: Questionnaire, texts: Texts, emergency_number: str) -> p.QuestionnaireOut:
    blanks = {"emergency_number": emergency_number, "deadline": "", "retry_after": ""}
    return p.QuestionnaireOut(
        id=form.id,
        digest=form.digest,
        locale=texts.locale,
        title=form.title[texts.locale],
        emergency_number=emergency_number,
        urgent_text=texts.write(URGENT, Reader.SELF, blanks=blanks),
        urgent_text_guardian=texts.write(URGENT, Reader.GUARDIAN, blanks=blanks),
        groups=[p.GroupOut(id=group.id, title=group.title[texts.locale]) for group in form.groups],
        questions=[_question(question, form, texts.locale) for question in form.questions],
    )


def _question(question: Question, form: Questionnaire, locale: str) -> p.QuestionOut:
    options = [p.OptionOut(value=o.value, text=o.text[locale], urgent=o.urgent) for o in question.options]
    if not question.essential:
        named = OPENLY.get(question.type, ())
        options += [p.OptionOut(value=value, text=form.labels[value][locale], urgent=False) for value in named]
    return p.QuestionOut(
        id=question.id,
        group=question.group,
        type=question.type.value,
        text=question.text[locale],
        options=options,
        required=question.required,
        shown_when=described(question.shown_when) if question.shown_when else None,
        least=question.limits.least,
        most=question.limits.most,
        longest=question.limits.longest,
    )


def outcome(told: Told) -> p.OutcomeOut:
    match told.state:
        case State.AWAITING:
            status = "awaiting_request" if told.has_answers else "awaiting_answers"
        case State.CLOSED | State.REVIEW_REQUESTED | State.INVITED:
            status = told.state.value
        case _:
            status = "decided"
    again = told.asked_again
    return p.OutcomeOut.model_validate(
        {
            "status": status,
            "messages": [p.MessageOut(key=m.key, text=m.text, urgent=m.urgent) for m in told.messages],
            "asked_again_because": BECAUSE.get(again, again.value) if again else None,
            "message_from_practice": told.from_practice or None,
            "may": [one.value for one in told.may],
        }
    )


def evaluation(assessment: Assessment, ruleset: Ruleset | None, locale: str = "en") -> p.EvaluationOut:
    return p.EvaluationOut.model_validate(
        {
            "outcome": assessment.outcome.value,
            "urgent": assessment.urgent,
            "reason_codes": assessment.reason_codes,
            "note_codes": assessment.note_codes,
            "clearance_required": assessment.clearance_required,
            "retry_after": assessment.retry_after,
            "trace": [_finding(finding, ruleset, locale) for finding in assessment.trace],
        }
    )


def _finding(finding: Finding, ruleset: Ruleset | None, locale: str) -> p.FindingOut:
    """With the plain words and the full sources of the rule set that found it, if that is still installed."""
    rule = next((rule for rule in ruleset.rules if rule.id == finding.rule), None) if ruleset else None
    sources = ruleset.sources if ruleset else {}
    return p.FindingOut.model_validate(
        {
            "rule": finding.rule,
            "code": finding.code,
            "outcome": finding.effect.value,
            "inputs": finding.inputs,
            "band": finding.band,
            "sources": [f"{tag}: {sources[tag]}" if tag in sources else tag for tag in finding.sources],
            "evidence": finding.evidence,
            "explanation": rule.explanation.get(locale, "") if rule else "",
        }
    )


def earlier(cases: Sequence[Case]) -> p.EarlierOut:
    shown = [
        {
            "appointment": one.id,
            "state": one.state.value,
            "starts_at": one.starts_at,
            "decided_at": one.decided_at,
            "valid_until": one.valid_until,
        }
        for one in cases
    ]
    return p.EarlierOut.model_validate({"cases": shown})


def remembered(lasting: Sequence[Lasting]) -> list[p.RememberedOut]:
    return [
        p.RememberedOut(
            yes={question: list(named) for question, named in one.yes.items()}, corrections=corrections(one.corrections)
        )
        for one in lasting
    ]


def corrections(made: Sequence[Correction]) -> list[p.CorrectionOut]:
    return [p.CorrectionOut(question=one.question, note=one.note, corrected_by=one.by, at=one.at) for one in made]
