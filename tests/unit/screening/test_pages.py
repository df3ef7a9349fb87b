"""The health check as a page, on screening's twins: what it asks, how it reads what was typed, what it says."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from services.screening import page
from services.screening.actions import Casework, Continuing, Memory, Returning, Reviews, Screening, Submitting, Word
from services.screening.domain.answers import AnswerType, Limits
from services.screening.domain.case import Case, Reopening, State, Verdict
from services.screening.domain.conditions import Age, All, Band, Is
from services.screening.domain.files import LARGEST_FILE
from services.screening.domain.generated import random_answers
from services.screening.domain.questionnaire import Question
from services.screening.page import refill, sheet, words
from shared import httpkit
from shared.httpkit import Door
from shared.language import preferred
from shared.tokens import Tokens
from shared.wording import WordsBroken
from tests.support.screening import (
    APPOINTMENT,
    CATALOGUE,
    FORM,
    NOW,
    PRACTICE,
    STAFF,
    STARTS_AT,
    CaseTwin,
    HistoryTwin,
    MergeTwin,
    PracticeTwin,
    casework,
    profile,
    request,
)

TOKENS = Tokens("signing-" + "s" * 32)
CLEAR = {
    "respondent_role": "self", "dob.day": "4", "dob.month": "5", "dob.year": "1980", "q_red_flags.none": "none",
    "q_head_injury": "no", "q_skull_fracture": "no", "q_brain_bleed": "no", "q_aneurysm": "no",
    "q_bleeding_disorder": "no", "q_blood_thinners": "none",
}  # fmt: skip
CHILD = CLEAR | {"respondent_role": "guardian", "guardian_consent": "yes", "dob.year": "2015"}
BORN = {"born.day": "4", "born.month": "5", "born.year": "1980"}
REF = "c" * 20
CHECK = f"/screening/check/{APPOINTMENT}"
URGENT = CLEAR | {"q_red_flags.thunderclap": "thunderclap"}
SPOKEN = words.read(CATALOGUE.texts)
ENGLISH = SPOKEN["en"]
QUESTIONNAIRE = CATALOGUE.form(FORM).questionnaire
INTAKE = CATALOGUE.form("cst-intake").questionnaire


@dataclass(frozen=True, slots=True)
class Shown:
    status: int
    location: str
    html: str
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.html)).split())


class Browsing:
    """A browser on one appointment's health check, that follows nothing by itself."""

    def __init__(self, casework: Casework, practices: PracticeTwin, actions: Screening, client: TestClient) -> None:
        self.casework, self.practices, self.actions = casework, practices, actions
        self._client = client

    async def get(
        self,
        step: str = "",
        *,
        token: str | None = None,
        appointment: str = APPOINTMENT,
        accepts: str = "",
        **query: str,
    ) -> Shown:
        return await self._ask("GET", _address(appointment, token, step, **query), accepts=accepts)

    async def send(self, posted: Mapping[str, str], **query: str) -> Shown:
        return await self._ask("POST", _address(APPOINTMENT, None, **query), posted)

    async def turn(self, step: str, posted: Mapping[str, str] | FormData, *, token: str | None = None) -> Shown:
        return await self._ask("POST", _address(APPOINTMENT, token, step), posted)

    def practice_is(self, **changes: Any) -> None:
        self.practices.kept[PRACTICE] = profile(**changes)

    @property
    async def case(self) -> Case:
        return await self.casework.find(APPOINTMENT)

    async def requested(self, appointment: str = APPOINTMENT, client: str | None = None) -> None:
        await self.actions.take_request(
            appointment, PRACTICE, request(), starts_at=STARTS_AT, sequence=2, client=client
        )

    async def _ask(
        self, method: str, address: str, form: Mapping[str, str] | FormData | None = None, *, accepts: str = ""
    ) -> Shown:
        said = {"Accept-Language": accepts}
        async with self._client.request(method, address, data=form, headers=said, allow_redirects=False) as answer:
            return Shown(answer.status, answer.headers.get("Location", ""), await answer.text(), answer.headers)


def _address(appointment: str, token: str | None, step: str = "", **query: str) -> str:
    token = TOKENS.mint(APPOINTMENT, PRACTICE, NOW + timedelta(days=30)) if token is None else token
    path = f"/screening/check/{appointment}" + (f"/{step}" if step else "")
    return f"{path}?{urlencode({'token': token, 'service': 'session', **query})}"


@pytest.fixture
async def browser() -> AsyncIterator[Browsing]:
    async def ready() -> Mapping[str, bool]:
        return {}

    door = Door(TOKENS, "operator-" + "o" * 32, ready, lambda: NOW)
    made = casework(CaseTwin())
    practices = PracticeTwin()
    practices.kept[PRACTICE] = profile()
    made.practices = practices
    memory = Memory(made, HistoryTwin())
    submitting = Submitting(made, memory)
    actions = Screening(made, submitting)
    continuing = Continuing(made, ids=lambda: "file-1")
    returning = Returning(made, submitting, merges=MergeTwin(), tokens=TOKENS)
    routes = page.routes(actions, returning, continuing, made.auditing, CATALOGUE, door, lambda: NOW)
    app = httpkit.application("screening", routes, AsyncExitStack(), door)
    async with TestClient(TestServer(httpkit.mounted({"screening": app}))) as client:
        yield Browsing(made, practices, actions, client)


@pytest.fixture
async def returning(browser: Browsing) -> Browsing:
    """Whose client filled in the form for another visit, and has a new one."""
    other = "b" * 26
    await browser.requested(other, REF)
    answers = _read(CLEAR)
    await browser.actions.take_answers(other, PRACTICE, questionnaire=FORM, answers=answers, locale=None)
    await browser.requested(client=REF)
    return browser


def _read(posted: Mapping[str, str]) -> dict[str, Any]:
    return sheet.read(QUESTIONNAIRE, posted, ENGLISH)[0]


async def test_the_form_shows_every_question_and_the_urgent_text_from_the_start(browser: Browsing) -> None:
    await browser.requested()
    shown = await browser.get()

    assert shown.status == 200
    assert [q.id for q in QUESTIONNAIRE.questions if q.text["en"] not in shown.text] == []
    assert shown.text.index("Stop here.") < shown.text.index("A sudden, very bad headache")
    assert 'href="tel:112"' in shown.html


async def test_what_follows_says_when_it_applies(browser: Browsing) -> None:
    shown = await browser.get()

    assert "Only if you answered “Yes” above: When did it happen?" in shown.text
    assert "Only if the person who comes is under 2:" in shown.text
    assert "Only if you answered “For a child I look after” above and the person who comes is under 18:" in shown.text


async def test_answers_may_neither_be_kept_nor_leave_by_script_or_referrer(browser: Browsing) -> None:
    shown = await browser.send({"respondent_role": "self"})

    for answered in (await browser.get(), shown):
        assert answered.headers["Cache-Control"] == "no-store"
        assert answered.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'; style-src 'self'" in answered.headers["Content-Security-Policy"]
        assert "connect-src" not in answered.headers["Content-Security-Policy"]
        assert not re.search(r'<script(?! src="/screening/)|<style| style=| on\w+=', answered.html)


async def test_only_the_sites_that_the_practice_names_may_frame_the_pages_which_wear_its_look(
    browser: Browsing,
) -> None:
    await browser.requested()
    plain = await browser.get()
    assert plain.headers["Content-Security-Policy"].endswith("; frame-ancestors 'self'")
    assert "theme.css" not in plain.html

    ours = {"sites": ("https://www.a.example",), "theme": "0123456789ab"}
    for changes, status in ((ours, 200), ({**ours, "emergency_number": ""}, 409)):
        browser.practice_is(**changes)
        shown = await browser.get()
        assert shown.status == status
        assert shown.headers["Content-Security-Policy"].endswith("; frame-ancestors 'self' https://www.a.example")
        assert f'href="/booking/book/{PRACTICE}/theme.css?v=0123456789ab"' in shown.html
        assert 'data-stage="booked"' in shown.html
    refused = await browser.get(token="wrong")
    assert refused.headers["Content-Security-Policy"].endswith("; frame-ancestors 'self'")


async def test_a_cleared_form_leads_to_a_page_that_can_be_loaded_again(browser: Browsing) -> None:
    await browser.requested()
    sent = await browser.send(CLEAR)
    assert (sent.status, sent.location.partition("?")[0]) == (303, f"/screening/check/{APPOINTMENT}")

    for _ in range(2):
        shown = await browser.get()
        assert "Your answers are saved and your booking can go ahead." in shown.text
        assert f"/booking/visit/{APPOINTMENT}?token=" in shown.html


async def test_answers_before_the_request_are_thanked_for(browser: Browsing) -> None:
    await browser.send(CLEAR)

    assert "Your answers are saved, and we are putting them together with your booking." in (await browser.get()).text


async def test_other_answers_before_the_request_are_refused_in_plain_words(browser: Browsing) -> None:
    await browser.send(URGENT)
    shown = await browser.send(CLEAR)

    assert shown.status == 409
    assert "We have your answers already and keep them as they were." in shown.text
    assert "Stop here." in shown.text


async def test_unanswered_questions_are_named_at_the_top_and_answers_are_kept(browser: Browsing) -> None:
    partly = {name: value for name, value in CLEAR.items() if name not in {"q_aneurysm", "q_brain_bleed"}}
    shown = await browser.send(partly | {"q_other_text": "<b>hay fever</b>"})

    assert shown.status == 422
    assert "Please look at these 2 once more" in shown.text
    assert '<a href="#q_aneurysm">Has a doctor ever told you that you have an aneurysm?</a>' in shown.html
    assert 'name="q_skull_fracture" value="no" checked' in shown.html
    assert "&lt;b&gt;hay fever&lt;/b&gt;" in shown.html
    assert "hay fever" not in (await browser.get()).html


async def test_a_follow_up_is_asked_for_once_its_question_is_answered_yes(browser: Browsing) -> None:
    shown = await browser.send(CLEAR | {"q_skull_fracture": "yes"})

    assert shown.status == 422
    assert '<a href="#q_skull_fracture_date">' in shown.html


async def test_an_urgent_tick_is_met_before_anything_else_even_if_the_form_is_not_finished(browser: Browsing) -> None:
    shown = await browser.send({"q_red_flags.thunderclap": "thunderclap"})

    assert shown.text.index("This comes first. Stop here.") < shown.text.index("Please look at")


async def test_an_urgent_outcome_shows_the_number_to_call(browser: Browsing) -> None:
    await browser.requested()
    await browser.send(URGENT)
    shown = await browser.get()

    assert "Stop here." in shown.text
    assert '<a class="button warn" href="tel:112">Call 112</a>' in shown.html


async def test_other_answers_after_the_decision_change_nothing_and_are_not_shown(browser: Browsing) -> None:
    await browser.requested()
    await browser.send(CLEAR)
    shown = await browser.send(CLEAR | {"q_aneurysm": "yes"})

    assert shown.status == 409
    assert "We have your answers already." in shown.text
    assert "your booking can go ahead" in shown.text
    assert "aneurysm" not in shown.text


async def test_a_form_that_is_asked_again_says_why_and_what_the_practice_writes(browser: Browsing) -> None:
    await browser.requested()
    await browser.send(CLEAR | {"q_head_injury": "unsure"})
    word = Word(verdict=Verdict.MORE_INFO, note="They have to say when.", by="Ines", to_client="When was <it>?")
    await Reviews(browser.casework).rule(APPOINTMENT, word, version=2, hand=STAFF)
    shown = await browser.get()
    assert "Your practitioner has a question" in shown.text
    assert "The practice writes When was <it>?" in shown.text
    assert "<it>" not in shown.html
    assert 'name="q_head_injury"' in shown.html
    assert "They have to say when." not in shown.text


def _file(content: bytes) -> FormData:
    form = FormData()
    form.add_field("file", BytesIO(content), filename="../../etc/passwd.exe", content_type="text/html")
    return form


async def test_words_and_a_file_go_in_by_plain_forms_and_lead_back_to_the_page(browser: Browsing) -> None:
    await browser.requested()
    await browser.send(CLEAR | {"q_head_injury": "unsure"})
    assert "/words?" in (await browser.get()).html
    for name, posted in (("words", {"words": "My doctor agrees."}), ("file", _file(b"%PDF-1.7 note\r\n--x\r\n"))):
        sent = await browser.turn(name, posted)
        assert (sent.status, sent.location) == (303, f"{_address(APPOINTMENT, None)}&done={name}")
    case = await browser.case
    assert (len(case.words), [one.size for one in case.attachments]) == (1, [20])
    _, content = await Reviews(browser.casework).attachment(APPOINTMENT, "file-1", STAFF)
    assert content == b"%PDF-1.7 note\r\n--x\r\n"


async def test_what_is_no_word_and_no_document_is_refused_on_the_page(browser: Browsing) -> None:
    await browser.requested()
    await browser.send(CLEAR | {"q_head_injury": "unsure"})
    empty = await browser.turn("words", {"words": "  "})
    assert (empty.status, "Please write something" in empty.text) == (422, True)
    odd = await browser.turn("file", _file(b"<html>"))
    assert (odd.status, "PDF, JPEG or PNG" in odd.text) == (422, True)
    without = await browser.turn("file", {"file": "nothing"})
    assert without.status == 422


async def test_a_declined_client_asks_for_a_person_on_the_page(browser: Browsing) -> None:
    await browser.requested()
    await browser.send(CLEAR | {"q_aneurysm": "yes"})
    assert (await browser.turn("review", {"words": ""})).status == 303
    assert (await browser.case).state is State.REVIEW_REQUESTED
    assert "A person here will look at your answers again" in (await browser.get()).text


async def test_a_change_is_said_with_one_button_and_the_form_is_there_again(browser: Browsing) -> None:
    await browser.requested()
    await browser.send(CLEAR)
    assert (await browser.turn("change", {})).status == 303
    shown = await browser.get()
    assert "Thank you for telling us that something has changed" in shown.text
    assert 'name="q_head_injury"' in shown.html
    assert "/change?" not in shown.html


async def test_a_closed_booking_says_that_there_is_nothing_to_fill_in(browser: Browsing) -> None:
    await browser.actions.close(APPOINTMENT, PRACTICE)

    assert "This booking is no longer open" in (await browser.get()).text
    assert (await browser.send(CLEAR)).status == 409


async def test_without_its_own_token_no_form_is_shown(browser: Browsing) -> None:
    other = TOKENS.mint("b" * 26, PRACTICE, NOW + timedelta(days=1))

    for token in ("", "x", other):
        shown = await browser.get(token=token)
        assert (shown.status, "This link does not work any more" in shown.text) == (401, True)


@pytest.mark.parametrize(
    "posted", [{"q_aneurysm": "maybe"}, {"dob.year": "1780"}, {"dob.month": "13"}, {"q_other_text": "x" * 501}]
)
async def test_what_is_no_answer_is_refused_on_the_page(browser: Browsing, posted: dict[str, str]) -> None:
    shown = await browser.send(CLEAR | posted)

    assert shown.status == 422
    assert "Please look at this once more" in shown.text


@pytest.mark.parametrize(
    ("posted", "read"),
    [
        ({"when.year": "2025"}, {"kind": "year", "value": "2025"}),
        ({"when.year": "2026", "when.month": "3"}, {"kind": "month", "value": "2026-03"}),
        (
            {"when.year": "2026", "when.month": "3", "when.day": "6", "when": "given"},
            {"kind": "date", "value": "2026-03-06"},
        ),
        ({"when.year": "2026", "when": "unsure"}, "unsure"),
        ({"when": "skip"}, "skip"),
        ({"when": "given"}, None),
        ({}, None),
    ],
)
def test_a_date_is_as_exact_as_it_is_known(posted: dict[str, str], read: object) -> None:
    assert _alone(AnswerType.FUZZY_DATE, posted) == read


@pytest.mark.parametrize("posted", [
    {"when.day": "6", "when.year": "2026"},
    {"when.month": "3"},
    {"when.year": "2026", "when.month": "2", "when.day": "30"},
    {"when.year": "last"},
])  # fmt: skip
def test_a_date_that_is_none_is_not_guessed(posted: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        _alone(AnswerType.FUZZY_DATE, posted)


@pytest.mark.parametrize(
    ("posted", "read"), [({"when.number": " 12 "}, 12), ({"when": "unsure", "when.number": "12"}, "unsure"), ({}, None)]
)
def test_a_number_may_be_left_to_a_person(posted: dict[str, str], read: object) -> None:
    assert _alone(AnswerType.INT, posted) == read


def test_empty_fields_of_questions_that_do_not_apply_are_no_answers() -> None:
    empty = {f"{q.id}{part}": "" for q in QUESTIONNAIRE.questions for part in ("", ".day", ".month", ".year")}

    assert _read(CLEAR) == _read(empty | CLEAR)


def test_the_page_reads_what_the_interface_takes() -> None:
    assert _read(CLEAR) == {
        "respondent_role": "self", "dob": "1980-05-04", "q_red_flags": ["none"], "q_head_injury": "no",
        "q_skull_fracture": "no", "q_brain_bleed": "no", "q_aneurysm": "no", "q_bleeding_disorder": "no",
        "q_blood_thinners": "none",
    }  # fmt: skip


def test_ages_are_said_in_words() -> None:
    bands = (Band(None, 2), Band(12, 61), Band(65, None))

    assert [ENGLISH.only_if(Age(band), QUESTIONNAIRE) for band in bands] == [
        "Only if the person who comes is under 2",
        "Only if the person who comes is 12 to 60 years old",
        "Only if the person who comes is 65 or older",
    ]
    both = All((Is("q_blood_thinners", frozenset({"anticoagulant"})), Age(Band(65, None))))
    assert ENGLISH.only_if(both, QUESTIONNAIRE).endswith("or similar” above and the person who comes is 65 or older")


async def test_the_form_is_in_the_sections_that_it_has(browser: Browsing) -> None:
    shown = await browser.get()

    titles = [group.title["en"] for group in QUESTIONNAIRE.groups]
    found = re.findall(r'<h2 id="part-\d+" tabindex="-1">(.*?)</h2>', shown.html)
    assert found == titles
    assert f"Part 1 of {len(titles)}" in shown.text


@pytest.mark.parametrize(
    ("asked", "accepts", "practice", "spoken"),
    [
        ({"lang": "es"}, "en", "en", "es"),
        ({"lang": "es-MX"}, "en", "en", "es"),
        ({"lang": "fr"}, "fr, es;q=0.8, en;q=0.7", "en", "es"),
        ({}, "de, fr", "es-ES", "es"),
        ({}, "", "fr", "en"),
    ],
)
async def test_a_page_is_in_the_language_asked_for_or_preferred_or_the_practices(
    browser: Browsing, asked: dict[str, str], accepts: str, practice: str, spoken: str
) -> None:
    browser.practice_is(locale=practice)
    shown = await browser.get(accepts=accepts, **asked)

    assert f'<html lang="{spoken}">' in shown.html
    assert next(q.text[spoken] for q in QUESTIONNAIRE.questions if q.id == "q_aneurysm") in shown.text
    assert (SPOKEN[spoken].said["next"] in shown.text, SPOKEN[spoken].said["skip"] in shown.text) == (True, True)


async def test_no_english_is_left_on_a_spanish_page_whatever_happens(browser: Browsing) -> None:
    """Every text of ours that is on it is there in Spanish: no words of the English file are."""
    await browser.requested()
    pages = [await browser.send({}, lang="es"), await browser.send(CLEAR | {"q_aneurysm": "yes"}, lang="es")]
    pages += [
        await browser.get(lang="es"),
        await browser.get("seen", lang="es"),
        await browser.get(token="x", lang="es"),
    ]
    pages += [await browser.get("change", lang="es"), await browser.get("withdraw", lang="es")]

    english = {text for text in _texts(ENGLISH.said) if len(text) > 6} - set(_texts(SPOKEN["es"].said))
    for shown in pages:
        assert [text for text in english - {"English"} if text in shown.text] == []
    assert all("Please" not in one.text and "Health" not in one.text for one in pages)


async def test_the_language_goes_along_and_can_be_changed_with_token_and_service(browser: Browsing) -> None:
    await browser.requested()
    form = await browser.get(lang="es")
    assert re.search(r'<form id="check" method="post" action="[^"]+lang=es"', form.html)
    other = next(unescape(a) for a in re.findall(r'href="([^"]+)" lang="en"', form.html))
    assert (other.partition("?")[0], "service=session" in other, "lang=en" in other) == (CHECK, True, True)

    sent = await browser.send(CLEAR, lang="es")
    assert "lang=es" in sent.location
    assert "Hemos guardado sus respuestas y su cita sigue adelante." in (await browser.get(lang="es")).text


async def test_who_returns_is_asked_for_the_signs_of_today_only(returning: Browsing) -> None:
    form = await returning.get()
    assert "Have you filled this in before?" in form.text
    welcome = await returning.turn("recognise", BORN)
    assert (welcome.status, "Welcome back" in welcome.text) == (200, True)
    assert "You filled in the health check on 20 November 2026." in welcome.text
    assert ("Stop here." in welcome.text, "aneurysm" in welcome.text) == (True, False)

    sent = await returning.turn("unchanged", _hidden(welcome) | {"q_red_flags.none": "none"})
    assert (sent.status, "proof" in sent.location) == (303, False)
    assert "your booking can go ahead" in (await returning.get()).text


async def test_a_sign_of_today_is_met_with_the_number_to_call(returning: Browsing) -> None:
    welcome = await returning.turn("recognise", BORN)
    sent = await returning.turn("unchanged", _hidden(welcome) | {"q_red_flags.thunderclap": "thunderclap"})

    assert sent.status == 303
    shown = await returning.get()
    assert ("Stop here." in shown.text, 'href="tel:112">Call 112' in shown.html) == (True, True)


async def test_without_a_word_on_the_signs_they_are_asked_for_again(returning: Browsing) -> None:
    welcome = await returning.turn("recognise", BORN)
    again = await returning.turn("unchanged", _hidden(welcome))

    assert (again.status, 'href="#q_red_flags"' in again.html) == (422, True)
    assert _hidden(again) == _hidden(welcome)


async def test_who_says_that_something_changed_finds_the_earlier_answers_but_no_old_sign(returning: Browsing) -> None:
    welcome = await returning.turn("recognise", BORN)
    form = await returning.turn("changed", _hidden(welcome) | {"q_red_flags.none": "none"})

    assert "We have filled in what you told us before." in form.text
    assert 'name="q_aneurysm" value="no" checked' in form.html
    assert re.search(r'name="q_red_flags.none" value="none" checked', form.html)
    assert "Have you filled this in before?" not in form.text
    without = await returning.turn("changed", _hidden(welcome))
    assert not re.search(r'name="q_red_flags\.\w+"[^>]* checked', without.html)


async def test_who_is_not_recognised_goes_on_with_the_form_and_their_date(returning: Browsing) -> None:
    shown = await returning.turn("recognise", BORN | {"born.year": "1981"})

    assert (shown.status, "That is fine: please fill in the form below." in shown.text) == (200, True)
    assert 'name="dob.year" inputmode="numeric" maxlength="4" autocomplete="off" value="1981"' in shown.html


@pytest.mark.parametrize("born", [{}, BORN | {"born.month": "13"}])
async def test_what_is_no_date_of_birth_is_asked_for_again_and_takes_no_try(
    returning: Browsing, born: dict[str, str]
) -> None:
    shown = await returning.turn("recognise", born)

    assert (shown.status, '<a href="#born">Date of birth</a>' in shown.html) == (422, True)
    assert (await returning.case).tries == 0


async def test_after_five_tries_the_card_is_gone_whether_or_not_there_was_a_form(browser: Browsing) -> None:
    await browser.requested(client="n" * 20)
    assert "Have you filled this in before?" in (await browser.get()).text
    for _ in range(5):
        await browser.turn("recognise", BORN)
    assert "Have you filled this in before?" not in (await browser.get()).text


@pytest.mark.parametrize("step", ["unchanged", "changed"])
async def test_without_a_proof_the_whole_form_is_asked_for_and_nothing_of_it_told(
    returning: Browsing, step: str
) -> None:
    shown = await returning.turn(step, {"proof": "x", "q_red_flags.none": "none"})

    assert "Your earlier answers can not be used any more." in shown.text
    assert 'name="q_aneurysm" value="no" checked' not in shown.html


async def test_who_was_asked_again_because_of_a_change_is_not_offered_what_counts_no_longer(
    returning: Browsing,
) -> None:
    await returning.send(CLEAR)
    await returning.turn("change", {})
    assert "Have you filled this in before?" not in (await returning.get()).text


async def test_a_change_and_a_withdrawal_are_asked_for_once_more_before_they_count(browser: Browsing) -> None:
    await browser.requested()
    await browser.send(CLEAR)
    told = await browser.get()
    for step, means in (("change", "the visit is not confirmed"), ("withdraw", "Your answers are not erased by this.")):
        assert f"{CHECK}/{step}?" in told.html
        asked = await browser.get(step)
        assert (means in asked.text, f'method="post" action="{CHECK}/{step}?' in asked.html) == (True, True)
    assert (await browser.case).state is State.CLEARED


@pytest.mark.parametrize(("posted", "cause"), [(CLEAR, Reopening.WITHDRAWN), (CHILD, Reopening.GUARDIAN_WITHDRAWN)])
async def test_consent_is_taken_back_by_whoever_gave_it(
    browser: Browsing, posted: dict[str, str], cause: Reopening
) -> None:
    await browser.requested()
    await browser.send(posted)
    assert (await browser.turn("withdraw", {})).status == 303
    assert (await browser.case).reopened_by is cause
    assert "You have taken back your agreement." in (await browser.get()).text


async def test_a_client_sees_who_has_read_the_answers_and_when(browser: Browsing) -> None:
    await browser.requested()
    await browser.send(CLEAR)
    assert "Nobody of the practice has opened them so far." in (await browser.get("seen")).text
    await Reviews(browser.casework).open(APPOINTMENT, STAFF)

    assert "Ines opened the answers 10:30 on 20 November 2026" in (await browser.get("seen")).text


async def test_a_file_of_any_size_that_is_too_large_is_refused_in_words(browser: Browsing) -> None:
    await browser.requested()
    await browser.send(CLEAR | {"q_head_injury": "unsure"})
    large = await browser.turn("file", _file(b"%PDF-" + b"x" * (2 * LARGEST_FILE)))

    assert (large.status, "up to 5 MB" in large.text) == (422, True)
    assert (await browser.case).attachments == ()


@pytest.mark.parametrize("step", ["words", "file", "review", "change", "withdraw", "recognise", "unchanged", "changed"])
async def test_nothing_is_done_for_whoever_shows_no_token(browser: Browsing, step: str) -> None:
    await browser.requested()
    await browser.send(CLEAR)
    before = await browser.case
    posted: Any = _file(b"%PDF-") if step == "file" else {"words": "x"}
    shown = await browser.turn(step, posted, token="x")

    assert (shown.status, "This link does not work any more" in shown.text) == (401, True)
    assert await browser.case == before


async def test_what_is_not_possible_now_is_said_on_the_page_and_changes_nothing(browser: Browsing) -> None:
    await browser.requested()
    await browser.send(CLEAR)
    before = await browser.case
    for step, said in (("review", "A person has been asked already"), ("words", "Nobody waits for words")):
        shown = await browser.turn(step, {"words": "x"})
        assert (shown.status, said in shown.text) == (409, True)
    assert await browser.case == before


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**64 - 1))
def test_what_a_form_is_filled_in_with_is_read_as_the_same_answers(seed: int) -> None:
    made = random_answers(INTAKE, random.Random(seed).randrange, as_of=NOW.date())
    answers: dict[str, Any] = {name: one.strip() if isinstance(one, str) else one for name, one in made.items()}
    given_at_all = {name: one for name, one in answers.items() if one not in ([], "", False)}
    read, unread = sheet.read(INTAKE, refill.posted(INTAKE, given_at_all), ENGLISH)

    assert (INTAKE.read(read), unread) == (INTAKE.read(given_at_all), {})


@pytest.mark.parametrize(
    ("accepts", "best"),
    [
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("en;q=0.3, es;q=0.5", "es"),
        ("ES", "es"),
        ("de, en;q=0", None),
        ("en;q=x", None),
        ("", None),
        ("*", None),
        ("de," * 50 + "es", None),
    ],
)
def test_the_language_is_the_browsers_first_that_there_is(accepts: str, best: str | None) -> None:
    assert preferred(accepts, ["en", "es"]) == best


@pytest.mark.parametrize(
    ("spanish", "trouble"),
    [
        ('send = "Enviar"', "call"),
        ('send = "Enviar"\ncall = "Llamar"', "call"),
        ('send = ""\ncall = "Llamar al {number}"', "send"),
        ("send = ", "es.toml"),
    ],
)
def test_a_language_with_a_hole_keeps_the_service_from_starting(tmp_path: Path, spanish: str, trouble: str) -> None:
    (tmp_path / "en.toml").write_text('send = "Send"\ncall = "Call {number}"')
    (tmp_path / "es.toml").write_text(spanish)
    with pytest.raises(WordsBroken, match=trouble):
        words.read(["en", "es"], tmp_path)


def test_conditions_are_said_in_spanish_too() -> None:
    said = {q.id: SPOKEN["es"].only_if(q.shown_when, INTAKE) for q in INTAKE.questions if q.shown_when is not None}

    assert said["q_pregnant"] == "Solo si la persona que viene tiene de 12 a 60 años"
    assert said["q_head_injury_date"] == "Solo si respondió «Sí» arriba"
    assert said["guardian_consent"] == (
        "Solo si respondió «Por un menor a mi cargo» arriba y la persona que viene tiene menos de 18 años"
    )


def _texts(said: Any) -> list[str]:
    if isinstance(said, dict | list):
        return [text for one in (said.values() if isinstance(said, dict) else said) for text in _texts(one)]
    return [str(said)]


def _hidden(shown: Shown) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown.html))


def _alone(kind: AnswerType, posted: Mapping[str, str]) -> object:
    return sheet.answer_to(Question(id="when", group="health", type=kind, text={}, limits=Limits()), posted)
