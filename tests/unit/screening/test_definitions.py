"""Ages, fuzzy dates, visibility and what is told to the client, by their definitions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.screening import library
from services.screening.domain.answers import AnswerType, FuzzyDate, Limits, NotAnAnswer, plain, read
from services.screening.domain.assessment import Assessment, assess
from services.screening.domain.questionnaire import AnswersInvalid
from services.screening.domain.ruleset import Effect
from services.screening.domain.sheet import completed_years
from tests.support.screening import CLEAR

CATALOGUE = library.read()
FORM = CATALOGUE.form("cst-core")
BROKEN = {"q_skull_fracture": "yes", "q_skull_fracture_date": {"kind": "date", "value": "2026-11-01"}}
AS_OF = date(2026, 11, 20)


def judged(**changes: Any) -> Assessment:
    values = FORM.questionnaire.read(CLEAR | changes)
    return assess(FORM.ruleset, FORM.questionnaire.sheet(values, as_of=AS_OF))


def injured(on: Any, **changes: Any) -> Assessment:
    more = {"q_head_injury_checked": "yes", "q_head_injury_symptoms": "no"}
    return judged(q_head_injury="yes", q_head_injury_date=on, **(more | changes))


@pytest.mark.parametrize(
    ("born", "on", "years"),
    [
        (date(2008, 11, 20), date(2026, 11, 20), 18),
        (date(2008, 11, 21), date(2026, 11, 20), 17),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2008, 2, 29), date(2028, 2, 29), 20),
        (date(2027, 1, 1), date(2026, 12, 31), -1),
    ],
)
def test_a_new_age_counts_on_the_birthday_and_a_leap_day_on_the_first_of_march(
    born: date, on: date, years: int
) -> None:
    assert completed_years(born, on) == years


@pytest.mark.parametrize(
    ("kind", "value", "first", "last"),
    [
        ("date", "2026-03-06", date(2026, 3, 6), date(2026, 3, 6)),
        ("month", "2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("month", "2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("year", "2025", date(2025, 1, 1), date(2025, 12, 31)),
    ],
)
def test_a_fuzzy_date_is_its_first_and_last_possible_day(kind: str, value: str, first: date, last: date) -> None:
    assert read(AnswerType.FUZZY_DATE, {"kind": kind, "value": value}, Limits()) == FuzzyDate(first, last)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (AnswerType.FUZZY_DATE, {"kind": "date", "value": "2026-02-29"}),
        (AnswerType.FUZZY_DATE, {"kind": "month", "value": "2026-13"}),
        (AnswerType.FUZZY_DATE, {"kind": "year", "value": "0000"}),
        (AnswerType.FUZZY_DATE, {"kind": "year", "value": 2025}),
        (AnswerType.FUZZY_DATE, {"kind": "week", "value": "2026-W01"}),
        (AnswerType.FUZZY_DATE, {"kind": "date", "value": "20260306"}),
        (AnswerType.FUZZY_DATE, {"kind": "date", "value": "2026-03-06", "more": 1}),
        (AnswerType.FUZZY_DATE, "2026-03-06"),
        (AnswerType.TRI, "maybe"),
        (AnswerType.TRI, True),
        (AnswerType.TRI, None),
        (AnswerType.CHOICE, "other"),
        (AnswerType.MULTI, ["other"]),
        (AnswerType.MULTI, "listed"),
        (AnswerType.MULTI, [["listed"]]),
        (AnswerType.INT, 5.0),
        (AnswerType.INT, True),
        (AnswerType.INT, 44),
        (AnswerType.INT, 0),
        (AnswerType.TEXT, "x" * 11),
        (AnswerType.TEXT, 7),
        (AnswerType.DATE, "1980-1-1"),
        (AnswerType.DATE, {"kind": "date", "value": "1980-01-01"}),
        (AnswerType.BOOL, "true"),
        (AnswerType.BOOL, 1),
    ],
)
def test_what_does_not_fit_its_question_is_no_answer(kind: AnswerType, raw: object) -> None:
    with pytest.raises(NotAnAnswer):
        read(kind, raw, Limits(values=frozenset({"listed"}), least=1, most=43, longest=10))


def test_values_are_shown_normalised() -> None:
    assert plain(FuzzyDate(date(2026, 3, 1), date(2026, 3, 31))) == "2026-03-01/2026-03-31"
    assert plain(frozenset({"b", "a"})) == ["a", "b"]
    assert plain(date(2026, 3, 1)) == "2026-03-01"
    assert plain(True) is True


def test_the_latest_possible_day_counts_when_a_range_spans_bands() -> None:
    found = injured({"kind": "year", "value": "2026"})
    assert found.reason_codes == ("HEAD_INJURY_LT_6W",)
    assert found.retry_after == date(2027, 1, 1)


def test_an_open_date_fires_no_band_and_leads_to_review() -> None:
    assert injured("unsure").reason_codes == ("UNSURE:q_head_injury_date",)
    assert injured("skip").reason_codes == ("WITHHELD:q_head_injury_date",)


def test_a_date_that_contradicts_the_calendar_fires_no_band() -> None:
    future = injured({"kind": "date", "value": "2026-11-21"})
    assert future.reason_codes == ("CONTRADICTION:FUTURE_DATE:q_head_injury_date",)
    before = injured({"kind": "date", "value": "1979-01-01"})
    assert before.reason_codes == ("CONTRADICTION:DATE_BEFORE_BIRTH:q_head_injury_date",)
    assert before.note_codes == ()


def test_an_answer_to_a_hidden_question_is_reported_and_not_used() -> None:
    found = judged(q_bleeding_severity="severe")
    assert found.reason_codes == ("CONTRADICTION:ORPHAN:q_bleeding_severity",)
    assert found.outcome is Effect.NEEDS_REVIEW


def test_nothing_ticked_on_a_hidden_question_is_no_answer_to_it() -> None:
    assert judged(guardian_consent=False).outcome is Effect.CLEARED
    assert judged(guardian_consent=True).reason_codes == ("CONTRADICTION:ORPHAN:guardian_consent",)


def test_codes_are_sorted_and_the_most_severe_decides() -> None:
    found = judged(q_aneurysm="yes", q_blood_thinners="unsure", q_bleeding_disorder="skip")
    assert found.outcome is Effect.DECLINED
    assert found.reason_codes == ("ANEURYSM_DIAGNOSED", "UNSURE:q_blood_thinners", "WITHHELD:q_bleeding_disorder")


def test_an_open_answer_that_may_hide_a_clearance_asks_for_one() -> None:
    severity = judged(q_bleeding_disorder="yes", q_bleeding_severity="unsure")
    assert severity.clearance_required
    assert not judged(q_aneurysm="unsure").clearance_required
    missing = judged(q_skull_fracture="yes")
    assert missing.reason_codes == ("MISSING:q_skull_fracture_date",)
    assert missing.clearance_required


def test_the_form_may_be_filled_in_again_only_when_time_alone_lifts_every_decline() -> None:
    both = injured({"kind": "date", "value": "2026-11-10"}, **BROKEN)
    assert both.retry_after == date(2027, 5, 3)  # 183 days after the fracture, later than 42 after the injury
    assert both.messages == ("DECLINED_RETRY",)
    assert injured({"kind": "date", "value": "2026-11-10"}, q_aneurysm="yes").retry_after is None
    assert injured({"kind": "date", "value": "2026-11-10"}, q_red_flags=["unsure"]).retry_after is None
    assert judged(q_blood_thinners="anticoagulant").retry_after is None


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({}, ("CLEARED",)),
        ({"q_blood_thinners": "anticoagulant"}, ("REVIEW",)),
        ({"q_bleeding_disorder": "yes", "q_bleeding_severity": "mild"}, ("REVIEW_CLEARANCE",)),
        ({"q_aneurysm": "yes", "q_blood_thinners": "skip"}, ("DECLINED",)),
        ({"q_red_flags": ["unsure"]}, ("URGENT", "REVIEW")),
        ({"q_red_flags": ["unsure"], "q_aneurysm": "yes"}, ("URGENT", "DECLINED")),
        ({"q_red_flags": ["unsure"], **BROKEN}, ("URGENT", "DECLINED")),
        (BROKEN, ("DECLINED_RETRY",)),
        ({"q_red_flags": ["thunderclap"]}, ("URGENT",)),
        ({"q_red_flags": ["thunderclap"], **BROKEN}, ("URGENT",)),
        ({"q_red_flags": ["thunderclap", "unsure"], "q_aneurysm": "yes"}, ("URGENT",)),
    ],
)
def test_the_most_severe_text_is_told_and_an_urgent_one_first(
    changes: dict[str, Any], messages: tuple[str, ...]
) -> None:
    assert judged(**changes).messages == messages


def test_the_trace_names_what_was_read_and_where_the_rule_comes_from() -> None:
    (finding,) = injured({"kind": "month", "value": "2026-08"}).trace
    assert finding.rule == "R50"
    assert finding.inputs == {"q_head_injury": "yes", "q_head_injury_date": "2026-08-01/2026-08-31"}
    assert finding.band == (42, 183)
    assert finding.sources == ("DOC", "PD")


def test_everything_that_does_not_fit_is_named_at_once_and_nothing_is_repeated() -> None:
    with pytest.raises(AnswersInvalid) as refused:
        FORM.questionnaire.read({"dob": "soon", "q_aneurysm": "secret", "q_new": "secret", "My secret illness": "yes"})
    assert refused.value.extra == {
        "unknown": ["q_new"],
        "unknown_count": 2,
        "misfit": ["dob", "q_aneurysm"],
        "absent": ["respondent_role"],
    }
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("dob", ["2026-11-21", "1895-01-01"])
def test_a_date_of_birth_that_cannot_be_is_refused(dob: str) -> None:
    with pytest.raises(AnswersInvalid) as refused:
        judged(dob=dob)
    assert refused.value.extra == {"misfit": ["dob"]}


def test_the_signs_that_show_the_urgent_text_at_once_are_those_that_are_urgent_to_the_rules() -> None:
    flags = next(question for question in FORM.questionnaire.questions if question.id == "q_red_flags")
    assert {o.value: o.urgent for o in flags.options} == {
        o.value: judged(q_red_flags=[o.value]).urgent for o in flags.options
    }


def test_no_text_promises_safety_or_names_what_is_not_there_to_fill() -> None:
    for texts in CATALOGUE.texts.values():
        for by_key in texts.texts.values():
            for text in by_key.values():
                assert not {"cleared", "safe", "low-risk"} & set(text.lower().replace(".", "").split())


@pytest.mark.parametrize("words", ["unsure", "skip", "yes"])
def test_words_written_freely_are_words_even_if_an_answer_has_the_same_ones(words: str) -> None:
    found = judged(q_other_text=words)
    assert found.reason_codes == ("OTHER_TEXT",)
    assert found.trace[0].inputs == {"q_other_text": words}


def test_a_date_before_birth_is_shown_with_the_date_of_birth_it_was_held_against() -> None:
    (finding,) = injured({"kind": "year", "value": "1979"}).trace
    assert finding.rule == "R86"
    assert finding.inputs == {"q_head_injury_date": "1979-01-01/1979-12-31", "dob": CLEAR["dob"]}


def test_where_the_calendar_ends_no_day_is_named() -> None:
    last = {"kind": "date", "value": "9999-12-30"}
    values = FORM.questionnaire.read(CLEAR | BROKEN | {"dob": "9980-01-01", "q_skull_fracture_date": last})
    found = assess(FORM.ruleset, FORM.questionnaire.sheet(values, as_of=date(9999, 12, 31)))
    assert (found.outcome, found.retry_after, found.messages) == (Effect.DECLINED, None, ("DECLINED",))


def test_a_note_of_which_nobody_can_tell_keeps_nobody_waiting() -> None:
    notes_only = replace(FORM.ruleset, rules=tuple(rule for rule in FORM.ruleset.rules if rule.id in ("N01", "R99")))
    more = {"q_head_injury_date": "unsure", "q_head_injury_checked": "yes", "q_head_injury_symptoms": "no"}
    values = FORM.questionnaire.read(CLEAR | {"q_head_injury": "yes"} | more)
    found = assess(notes_only, FORM.questionnaire.sheet(values, as_of=AS_OF))
    assert (found.outcome, found.note_codes) == (Effect.CLEARED, ())
