"""Some hundreds of texts as clients write them, in each language, and what they mean."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from services.notify.domain.reply import Meaning, classify
from shared import lexicon

FOLDER = Path(__file__).parent / "phrases"
LANGUAGES = {file.stem: tomllib.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.toml"))}
SAID = [
    pytest.param(body, meaning, id=f"{language}-{meaning}-{body[:30]}")
    for language, sections in LANGUAGES.items()
    for meaning, bodies in sections.items()
    if meaning not in ("worried", "calm")
    for body in bodies
]
FELT = [
    pytest.param(body, worry == "worried", id=f"{language}-{worry}-{body[:30]}")
    for language, sections in LANGUAGES.items()
    for worry in ("worried", "calm")
    for body in sections[worry]
]


@pytest.mark.parametrize("language", lexicon.LANGUAGES)
def test_enough_is_tried_in_each_language(language: str) -> None:
    phrases = {body for bodies in LANGUAGES[language].values() for body in bodies}
    assert len(phrases) >= 120
    assert len(LANGUAGES[language]["unclear"]) >= 40


@pytest.mark.parametrize(("body", "meaning"), SAID)
def test_a_phrase_means_what_its_writer_meant(body: str, meaning: str) -> None:
    assert classify(body, None, has_stopped=False).meaning is Meaning(meaning)


@pytest.mark.parametrize(("body", "is_worrying"), FELT)
def test_a_person_calls_about_what_should_not_wait(body: str, is_worrying: bool) -> None:
    heard = classify(body, None, has_stopped=False)

    assert heard.worried is is_worrying
    assert heard.meaning in (Meaning.UNCLEAR, Meaning.CALL)


@pytest.mark.parametrize("spelt", [str.upper, str.title, "  {} ".format, "¡{}!".format, "{}...".format, "{} 🙏".format])
def test_nobody_is_opted_out_or_in_by_what_is_about_something_else(spelt: object) -> None:
    assert callable(spelt)
    bodies = [body for sections in LANGUAGES.values() for body in sections["unclear"] + sections["worried"] if body]
    meant = {body: classify(str(spelt(body)), None, has_stopped=False).meaning for body in bodies}
    assert [body for body, meaning in meant.items() if meaning in (Meaning.STOP, Meaning.START)] == []
