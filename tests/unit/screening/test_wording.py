"""What a client may be told, by the wording rules of the specification (screening.md, section 3), in every language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.screening import library
from services.screening.actions import EmergencyNumberMissing
from services.screening.domain.wording import Reader
from tests.support import screening as twin
from tests.support.screening import APPOINTMENT, CLEAR, FORM, PRACTICE, CaseTwin

CATALOGUE = library.read()
LOCALES = sorted(CATALOGUE.texts)
# By locale, so that a further language has to say what its words for these are.
NAMED = {
    "en": r"stroke|aneurysm|concussion|fracture|bleed|clot|seizure|epilep|pregnan|cancer|tumou?r|mening|diabet|chiari"
    r"|hydroceph|infection|brain|skull|spine|heart|you may (be having|have)",
    "es": r"ictus|derrame|aneurisma|conmoci|fractura|hemorragia|sangr|coágulo|convulsi|epilep|embaraz|cáncer|tumor"
    r"|mening|diabet|chiari|hidrocef|infecci|cerebr|cráneo|columna|corazón|puede (tener|estar teniendo)",
}
SOOTHING = {
    "en": r"cleared|fine|safe|low[- ]risk|healthy|nothing is wrong|no risk",
    "es": r"apt[oa]|autorizad[oa]|bien|segur[oa]s?|a salvo|bajo riesgo|sin riesgo|san[oa]s?|no pasa nada",
}
UNPROMISED = {"en": r"does not mean that [^.]*", "es": r"no quiere decir que [^.,]*"}  # what is said not to be so
MEDICINE = {
    "en": r"medicines?|medication|tablets?|pills?|dose|prescription",
    "es": r"medicinas?|medicamentos?|pastillas?|dosis|receta",
}
SELLING = {
    "en": r"hurry|only \d|left|discount|offer|book (now|another)|instead|minutes|seconds|last chance|https?",
    "es": r"date prisa|dese prisa|solo \d|quedan|descuento|oferta|reserve (ya|otra)|minutos|segundos|https?",
}
NEXT_STEP = {
    "en": r"call \{emergency_number\}|your doctor or nurse|your child's doctor or nurse|be in touch by|please tell us",
    "es": r"llame al \{emergency_number\}|(su|al) médico o (a la )?enfermera|le diremos algo|díganoslo",
}
A_PERSON = {"en": "You can ask a person here", "es": "Puede pedir que una persona de aquí"}
NO_ADVICE = {"en": "medical advice", "es": "consejo"}
PRACTICE_RULE = {"en": "a safety rule of this practice", "es": "una regla de seguridad de este centro"}
OWN_HEALTH = {"en": r"your health|for you\b|take you\b", "es": r"su salud|para usted"}
BY_LOCALE = (NAMED, SOOTHING, UNPROMISED, MEDICINE, SELLING, NEXT_STEP, A_PERSON, NO_ADVICE, PRACTICE_RULE, OWN_HEALTH)


def each_text() -> Iterator[Any]:
    for locale in LOCALES:
        for reader, by_key in CATALOGUE.texts[locale].texts.items():
            for key, text in by_key.items():
                yield pytest.param(locale, key, text, id=f"{locale}-{reader}-{key}")


every_text = pytest.mark.parametrize(("locale", "key", "text"), list(each_text()))


def test_every_language_says_what_its_words_are() -> None:
    assert all(sorted(words) == LOCALES for words in BY_LOCALE)


@pytest.mark.parametrize(
    ("words", "locale", "text"),
    [
        (NAMED, "en", "These can be signs of a stroke."),
        (NAMED, "es", "Pueden ser señales de un ictus."),
        (SOOTHING, "en", "You are cleared for treatment."),
        (SOOTHING, "es", "Usted está bien."),
        (MEDICINE, "en", "Stop your medicine."),
        (MEDICINE, "es", "Deje su medicamento."),
        (SELLING, "en", "Only 2 times left."),
        (SELLING, "es", "Reserve otra sesión."),
    ],
)
def test_a_text_that_breaks_a_rule_is_found(words: dict[str, str], locale: str, text: str) -> None:
    assert re.search(rf"\b({words[locale]})", text, re.IGNORECASE)


@every_text
def test_no_condition_is_named_back(locale: str, key: str, text: str) -> None:
    assert not re.search(rf"\b({NAMED[locale]})", text, re.IGNORECASE)


@every_text
def test_nobody_is_told_that_they_are_well(locale: str, key: str, text: str) -> None:
    said = re.sub(UNPROMISED[locale], "", text, flags=re.IGNORECASE)
    assert not re.search(rf"\b({SOOTHING[locale]})\b", said, re.IGNORECASE)


@every_text
def test_no_medicine_is_spoken_of(locale: str, key: str, text: str) -> None:
    assert not re.search(rf"\b({MEDICINE[locale]})\b", text, re.IGNORECASE)


@every_text
def test_nobody_is_hurried_or_sold_anything(locale: str, key: str, text: str) -> None:
    assert not re.search(rf"\b({SELLING[locale]})\b|!", text, re.IGNORECASE)


@every_text
def test_there_is_always_a_next_step(locale: str, key: str, text: str) -> None:
    assert re.search(NEXT_STEP[locale], text, re.IGNORECASE)
    if key.startswith("DECLINED"):
        assert A_PERSON[locale] in text


@every_text
def test_what_we_cannot_do_is_said_where_we_say_no(locale: str, key: str, text: str) -> None:
    if key in ("URGENT", "DECLINED"):
        assert NO_ADVICE[locale] in text
    if key == "DECLINED":
        assert PRACTICE_RULE[locale] in text


@every_text
def test_a_text_names_the_number_the_deadline_or_the_day_that_it_is_about(locale: str, key: str, text: str) -> None:
    named = {"URGENT": "emergency_number", "DECLINED_RETRY": "retry_after"}
    named |= dict.fromkeys(("REVIEW", "REVIEW_CLEARANCE", "REVIEW_REQUESTED"), "deadline")
    assert re.findall(r"\{(\w+)\}", text) == ([named[key]] if key in named else [])


@pytest.mark.parametrize("locale", LOCALES)
def test_a_guardian_does_not_read_about_their_own_health(locale: str) -> None:
    for text in CATALOGUE.texts[locale].texts[Reader.GUARDIAN].values():
        assert not re.search(OWN_HEALTH[locale], text, re.IGNORECASE)


@pytest.mark.parametrize("number", ["", " "])
async def test_no_answers_are_taken_where_there_is_no_number_to_call(number: str) -> None:
    cases = CaseTwin()
    screening = twin.screening(cases)
    await screening.keep_practice(twin.profile(version=2, emergency_number=number))
    with pytest.raises(EmergencyNumberMissing):
        await screening.take_answers(APPOINTMENT, PRACTICE, questionnaire=FORM, answers=CLEAR, locale=None)
    assert cases.kept == {}


@pytest.mark.parametrize(
    ("locale", "day", "moment"),
    [
        ("en", "3 May 2027", "09:30 on 20 November 2026"),
        ("es-MX", "3 de mayo de 2027", "20 de noviembre de 2026 (09:30 h)"),
    ],
)
def test_a_day_and_a_moment_are_written_as_the_language_writes_them(locale: str, day: str, moment: str) -> None:
    texts = CATALOGUE.texts_for(locale)
    assert texts.written_day(date(2027, 5, 3)) == day
    assert texts.written_moment(twin.NOW, ZoneInfo("UTC")) == moment
