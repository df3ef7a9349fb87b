"""A foreign Questionnaire is understood in every part or refused with every part that is not; nothing in between."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.screening import overlays
from services.screening.domain.answers import AnswerType
from services.screening.domain.assessment import assess
from services.screening.domain.conditions import Age, All, Band, Condition, Is
from services.screening.fhir import checked, enabled, form_in, form_out
from services.screening.fhir.form_in import Read
from services.screening.fhir.incoming import LARGEST, NotSupported
from services.screening.overlays import OverlayTable
from tests.support.fhir_forms import BASE, Json, a_form, item, option, refused, spanish, taken, when
from tests.support.screening import CATALOGUE, CLEAR, NOW

JAW = a_form(
    item("jaw", "boolean", required=True),
    item("jaw.since", "date", enableWhen=[when("jaw", answerBoolean=True)]),
    item("Side", "choice", answerOption=[option("left"), option("right"), option("Both sides")]),
    item(
        "which",
        "choice",
        repeats=True,
        answerOption=[option("click"), option("lock"), option("none")],
        enableWhen=[when("jaw", answerBoolean=True), when("Side", answerCoding={"code": "Both sides"})],
        enableBehavior="any",
    ),
    item("weeks", "integer"),
    item("more", "text", maxLength=200),
    url="http://example.org/jaw",
    version="2",
)


TEXT = {"en": "A?", "es": "¿A?"}
BABY = {"id": "p_baby", "group": "last", "type": "tri", "text": TEXT, "shown_when": {"age": {"below": 2}}}
AGREED = {
    "id": "p_ok",
    "group": "last",
    "type": "bool",
    "text": TEXT,
    "shown_when": {
        "all": [
            {"question": "q_head_injury", "is": ["yes", "unsure"]},
            {"any": [{"age": {"from": 18}}, {"question": "q_red_flags", "ticked": "none"}]},
        ]
    },
}
HL7 = "http://hl7.org/fhir/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
OURS = "urn:stillpoint:extension:"


def judged(read: Read, answers: Json) -> str:
    """By the library's form with what was read on top of it."""
    form = overlays.made(read.overlay, "0" * 64, CATALOGUE).form
    sheet = form.questionnaire.sheet(form.questionnaire.read(CLEAR | answers), as_of=NOW.date())
    return str(assess(form.ruleset, sheet).outcome)


def table(read: Read) -> dict[str, dict[str, Any]]:
    return {
        one.id: one.model_dump(exclude_none=True, exclude_defaults=True, by_alias=True, exclude={"id"})
        for one in read.overlay.question
    }


def test_every_supported_type_becomes_a_question_of_ours() -> None:
    read = taken(JAW)
    found = table(read)
    assert {name: one["type"] for name, one in found.items()} == {
        "p_jaw": "tri",
        "p_jaw_since": "fuzzy_date",
        "p_side": "choice",
        "p_which": "multi",
        "p_weeks": "int",
        "p_more": "text",
    }
    assert found["p_jaw"]["text"] == {"en": "Question jaw?", "es": "¿Pregunta jaw?"}
    assert found["p_jaw_since"]["shown_when"] == {"question": "p_jaw", "is": "yes"}
    assert [one["value"] for one in found["p_side"]["options"]] == ["left", "right", "both_sides"]
    assert found["p_which"]["shown_when"] == {
        "any": [{"question": "p_jaw", "is": "yes"}, {"question": "p_side", "is": "both_sides"}]
    }
    assert (found["p_more"]["longest"], found["p_more"]["required"]) == (200, False)
    assert [group.title for group in read.overlay.group] == [{"en": "Our own questions", "es": "Nuestras preguntas"}]


def test_what_is_not_as_it_was_sent_is_said() -> None:
    said = {(one.path, one.what) for one in taken(JAW).changed}
    assert ("item[0]", "can also be answered unsure and skip, and is a question with four answers here") in said
    assert ("item[4]", "has to be answered: here nothing said never counts as no") in said
    left = taken(a_form(item("jaw", "boolean", code=[{"code": "1"}], prefix="1."), publisher="Somebody")).left_out
    assert {one.path for one in left} == {"publisher", "item[0].code", "item[0].prefix"}


def test_a_question_that_can_be_answered_yes_gets_a_rule_with_its_cases_and_the_draft_holds() -> None:
    read = taken(JAW)
    (rule,) = read.overlay.rule
    assert (rule.id, rule.code, rule.outcome) == ("P01", "OWN_P_JAW", "needs_review")
    assert rule.explanation == {"en": "Yes: Question jaw?", "es": "Sí: ¿Pregunta jaw?"}
    assert [(one.fires, one.set) for one in read.overlay.case] == [(True, {"p_jaw": "yes"}), (False, {"p_jaw": "no"})]
    made = overlays.made(read.overlay, "0" * 64, CATALOGUE)
    assert made.holes(CATALOGUE.texts) == ()
    assert [one for one in made.case_troubles() if one] == []


@pytest.mark.parametrize(
    ("answer", "outcome"), [("no", "cleared"), *((one, "needs_review") for one in ("yes", "unsure", "skip"))]
)
def test_only_a_no_goes_ahead(answer: str, outcome: str) -> None:
    assert judged(taken(a_form(item("jaw", "boolean"))), {"p_jaw": answer}) == outcome


def test_no_answer_at_all_goes_to_a_person_although_the_questionnaire_does_not_require_one() -> None:
    assert judged(taken(a_form(item("jaw", "boolean", required=False))), {}) == "needs_review"


def test_a_choice_of_yes_and_no_is_a_question_with_four_answers() -> None:
    form = a_form(
        item("jaw", "choice", answerOption=[option("Y"), option("N")]),
        item("since", "boolean", enableWhen=[when("jaw", answerCoding={"code": "Y"})]),
    )
    read = taken(form)
    assert table(read)["p_jaw"]["type"] == "tri"
    assert table(read)["p_since"]["shown_when"] == {"question": "p_jaw", "is": "yes"}


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("form", ["cst-core", "cst-intake"])
def test_our_own_form_with_questions_of_a_practice_comes_back_as_exactly_these(form: str, locale: str) -> None:
    base = CATALOGUE.newest[form]
    sent = form_in.read(json.dumps(JAW).encode(), base, CATALOGUE).overlay
    extra = {"question": [*(one.model_dump(by_alias=True, exclude_none=True) for one in sent.question), BABY, AGREED]}
    mine = OverlayTable.model_validate(
        sent.model_dump(by_alias=True, exclude_none=True, exclude={"question", "rule", "case"}) | extra
    )
    whole = overlays.made(mine, "0" * 64, CATALOGUE).form.questionnaire
    raw = checked.text(form_out.of_form(whole, locale)).encode()
    again = form_in.read(raw, base, CATALOGUE)
    assert {one.id: one.question() for one in again.overlay.question} == {
        one.id: one.question() for one in mine.question
    }
    assert again.overlay.group == mine.group
    assert (again.changed, again.left_out) == ((), ())
    assert {rule.when.question for rule in again.overlay.rule} == {"p_jaw", "p_baby"}


def test_a_question_of_the_library_can_stand_in_it_but_not_be_another_one() -> None:
    whole = form_out.of_form(BASE.questionnaire, "en")
    assert taken(whole).overlay.question == []
    whole["item"][2]["item"][0]["text"] = "Has anybody ever hit you?"
    assert refused(whole) == [("item[2].item[0]", "is a question of the library, which an import cannot change")]
    other = form_out.of_form(BASE.questionnaire, "en")
    other["item"][2]["text"] = "Your head"
    assert refused(other) == [("item[2]", "is a group of the library, which an import cannot change")]


def beside(url: str, **value: object) -> list[Json]:
    return [{"url": url, **{f"value{kind}": one for kind, one in value.items()}}]


FINE = item("jaw", "boolean")
PATH = {"language": "text/fhirpath", "expression": "true"}
IF_JAW = when("jaw", answerBoolean=True)
TWO = [option("left"), option("right")]
UNSUPPORTED: dict[str, tuple[Json, str]] = {
    "an open choice": (item("a", "open-choice", answerOption=TWO), "item[0].type"),
    "a decimal": (item("a", "decimal"), "item[0].type"),
    "an attachment": (item("a", "attachment"), "item[0].type"),
    "a display": (item("a", "display"), "item[0].type"),
    "several texts": (item("a", "string", repeats=True), "item[0].repeats"),
    "several answers without none": (item("a", "choice", repeats=True, answerOption=TWO), "item[0].repeats"),
    "an initial value": (item("a", "boolean", initial=[{"valueBoolean": False}]), "item[0].initial"),
    "a value set elsewhere": (item("a", "choice", answerValueSet="http://example.org/vs"), "item[0].answerValueSet"),
    "an option chosen beforehand": (
        item("a", "choice", answerOption=[option("x", initialSelected=True), option("y")]),
        "item[0].answerOption[0].initialSelected",
    ),
    "options that are numbers": (item("a", "choice", answerOption=[{"valueInteger": 1}]), "item[0].answerOption[0]"),
    "two options alike": (item("a", "choice", answerOption=[option("x"), option("X")]), "item[0].answerOption[1]"),
    "an option that everybody has": (item("a", "choice", answerOption=[option("unsure")]), "item[0].answerOption[0]"),
    "a modifier": (
        item("a", "boolean", modifierExtension=beside("http://x", Boolean=True)),
        "item[0].modifierExtension",
    ),
    "read only": (item("a", "boolean", readOnly=True), "item[0].readOnly"),
    "hidden": (
        item("a", "boolean", extension=beside(f"{HL7}questionnaire-hidden", Boolean=True)),
        "item[0].extension[0]",
    ),
    "calculated": (
        item("a", "integer", extension=beside(f"{SDC}calculatedExpression", Expression=PATH)),
        "item[0].extension[0]",
    ),
    "an expression that shows it": (
        item("a", "integer", extension=beside(f"{SDC}enableWhenExpression", Expression=PATH)),
        "item[0].extension",
    ),
    "a condition of ours that says something else": (
        item("a", "boolean", extension=beside(f"{OURS}shown-when", String='{"age":{"below":2}}')),
        "item[0].extension",
    ),
    "an answer type that does not fit": (
        item("a", "text", extension=beside(f"{OURS}answer-type", Code="tri")),
        "item[0].extension",
    ),
    "a bound of a text": (item("a", "text", extension=beside(f"{HL7}minValue", Integer=1)), "item[0].extension"),
    "a length of a number": (item("a", "integer", maxLength=3), "item[0].maxLength"),
    "a length beyond ours": (item("a", "text", maxLength=9_999), "item[0].maxLength"),
    "questions below a question": (item("a", "boolean", item=[FINE]), "item[0].item"),
    "a group in a group": (item("g", "group", item=[item("h", "group", item=[FINE])]), "item[0].item[0].type"),
    "a group that comes and goes": (item("g", "group", item=[FINE], enableWhen=[IF_JAW]), "item[0].enableWhen"),
    "a group that repeats": (item("g", "group", item=[FINE], repeats=True), "item[0].repeats"),
    "an empty group": (item("g", "group"), "item[0]"),
    "no text in a language": ({**item("a", "boolean"), "_text": spanish(" ")}, "item[0].text"),
    "another rendering of the text": (
        {**item("a", "boolean"), "_text": {"extension": beside("http://x", Markdown="b")}},
        "item[0]._text.extension[0]",
    ),
    "a text beyond reason": ({**item("a", "boolean"), "text": "x" * 1_001}, "item[0].text"),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_a_form_here_cannot_be_is_refused_by_its_place(name: str) -> None:
    part, path = UNSUPPORTED[name]
    assert path in [where for where, _ in refused(a_form(part))]


@pytest.mark.parametrize(
    ("test", "path"),
    [
        (when("nobody", answerBoolean=True), "item[1].enableWhen[0].question"),
        (when("later", answerBoolean=True), "item[1].enableWhen[0].question"),
        ({"question": "jaw", "operator": "exists", "answerBoolean": True}, "item[1].enableWhen[0].operator"),
        ({"question": "jaw", "operator": ">", "answerBoolean": True}, "item[1].enableWhen[0].operator"),
        (when("jaw", answerString="yes"), "item[1].enableWhen[0].answerString"),
        (when("jaw", answerCoding={"code": "perhaps"}), "item[1].enableWhen[0]"),
    ],
)
def test_a_condition_that_cannot_be_followed_is_refused(test: Json, path: str) -> None:
    form = a_form(FINE, item("b", "boolean", enableWhen=[test]), item("later", "boolean"))
    assert path in [where for where, _ in refused(form)]


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"language": "fr"}, "item[0].text"),
        ({"contained": [{"resourceType": "ValueSet", "status": "active"}]}, "contained"),
        ({"implicitRules": "http://example.org"}, "implicitRules"),
        ({"extension": [{"url": "http://x", "valueBoolean": True}]}, "extension"),
        ({"item": []}, "item"),
        ({"resourceType": "Patient"}, "resourceType"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_so_is_whatever_changes_the_whole(more: Json, path: str) -> None:
    assert path in [where for where, _ in refused({**a_form(FINE), **more})]


def test_two_questions_with_one_id_are_refused_whether_theirs_or_made_of_theirs() -> None:
    assert ("item[1].linkId", "is there twice") in refused(a_form(FINE, FINE))
    assert refused(a_form(FINE, item("JAW", "boolean"))) == [("item[1].linkId", "has no id of its own here")]
    assert refused(a_form(item("§", "boolean"))) == [("item[0].linkId", "has no id of its own here")]


def test_more_questions_at_once_than_people_can_take_in_are_refused() -> None:
    (only,) = refused(a_form(*(item(f"q{number}", "boolean") for number in range(7))))
    assert only == ("", "group p_imported asks more than 6 questions")


def test_all_that_is_wrong_is_told_at_once() -> None:
    form = a_form(*(part for part, _ in UNSUPPORTED.values()))
    assert len(refused(form)) >= len(UNSUPPORTED) - 1


HOSTILE = {
    "no json": b"{",
    "not utf-8": b"\xff\xfe",
    "a number": b"1",
    "too large": b'{"resourceType":"Questionnaire","title":"' + b"x" * LARGEST + b'"}',
    "deep": b'{"resourceType":"Questionnaire","item":' + b'[{"item":' * 5_000 + b"[]" + b"}]" * 5_000 + b"}",
    "deep enough for JSON": json.dumps(
        {"resourceType": "Questionnaire", "item": json.loads('[{"item":' * 60 + "[]" + "}]" * 60)}
    ).encode(),
    "many items": json.dumps({"resourceType": "Questionnaire", "item": [{}] * 80_000}).encode(),
    "many small ones": json.dumps(a_form(*({"linkId": str(n), "type": "display"} for n in range(4_000)))).encode(),
    "a huge link": json.dumps(a_form(item("a" * 200_000, "boolean"))).encode(),
    "entities": json.dumps(
        a_form(FINE, text={"status": "generated", "div": '<!DOCTYPE x [<!ENTITY a "b">]><div>&a;</div>'}, foo=1)
    ).encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_meant_to_hurt_is_refused_quickly(name: str) -> None:
    started = time.perf_counter()
    if name == "a huge link":
        with pytest.raises(NotSupported):
            form_in.read(HOSTILE[name], BASE, CATALOGUE)
    else:
        assert refused(HOSTILE[name])
    assert time.perf_counter() - started < 2


def test_what_is_too_deep_or_too_much_is_seen_before_anything_of_it_is_followed() -> None:
    whole = item("deep", "group", item=[FINE])
    for number in range(10):
        whole = item(f"g{number}", "group", item=[whole])
    too_much = [("", "is nested deeper than 24, or has more than 20000 parts")]
    assert refused(a_form(whole)) == too_much
    assert refused(a_form(*({"linkId": "x", "type": "boolean"} for _ in range(7_000)))) == too_much


@pytest.mark.parametrize(
    "written",
    [
        '{"question":"jaw","is":"no"}',
        '{"all":[{"age":{"from":18}},{"all":[{"question":"nobody","is":"yes"}]}]}',
        '{"question":"jaw","days":{"from":3}}',
        '{"age":{"from":"x"}}',
        "{",
    ],
)
def test_a_condition_of_ours_counts_only_if_it_is_whole_and_says_what_enable_when_says(written: str) -> None:
    known = item("b", "boolean", enableWhen=[IF_JAW], extension=beside(f"{OURS}shown-when", String=written))
    what = "the condition is none, or says something else than enableWhen"
    assert refused(a_form(FINE, known)) == [("item[1].extension", what)]


@pytest.mark.parametrize(
    ("condition", "tests"),
    [(Age(Band(18, None)), [IF_JAW]), (All((Age(Band(18, None)), All((Is("nobody", frozenset({"yes"})),)))), [])],
    ids=["another test beside it", "a question that nobody asks"],
)
def test_nor_with_the_right_expression_beside_it(condition: Condition, tests: list[Json]) -> None:
    said = [*enabled.extensions(condition, BASE.questionnaire.name, {})]
    assert len(said) == 2
    more = {"enableWhen": tests} if tests else {}
    what = "the condition is none, or says something else than enableWhen"
    assert refused(a_form(FINE, item("b", "boolean", extension=said, **more))) == [("item[1].extension", what)]


def test_a_narrative_is_never_read() -> None:
    form = a_form(FINE, text={"status": "generated", "div": '<!DOCTYPE x [<!ENTITY a "b">]><div>&a;</div>'})
    assert taken(form).overlay == taken(a_form(FINE)).overlay


NAMES = st.sampled_from(
    [
        "linkId",
        "type",
        "text",
        "_text",
        "item",
        "enableWhen",
        "enableBehavior",
        "answerOption",
        "extension",
        "required",
        "repeats",
        "maxLength",
        "valueCoding",
        "code",
        "display",
        "question",
        "operator",
        "answerBoolean",
        "answerCoding",
        "url",
        "valueString",
        "valueInteger",
        "valueCode",
        "language",
        "title",
        "_title",
        "initial",
        "prefix",
        "_linkId",
    ]
)
WORDS = st.sampled_from(
    [
        "jaw",
        "p_jaw",
        "group",
        "boolean",
        "choice",
        "date",
        "text",
        "=",
        "!=",
        "any",
        "all",
        "en",
        "es",
        "",
        " ",
        "none",
        "group.head",
        "q_head_injury",
        "urn:stillpoint:extension:answer-type",
        "urn:stillpoint:extension:shown-when",
        '{"age":{"from":5000}}',
        '{"question":"jaw","is_not":"yes"}',
        '{"all":[{"all":[{"question":"zz","is":"yes"}]}]}',
        "tri",
        "multi",
        "fuzzy_date",
    ]
)
ANY = st.recursive(
    st.one_of(WORDS, st.booleans(), st.integers(-5, 10**20), st.none(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=5)),
    max_leaves=12,
)


@st.composite
def disturbed(draw: st.DrawFn) -> Json:
    """A whole Questionnaire with a few parts replaced by anything."""
    form: Json = json.loads(json.dumps(JAW))
    for _ in range(draw(st.integers(1, 4))):
        at: Any = form
        for _ in range(draw(st.integers(0, 6))):
            inner = [
                one for one in (at.values() if isinstance(at, dict) else at) if isinstance(one, dict | list) and one
            ]
            if not inner:
                break
            at = draw(st.sampled_from(inner))
        if isinstance(at, dict):
            at[draw(NAMES)] = draw(ANY)
        else:
            at[draw(st.integers(0, len(at) - 1))] = draw(ANY)
    return form


@given(disturbed())
def test_anything_is_either_refused_or_a_draft_that_holds(form: Json) -> None:
    try:
        read = form_in.read(json.dumps(form).encode(), BASE, CATALOGUE)
    except NotSupported as refusal:
        assert refusal.extra["troubles"]  # noqa: PT017  whichever of the two it is
        return
    assert [*overlays.made(read.overlay, "0" * 64, CATALOGUE).holes(CATALOGUE.texts)] == []
    assert {one.type for one in read.overlay.question} <= set(AnswerType)
