"""Who fills in the health check may be ill or in a hurry: everything a client reads is plain, in every language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from services.screening import library
from services.screening.domain.questionnaire import Questionnaire
from services.screening.domain.wording import Reader, Texts
from services.screening.page import words as page_words
from tests.support.reading import (
    NORMAL,
    RATHER_EASY,
    english_syllables,
    grade,
    inflesz,
    sentences_of,
    spanish_syllables,
    words_of,
)

CATALOGUE = library.read()
FORMS = [form.questionnaire for form in CATALOGUE.forms.values()]
TOO_SHORT = 5  # words below which a formula made of averages says nothing of one text
NAMES = {
    "en": frozenset(
        (
            *("apixaban", "aspirin", "clopidogrel", "constipation", "diabetes", "epilepsy", "fibromyalgia"),
            *("haemophilia", "heparin", "hydrocephalus", "neuralgia", "rivaroxaban", "scoliosis", "warfarin"),
        )
    ),
    "es": frozenset(
        (
            *("acenocumarol", "apixabán", "aspirina", "clopidogrel", "diabetes", "epilepsia", "escoliosis"),
            *("fibromialgia", "hemofilia", "heparina", "hidrocefalia", "neuralgia", "rivaroxabán", "warfarina"),
        )
    ),
}
each_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.id)
each_reader = pytest.mark.parametrize("reader", list(Reader))


def english(texts: Iterable[str]) -> float:
    return grade(texts, NAMES["en"])


def spanish(texts: Iterable[str]) -> float:
    return inflesz(texts, NAMES["es"])


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, ("you", "eyes", "bones", "judged", "passed", "made", "right", "does", "through", "aches")),
        (2, ("doctor", "needle", "wanted", "changes", "fluid", "baby's", "crying", "safety", "people", "headaches")),
        (3, ("aspirin", "pregnancy", "anything", "medicine", "example", "mini-stroke", "similar", "TMJ")),
        (4, ("operation", "emergency", "diabetes", "epilepsy", "apixaban", "aneurysm", "scoliosis", "CRPS")),
        (5, ("hydrocephalus", "haemophilia", "rivaroxaban", "fibromyalgia")),
    ],
)
def test_english_syllables_are_counted_as_they_are_said(count: int, words: tuple[str, ...]) -> None:
    assert {word: english_syllables(word) for word in words} == dict.fromkeys(words, count)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, ("sí", "qué", "bien", "soy", "ya", "y", "pies", "muy")),
        (2, ("siete", "cuándo", "guerra", "huella", "día", "leer", "pingüe", "cuello")),
        (3, ("médico", "cabeza", "quería", "sangrado", "oído", "ayuda", "cráneo")),
        (4, ("hemorragia", "todavía", "enfermera", "operado", "aneurisma")),
        (5, ("embarazada", "universidad", "hidrocefalia")),
    ],
)
def test_spanish_syllables_are_counted_as_they_are_said(count: int, words: tuple[str, ...]) -> None:
    assert {word: spanish_syllables(word) for word in words} == dict.fromkeys(words, count)


def test_the_grade_follows_from_words_sentences_and_syllables() -> None:
    assert grade(["The cat sat on the mat."]) == pytest.approx(0.39 * 6 + 11.8 * 1 - 15.59)
    assert grade(["Please call us. Do not wait"]) == pytest.approx(0.39 * 3 + 11.8 * 1 - 15.59)
    hard = "Individuals experiencing neurological deterioration necessitate immediate evaluation."
    assert grade([hard]) > 20 > 3 > grade(["If you get worse, call a doctor right now."])


def test_the_spanish_scale_follows_from_words_sentences_and_syllables() -> None:
    assert inflesz(["La casa es azul."]) == pytest.approx(206.835 - 62.3 * 6 / 4 - 4)
    hard = "La sintomatología neurológica requiere inmediatamente una evaluación especializada."
    assert inflesz([hard]) < 0 < 80 < inflesz(["Si se siente peor, llame ya a su médico."])


def test_a_name_counts_as_a_short_word_and_a_text_without_a_mark_as_a_sentence() -> None:
    assert grade(["Take warfarin now"], frozenset({"warfarin"})) == grade(["Take that now"])
    assert sentences_of("It hurts. Call us") == ["It hurts", " Call us"]
    assert words_of("Don't wait: 7 days, mini-stroke (TIA)") == ["Don't", "wait", "7", "days", "mini-stroke", "TIA"]


@each_form
def test_the_questions_are_plain(form: Questionnaire) -> None:
    assert grade(question.text["en"] for question in form.questions) < 3.6  # with every name counted as it is said
    assert inflesz(question.text["es"] for question in form.questions) >= RATHER_EASY
    assert harder(english, 7, (question.text["en"] for question in form.questions)) == {}
    assert harder(spanish, NORMAL, (question.text["es"] for question in form.questions)) == {}


@each_form
def test_the_answers_to_choose_are_plain(form: Questionnaire) -> None:
    assert grade(offered(form, "en")) < 3.6
    assert inflesz(offered(form, "es")) >= RATHER_EASY
    assert harder(english, 7, offered(form, "en")) == {}
    assert harder(spanish, NORMAL, offered(form, "es")) == {}


@each_reader
def test_the_messages_are_plain(reader: Reader) -> None:
    ours, theirs = (list(written(CATALOGUE.texts[locale], reader)) for locale in ("en", "es"))
    assert grade(ours) < 3
    assert inflesz(theirs) >= RATHER_EASY
    assert harder(english, 7, ours) == {}
    assert harder(spanish, NORMAL, theirs) == {}


def test_the_pages_own_words_are_plain() -> None:
    spoken = page_words.read(CATALOGUE.texts)
    ours, theirs = (list(leaves(spoken[locale].said)) for locale in ("en", "es"))
    assert grade(ours) < 4
    assert inflesz(theirs) >= RATHER_EASY
    assert harder(english, 7, ours) == {}
    assert harder(spanish, NORMAL, theirs) == {}


def leaves(said: Any) -> Iterator[str]:
    """Every text, with blanks as short words; the marks around them are none of its words."""
    match said:
        case dict():
            yield from (text for one in said.values() for text in leaves(one))
        case list():
            yield from (text for one in said for text in leaves(one))
        case _:
            yield re.sub(r"\{\w+\}", "7", said)


def offered(form: Questionnaire, locale: str) -> Iterator[str]:
    yield from (option.text[locale] for question in form.questions for option in question.options)
    yield from (texts[locale] for texts in form.labels.values())


def written(texts: Texts, reader: Reader) -> Iterator[str]:
    day = texts.day.format(day=3, month=texts.months[11], year=2026)
    moment = texts.moment.format(time="15:00", day=3, month=texts.months[11], year=2026)
    blanks: Mapping[str, Any] = {"deadline": moment, "retry_after": day, "emergency_number": "112"}
    yield from (texts.write(key, reader, blanks=blanks) for key in texts.texts[reader])


def harder(measure: Callable[[Iterable[str]], float], bound: float, texts: Iterable[str]) -> dict[str, float]:
    """Those beyond the bound: above it in school years, below it on a scale of ease."""
    found = {text: round(measure([text]), 1) for text in texts if len(words_of(text)) >= TOO_SHORT}
    return {text: at for text, at in found.items() if (at > bound if measure is english else at < bound)}
