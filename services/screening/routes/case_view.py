"""A case as the practice sees it: what was asked and answered in words, what the rules found, and what can be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import JsonValue

from services.screening.actions import Opened
from services.screening.actions.casework import OpenedRound
from services.screening.confidential import Filled, Reasons
from services.screening.domain import approval, standing
from services.screening.domain.case import Added, Attachment, Case, Ruling, Verdict
from services.screening.domain.catalogue import Form
from services.screening.domain.questionnaire import Question, Questionnaire
from services.screening.routes import case_payloads as c
from services.screening.routes import payloads as p
from services.screening.routes import views

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


def cursor(case: Case) -> str:
    """Where a page of the queue ended; the database keeps milliseconds."""
    return f"{((case.deadline or EPOCH) - EPOCH) // MILLISECOND}.{case.id}"


def after(shown: str) -> tuple[datetime, str]:
    moment, _, appointment = shown.partition(".")
    return EPOCH + int(moment) * MILLISECOND, appointment


def review(case: Case, now: datetime) -> c.ReviewOut:
    submission = case.submission
    return c.ReviewOut(
        appointment=case.id,
        version=case.version,
        kind="appeal" if case.appeal is not None else "review",
        service=case.request.service if case.request else None,
        starts_at=case.starts_at,
        submitted_at=submission.submitted_at if submission else None,
        added_at=case.added_at,
        deadline=case.deadline,
        overdue=case.deadline is not None and case.deadline < now,
        urgent=submission is not None and submission.urgent,
        repeated=submission is not None and submission.repeated,
        round=len(case.rounds) + 1,
    )


def flagged(case: Case) -> c.FlaggedOut:
    shown = {
        "appointment": case.id,
        "version": case.version,
        "service": case.request.service if case.request else None,
        "starts_at": case.starts_at,
        "submitted_at": case.submission.submitted_at if case.submission else None,
        "valid_until": case.valid_until,
        "flags": [flag.value for flag in standing.flags(case)],
    }
    return c.FlaggedOut.model_validate(shown)


def case(opened: Opened, locale: str, now: datetime) -> c.CaseOut:
    one, submission = opened.case, opened.case.submission
    ruling = _ruling(one.ruling, opened.reasons)
    found = opened.filled.assessment if opened.filled else None
    return c.CaseOut.model_validate(
        {
            **review(one, now).model_dump(exclude={"urgent"}),
            "practice": one.practice,
            "state": one.state.value,
            "decided_at": one.decided_at,
            "valid_until": one.valid_until,
            "questionnaire": submission.questionnaire if submission else None,
            "ruleset": submission.ruleset if submission else None,
            **_answers(opened.form, opened.filled, locale),
            "note": ruling.note if ruling else None,
            "clearance": ruling.clearance if ruling else None,
            "based_on": submission.based_on if submission else None,
            "words": _words(one.words, opened.words),
            "attachments": _attachments(one.attachments),
            "appeal": opened.appeal,
            "ruling": ruling,
            "rounds": [_round(over, locale) for over in opened.past],
            "clearance_required": found is not None and found.clearance_required,
            "covers_visit": standing.covers_visit(one),
            "verdicts": [verdict.value for verdict in standing.verdicts(one)],
            "approval": _approval(opened),
        }
    )


def export(
    ask: str,
    opened: Sequence[Opened],
    seen: Sequence[p.AccessOut],
    remembered: Sequence[p.RememberedOut],
    locale: str,
    now: datetime,
) -> c.ExportOut:
    cases = [case(one, locale, now) for one in opened]
    return c.ExportOut(ask=ask, cases=cases, opened=list(seen), remembered=list(remembered))


def _round(opened: OpenedRound, locale: str) -> c.RoundOut:
    over = opened.over
    return c.RoundOut.model_validate(
        {
            "state": over.state.value,
            "ended_at": over.ended_at,
            "ended_by": over.ended_by.value,
            "submitted_at": over.submission.submitted_at if over.submission else None,
            "decided_at": over.decided_at,
            "valid_until": over.valid_until,
            **_answers(opened.form, opened.filled, locale),
            "words": _words(over.words, opened.words),
            "attachments": _attachments(over.attachments),
            "ruling": _ruling(over.ruling, opened.reasons),
        }
    )


def _answers(form: Form | None, filled: Filled | None, locale: str) -> Mapping[str, object]:
    """Raw, in words, and judged; without the form they are shown as they were stored."""
    if filled is None:
        return {"evaluation": None, "answers": None, "answered": []}
    shown = views.evaluation(filled.assessment, form.ruleset if form else None, locale)
    if form is None:
        return {"evaluation": shown, "answers": filled.answers, "answered": []}
    asked = {question.id: question for question in form.questionnaire.questions}
    trace = [
        finding.model_copy(update={"answers": _answered(_read(finding, asked), asked, filled, form, locale)})
        for finding in shown.trace
    ]
    return {
        "evaluation": shown.model_copy(update={"trace": trace}),
        "answers": filled.answers,
        "answered": _answered([name for name in asked if name in filled.answers], asked, filled, form, locale),
    }


def _read(finding: p.FindingOut, asked: Mapping[str, Question]) -> Sequence[str]:
    """What it looked at, and the question that its code names, which may have no answer."""
    subject = finding.code.rpartition(":")[2]
    return [name for name in asked if name in finding.inputs or name == subject]


def _answered(
    names: Iterable[str], asked: Mapping[str, Question], filled: Filled, form: Form, locale: str
) -> list[p.AnsweredOut]:
    return [
        p.AnsweredOut(
            question=name,
            text=asked[name].text[locale],
            answer=_in_words(asked[name], filled.answers.get(name), form.questionnaire, locale),
        )
        for name in names
    ]


def _in_words(question: Question, raw: JsonValue, form: Questionnaire, locale: str) -> list[str]:
    """The labels that the client chose; what they wrote, as they wrote it."""
    if raw is None:
        return []
    labels = {value: text[locale] for value, text in form.labels.items()}
    labels |= {option.value: option.text[locale] for option in question.options}
    if isinstance(raw, dict):  # a date of which not all may be known
        return [str(raw.get("value", ""))]
    if isinstance(raw, bool):
        return [labels.get("yes" if raw else "no", str(raw))]
    return [labels.get(str(one), str(one)) for one in (raw if isinstance(raw, list) else [raw])]


def _approval(opened: Opened) -> c.ApprovalOut | None:
    if opened.filled is None or Verdict.APPROVE not in standing.verdicts(opened.case):
        return None
    rules = opened.form.ruleset if opened.form else None
    span = approval.span(opened.filled.assessment.trace, rules)
    return c.ApprovalOut(default_days=span.default, most_days=span.most)


def _ruling(ruling: Ruling | None, reasons: Reasons | None) -> c.RulingOut | None:
    if ruling is None or reasons is None:
        return None
    record = reasons.clearance
    return c.RulingOut.model_validate(
        {
            "decision": ruling.verdict.value,
            "decided_by": ruling.by,
            "decided_at": ruling.at,
            "note": reasons.note,
            "to_client": reasons.to_client or None,
            "clearance": c.ClearanceIn.model_validate(record, from_attributes=True) if record else None,
        }
    )


def _words(added: Sequence[Added], texts: Sequence[str]) -> list[c.AddedOut]:
    return [c.AddedOut(at=one.at, text=text) for one, text in zip(added, texts, strict=True)]


def _attachments(kept: Sequence[Attachment]) -> list[c.AttachmentOut]:
    shown = [{"id": one.id, "kind": one.kind.value, "size": one.size, "at": one.at} for one in kept]
    return [c.AttachmentOut.model_validate(one) for one in shown]
