"""Foreign FHIR Questionnaires, small and whole, that tests take apart."""

from __future__ import annotations

import json
from typing import Any

from services.screening.fhir import form_in
from services.screening.fhir.form_in import Read
from services.screening.fhir.incoming import NotSupported
from tests.support.screening import CATALOGUE

Json = dict[str, Any]
BASE = CATALOGUE.newest["cst-core"]
TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"


def spanish(text: str) -> Json:
    parts = [{"url": "lang", "valueCode": "es"}, {"url": "content", "valueString": text}]
    return {"extension": [{"url": TRANSLATION, "extension": parts}]}


def item(link: str, kind: str, **more: Any) -> Json:
    return {"linkId": link, "type": kind, "text": f"Question {link}?", "_text": spanish(f"¿Pregunta {link}?"), **more}


def option(code: str, **more: Any) -> Json:
    coding = {"system": "urn:example", "code": code, "display": code.title(), "_display": spanish(code.upper())}
    return {"valueCoding": coding, **more}


def when(question: str, **answer: Any) -> Json:
    return {"question": question, "operator": "=", **answer}


def a_form(*items: Json, **more: Any) -> Json:
    return {
        "resourceType": "Questionnaire",
        "status": "active",
        "language": "en",
        "title": "Our own questions",
        "_title": spanish("Nuestras preguntas"),
        "item": list(items),
        **more,
    }


def taken(form: Json) -> Read:
    return form_in.read(json.dumps(form).encode(), BASE, CATALOGUE)


def refused(form: Json | bytes) -> list[tuple[str, str]]:
    """Where, and what. Fails if it is taken."""
    raw = form if isinstance(form, bytes) else json.dumps(form).encode()
    try:
        form_in.read(raw, BASE, CATALOGUE)
    except NotSupported as refusal:
        return [(one["path"], one["what"]) for one in refusal.extra["troubles"]]
    raise AssertionError("it was taken")
