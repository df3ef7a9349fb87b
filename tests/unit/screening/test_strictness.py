"""Nothing softer gets past the proof: every way of smuggling it in is refused, in words."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.screening.domain.catalogue import Form
from services.screening.domain.conditions import All, AnyOf, Band, DaysSince, Each, Is, Trait, Written
from services.screening.domain.overlay import OverlayBroken
from services.screening.domain.properties import Trial, speaks_against
from services.screening.domain.questionnaire import Question
from services.screening.domain.ruleset import Clearance, Effect, Rule
from services.screening.domain.strictness import covers, weaker
from services.screening.proving import proof
from tests.support.screening import CATALOGUE
from tests.support.screening_drafts import Json, made, overlay, question, rule

BASE = CATALOGUE.form("cst-intake")
SHORT = CATALOGUE.form("cst-core")


def with_rule(name: str, **changes: Any) -> Form:
    rules = tuple(replace(one, **changes) if one.id == name else one for one in BASE.ruleset.rules)
    return replace(BASE, ruleset=replace(BASE.ruleset, rules=rules))


def with_question(name: str, **changes: Any) -> Form:
    questions = tuple(replace(one, **changes) if one.id == name else one for one in BASE.questionnaire.questions)
    return replace(BASE, questionnaire=replace(BASE.questionnaire, questions=questions))


def without(kind: str, name: str) -> Form:
    if kind == "rule":
        return replace(BASE, ruleset=replace(BASE.ruleset, rules=tuple(r for r in BASE.ruleset.rules if r.id != name)))
    asked = BASE.questionnaire
    return replace(BASE, questionnaire=replace(asked, questions=tuple(q for q in asked.questions if q.id != name)))


def rule_of(name: str) -> Rule:
    return next(one for one in BASE.ruleset.rules if one.id == name)


def question_of(name: str) -> Question:
    return next(one for one in BASE.questionnaire.questions if one.id == name)


SOFTER: dict[str, tuple[Form, str]] = {
    "a rule is dropped": (without("rule", "R06"), "R06 is gone"),
    "a question is dropped": (without("question", "q_icp"), "q_icp is not asked any longer"),
    "a lower outcome": (with_rule("R06", effect=Effect.NEEDS_REVIEW), "R06 leads to needs_review instead of declined"),
    "a note that hides": (with_rule("R53", effect=Effect.NOTE), "R53 leads to note"),
    "a rule that clears": (with_rule("N03", effect=Effect.CLEARED), "N03 clears"),
    "another code": (with_rule("R06", code="NOTHING"), "R06 has another code"),
    "no longer urgent": (with_rule("R21", urgent=False), "R21 is not urgent"),
    "no clearance": (with_rule("R30", clearance=Clearance.NO), "R30 asks for less of a clearance"),
    "unlocked": (with_rule("R03", lock=False), "R03 is not locked"),
    "a shorter window": (
        with_rule("R06", when=All((Is("q_stroke", frozenset({"yes"})), DaysSince("q_stroke_date", Band(0, 182))))),
        "R06 fires in fewer cases",
    ),
    "a window that begins later": (
        with_rule("R06", when=All((Is("q_stroke", frozenset({"yes"})), DaysSince("q_stroke_date", Band(1, 183))))),
        "R06 fires in fewer cases",
    ),
    "one condition more": (
        with_rule("R07", when=All((Is("q_icp", frozenset({"yes"})), Is("q_shunt", frozenset({"yes"}))))),
        "R07 fires in fewer cases",
    ),
    "the same of another question": (
        with_rule("R07", when=Is("q_shunt", frozenset({"yes"}))),
        "R07 fires in fewer cases",
    ),
    "an answer that does not count": (with_rule("R33", when=Is("q_bleeding_severity", frozenset({"mild"}))), "R33"),
    "more that counts as nothing": (
        with_rule("R63", when=Written("q_other_text", frozenset({"", "-", "stroke"}))),
        "R63 fires in fewer cases",
    ),
    "an exception among all": (
        with_rule("R71", when=Each(Trait.SKIP, None, frozenset({"q_icp"}))),
        "R71 fires in fewer cases",
    ),
    "fewer questions looked at": (
        with_rule("R87", when=Each(Trait.DENIED_NOW, frozenset({"q_stroke"}))),
        "R87 fires in fewer cases",
    ),
    "try again": (with_rule("R01", time_limited=True), "R01 lets a client try again"),
    "a longer approval": (with_rule("R42", approve_for=(28, 60)), "R42 lets an approval count for longer"),
    "an approval without end": (with_rule("R42", approve_for=None), "R42 lets an approval count for longer"),
    "a milder text": (with_rule("R01", messages=("REVIEW",)), "R01 tells the client something milder"),
    "no word of help": (with_rule("R22", messages=("REVIEW",)), "R22"),
    "fewer clearance questions": (
        replace(BASE, ruleset=replace(BASE.ruleset, clearance_questions=frozenset({"q_stroke_date"}))),
        "asks for no clearance any longer",
    ),
    "an optional question": (with_question("q_icp", required=False), "q_icp may be left out"),
    "a question shown to fewer": (
        with_question("q_icp", shown_when=Is("q_stroke", frozenset({"yes"}))),
        "q_icp is asked of other people",
    ),
    "a question shown to more": (
        with_question("q_stroke_date", shown_when=None),
        "q_stroke_date is asked of other people",
    ),
    "another way to answer": (
        with_question("q_blood_thinners", options=question_of("q_blood_thinners").options[:-1]),
        "q_blood_thinners has other options",
    ),
    "an essential answer that is not": (with_question("dob", essential=False), "dob may be left out"),
    "another kind of answer": (
        with_question("q_icp", type=question_of("q_other_text").type),
        "q_icp takes other answers",
    ),
}


@pytest.mark.parametrize("how", SOFTER)
def test_what_could_be_softer_is_named(how: str) -> None:
    form, why = SOFTER[how]
    assert any(why in trouble for trouble in weaker(BASE, form)), list(weaker(BASE, form))


@pytest.mark.parametrize("form", CATALOGUE.rulesets.values(), ids=list(CATALOGUE.rulesets))
def test_a_set_is_not_softer_than_itself(form: Form) -> None:
    assert list(weaker(form, form)) == []


@pytest.mark.parametrize(
    "form",
    [
        with_rule("R06", when=All((Is("q_stroke", frozenset({"yes"})), DaysSince("q_stroke_date", Band(None, 400))))),
        with_rule("R07", when=AnyOf((Is("q_icp", frozenset({"yes"})), Is("q_shunt", frozenset({"yes"}))))),
        with_rule("R53", effect=Effect.DECLINED, messages=("DECLINED",)),
        with_rule("R42", approve_for=(14, 28)),
        with_rule("R04", time_limited=False, messages=("DECLINED",)),
    ],
)
def test_what_is_stricter_is_not_softer(form: Form) -> None:
    assert list(weaker(BASE, form)) == []


def test_the_short_form_asks_less_than_the_full_one_and_that_is_seen() -> None:
    assert "R06 is gone" in list(weaker(BASE, SHORT))
    assert list(weaker(SHORT, BASE)) == []


BROKEN: list[tuple[str, Callable[[], Json], str]] = [
    ("a question of the base again", lambda: overlay(question=[question(id="q_aneurysm")]), "question q_aneurysm is"),
    ("a question without its mark", lambda: overlay(question=[question(id="migraine")]), "migraine must begin with p_"),
    ("a rule of the base again", lambda: overlay(rule=[rule(id="R01")]), "rule R01 is there already"),
    ("a rule without its mark", lambda: overlay(rule=[rule(id="R90")]), "R90 must begin with P"),
    ("a code of the base", lambda: overlay(rule=[rule(code="ANEURYSM_DIAGNOSED")]), "needs a code that begins with"),
    ("a code of an open rule", lambda: overlay(rule=[rule(code="MISSING:Q_MIGRAINE")]), "needs a code that begins"),
    ("two rules in one", lambda: overlay(rule=[rule(), rule()]), "rule P01 is named twice"),
    ("a change of what is not there", lambda: overlay(change=[{"rule": "R99X"}]), "unknown rule: R99X"),
    ("a change of what clears", lambda: overlay(change=[{"rule": "R99", "outcome": "declined"}]), "what clears"),
    ("a change to cleared", lambda: overlay(change=[{"rule": "R53", "outcome": "cleared"}]), "what clears"),
    ("a bound that is not there", lambda: overlay(change=[{"rule": "R01", "days": {"from": 0}}]), "exactly one bound"),
    ("an essential question", lambda: overlay(question=[question(essential=True)]), "may not be essential"),
    ("a group that is not there", lambda: overlay(question=[question(group="nowhere")]), "an unknown group: nowhere"),
    ("urgent, and only a note", lambda: overlay(rule=[rule(outcome="note", messages=[], urgent=True)]), "only a note"),
    ("another base", lambda: overlay(base="cst-core@2025.1.0"), "the library has no cst-core@2025.1.0"),
    ("rules of another form", lambda: overlay(ruleset="cst-rules@2026.1.0"), "the library has no"),
    ("a case from nowhere", lambda: overlay(case=[{"rule": "P01", "fires": True, "base": "x"}]), "unknown form: x"),
    ("an outcome that is none", lambda: overlay(rule=[rule(outcome="fine")]), "fine"),
]


@pytest.mark.parametrize(("raw", "why"), [one[1:] for one in BROKEN], ids=[one[0] for one in BROKEN])
def test_an_overlay_that_does_not_fit_is_refused_as_a_whole(raw: Callable[[], Json], why: str) -> None:
    with pytest.raises(OverlayBroken, match=why):
        made(raw())


REFUSED: list[tuple[str, Callable[[], Json], str]] = [
    (
        "a lower outcome",
        lambda: overlay(change=[{"rule": "R03", "outcome": "needs_review"}]),
        "R03 leads to needs_review instead of declined",
    ),
    (
        "a shorter window",
        lambda: overlay(change=[{"rule": "R03", "days": {"from": 0, "below": 30}}]),
        "R03 fires in fewer cases",
    ),
    (
        "a rule about an unknown question",
        lambda: overlay(rule=[rule(when={"question": "q_nothing", "is": "yes"})]),
        "P01 names a question that is unknown there: q_nothing",
    ),
    (
        "a question after an unknown answer",
        lambda: overlay(question=[question(shown_when={"question": "p_later", "is": "yes"})]),
        "p_migraine names a question that is unknown there: p_later",
    ),
    (
        "a rule that clears",
        lambda: overlay(rule=[rule(outcome="cleared")]),
        "P01 may clear only as the rule for everything else",
    ),
    ("no Spanish", lambda: overlay(question=[question(text={"en": "Migraine?"})]), "p_migraine has no text in es"),
    ("a rule without cases", lambda: overlay(case=[]), "P01 has no case in which it fires"),
    (
        "a changed bound without its cases",
        lambda: overlay(case=overlay()["case"][:2]),
        "R03 has no case in which it fires at its bound 89",
    ),
    (
        "a case that says something else",
        lambda: overlay(case=[*overlay()["case"], {"rule": "P01", "fires": True}]),
        "P01-fires-own-4: P01 does not fire",
    ),
    (
        "a no that is worse than a yes",
        lambda: overlay(
            rule=[rule(when={"question": "p_migraine", "is": "no"})],
            case=[
                {"rule": "P01", "fires": True, "set": {"p_migraine": "no"}},
                {"rule": "P01", "fires": False, "set": {"p_migraine": "yes"}},
                *overlay()["case"][2:],
            ],
        ),
        "instead of no softens the outcome",
    ),
    (
        "a window that begins too late",
        lambda: overlay(
            question=[
                question(),
                question(id="p_migraine_date", type="fuzzy_date", shown_when={"question": "p_migraine", "is": "yes"}),
            ],
            rule=[rule(when={"question": "p_migraine_date", "days": {"from": 30, "below": 90}})],
            change=[],
            case=[
                {
                    "rule": "P01",
                    "fires": 30 <= days < 90,
                    "set": {"p_migraine": "yes"},
                    "days": {"p_migraine_date": days},
                }
                for days in (29, 30, 89, 90)
            ],
        ),
        "softens the outcome",
    ),
]


@pytest.mark.parametrize(("raw", "why"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED])
def test_what_the_proof_finds_is_said_in_words(raw: Callable[[], Json], why: str) -> None:
    found = proof(made(raw()), CATALOGUE, random.Random(5).randrange, clients=1_500)
    assert any(why in trouble for trouble in found if trouble is not None)


def test_a_stricter_set_stands_the_proof() -> None:
    steps = list(proof(made(), CATALOGUE, random.Random(5).randrange, clients=300))
    assert [step for step in steps if step] == []
    assert len(steps) > 500


@pytest.mark.long
def test_a_stricter_set_stands_the_long_proof() -> None:
    assert not [step for step in proof(made(), CATALOGUE, random.Random(6).randrange, clients=20_000) if step]


@pytest.mark.parametrize(
    "softened",
    [
        with_rule("R53", effect=Effect.NOTE, messages=()),
        with_rule("R06", when=All((Is("q_stroke", frozenset({"yes"})), DaysSince("q_stroke_date", Band(0, 90))))),
        without("rule", "R70"),
        with_rule("R30", clearance=Clearance.NO),
        with_rule("R21", urgent=False),
    ],
)
def test_made_up_clients_find_what_is_softer_without_looking_at_the_rules(softened: Form) -> None:
    pick, trial = random.Random(7).randrange, Trial.of(BASE, softened)
    found = (trouble for turn in range(4_000) for trouble in speaks_against(trial, pick, turn))
    assert next(found, None) is not None


def test_a_condition_covers_what_it_is_wider_than() -> None:
    yes, other = Is("q_a", frozenset({"yes"})), Is("q_b", frozenset({"yes"}))
    assert covers(All((yes, other)), yes)
    assert not covers(yes, All((yes, other)))
    assert covers(yes, AnyOf((other, yes)))
    assert not covers(AnyOf((yes, other)), yes)
    assert covers(AnyOf((All((yes, other)), All((other, yes)))), other)
    assert not covers(yes, AnyOf(()))
