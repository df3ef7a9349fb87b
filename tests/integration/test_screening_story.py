"""The health check over HTTP, on a real database and broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.support import screening as twin
from tests.support.backends import RabbitBackend
from tests.support.screening import PRACTICE
from tests.support.screening_app import App, an_appointment, app, token
from tests.support.waiting import until

NOTE = "Talked on the phone, all well."
EVALUATE: dict[str, Any] = {
    "questionnaire": "cst-core",
    "practice_tz": "Europe/Berlin",
    "submitted_at": "2026-11-20T09:30:00Z",
    "client": {"dob": "1980-05-04"},
    "respondent_role": "self",
    "guardian_consent": None,
    "prior_yes": [],
    "answers": {k: v for k, v in twin.CLEAR.items() if k not in ("dob", "respondent_role")},
}


@pytest.fixture
async def screening(mongo_url: str, fresh_database: Callable[[], str], rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with app(mongo_url, fresh_database, rabbit) as one:
        yield one


@pytest.mark.parametrize(
    ("answers", "outcome", "keys"),
    [
        (twin.CLEAR, "cleared", ["CLEARED"]),
        (twin.REVIEWED, "needs_review", ["REVIEW"]),
        (twin.URGENT_UNSURE, "needs_review", ["URGENT", "REVIEW"]),
        (twin.DECLINED, "declined", ["DECLINED"]),
    ],
)
async def test_either_half_first_the_case_is_decided_and_said_once(
    screening: App, answers: dict[str, Any], outcome: str, keys: list[str]
) -> None:
    first, last = an_appointment(), an_appointment()
    assert (await screening.answer(first, answers)).status == 202
    await screening.request(first)
    await screening.request(last)
    await screening.becomes(last, "awaiting")
    told = await screening.answer(last, answers)
    assert (told.status, told.body["status"], told.keys) == (200, "decided", keys)
    for appointment in (first, last):
        await until(lambda appointment=appointment: screening.said_of(appointment))
        assert [said.data.outcome for said in screening.said_of(appointment)] == [outcome]
        assert (await screening.outcome(appointment)).keys == keys


async def test_both_halves_at_once_end_in_one_decision(screening: App) -> None:
    appointments = [an_appointment() for _ in range(20)]
    halves = [screening.request(one) for one in appointments] + [
        screening.answer(one, twin.CLEAR) for one in appointments
    ]
    await asyncio.gather(*halves)
    await until(lambda: all(screening.said_of(one) for one in appointments))
    assert all([said.sequence for said in screening.said_of(one)] == [2] for one in appointments)


async def test_the_same_answers_again_are_told_the_same_and_others_are_refused(screening: App) -> None:
    appointment = an_appointment()
    await screening.request(appointment)
    await screening.becomes(appointment, "awaiting")
    first = await screening.answer(appointment, twin.REVIEWED)
    again = await screening.answer(appointment, twin.REVIEWED)
    assert (again.status, again.body) == (first.status, first.body)
    assert (await screening.answer(appointment, twin.CLEAR)).code == "already-decided"


async def test_worse_answers_stay_when_better_ones_follow_before_the_request(screening: App) -> None:
    appointment = an_appointment()
    first = await screening.answer(appointment, twin.URGENT)
    other = await screening.answer(appointment, twin.CLEAR)
    assert (other.status, other.code) == (409, "already-answered")
    again = await screening.answer(appointment, twin.URGENT)
    assert (again.status, again.body) == (202, first.body)
    await screening.request(appointment)
    await until(lambda: screening.said_of(appointment))
    assert [said.data.outcome for said in screening.said_of(appointment)] == ["declined"]


async def test_what_does_not_fit_is_refused_without_repeating_it_and_nothing_is_kept(screening: App) -> None:
    appointment = an_appointment()
    refused = await screening.answer(appointment, twin.CLEAR | {"q_aneurysm": "PLANTED", "q_new": "PLANTED"})
    assert (refused.status, refused.code) == (422, "answers-invalid")
    assert (refused.body["unknown"], refused.body["misfit"]) == (["q_new"], ["q_aneurysm"])
    assert "PLANTED" not in str(refused.body)
    assert (await screening.answer(appointment, twin.CLEAR, questionnaire="cst-else")).code == "questionnaire-unknown"
    assert await screening.database["cases"].find_one({"_id": appointment}) is None
    assert (await screening.outcome(appointment)).body == {
        "status": "awaiting_answers",
        "messages": [],
        "may": ["answer"],
    }


async def test_answers_need_the_token_of_their_own_appointment_and_are_never_cached(screening: App) -> None:
    appointment = an_appointment()
    path, body = f"/v1/appointments/{appointment}/answers", {"questionnaire": "cst-core", "answers": twin.CLEAR}
    assert (await screening.call("PUT", path, body)).code == "token-invalid"
    assert (await screening.call("PUT", path, body, token=token(an_appointment()))).code == "token-invalid"
    assert (await screening.call("PUT", path, body, token=token(appointment, "elsewhere"))).code == "practice-unknown"
    assert (await screening.answer(appointment, twin.CLEAR)).headers["Cache-Control"] == "no-store"


async def test_a_cancelled_appointment_takes_no_answers(screening: App) -> None:
    appointment = an_appointment()
    await screening.say(twin.cancelled(appointment=appointment), subject=appointment, sequence=3)
    await screening.becomes(appointment, "closed")
    assert (await screening.answer(appointment, twin.CLEAR)).code == "case-closed"


async def test_a_practitioner_reads_the_queue_opens_a_case_and_decides_it(screening: App) -> None:
    appointment = an_appointment()
    await screening.answer(appointment, twin.NEEDS_CLEARANCE)
    await screening.request(appointment)
    await screening.becomes(appointment, "in_review")
    (waiting,) = (await screening.as_operator("GET", f"/v1/practices/{PRACTICE}/reviews")).body["reviews"]
    assert (waiting["appointment"], waiting["version"], waiting["service"]) == (appointment, 2, "session")
    opened = (await screening.as_operator("GET", f"/v1/cases/{appointment}")).body
    assert opened["answers"] == twin.NEEDS_CLEARANCE
    (finding,) = opened["evaluation"]["trace"]
    assert (finding["code"], finding["evidence"]) == ("BLEEDING_NOT_SEVERE", ["2"])
    assert finding["explanation"].startswith("A mild or moderate bleeding disorder")
    assert finding["sources"][0].startswith("HEMA: ")
    path = f"/v1/cases/{appointment}/decision"
    decision: dict[str, Any] = {"decision": "approve", "note": NOTE, "version": 2, "decided_by": "Ines"}
    assert (await screening.as_operator("POST", path, decision | {"version": 1})).code == "case-changed"
    assert (await screening.as_operator("POST", path, decision)).code == "clearance-missing"
    clearance = {"given_by": "Dr Example", "profession": "GP", "given_on": "2026-11-19", "form": "verbal"}
    decided = await screening.as_operator("POST", path, decision | {"clearance": clearance})
    assert (decided.status, decided.body["state"], decided.body["note"]) == (200, "approved", NOTE)
    assert decided.body["clearance"] == clearance
    await until(lambda: len(screening.said_of(appointment)) == 2)
    assert [said.data.outcome for said in screening.said_of(appointment)] == ["needs_review", "cleared"]
    assert (await screening.outcome(appointment)).keys == ["CLEARED"]
    assert (await screening.as_operator("GET", f"/v1/practices/{PRACTICE}/reviews")).body == {
        "reviews": [],
        "flagged": [],
    }
    assert (await screening.call("GET", f"/v1/cases/{appointment}")).code == "operator-only"


async def test_the_form_comes_as_data_that_a_page_can_follow(screening: App) -> None:
    form = (await screening.call("GET", f"/v1/practices/{PRACTICE}/questionnaire?locale=en&service=session")).body
    assert (form["id"], form["locale"], form["emergency_number"]) == (twin.FORM, "en", "112")
    assert "call 112" in form["urgent_text"]
    questions = {question["id"]: question for question in form["questions"]}
    assert list(questions)[:4] == ["respondent_role", "dob", "guardian_consent", "q_red_flags"]
    assert questions["q_head_injury_date"]["shown_when"] == {"question": "q_head_injury", "is": "yes"}
    assert questions["guardian_consent"]["shown_when"]["all"][1] == {"age": {"below": 18}}
    assert [option["value"] for option in questions["q_aneurysm"]["options"]] == ["yes", "no", "unsure", "skip"]
    urgent = [option["value"] for option in questions["q_red_flags"]["options"] if option["urgent"]]
    assert len(urgent) == 11
    missing = await screening.call("GET", "/v1/practices/nowhere/questionnaire")
    assert missing.code == "practice-unknown"


async def test_a_dry_run_judges_and_keeps_nothing(screening: App) -> None:
    judged = await screening.as_operator("POST", f"/v1/practices/{PRACTICE}/evaluate", EVALUATE)
    assert {k: v for k, v in judged.body.items() if k != "trace"} == {
        "outcome": "cleared",
        "urgent": False,
        "reason_codes": [],
        "note_codes": [],
        "clearance_required": False,
        "retry_after": None,
    }
    more = {"answers": EVALUATE["answers"] | {"q_aneurysm": "unsure"}, "prior_yes": ["q_brain_bleed"]}
    judged = await screening.as_operator("POST", f"/v1/practices/{PRACTICE}/evaluate", EVALUATE | more)
    assert judged.body["reason_codes"] == ["CONTRADICTION:PRIOR_ANSWER:q_brain_bleed", "UNSURE:q_aneurysm"]
    assert await screening.database["cases"].count_documents({}) == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"practice_tz": "Mars/Olympus"}, "zone-unknown"),
        ({"practice_tz": "../../etc/passwd"}, "zone-unknown"),
        ({"questionnaire": "cst-else"}, "questionnaire-unknown"),
        ({"submitted_at": "2026-11-20T09:30:00"}, "invalid-request"),
        ({"submitted_at": "0001-01-01T00:00:00Z", "practice_tz": "America/New_York"}, "invalid-request"),
        ({"submitted_at": "9999-12-31T23:59:59Z", "practice_tz": "Asia/Tokyo"}, "invalid-request"),
        ({"client": {"dob": "2026-11-21"}}, "answers-invalid"),
        ({"answers": {"q_aneurysm": None}}, "answers-invalid"),
    ],
)
async def test_a_dry_run_refuses_what_it_cannot_judge(screening: App, changes: dict[str, Any], code: str) -> None:
    judged = await screening.as_operator("POST", f"/v1/practices/{PRACTICE}/evaluate", EVALUATE | changes)
    assert (judged.status, judged.code) == (422, code)


@pytest.mark.parametrize(("zone", "minor"), [("Pacific/Kiritimati", False), ("Pacific/Pago_Pago", True)])
async def test_ages_count_on_the_calendar_of_the_practice(screening: App, zone: str, minor: bool) -> None:
    changes = {"practice_tz": zone, "submitted_at": "2026-11-20T11:00:00Z", "client": {"dob": "2008-11-21"}}
    judged = await screening.as_operator("POST", f"/v1/practices/{PRACTICE}/evaluate", EVALUATE | changes)
    assert ("MINOR" in judged.body["reason_codes"]) is minor


async def test_nothing_that_was_answered_is_in_a_log_an_event_or_a_metric(
    screening: App, capfd: pytest.CaptureFixture[str]
) -> None:
    appointment = an_appointment()
    planted = twin.CLEAR | {"q_other_text": "PLANTED", "q_blood_thinners": "anticoagulant"}
    await screening.answer(appointment, planted | {"q_aneurysm": "PLANTED"})
    await screening.answer(appointment, planted | {"PLANTED illness": "yes"})
    await screening.answer(appointment, planted)
    await screening.request(appointment)
    await until(lambda: screening.said_of(appointment))
    await screening.as_operator("GET", f"/v1/cases/{appointment}")
    async with screening.http.get("/screening/metrics") as metrics:
        seen = await metrics.text()
    logged = "".join(capfd.readouterr())
    assert logged.count("/answers") == 3
    seen += logged + "".join(said.to_json().decode() for said in screening.heard)
    assert [
        word for word in ("PLANTED", "anticoag", "ANTICOAG", "OTHER_TEXT", "q_blood", "q_other") if word in seen
    ] == []
