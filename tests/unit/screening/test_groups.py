"""The health check one group at a time without JavaScript: what is asked when, and no answer is lost on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from html import unescape
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.screening.domain.answers import AnswerType
from services.screening.domain.case import State
from services.screening.domain.conditions import Band
from services.screening.page.groups import MOST, Group, Walk, age_in, groups, number_in
from services.screening.page.questions import Asked, Block, Section
from services.screening.routes import payloads as p
from tests.support.screening import STARTS_AT, request
from tests.unit.screening.test_pages import APPOINTMENT, CHILD, CLEAR, INTAKE, PRACTICE, Browsing, Shown
from tests.unit.screening.test_pages import browser as browser  # noqa: PLC0414  a fixture

TODAY = date(2026, 11, 23)
SELF = {name: value for name, value in CLEAR.items() if name.startswith(("respondent_role", "dob."))}
PARTS = 9
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')

ages = st.one_of(st.none(), st.integers(1, 90).flatmap(lambda low: st.builds(Band, st.just(low), st.just(low + 9))))


@st.composite
def forms(draw: st.DrawFn) -> list[Section]:
    """Sections of any length, with what follows from a question beside it."""
    found: list[Section] = []
    for section, sizes in enumerate(draw(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=20), min_size=1))):
        blocks = [_block(f"q{section}_{at}", follows, draw(ages)) for at, follows in enumerate(sizes)]
        found.append(Section(f"Section {section}", blocks))
    return found


def _block(name: str, follows: int, ages: Band | None) -> Block:
    return Block(_asked(name, ages), [_asked(f"{name}_{number}", None) for number in range(follows)])


def _asked(name: str, ages: Band | None) -> Asked:
    question = p.QuestionOut(id=name, group="g", type="tri", text=name, options=[], required=True)
    return Asked(shown=question, only="", after_yes=False, for_child=False, ages=ages, missing="")


def _ids(blocks: Sequence[Block]) -> list[str]:
    return [asked.shown.id for block in blocks for asked in (block.first, *block.follows)]


@given(forms())
def test_every_question_is_in_one_group_of_at_most_six_in_the_order_of_the_form(form: list[Section]) -> None:
    made = groups(form)

    assert [one for group in made for one in _ids(group.blocks)] == [i for s in form for i in _ids(s.blocks)]
    assert all(1 <= len(group.blocks) <= MOST for group in made)
    assert [block for group in made for block in group.blocks] == [block for s in form for block in s.blocks]
    assert [group.number for group in made] == list(range(1, len(made) + 1))


@given(forms())
def test_a_section_is_in_as_few_groups_as_can_be_and_these_are_even(form: list[Section]) -> None:
    made = groups(form)
    for section in form:
        sizes = [len(group.blocks) for group in made if group.title == section.title]
        assert len(sizes) == -(-len(section.blocks) // MOST)
        assert max(sizes) - min(sizes) <= 1


@given(forms(), st.one_of(st.none(), st.integers(0, 110)))
def test_on_and_back_lead_through_all_groups_that_may_apply_and_through_no_other(
    form: list[Section], age: int | None
) -> None:
    walk = Walk(groups(form), age)
    way = [walk.at(1)]
    while not walk.is_last(way[-1]):
        way.append(walk.after(way[-1].number))

    assert [one.number for one in way] == walk.numbers
    assert (
        {g.number for g in walk.groups if g.applies(age)}
        <= set(walk.numbers)
        <= {1} | {g.number for g in walk.groups if g.applies(age)}
    )
    assert all(walk.at(after.number - 1) == before for before, after in pairwise(way))


@given(forms(), st.data())
def test_what_is_carried_and_what_is_on_the_page_are_all_answers_and_never_one_twice(
    form: list[Section], data: st.DataObject
) -> None:
    walk = Walk(groups(form), None)
    names = [one for group in walk.groups for one in _ids(group.blocks)]
    posted = dict.fromkeys(names, "yes") | {f"{name}.year": "1980" for name in names} | {"at": "1", "go": "next"}
    at = data.draw(st.sampled_from(list(walk.groups)))
    carried = walk.carried(at, posted)

    assert {name.partition(".")[0] for name in carried} == set(names) - at.questions
    assert all(carried[name] == posted[name] for name in carried)


@pytest.mark.parametrize(
    ("year", "month", "day", "age"),
    [
        ("2000", "11", "23", 26), ("2000", "11", "24", 25), (" 2000", "1 ", "1", 26), ("2026", "11", "24", None),
        ("2025", "2", "30", None), ("", "", "", None), ("2000", "x", "1", None), ("２０００", "1", "1", 26),
    ],
)  # fmt: skip
def test_the_age_is_of_the_date_as_typed(year: str, month: str, day: str, age: int | None) -> None:
    assert age_in({"dob.year": year, "dob.month": month, "dob.day": day}, TODAY) == age


@pytest.mark.parametrize(
    ("text", "number"), [("2", 2), ("0", 1), ("-1", 1), ("99", 3), ("9" * 5000, 1), ("²", 1), ("", 1), ("two", 1)]
)
def test_a_number_that_is_no_group_of_the_form_is_answered_by_one_that_is(text: str, number: int) -> None:
    assert number_in({"at": text}, [Group(one, "", []) for one in (1, 2, 3)]) == number


async def _wanted(browser: Browsing) -> None:
    await browser.actions.take_request(
        APPOINTMENT, PRACTICE, request("cst-intake"), starts_at=STARTS_AT, sequence=2, client=None
    )


def _carried(shown: Shown) -> dict[str, str]:
    return {name: unescape(value) for name, value in HIDDEN.findall(shown.html)}


def _title(shown: Shown) -> str:
    """Of the one group that is shown: what is in a template is not on the page."""
    page = re.sub(r"<template>.*?</template>", "", shown.html, flags=re.DOTALL)
    (found,) = re.findall(r'<h2 id="part-\d+"[^>]*>(.*?)</h2>', page)
    return str(found)


async def _turn(browser: Browsing, posted: Mapping[str, str], go: str, at: int) -> Shown:
    return await browser.send({**posted, "go": go, "at": str(at)})


async def test_the_first_group_is_met_first_and_the_others_wait_for_a_script(browser: Browsing) -> None:
    shown = await browser.get()

    assert _title(shown) == "Who is coming"
    assert shown.html.count("<template>") == 4
    assert "Part 1 of 5" in shown.text
    assert "Send my answers" not in shown.text
    assert re.search(r'<script src="/screening/page/check\.js\?v=[0-9a-f]+" defer>', shown.html)


async def test_next_leads_to_the_next_group_and_carries_what_was_answered(browser: Browsing) -> None:
    shown = await _turn(browser, SELF, "next", 1)

    assert (shown.status, _title(shown)) == (200, "Right now")
    assert "Part 2 of 5" in shown.text
    assert _carried(shown) == SELF | {"at": "2"}
    assert "<template>" not in shown.html


async def test_next_stays_with_what_is_not_answered_and_asks_for_nothing_else(browser: Browsing) -> None:
    shown = await _turn(browser, {"respondent_role": "self"}, "next", 1)

    assert (shown.status, _title(shown)) == (422, "Who is coming")
    assert re.findall(r'<a href="#(\w+)">', shown.html) == ["dob"]
    assert "Please look at this once more" in shown.text


async def test_back_asks_for_nothing_and_loses_nothing(browser: Browsing) -> None:
    typed = SELF | {"q_red_flags.none": "none", "q_other_text": "two\r\nlines & <b>"}
    shown = await _turn(browser, typed, "back", 3)

    assert (shown.status, _title(shown)) == (200, "Right now")
    assert 'name="q_red_flags.none" value="none" checked' in shown.html
    assert _carried(shown) == {**{k: v for k, v in typed.items() if k != "q_red_flags.none"}, "at": "2"}


async def test_nothing_is_stored_before_the_last_press(browser: Browsing) -> None:
    await browser.requested()
    for at in range(1, 5):
        await _turn(browser, CLEAR, "next", at)

    assert (await browser.case).state is State.AWAITING
    assert not re.search(r" checked>", (await browser.get()).html)


async def test_groups_that_are_for_other_ages_are_passed_over_in_both_directions(browser: Browsing) -> None:
    await _wanted(browser)
    old = SELF | {"dob.year": "1950", "q_bleeding_disorder": "no", "q_blood_thinners": "none", "q_blood_clot": "no"}
    on = await _turn(browser, old, "next", 6)
    back = await _turn(browser, old, "back", 8)

    assert (_title(on), _title(back)) == ("Health at large", "Blood")
    assert f"Part 7 of {PARTS - 1}" in on.text
    young = await _turn(browser, old | {"dob.year": "1990"}, "next", 6)
    assert _title(young) == "Pregnancy and birth"
    assert f"Part 7 of {PARTS}" in young.text


async def test_what_is_only_for_small_children_is_asked_of_them_also_on_a_page_of_its_own(browser: Browsing) -> None:
    baby = CHILD | {"dob.year": "2026"}
    shown = [await _turn(browser, who, "next", 4) for who in (baby, CLEAR)]

    asked = [re.search(r'<div class="asked for-child" data-high="2"( hidden)?>', one.html) for one in shown]
    assert [found and found[1] for found in asked] == [None, " hidden"]
    assert asked[0] is not None


async def test_what_is_wrong_at_the_end_leads_to_the_group_that_holds_it_and_can_be_sent_from_there(
    browser: Browsing,
) -> None:
    await browser.requested()
    shown = await browser.send({**CLEAR, "q_aneurysm": "", "at": "5"})

    assert (shown.status, _title(shown)) == (422, "Head")
    assert '<div class="told" role="alert" tabindex="-1" autofocus>' in shown.html
    assert "Send my answers" in shown.text
    assert _carried(shown)["tried"] == "yes"
    sent = await browser.send(_carried(shown) | CLEAR)
    assert sent.status == 303
    assert (await browser.case).state is State.CLEARED


async def test_an_urgent_tick_is_met_at_the_next_press_and_stays_on_the_way(browser: Browsing) -> None:
    ticked = SELF | {"q_red_flags.thunderclap": "thunderclap"}
    met = await _turn(browser, ticked, "next", 2)
    later = await _turn(browser, CLEAR | ticked, "next", 3)

    assert re.search(r'id="urgent-now" class="urgent" role="alert" tabindex="-1" autofocus>', met.html)
    assert re.search(r'id="urgent-now" class="urgent" role="alert" tabindex="-1">', later.html)
    assert "This comes first. Stop here." in met.text
    assert 'id="urgent-now" class="urgent" role="alert" tabindex="-1" hidden>' in (await browser.get()).html


async def test_another_language_in_the_middle_keeps_the_group_and_the_answers(browser: Browsing) -> None:
    shown = await browser.send({**SELF, "go": "stay", "at": "2"}, lang="es")

    assert _title(shown) == "Ahora mismo"
    assert _carried(shown) == SELF | {"at": "2"}
    assert re.search(r'name="go" value="stay" formaction="[^"]+lang=en" lang="en">English<', shown.html)


async def test_who_would_rather_talk_to_a_person_is_asked_for_what_nobody_else_knows_and_then_reviewed(
    browser: Browsing,
) -> None:
    await browser.requested()
    first = await browser.send({"talk": "yes", "at": "1"})
    assert (first.status, _title(first)) == (422, "Who is coming")
    assert "a person talks with you about the rest" in first.text
    second = await browser.send(_carried(first) | SELF)
    assert (second.status, _title(second)) == (422, "Right now")
    assert re.findall(r'<a href="#(\w+)">', second.html) == ["q_red_flags"]
    third = await browser.send(_carried(second) | {"q_red_flags.none": "none"})

    assert third.status == 303
    assert (await browser.case).state is State.IN_REVIEW


async def test_what_was_answered_before_a_person_was_asked_for_still_counts(browser: Browsing) -> None:
    await browser.requested()
    given_so_far = SELF | {"q_red_flags.none": "none", "q_aneurysm": "yes"}
    await browser.send(given_so_far | {"talk": "yes", "at": "3"})

    assert (await browser.case).state is State.DECLINED


async def test_a_problem_in_what_is_for_another_age_can_be_seen_and_mended(browser: Browsing) -> None:
    await _wanted(browser)
    noes = {one.id: "no" for one in INTAKE.questions if one.type is AnswerType.TRI and not one.shown_when}
    grown = noes | CLEAR | {"dob.year": "1950", "q_pregnant": "yes"}
    shown = await browser.send(grown | {"q_pregnancy_weeks.number": "many"})

    assert (shown.status, _title(shown)) == (422, "Pregnancy and birth")
    assert re.findall(r'<a href="#(\w+)">', shown.html) == ["q_pregnancy_weeks"]
    assert re.search(r'<div class="asked" data-low="12" data-high="61">\s*<p class="only">', shown.html)
