"""Forms and cases as FHIR R4B: valid by shape and by the invariants, complete, and the same after a round trip."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models
from hypothesis import example, given
from hypothesis import strategies as st

from services.screening.actions import Reviews, Word
from services.screening.chapters import Seen
from services.screening.domain.case import Verdict
from services.screening.domain.conditions import Age, All, AnyOf, Band, Condition, Is, IsNot, Ticked
from services.screening.domain.history import Correction, Lasting
from services.screening.domain.questionnaire import Questionnaire
from services.screening.domain.sheet import Sheet
from services.screening.fhir import answers_out, bundle, checked, enabled, form_out, names
from tests.support import fhir_rules
from tests.support import screening as twin
from tests.support.screening import CATALOGUE, CLEAR, NOW, PRACTICE, STAFF
from tests.support.screening_returning import House, id_of

Json = dict[str, Any]
FORMS = [form.questionnaire for form in CATALOGUE.forms.values()]
INTAKE = CATALOGUE.newest["cst-intake"].questionnaire
VISIT = id_of(1)
HURT = {
    "q_head_injury": "yes",
    "q_head_injury_date": {"kind": "month", "value": "2026-03"},
    "q_head_injury_checked": "skip",
    "q_head_injury_symptoms": "unsure",
}


async def bundled(house: House, *, locale: str = "en", remembered: tuple[Lasting, ...] | None = None) -> Json:
    opened = [await house.casework.open(VISIT)]
    lasting = await house.clients.remembered(opened) if remembered is None else remembered
    seen = [Seen(case=VISIT, at=house.now, by="Ines", what="view")]
    return bundle.of_cases("an-ask", opened, remembered=lasting, seen=seen, locale=locale, at=house.now)


def of_kind(made: Json, kind: str) -> list[Json]:
    return [entry["resource"] for entry in made["entry"] if entry["resource"]["resourceType"] == kind]


def answers_of(made: Json) -> dict[str, list[Json]]:
    response = of_kind(made, "QuestionnaireResponse")[-1]
    return {item["linkId"]: item["answer"] for group in response["item"] for item in group["item"]}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.id)
@pytest.mark.parametrize("locale", ["en", "es"])
def test_a_form_is_a_valid_questionnaire_and_comes_back_as_it_was(form: Questionnaire, locale: str) -> None:
    made = form_out.of_form(form, locale)
    assert json.loads(checked.text(made)) == made
    assert [*fhir_rules.of_questionnaire(made), *fhir_rules.of_elements(made)] == []


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.id)
def test_every_question_every_option_and_every_language_is_in_it(form: Questionnaire) -> None:
    made = form_out.of_form(form, "en")
    items = {item["linkId"]: item for group in made["item"] for item in group["item"]}
    assert list(items) == [question.id for question in form.questions]
    for question in form.questions:
        item = items[question.id]
        (spanish,) = item["_text"]["extension"]
        assert item["text"] == question.text["en"]
        assert spanish["extension"][1]["valueString"] == question.text["es"]
        codes = {one["valueCoding"]["code"] for one in item.get("answerOption", [])}
        assert {option.value for option in question.options} <= codes
        if question.type in ("tri", "choice") and not question.essential:
            assert {"unsure", "skip"} <= codes
        assert bool(question.shown_when) == bool(
            "enableWhen" in item or any(one["url"] == names.EXPRESSION for one in item["extension"])
        )


LEAVES = st.one_of(
    st.builds(
        Is,
        st.sampled_from(["q_head_injury", "q_stroke"]),
        st.frozensets(st.sampled_from(["yes", "no", "unsure", "skip"]), min_size=1),
    ),
    st.builds(
        Is, st.just("q_blood_thinners"), st.frozensets(st.sampled_from(["none", "anticoagulant", "skip"]), min_size=1)
    ),
    st.builds(IsNot, st.just("q_head_injury"), st.sampled_from(["yes", "no"])),
    st.builds(Ticked, st.just("q_red_flags"), st.sampled_from(["none", "thunderclap"])),
    st.builds(lambda low, span: Age(Band(low, low + span)), st.integers(0, 90), st.integers(1, 30)),
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda parts: All(tuple(parts)), st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: AnyOf(tuple(parts)), st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=5,
)
TRI = st.sampled_from(["yes", "no", "unsure", "skip", None])
ANSWERS = st.fixed_dictionaries(
    {
        "q_head_injury": TRI,
        "q_stroke": TRI,
        "q_blood_thinners": st.sampled_from(["none", "anticoagulant", "skip", None]),
        "q_red_flags": st.sampled_from([["none"], ["thunderclap", "chest_or_clot"], None]),
        "born": st.integers(0, 100),
    }
)


@given(CONDITIONS)
def test_a_condition_is_said_so_that_it_comes_back_whole(condition: Condition) -> None:
    known = {question.id: question for question in INTAKE.questions}
    said, beside = enabled.fields(condition, INTAKE.name, known), [*enabled.extensions(condition, INTAKE.name, known)]
    whole = [one["valueString"] for one in beside if one["url"] == names.SHOWN_WHEN]
    back = enabled.whole(whole[0]) if whole else enabled.read(said["enableWhen"], said.get("enableBehavior"), known)
    assert back == condition
    assert bool(said) or any(one["url"] == names.EXPRESSION for one in beside)


@given(CONDITIONS, ANSWERS)
def test_the_expression_says_of_any_answers_what_the_condition_says(condition: Condition, raw: Json) -> None:
    """By an engine that is not ours, on the response that we make ourselves; today is its own."""
    today = date.today()  # noqa: DTZ011  the engine's today() is the machine's
    given = {name: answer for name, answer in raw.items() if answer is not None and name != "born"}
    given["dob"] = (today - timedelta(days=366 * raw["born"] + 10)).isoformat()
    values = INTAKE.read(given | {"respondent_role": "self"})
    dob = values["dob"]
    assert isinstance(dob, date)
    sheet = Sheet(as_of=today, dob=dob, age=twin_age(dob, today), values=values, shown=set(values), missing=set())
    response = {"resourceType": "QuestionnaireResponse", "item": answers_out.items(INTAKE, given, "en")}
    found = fhirpathpy.evaluate(response, enabled.path(condition), {"resource": response}, models["r4"])
    assert found == [condition.holds(sheet) is True]


@pytest.mark.parametrize(("days", "expected"), [(-1, [False, True]), (0, [True, False]), (1, [True, False])])
def test_a_birthday_counts_on_its_day_in_the_expression_too(days: int, expected: list[bool]) -> None:
    today = date.today()  # noqa: DTZ011  the engine's today() is the machine's
    born = (today - timedelta(days=days)).replace(year=today.year - 18).isoformat()
    response = {"resourceType": "QuestionnaireResponse", "item": answers_out.items(INTAKE, {"dob": born}, "en")}
    for condition, wanted in zip((Age(Band(18, None)), Age(Band(None, 18))), expected, strict=True):
        found = fhirpathpy.evaluate(response, enabled.path(condition), {"resource": response}, models["r4"])
        assert found == [wanted]


def twin_age(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


async def test_a_case_is_a_valid_bundle_that_says_what_was_answered_and_decided() -> None:
    house = House()
    await house.visit(VISIT, twin.NEEDS_CLEARANCE | HURT)
    await house.approve(VISIT)
    made = await bundled(house)
    assert json.loads(checked.text(made)) == made
    assert [*fhir_rules.of_bundle(made)] == []
    given = answers_of(made)
    assert given["q_head_injury_date"] == [{"valueDate": "2026-03"}]
    assert given["q_head_injury_checked"][0]["valueCoding"]["code"] == "skip"
    assert (
        given["q_bleeding_severity"][0]["valueCoding"]["system"] == "urn:stillpoint:codes:cst-core:q_bleeding_severity"
    )
    assert given.keys() == (twin.NEEDS_CLEARANCE | HURT).keys()
    (patient,) = of_kind(made, "Patient")
    assert patient == {"resourceType": "Patient", "birthDate": "1980-05-04"}
    rules, ruling = of_kind(made, "Task")
    assert rules["businessStatus"]["coding"][0]["code"] == "needs_review"
    assert {one["type"]["coding"][0]["code"] for one in rules["output"]} >= {"UNSURE:q_head_injury_symptoms"}
    assert (ruling["owner"]["display"], ruling["note"][0]["text"]) == ("operator", "Looked at together, all well.")
    outputs = {one["type"]["coding"][0]["code"]: one for one in ruling["output"]}
    assert outputs["clearance-given-by"]["valueString"] == "Dr Who"
    assert outputs["valid-until"]["valueDate"] == (NOW.date() + timedelta(days=90)).isoformat()
    (event,) = of_kind(made, "AuditEvent")
    assert (event["agent"][0]["who"]["display"], event["subtype"][0]["code"]) == ("Ines", "view")


@pytest.mark.parametrize("word", ["unsure", "skip"])
async def test_a_date_that_was_not_given_is_an_answer_without_a_value_and_says_why(word: str) -> None:
    house = House()
    await house.visit(VISIT, CLEAR | HURT | {"q_head_injury_date": word})
    made = await bundled(house, locale="es")
    ((answer,),) = [value for name, value in answers_of(made).items() if name == "q_head_injury_date"]
    because, said = answer["_valueDate"]["extension"]
    assert because["valueCode"] == {"unsure": "asked-unknown", "skip": "asked-declined"}[word]
    assert (said["valueCoding"]["code"], said["valueCoding"]["system"]) == (word, names.LABELS)
    assert json.loads(checked.text(made)) == made
    assert [*fhir_rules.of_bundle(made)] == []


async def test_every_round_has_its_response_and_the_word_that_ended_it() -> None:
    house = House()
    await house.visit(VISIT, twin.REVIEWED)
    word = Word(verdict=Verdict.MORE_INFO, note="Which medicine is it?", by="Ines", to_client="Which one do you take?")
    await Reviews(house.casework).rule(VISIT, word, version=house.case(VISIT).version, hand=STAFF)
    house.passes(timedelta(hours=1))
    await house.answer(VISIT, twin.CLEAR)
    made = await bundled(house)
    assert [*fhir_rules.of_bundle(made)] == []
    first, second = of_kind(made, "QuestionnaireResponse")
    assert (first["authored"], second["authored"]) == ("2026-11-20T09:30:00Z", "2026-11-20T10:30:00Z")
    tasks = of_kind(made, "Task")
    assert [one["businessStatus"]["coding"][0]["code"] for one in tasks] == ["needs_review", "more_info", "cleared"]
    assert tasks[1]["output"][-1]["valueString"] == "Which one do you take?"


async def test_what_is_remembered_and_corrected_is_in_it() -> None:
    house = House()
    await house.visit(VISIT, twin.DECLINED)
    correction = Correction(question="q_aneurysm", note="Misread the question.", by="Ines", at=NOW)
    made = await bundled(house, remembered=(Lasting(yes={"q_aneurysm": (VISIT,)}, corrections=(correction,)),))
    assert json.loads(checked.text(made)) == made
    (kept,) = of_kind(made, "Basic")
    assert [one.get("valueString") for one in kept["extension"][:2]] == ["q_aneurysm", VISIT]
    assert kept["extension"][2]["extension"][0]["valueString"] == "Misread the question."


@example(text="\x85")
@example(text="a\x00b\u2028\xa0")
@given(text=st.text(max_size=60))
def test_whatever_was_written_freely_is_valid_fhir(text: str) -> None:
    form = CATALOGUE.newest["cst-intake"].questionnaire
    items = answers_out.items(form, {"q_other_text": text}, "en")
    response = {"resourceType": "QuestionnaireResponse", "status": "completed"} | ({"item": items} if items else {})
    assert json.loads(checked.text(response)) == response
    assert [*fhir_rules.of_elements(response)] == []


@given(word=st.text(max_size=20), display=st.text(max_size=20))
def test_an_option_of_whatever_name_has_a_code(word: str, display: str) -> None:
    concept = {
        "resourceType": "Basic",
        "code": {"coding": [names.code(word, display, system="urn:stillpoint:codes:x:y")]},
    }
    assert json.loads(checked.text(concept)) == concept
    assert [*fhir_rules.of_elements(concept)] == []


def test_what_is_not_fhir_is_told_without_what_it_says() -> None:
    secret = {"resourceType": "Patient", "birthDate": "Quokka", "Numbat": ["Potoroo"]}
    with pytest.raises(checked.NotFhir) as wrong:
        checked.text(secret)
    told = "".join(traceback.format_exception(wrong.value))
    assert wrong.value.places
    assert [word for word in ("Quokka", "Numbat", "Potoroo") if word in told] == []


def test_answers_to_a_form_that_is_gone_are_handed_out_as_they_were_kept() -> None:
    given: Mapping[str, Any] = {"q_old": {"kind": "year", "value": "2020"}}
    (item,) = answers_out.items(None, given, "en")
    assert json.loads(item["answer"][0]["valueString"]) == given["q_old"]


async def test_nothing_names_the_client_or_the_practice() -> None:
    house = House()
    await house.visit(VISIT, twin.REVIEWED)
    text = json.dumps(await bundled(house))
    assert house.case(VISIT).client is not None
    assert str(house.case(VISIT).client) not in text
    assert PRACTICE not in text
