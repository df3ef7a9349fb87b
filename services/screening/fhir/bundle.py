"""A collection Bundle: cases with the forms that were filled in, what is remembered of the client, who has seen it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from services.screening.actions import Opened
from services.screening.chapters import Seen, chapters
from services.screening.domain.history import Lasting
from services.screening.domain.questionnaire import DOB, Questionnaire
from services.screening.fhir import case_out, form_out, names
from services.screening.fhir.case_out import PATIENT, entry, to
from services.screening.fhir.names import Json


def of_cases(
    name: str,
    opened: Sequence[Opened],
    *,
    remembered: Sequence[Lasting],
    seen: Sequence[Seen],
    locale: str,
    at: datetime,
) -> Json:
    """All of one client; `name` tells this bundle from others, and nothing in it names the client but their birth."""
    entries = [
        entry(_patient(opened), name, PATIENT),
        *(entry(form_out.of_form(form, locale), form.id) for form in _forms(opened)),
        *(one for each in opened for one in case_out.entries(each, locale, name)),
        *_remembered(remembered, name),
        *(case_out.seen(one, number) for number, one in enumerate(seen)),
    ]
    return {"resourceType": "Bundle", "type": "collection", "timestamp": case_out.moment(at), "entry": entries}


def _forms(opened: Sequence[Opened]) -> list[Questionnaire]:
    """Each version once, exactly as it was when it was filled in."""
    used = [one.form.questionnaire for each in opened for one in chapters(each) if one.form is not None]
    return list({form.id: form for form in used}.values())


def _patient(opened: Sequence[Opened]) -> Json:
    """Who came, by the date of birth of the newest form: whoever asked for the export knows the rest."""
    born = [
        (one.submission.submitted_at, one.filled.answers[DOB])
        for each in opened
        for one in chapters(each)
        if one.submission is not None and one.filled is not None and isinstance(one.filled.answers.get(DOB), str)
    ]
    newest = max(born, default=None, key=lambda found: found[0])
    return {"resourceType": "Patient"} | ({"birthDate": newest[1]} if newest else {})


def _remembered(lasting: Sequence[Lasting], name: str) -> Iterator[Json]:
    """As Basic resources, FHIR's for what it has no other for: each yes that does not go away, and its corrections."""
    for number, one in enumerate(lasting):
        for question, cases in sorted(one.yes.items()):
            extensions = [
                names.extension(f"{names.EXTENSION}question", valueString=question),
                *(names.extension(f"{names.EXTENSION}appointment", valueString=case) for case in cases),
                *(_correction(c.note, c.by, c.at) for c in one.corrections if c.question == question),
            ]
            kept: Json = {
                "resourceType": "Basic",
                "extension": extensions,
                "code": case_out.coded("remembered-yes"),
                "subject": to(name, PATIENT),
            }
            yield entry(kept, name, "remembered", number, question)


def _correction(note: str, by: str, at: datetime) -> Json:
    parts = [
        names.extension("note", valueString=names.written(note)),
        names.extension("by", valueString=names.written(by)),
        names.extension("at", valueDateTime=case_out.moment(at)),
    ]
    return {"url": f"{names.EXTENSION}correction", "extension": parts}
