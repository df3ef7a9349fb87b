"""The names under which we speak FHIR: our own addresses, the standard extensions we use, and small parts of all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from services.screening.domain.answers import SKIP, UNSURE, AnswerType

Json = dict[str, Any]

CONTENT: Final = "application/fhir+json"
OWN: Final = "urn:stillpoint:"
FORM: Final = f"{OWN}questionnaire:"
GROUP: Final = "group."

CODES: Final = f"{OWN}codes:"
LABELS: Final = f"{CODES}answer"
"""yes, no, unsure and skip: the answers that every question of a type takes."""

HL7: Final = "http://hl7.org/fhir/StructureDefinition/"
TRANSLATION: Final = f"{HL7}translation"
LEAST: Final = f"{HL7}minValue"
MOST: Final = f"{HL7}maxValue"
ABSENT: Final = f"{HL7}data-absent-reason"
EXPRESSION: Final = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression"
FHIRPATH: Final = "text/fhirpath"

EXTENSION: Final = f"{OWN}extension:"
TYPE: Final = f"{EXTENSION}answer-type"
"""valueCode, on an item: the type of the question here, where FHIR's says less (a `tri` is a choice there)."""
SHOWN_WHEN: Final = f"{EXTENSION}shown-when"
"""valueString, on an item: the whole condition as JSON, wherever enableWhen alone does not say it."""
OPENLY: Final = f"{EXTENSION}open-answer"
"""valueCoding, on an item: what may be answered instead of a value; on an answer without a value: what was."""
URGENT: Final = f"{EXTENSION}urgent"
"""valueBoolean, on an option: show the urgent text at once."""

ABSENT_BECAUSE: Final[Mapping[str, str]] = {UNSURE: "asked-unknown", SKIP: "asked-declined"}
ITEM_TYPES: Final[Mapping[AnswerType, str]] = {
    AnswerType.TRI: "choice",
    AnswerType.CHOICE: "choice",
    AnswerType.MULTI: "choice",
    AnswerType.FUZZY_DATE: "date",
    AnswerType.DATE: "date",
    AnswerType.INT: "integer",
    AnswerType.TEXT: "text",
    AnswerType.BOOL: "boolean",
}
LABELLED: Final[Mapping[AnswerType, tuple[str, ...]]] = {
    AnswerType.TRI: ("yes", "no", UNSURE, SKIP),
    AnswerType.CHOICE: (UNSURE, SKIP),
}
BESIDE_A_VALUE: Final = frozenset({AnswerType.FUZZY_DATE, AnswerType.INT})
"""Types that FHIR gives no options: unsure and skip stand in an extension there."""

_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_SPACES: Final = re.compile(r"[^\S \t\r\n]")


def canonical(form: str) -> str:
    """The id of a form, `name@version`, as its FHIR address."""
    name, _, version = form.partition("@")
    return f"{FORM}{name}|{version}"


def options_of(form: str, question: str) -> str:
    """The code system of a question's own options: `none` means something else in each."""
    return f"{CODES}{form}:{question}"


def code(word: str, display: str = "", *, system: str) -> Json:
    """A practice may have named an option in any way; FHIR's codes have single blanks at most."""
    named = " ".join(written(word).split()) or "-"
    return {"system": system, "code": named} | ({"display": written(display)} if display.strip() else {})


def extension(url: str, **value: object) -> Json:
    return {"url": url, **value}


def written(text: str) -> str:
    """Free text as FHIR takes it: forbidden characters show that they were there, any other white space is a blank."""
    return _SPACES.sub(" ", _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text))


def in_languages(field: str, texts: Mapping[str, str], locale: str) -> Json:
    """A text in one language, and the others as the standard extension for translations."""
    others = [
        {
            "url": TRANSLATION,
            "extension": [extension("lang", valueCode=lang), extension("content", valueString=written(texts[lang]))],
        }
        for lang in sorted(texts.keys() - {locale})
    ]
    return {field: written(texts[locale])} | ({f"_{field}": {"extension": others}} if others else {})
