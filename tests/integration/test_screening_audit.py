"""The audit of a running screening: read over HTTP, verified on the command line, moved by replicas that are killed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from deploy.devstack.programs import PROJECT
from services.screening.actions import Auditing
from services.screening.domain.audit import Deed, digest
from services.screening.store import MongoAudit, MongoTrails
from shared import mongo
from tests.support import screening as twin
from tests.support.backends import RabbitBackend
from tests.support.screening import PRACTICE
from tests.support.screening_app import OPERATOR_KEY, App, Json, an_appointment, app, token

AUDIT = f"/v1/practices/{PRACTICE}/audit"


@pytest.fixture
async def screening(mongo_url: str, fresh_database: Callable[[], str], rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with app(mongo_url, fresh_database, rabbit) as running:
        yield running


async def in_review(screening: App) -> str:
    appointment = an_appointment()
    await screening.answer(appointment, twin.REVIEWED)
    await screening.request(appointment)
    await screening.becomes(appointment, "in_review")
    return appointment


async def audited(screening: App, **query: Any) -> list[Json]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    answer = await screening.as_operator("GET", f"{AUDIT}?{asked}")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    found: list[Json] = answer.body["entries"]
    return found


async def open_as(screening: App, appointment: str, person: str) -> int:
    headers = {"Authorization": f"Bearer {OPERATOR_KEY}", "Stillpoint-Person": person}
    async with screening.http.get(f"/screening/v1/cases/{appointment}", headers=headers) as answer:
        return answer.status


async def test_the_audit_of_a_record_says_who_handed_in_read_and_decided_and_what_is_still_on_its_way(
    screening: App,
) -> None:
    appointment = await in_review(screening)
    assert await open_as(screening, appointment, "Inés") == 200
    path = f"/v1/cases/{appointment}/decision"
    await screening.as_operator("POST", path, {"decision": "approve", "note": "x", "version": 2, "decided_by": "Jo"})
    entries = await audited(screening, record=appointment)
    assert sorted(one["what"] for one in entries) == ["approve_refused", "decide", "submit", "view"]
    by_what = {one["what"]: one for one in entries}
    submitted, viewed = by_what["submit"], by_what["view"]
    assert (submitted["role"], submitted["who"], submitted["where"]) == ("client", "client", "127.0.0.0/24")
    assert (viewed["role"], viewed["name"], viewed["where"]) == ("staff", "Inés", "127.0.0.1")
    assert (by_what["decide"]["who"], by_what["decide"]["result"]) == ("rules", "done")
    assert {one["record"] for one in entries} == {appointment}
    everything = await audited(screening)
    assert [one["seq"] for one in everything] == list(range(len(everything), 0, -1))
    assert [one["prev"] for one in everything[:-1]] == [one["digest"] for one in everything[1:]]
    assert [one["seq"] for one in await audited(screening, before=3, limit=1)] == [2]


async def test_a_client_sees_who_opened_what_they_filled_in_and_nobody_elses(screening: App) -> None:
    appointment = await in_review(screening)
    path = f"/v1/appointments/{appointment}/access"
    assert (await screening.call("GET", path, token=token(appointment))).body == {"opened": []}
    for person in ("Ines", "Jo"):
        await open_as(screening, appointment, person)
    await screening.as_operator("GET", f"/v1/cases/{appointment}")
    told = await screening.call("GET", path, token=token(appointment))
    assert [(one["by"], one["what"]) for one in told.body["opened"]] == [
        ("staff", "view"),
        ("Jo", "view"),
        ("Ines", "view"),
    ]
    assert (await screening.call("GET", path, token=token(an_appointment()))).code == "token-invalid"
    elsewhere = await screening.call("GET", path, token=token(appointment, "elsewhere"))
    assert elsewhere.body == {"opened": []}


async def test_a_name_that_is_none_opens_nothing(screening: App) -> None:
    appointment = await in_review(screening)
    assert await open_as(screening, appointment, "x" * 81) == 422
    assert [one["what"] for one in await audited(screening, record=appointment)] == ["decide", "submit"]


async def test_the_queue_is_read_without_a_trace_and_the_audit_only_by_the_operator(screening: App) -> None:
    appointment = await in_review(screening)
    await screening.as_operator("GET", f"/v1/practices/{PRACTICE}/reviews")
    assert {one["what"] for one in await audited(screening, record=appointment)} == {"decide", "submit"}
    assert (await screening.call("GET", AUDIT)).code == "operator-only"
    assert (await screening.as_operator("GET", f"{AUDIT}?limit=0")).code == "invalid-request"


async def test_replicas_take_over_the_same_trails_and_one_entry_of_each_is_left(screening: App) -> None:
    appointments = [await in_review(screening) for _ in range(5)]
    heads = screening.database.client.get_database(f"{screening.database.name}_heads")["heads"]
    replicas = [
        Auditing(
            await MongoAudit.open(screening.database, heads),
            await MongoTrails.open(screening.database),
            now=lambda: datetime.now(UTC),
            ids=lambda: "unused",
        )
        for _ in range(4)
    ]
    await asyncio.gather(*(replica.move() for replica in replicas))
    entries = [one async for one in screening.database["audit"].find({})]
    assert len(entries) == len({one["id"] for one in entries}) >= 2 * len(appointments)
    assert all(one["digest"] == digest(one) for one in entries)
    assert await screening.database["cases"].find_one({"trail.at": {"$exists": True}}) is None
    plan = await screening.database["cases"].find({"trail.at": {"$exists": True}}).sort("trail.at").explain()
    assert plan["executionStats"]["totalDocsExamined"] == 0
    await screening.database.client.drop_database(heads.database.name)


async def verified(url: str, entries: str, vault: str, *more: str) -> tuple[int, str, str]:
    """The command as an operator runs it."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "STILLPOINT_MONGO_URL": url,
        "STILLPOINT_SCREENING_DATABASE": entries,
        "STILLPOINT_SCREENING_VAULT_DATABASE": vault,
    }
    command = (sys.executable, "-m", "services.screening", "audit", "verify", *more)
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_tells_whole_from_broken_and_from_not_known(
    mongo_url: str, fresh_database: Callable[[], str]
) -> None:
    names = fresh_database(), fresh_database()
    async with (
        mongo.connect(SecretStr(mongo_url), names[0]) as db,
        mongo.connect(SecretStr(mongo_url), names[1]) as vault,
    ):
        audit = await MongoAudit.open(db, vault["heads"])
        auditing = Auditing(
            audit, await MongoTrails.open(db), now=lambda: datetime(2026, 1, 1, tzinfo=UTC), ids=an_appointment
        )
        for practice in (PRACTICE, "elsewhere"):
            await auditing.note(
                *(auditing.fact(Deed.VIEW, practice=practice, record="visit", hand=twin.STAFF) for _ in range(5))
            )
        await auditing.move()
        code, out, _ = await verified(mongo_url, *names)
        assert (code, out.count("5 entries, whole")) == (0, 2)
        await db["audit"].delete_one({"practice": PRACTICE, "seq": 5})
        code, out, _ = await verified(mongo_url, *names, "--json")
        told = {one["practice"]: (one["entries"], one["flaw"], one["at"]) for one in map(json.loads, out.splitlines())}
        assert (code, told) == (1, {"elsewhere": (5, None, None), PRACTICE: (4, "cut_off", 5)})
        assert (await verified(mongo_url, *names, "--practice", "elsewhere"))[0] == 0
        code, out, err = await verified("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200", *names)
        assert (code, out, "does not answer" in err) == (2, "", True)
