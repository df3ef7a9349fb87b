"""Judging without keeping anything, over HTTP: what it refuses, and that it survives whatever is sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.support import screening as twin
from tests.support.backends import RabbitBackend
from tests.support.screening import PRACTICE
from tests.support.screening_app import OPERATOR_KEY, App, app

ANSWERS = {key: value for key, value in twin.CLEAR.items() if key not in ("dob", "respondent_role")}
BODY: dict[str, Any] = {
    "questionnaire": "cst-core@2026.1.0",
    "practice_tz": "Europe/Berlin",
    "submitted_at": "2028-02-29T23:30:00Z",
    "client": {"dob": "1980-05-04"},
    "respondent_role": "self",
    "answers": ANSWERS,
}
PATH = f"/v1/practices/{PRACTICE}/evaluate"


@pytest.fixture
async def screening(mongo_url: str, fresh_database: Callable[[], str], rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with app(mongo_url, fresh_database, rabbit) as one:
        yield one


def answering(**changes: Any) -> dict[str, Any]:
    return BODY | {"answers": ANSWERS | changes}


NAMED: tuple[tuple[dict[str, Any], dict[str, list[str]]], ...] = (
    (answering(q_new="yes"), {"unknown": ["q_new"]}),
    (answering(q_aneurysm="maybe", q_brain_bleed=["no"]), {"misfit": ["q_aneurysm", "q_brain_bleed"]}),
    (answering(q_aneurysm=10**2000), {"misfit": ["q_aneurysm"]}),
    (answering(q_red_flags=["none", 7]), {"misfit": ["q_red_flags"]}),
    (answering(q_aneurysm={"a": [[[[{}]]]]}), {"misfit": ["q_aneurysm"]}),
    (answering(respondent_role="guardian"), {"twice": ["respondent_role"]}),
    (BODY | {"prior_yes": ["q_aneurysm", "q_new"]}, {"unknown": ["q_new"]}),
    (BODY | {"client": {"dob": "2028-03-02"}}, {"misfit": ["dob"]}),
    (BODY | {"client": {"dob": "0001-01-01"}}, {"misfit": ["dob"]}),
)
OF_ANOTHER_SHAPE: tuple[dict[str, Any], ...] = (
    {"client": {"dob": "2027-02-29"}},
    {"client": {"dob": 0}},
    {"client": {}},
    {"client": {"dob": "1980-05-04", "name": "A Client"}},
    {"submitted_at": 1_795_170_600},
    {"submitted_at": "2026-02-29T00:00:00Z"},
    {"respondent_role": "mother"},
    {"guardian_consent": "true"},
    {"prior_yes": "q_aneurysm"},
    {"prior_yes": [7]},
    {"answers": []},
    {"answers": {f"q_{number}": "no" for number in range(201)}},
    {"more": 1},
)


async def test_what_the_form_does_not_have_is_named(screening: App) -> None:
    for body, named in NAMED:
        judged = await screening.as_operator("POST", PATH, body)
        assert (judged.status, judged.code) == (422, "answers-invalid"), named
        assert {key: judged.body.get(key) for key in named} == named
    assert await screening.database["cases"].count_documents({}) == 0


async def test_a_body_of_another_shape_is_refused(screening: App) -> None:
    for changes in OF_ANOTHER_SHAPE:
        judged = await screening.as_operator("POST", PATH, BODY | changes)
        assert (judged.status, judged.code) == (422, "invalid-request"), changes


async def test_json_without_a_bottom_is_refused(screening: App) -> None:
    headers = {"Authorization": f"Bearer {OPERATOR_KEY}", "Content-Type": "application/json"}
    deep = json.dumps(answering(q_aneurysm="?")).replace('"?"', "[" * 20_000 + "]" * 20_000)
    async with screening.http.post(f"/screening{PATH}", data=deep, headers=headers) as answer:
        assert 400 <= answer.status < 500


async def test_the_leap_day_of_the_practice_counts_and_an_unticked_box_says_nothing(screening: App) -> None:
    young = BODY | {"client": {"dob": "2010-03-01"}, "guardian_consent": False}
    there = await screening.as_operator("POST", PATH, young)  # it is the 1st of March in Berlin already
    here = await screening.as_operator("POST", PATH, young | {"practice_tz": "UTC"})
    assert (there.status, there.body["outcome"], there.body["reason_codes"]) == (200, "cleared", [])
    assert here.body["reason_codes"] == ["MINOR", "MINOR_NO_GUARDIAN_CONSENT", "MINOR_SELF_REPORTED"]


async def test_each_finding_carries_what_explains_it(screening: App) -> None:
    hurt = {"q_head_injury": "yes", "q_head_injury_date": {"kind": "month", "value": "2027-10"}}
    body = answering(**hurt, q_head_injury_checked="yes", q_head_injury_symptoms="no")
    judged = await screening.as_operator("POST", PATH, body)
    assert judged.body.keys() == {
        *("outcome", "urgent", "reason_codes", "note_codes", "clearance_required", "retry_after", "trace")
    }
    (finding,) = judged.body["trace"]
    explanation, sources = finding.pop("explanation"), finding.pop("sources")
    assert finding == {
        "rule": "R50",
        "code": "HEAD_INJURY_6W_6M",
        "outcome": "needs_review",
        "inputs": {"q_head_injury": "yes", "q_head_injury_date": "2027-10-01/2027-10-31"},
        "band": [42, 183],
        "evidence": ["CORE", "PD"],
    }
    assert explanation
    assert all(": " in source for source in sources)
