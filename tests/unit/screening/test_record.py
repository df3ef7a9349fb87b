"""The record that a client is given to read: everything in words, in their language, on one page that needs nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.screening import record
from services.screening.actions import Reviews, Word
from services.screening.chapters import Seen
from services.screening.domain.audit import Deed
from services.screening.domain.case import Reopening, State, Verdict
from services.screening.domain.history import Correction, Lasting
from services.screening.domain.ruleset import Effect
from services.screening.record.spoken import Spoken, words
from tests.support import screening as twin
from tests.support.screening import CATALOGUE, NOW, STAFF
from tests.support.screening_returning import House, id_of

VISIT, OTHER = id_of(1), id_of(2)
MONTH = {"kind": "month", "value": "2026-03"}
HURT = {
    "q_head_injury": "yes",
    "q_head_injury_date": MONTH,
    "q_head_injury_checked": "skip",
    "q_head_injury_symptoms": "unsure",
}


class Reader(HTMLParser):
    """What a page says, and how it is built."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._quiet = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._quiet = tag in ("style", "title")

    def handle_endtag(self, tag: str) -> None:
        self._quiet = self._quiet and tag not in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._quiet and data.strip():
            self.text.append(" ".join(data.split()))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


async def page(house: House, *visits: str, locale: str = "en", **more: Any) -> str:
    opened = [await house.casework.open(visit) for visit in visits]
    given: dict[str, Any] = {
        "until": {visit: date(2033, 11, 27) for visit in visits},
        "remembered": (),
        "seen": (),
        "spoken": Spoken(texts=CATALOGUE.texts_for(locale), words=words(locale), zone=ZoneInfo("Europe/Berlin")),
        "at": house.now,
    }
    return record.show(opened, **given | more)


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", ["March 2026", "I am not sure", "I would rather talk to a person", "4 May 1980", "Agreed"]),
        ("es", ["marzo de 2026", "No lo sé", "Prefiero hablar con una persona", "4 de mayo de 1980", "Dijo que sí"]),
    ],
)  # fmt: skip
async def test_every_question_answer_reason_and_decision_is_in_words(locale: str, said: list[str]) -> None:
    house = House()
    await house.visit(VISIT, twin.NEEDS_CLEARANCE | HURT)
    await house.approve(VISIT)
    text = Reader(await page(house, VISIT, locale=locale)).text
    everything = " ".join(text)
    for phrase in said:
        assert phrase in everything
    form = CATALOGUE.newest["cst-core"]
    for question in form.questionnaire.questions:
        assert (question.text[locale] in text) is (question.id in twin.NEEDS_CLEARANCE | HURT)
    fired = {one.rule for one in (await house.filled(VISIT)).assessment.trace}
    assert fired
    assert all(rule.explanation[locale] in text for rule in form.ruleset.rules if rule.id in fired)
    assert "Dr Who" in everything
    assert "Looked at together, all well." in text


async def test_a_question_that_was_asked_and_not_answered_says_so() -> None:
    house = House()
    await house.visit(VISIT, {name: one for name, one in twin.CLEAR.items() if name != "q_aneurysm"})
    text = Reader(await page(house, VISIT)).text
    asked = next(q.text["en"] for q in CATALOGUE.newest["cst-core"].questionnaire.questions if q.id == "q_aneurysm")
    assert text[text.index(asked) + 1] == "No answer"


async def test_rounds_that_are_over_say_why_and_what_the_practice_wrote() -> None:
    house = House()
    await house.visit(VISIT, twin.REVIEWED)
    word = Word(verdict=Verdict.MORE_INFO, note="Which medicine is it?", by="Ines", to_client="Which one do you take?")
    await Reviews(house.casework).rule(VISIT, word, version=house.case(VISIT).version, hand=STAFF)
    house.passes(timedelta(hours=1))
    await house.answer(VISIT, twin.CLEAR)
    text = Reader(await page(house, VISIT)).text
    assert "This form counts no longer since 10:30 on 20 November 2026: the practice asked for more." in text
    for phrase in (
        "Asked you for more",
        "Which medicine is it?",
        "Which one do you take?",
        "The booking could go ahead",
    ):
        assert phrase in text
    assert [one for one in text if one.startswith("Filled in at")] == [
        "Filled in at 10:30 on 20 November 2026",
        "Filled in at 11:30 on 20 November 2026",
    ]


async def test_who_has_seen_it_what_is_remembered_and_until_when_it_is_kept() -> None:
    house = House()
    await house.visit(VISIT, twin.DECLINED)
    await house.visit(OTHER, twin.CLEAR)
    correction = Correction(question="q_aneurysm", note="Misread the question.", by="Ines", at=NOW)
    seen = [Seen(case=VISIT, at=NOW, by="staff", what="view"), Seen(case=VISIT, at=NOW, by="Jo", what="export")]
    kept = {VISIT: date(2033, 11, 27), OTHER: None}
    lasting = [Lasting(yes={"q_aneurysm": (VISIT,)}, corrections=(correction,))]
    text = Reader(await page(house, VISIT, OTHER, until=kept, remembered=lasting, seen=seen)).text
    for phrase in (
        "27 November 2033, unless you come again",
        "No date: a legal duty to keep it applies",
        "Misread the question. (Ines, 10:30 on 20 November 2026)",
        "The practice",
        "Jo",
        "Opened the answers",
        "Made an export",
    ):
        assert phrase in text


async def test_what_somebody_wrote_cannot_become_a_part_of_the_page() -> None:
    house = House()
    evil = '<script>alert(1)</script><img src=x onerror="y">&amp;{{7*7}}'
    await house.visit(VISIT, twin.REVIEWED)
    word = Word(verdict=Verdict.REFUSE, note=evil, by=evil, to_client=evil)
    await Reviews(house.casework).rule(VISIT, word, version=house.case(VISIT).version, hand=STAFF)
    made = await page(house, VISIT, seen=[Seen(case=evil, at=NOW, by=evil, what=evil)])
    read = Reader(made)
    assert read.named("script") == read.named("img") == []
    assert evil in " ".join(read.text)


@pytest.mark.parametrize("locale", ["en", "es"])
async def test_the_page_needs_nothing_else_and_is_built_for_whoever_listens_to_it(locale: str) -> None:
    house = House()
    await house.visit(VISIT, twin.NEEDS_CLEARANCE | HURT)
    await house.approve(VISIT)
    seen = [Seen(case=VISIT, at=NOW, by="staff", what="view")]
    read = Reader(await page(house, VISIT, locale=locale, seen=seen))
    assert read.named("html") == [{"lang": locale}]
    assert [name for name, _ in read.tags if name in ("link", "script", "img", "iframe", "form")] == []
    assert len(read.named("main")) == len(read.named("h1")) == 1
    levels = [int(name[1]) for name, _ in read.tags if re.fullmatch("h[1-6]", name)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert {attrs.get("scope") for attrs in read.named("th")} == {"col", "row"}
    ids = [attrs["id"] for _, attrs in read.tags if "id" in attrs]
    assert len(set(ids)) == len(ids)
    labels = [attrs["aria-labelledby"] for _, attrs in read.tags if "aria-labelledby" in attrs]
    assert labels
    assert set(labels) <= set(ids)
    captions = len(read.named("caption")) + sum("aria-labelledby" in one for one in read.named("table"))
    assert captions == len(read.named("table"))


async def test_its_style_is_the_one_that_the_page_is_allowed() -> None:
    house = House()
    await house.visit(VISIT, twin.CLEAR)
    made = await page(house, VISIT)
    style = made.partition("<style>")[2].partition("</style>")[0]
    assert style == record.page.SHEET
    assert "unsafe" not in record.HEADERS["Content-Security-Policy"]


async def test_a_case_without_answers_and_no_case_at_all_are_pages_too() -> None:
    house = House()
    await house.request(VISIT)
    assert "Not filled in" in Reader(await page(house, VISIT)).text
    assert "No health check is kept." in Reader(await page(house)).text


@pytest.mark.parametrize("locale", sorted(CATALOGUE.texts))
def test_every_language_has_every_word(locale: str) -> None:
    said, english = words(locale), words("en")
    assert said.keys() == english.keys()
    for name, one in english.items():
        if isinstance(one, dict):
            assert said[name].keys() == one.keys()
        else:
            assert set(re.findall(r"{\w+}", said[name])) == set(re.findall(r"{\w+}", one)), name
    for group, values in {"states": State, "outcomes": Effect, "verdicts": Verdict, "endings": Reopening}.items():
        assert said[group].keys() == {value.value for value in values}
    assert said["deeds"].keys() <= {deed.value for deed in Deed}
