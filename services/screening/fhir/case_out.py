"""One case in FHIR R4B: the responses, who decided what of them, what the client added, and who has seen it.

A decision is a Task: somebody (or the rules) was to look at a response, and that came of it. A ClinicalImpression or a
RiskAssessment would claim an examination that a check before a booking is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from services.screening.actions import Opened
from services.screening.chapters import Chapter, Seen, chapters
from services.screening.confidential import ClearanceRecord
from services.screening.domain.assessment import Assessment
from services.screening.fhir import answers_out, names
from services.screening.fhir.names import Json

SPACE: Final = UUID("c1f7a3e2-5d0b-4b86-9c55-3f0b6f1f2a10")
"""Under which the ids of the resources are made of the case's own, so that the same export has the same."""
PATIENT: Final = "patient"
RECORD: Final = f"{names.CODES}record"
DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"


def address(*parts: object) -> str:
    return f"urn:uuid:{uuid5(SPACE, '/'.join(map(str, parts)))}"


def entry(resource: Json, *parts: object) -> Json:
    return {"fullUrl": address(*parts), "resource": resource}


def to(*parts: object) -> Json:
    return {"reference": address(*parts)}


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def entries(opened: Opened, locale: str, client: str) -> Iterator[Json]:
    """Of all rounds; `client` is the name under which the bundle has the patient."""
    for chapter in chapters(opened):
        here = (opened.case.id, chapter.number)
        if chapter.submission is not None and chapter.filled is not None:
            yield entry(_response(chapter, locale, client), *here, "response")
            yield entry(_judgement(chapter, chapter.filled.assessment, locale, client, *here), *here, "rules")
        if chapter.ruling is not None:
            yield entry(_ruling(chapter, client, *here), *here, "ruling")
        for number, (at, text) in enumerate(_said(chapter)):
            yield entry(_words(at, text, client, *here), *here, "words", number)
        for file in chapter.attachments:
            yield entry(_document(file.kind.value, file.size, file.at, client), *here, "file", file.id)


def seen(one: Seen, number: int) -> Json:
    event = {
        "resourceType": "AuditEvent",
        "type": {"system": DICOM, "code": "110110", "display": "Patient Record"},
        "subtype": [names.code(one.what, system=f"{names.CODES}deed")],
        "action": "R",
        "recorded": moment(one.at),
        "agent": [{"who": {"display": names.written(one.by)}, "requestor": True}],
        "source": {"observer": {"display": "Stillpoint screening"}},
        "entity": [{"what": {"identifier": {"system": f"{names.OWN}appointment", "value": one.case}}}],
    }
    return entry(event, one.case, "seen", number)


def coded(code: str, text: str = "") -> Json:
    return {"coding": [names.code(code, system=RECORD)]} | ({"text": text} if text else {})


def _response(chapter: Chapter, locale: str, client: str) -> Json:
    submission, filled = chapter.submission, chapter.filled
    if submission is None or filled is None:
        raise ValueError("nothing was answered in this round")
    questionnaire = chapter.form.questionnaire if chapter.form else None
    items = answers_out.items(questionnaire, filled.answers, locale)
    return {
        "resourceType": "QuestionnaireResponse",
        "language": locale,
        "questionnaire": names.canonical(submission.questionnaire),
        "status": "completed",
        "subject": to(client, PATIENT),
        "authored": moment(submission.submitted_at),
    } | ({"item": items} if items else {})


def _judgement(chapter: Chapter, found: Assessment, locale: str, client: str, *here: object) -> Json:
    """What the rules said, each rule that spoke with its reason in plain words."""
    ruleset = chapter.submission.ruleset if chapter.submission else ""
    rules = {rule.id: rule for rule in chapter.form.ruleset.rules} if chapter.form else {}
    outputs = [
        {
            "type": {"coding": [names.code(finding.code, system=f"{names.CODES}reason:{ruleset}")]},
            "valueString": rules[finding.rule].explanation[locale] if finding.rule in rules else finding.rule,
        }
        for finding in found.trace
    ]
    at = chapter.submission.submitted_at if chapter.submission else None
    return _task("rules", found.outcome.value, f"rules {ruleset}", at, outputs, client, *here)


def _ruling(chapter: Chapter, client: str, *here: object) -> Json:
    ruling, reasons = chapter.ruling, chapter.reasons
    if ruling is None:
        raise ValueError("nobody ruled in this round")
    outputs: list[Json] = []
    if chapter.valid_until is not None:
        outputs.append(_output("valid-until", valueDate=chapter.valid_until.isoformat()))
    if reasons is not None and reasons.clearance is not None:
        outputs += _clearance(reasons.clearance)
    if reasons is not None and reasons.to_client:
        outputs.append(_output("to-client", valueString=names.written(reasons.to_client)))
    task = _task("ruling", ruling.verdict.value, ruling.by, ruling.at, outputs, client, *here)
    note = {"authorString": names.written(ruling.by), "time": moment(ruling.at)}
    return task | ({"note": [note | {"text": names.written(reasons.note)}]} if reasons and reasons.note else {})


def _task(
    code: str, outcome: str, by: str, at: datetime | None, outputs: list[Json], client: str, *here: object
) -> Json:
    task: Json = {
        "resourceType": "Task",
        "status": "completed",
        "businessStatus": coded(outcome),
        "intent": "order",
        "code": coded(code),
        "focus": to(*here, "response"),
        "for": to(client, PATIENT),
        "owner": {"display": names.written(by)},
    }
    return task | ({"lastModified": moment(at)} if at else {}) | ({"output": outputs} if outputs else {})


def _clearance(record: ClearanceRecord) -> list[Json]:
    return [
        _output("clearance-given-by", valueString=names.written(record.given_by)),
        _output("clearance-profession", valueString=names.written(record.profession)),
        _output("clearance-given-on", valueDate=record.given_on.isoformat()),
        _output("clearance-form", valueCode=record.form),
    ]


def _output(code: str, **value: str) -> Json:
    return {"type": coded(code), **value}


def _said(chapter: Chapter) -> Iterator[tuple[datetime | None, str]]:
    yield from chapter.words
    if chapter.appeal is not None:
        yield None, chapter.appeal


def _words(at: datetime | None, text: str, client: str, *here: object) -> Json:
    said: Json = {
        "resourceType": "Communication",
        "status": "completed",
        "subject": to(client, PATIENT),
        "sender": to(client, PATIENT),
        "about": [to(*here, "response")],
    }
    sent = {"sent": moment(at)} if at else {}
    return said | sent | ({"payload": [{"contentString": names.written(text)}]} if text else {})


def _document(kind: str, size: int, at: datetime, client: str) -> Json:
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": to(client, PATIENT),
        "date": moment(at),
        "content": [{"attachment": {"contentType": kind, "size": size, "creation": moment(at)}}],
    }
