"""A practice's own set over HTTP, from the first draft to the health checks that it asks for anew."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Callable
from time import perf_counter

import pytest
from pydantic import SecretStr

from services.screening import versioning
from services.screening.versioning import ReplaySettings
from shared.events.screening import CaseVoided
from tests.support import screening as twin
from tests.support.backends import RabbitBackend
from tests.support.screening import PRACTICE
from tests.support.screening_app import App, an_appointment, app
from tests.support.screening_drafts import Json, overlay, rule
from tests.support.waiting import until

FORM = f"/v1/practices/{PRACTICE}/forms/cst-core"
DRAFT = f"{FORM}/draft"


@pytest.fixture
async def screening(mongo_url: str, fresh_database: Callable[[], str], rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with app(mongo_url, fresh_database, rabbit, sweep_seconds=0.3) as one:
        yield one


async def cleared(screening: App, answers: Json = twin.CLEAR) -> str:
    appointment = an_appointment()
    await screening.request(appointment)
    await screening.becomes(appointment, "awaiting")
    assert (await screening.answer(appointment, answers)).status == 200
    return appointment


async def published(screening: App, raw: Json) -> Json:
    assert (await screening.as_operator("PUT", DRAFT, raw)).status == 200
    tried = await screening.as_operator("POST", f"{DRAFT}/test")
    assert (tried.status, tried.body["troubles"]) == (200, [])
    done = await screening.as_operator("POST", f"{DRAFT}/publish")
    assert done.status == 200, done.body
    return done.body


async def test_the_whole_way_of_a_stricter_set(screening: App) -> None:
    before = await cleared(screening)
    for _ in range(5):
        await cleared(screening)
    await cleared(screening, twin.REVIEWED)

    drafted = await screening.as_operator("PUT", DRAFT, overlay(forces_rescreen=True))
    assert (drafted.status, drafted.body["version"], drafted.body["state"]) == (200, 1, "draft")
    assert (await screening.as_operator("POST", f"{DRAFT}/publish")).code == "not-in-test"
    tried = await screening.as_operator("POST", f"{DRAFT}/test")
    assert (tried.body["draft"]["state"], tried.body["release"]) == ("in_test", "1.0.0")
    diff = await screening.as_operator("GET", f"{FORM}/diff")
    assert diff.body == tried.body["comparison"]
    assert {one["id"] for one in diff.body["differences"]} == {"p_migraine", "own", "P01", "R03"}

    simulated = await screening.as_operator("POST", f"{DRAFT}/simulate")
    assert simulated.body["stored"] == {
        "judged": 5,
        "outcomes": [
            {"before": "cleared", "after": "cleared", "count": 6},
            {"before": "needs_review", "after": "needs_review"},
        ],
        "added": [],
        "removed": [],
    }
    assert simulated.body["own"]["added"] == [
        {"code": "HEAD_INJURY_LT_6W", "count": 1},
        {"code": "OWN_MIGRAINE", "count": 1},
    ]
    assert before not in str(simulated.body)

    approved = await screening.as_operator(
        "POST", f"{DRAFT}/approve", {"name": "Ines", "digest": drafted.body["digest"]}
    )
    assert [one["by"] for one in approved.body["approvals"]] == ["Ines"]
    done = await screening.as_operator("POST", f"{DRAFT}/publish")
    assert (done.body["questionnaire"], done.body["state"]) == ("cst-core@2026.1.0+1.0.0", "published")

    voided = await until(lambda: [one for one in screening.heard if isinstance(one.data, CaseVoided)])
    assert voided is not None
    assert voided[0].data.cause == "ruleset"
    await screening.becomes(before, "awaiting")
    form = await screening.call("GET", f"/v1/practices/{PRACTICE}/questionnaire")
    assert form.body["id"] == "cst-core@2026.1.0+1.0.0"
    assert "p_migraine" in {one["id"] for one in form.body["questions"]}
    again = await screening.answer(before, twin.CLEAR | {"p_migraine": "yes"})
    assert again.keys == ["REVIEW"]
    case = await screening.as_operator("GET", f"/v1/cases/{before}")
    assert case.body["ruleset"] == "cst-core@2026.1.0+1.0.0"
    assert "Gets migraines." in str(case.body)
    audit = await screening.as_operator("GET", f"/v1/practices/{PRACTICE}/audit?record=cst-core@2026.1.0%2B1.0.0")
    assert [one["what"] for one in audit.body["entries"]] == ["publish", "view"]


async def test_what_is_refused_is_named_and_changes_nothing(screening: App) -> None:
    assert (await screening.as_operator("GET", DRAFT)).code == "draft-unknown"
    unknown = await screening.as_operator("PUT", DRAFT, overlay(rule=[rule(when={"question": "q_x", "is": "yes"})]))
    assert (unknown.status, unknown.code) == (422, "draft-invalid")
    assert unknown.body["troubles"] == ["P01 names a question that is unknown there: q_x"]
    assert (await screening.as_operator("PUT", DRAFT, overlay(rules=[]))).code == "invalid-request"
    assert (await screening.as_operator("GET", DRAFT)).code == "draft-unknown"
    assert (await screening.as_operator("POST", f"{DRAFT}/publish")).code == "draft-unknown"
    nowhere = await screening.as_operator("PUT", DRAFT.replace("cst-core", "cst-none"), overlay())
    assert nowhere.code == "questionnaire-unknown"
    assert (await screening.call("PUT", DRAFT, overlay())).status == 401


async def test_versions_are_listed_and_compared_by_name(screening: App) -> None:
    await published(screening, overlay())
    await published(screening, overlay(sources={"OWN": "Other words"}, release="1.0.1"))
    listed = await screening.as_operator("GET", f"/v1/practices/{PRACTICE}/forms")
    states = {one["questionnaire"]: one["state"] for one in listed.body["forms"]}
    assert states == {
        "cst-core@2026.1.0": "library",
        "cst-intake@2026.1.0": "library",
        "cst-core@2026.1.0+1.0.0": "retired",
        "cst-core@2026.1.0+1.0.1": "published",
    }
    assert listed.body["drafts"] == []
    diff = await screening.as_operator(
        "GET", f"{FORM}/diff?from=cst-core@2026.1.0%2B1.0.0&to=cst-core@2026.1.0%2B1.0.1"
    )
    assert (diff.body["step"], diff.body["cases"]) == ("patch", [])
    judged = await screening.as_operator("POST", f"/v1/practices/{PRACTICE}/evaluate", an_evaluation())
    assert judged.body["reason_codes"] == ["OWN_MIGRAINE"]


async def test_nobody_waits_for_a_proof(screening: App) -> None:
    await screening.as_operator("PUT", DRAFT, overlay())
    proof = asyncio.create_task(screening.as_operator("POST", f"{DRAFT}/test"))
    waits: list[float] = []
    while not proof.done():
        begun = perf_counter()
        await asyncio.sleep(0)  # a turn of the loop that the service runs on as well
        waits.append(perf_counter() - begun)
    assert (await proof).body["troubles"] == []
    assert sorted(waits)[int(len(waits) * 0.99)] < 0.05
    assert len(waits) > 100


async def test_a_stored_case_is_replayed_on_the_command_line(
    mongo_url: str, fresh_database: Callable[[], str], rabbit: RabbitBackend
) -> None:
    key = SecretStr(base64.b64encode(secrets.token_bytes(96)).decode())
    kept = {"screening_vault_database": fresh_database(), "screening_master_key": key}
    async with app(mongo_url, fresh_database, rabbit, **kept) as screening:
        await published(screening, overlay())
        appointment = await cleared(screening, twin.REVIEWED | {"p_migraine": "yes"})
        settings = ReplaySettings(mongo_url=SecretStr(mongo_url), screening_database=screening.database.name, **kept)
        (found,) = await versioning.replayed(settings, appointment)
        assert (found.ruleset, found.trouble) == ("cst-core@2026.1.0+1.0.0", None)
        assert found.zones
        audit = await screening.as_operator("GET", f"/v1/practices/{PRACTICE}/audit?record={appointment}")
        assert ("view", "replay") in [(one["what"], one["who"]) for one in audit.body["entries"]]


def an_evaluation() -> Json:
    return {
        "questionnaire": "cst-core",
        "practice_tz": "Europe/Berlin",
        "submitted_at": "2026-11-20T09:30:00Z",
        "client": {"dob": "1980-05-04"},
        "respondent_role": "self",
        "guardian_consent": None,
        "prior_yes": [],
        "answers": {k: v for k, v in twin.CLEAR.items() if k not in ("dob", "respondent_role")} | {"p_migraine": "yes"},
    }
