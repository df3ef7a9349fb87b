"""The health check as a page, on screening's twins: what it asks, how it reads what was typed, what it says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer

from services.screening import page
from services.screening.actions import Casework, Continuing, Memory, Returning, Reviews, Screening, Submitting, Word
from services.screening.domain.answers import AnswerType, Limits
from services.screening.domain.case import Case, State, Verdict
from services.screening.domain.conditions import Age, All, Band, Is
from services.screening.domain.questionnaire import Question
from services.screening.page import sheet, words
from shared import httpkit
from shared.httpkit import Door
from shared.tokens import Tokens
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
    casework,
    request,
)

TOKENS = Tokens("signing-" + "s" * 32)
CLEAR = {
    "respondent_role": "self", "dob.day": "4", "dob.month": "5", "dob.year": "1980", "q_red_flags.none": "none",
    "q_head_injury": "no", "q_skull_fracture": "no", "q_brain_bleed": "no", "q_aneurysm": "no",
    "q_bleeding_disorder": "no", "q_blood_thinners": "none",
}  # fmt: skip
URGENT = CLEAR | {"q_red_flags.thunderclap": "thunderclap"}
SPOKEN = words.read(CATALOGUE.texts)
ENGLISH = SPOKEN["en"]
QUESTIONNAIRE = CATALOGUE.form(FORM).questionnaire


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

    def __init__(self, casework: Casework, actions: Screening, client: TestClient) -> None:
        self.casework, self.actions = casework, actions
        self._client = client

    async def get(self, *, token: str | None = None, appointment: str = APPOINTMENT) -> Shown:
        return await self._ask("GET", _address(appointment, token))

    async def send(self, posted: Mapping[str, str]) -> Shown:
        return await self._ask("POST", _address(APPOINTMENT, None), posted)

    async def turn(self, name: str, posted: Mapping[str, str] | FormData) -> Shown:
        return await self._ask("POST", _address(APPOINTMENT, None).replace("?", f"/{name}?"), posted)

    @property
    async def case(self) -> Case:
        return await self.casework.find(APPOINTMENT)

    async def requested(self) -> None:
        await self.actions.take_request(APPOINTMENT, PRACTICE, request(), starts_at=STARTS_AT, sequence=2)

    async def _ask(self, method: str, address: str, form: Mapping[str, str] | FormData | None = None) -> Shown:
        async with self._client.request(method, address, data=form, allow_redirects=False) as answer:
            return Shown(answer.status, answer.headers.get("Location", ""), await answer.text(), answer.headers)


def _address(appointment: str, token: str | None) -> str:
    token = TOKENS.mint(APPOINTMENT, PRACTICE, NOW + timedelta(days=30)) if token is None else token
    return f"/screening/check/{appointment}?token={token}&service=session"


@pytest.fixture
async def browser() -> AsyncIterator[Browsing]:
    async def ready() -> Mapping[str, bool]:
        return {}

    door = Door(TOKENS, "operator-" + "o" * 32, ready, lambda: NOW)
    made = casework(CaseTwin())
    memory = Memory(made, HistoryTwin())
    submitting = Submitting(made, memory)
    actions = Screening(made, submitting)
    continuing = Continuing(made, ids=lambda: "file-1")
    returning = Returning(made, submitting, merges=MergeTwin(), tokens=TOKENS)
    routes = page.routes(actions, returning, continuing, made.auditing, CATALOGUE, door, lambda: NOW)
    app = httpkit.application("screening", routes, AsyncExitStack(), door)
    async with TestClient(TestServer(httpkit.mounted({"screening": app}))) as client:
        yield Browsing(made, actions, client)


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
        assert not re.search(r"<script|<style| style=| on\w+=", answered.html)


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
    partly = {name: value for name, value in CLEAR.items() if name not in {"q_aneurysm", "dob.day"}}
    shown = await browser.send(partly | {"q_other_text": "<b>hay fever</b>"})

    assert shown.status == 422
    assert "Please look at these 2 once more" in shown.text
    assert '<a href="#q_aneurysm">Has a doctor ever told you that you have an aneurysm?</a>' in shown.html
    assert 'name="q_skull_fracture" value="no" checked' in shown.html
    assert "&lt;b&gt;hay fever&lt;/b&gt;" in shown.html
    assert "Yes" in (await browser.get()).text


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
    form.add_field("file", content, filename="../../etc/passwd.exe", content_type="text/html")
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


def _alone(kind: AnswerType, posted: Mapping[str, str]) -> object:
    return sheet.answer_to(Question(id="when", group="health", type=kind, text={}, limits=Limits()), posted)
