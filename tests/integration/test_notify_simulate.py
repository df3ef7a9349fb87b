"""The time machine over the database: the visits of a span by an index, and nothing written."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from deploy.devstack.programs import PROJECT
from services.notify import documents
from services.notify.store import MongoCalendar, MongoPractices
from shared import mongo
from shared.mongo import Database
from tests.support.notify import STARTS, practice, visit

DAY = timedelta(days=1)


async def simulate(mongo_url: str, database: str, *arguments: str) -> tuple[int | None, str, str]:
    settings = {
        "MONGO_URL": mongo_url,
        "RABBIT_URL": "amqp://guest:guest@127.0.0.1:1/",
        "SIGNING_KEY": "s" * 43,
        "OPERATOR_KEY": "o" * 43,
        "PUBLIC_ORIGIN": "http://127.0.0.1:1",
        "NOTIFY_DATABASE": database,
        "NOTIFY_TWILIO_URL": "http://127.0.0.1:1",
        "NOTIFY_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "NOTIFY_TWILIO_AUTH_TOKEN": "t" * 32,
        "NOTIFY_TWILIO_NUMBER": "+15005550006",
        "NOTIFY_NUMBER_KEY": "number-" + "n" * 32,
        "NOTIFY_WORDS_KEY": "words-" + "w" * 32,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.notify", "simulate", *arguments),
        env={**os.environ, "PYTHONPATH": str(PROJECT), **{f"STILLPOINT_{name}": one for name, one in settings.items()}},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, refused = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, told.decode(), refused.decode()


async def _known(database: Database) -> None:
    await (await MongoPractices.open(database)).keep(practice(steps=frozenset({"day_before", "aftercare"})))
    visits = [visit(appointment=f"{n:026d}", phone=f"+1503555{n:04d}", starts_at=STARTS + n * DAY) for n in range(60)]
    visits.append(replace(visit(appointment="e" * 26), practice="elsewhere"))
    own = {"replies": 0, "heard": [], "outbox": []}
    await database["visits"].insert_many([{**documents.of_visit(of), **own} for of in visits])


async def test_a_span_of_a_practice_is_gone_through_and_what_other_rules_would_change(
    mongo_url: str, database_name: str, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"steps": ["aftercare"]}))
    span = ("--from", "2027-06-16", "--until", "2027-06-18")
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        await _known(database)

        code, told, _ = await simulate(mongo_url, database_name, "still-waters", *span)
        assert (code, told.splitlines()[-3:]) == (0, ["day_before: goes 2", "booked: goes 2", "aftercare: goes 2"])
        assert "2027-06-16 10:00-04:00  day_before    day_before_prepare " + f"{1:026d}" in told.splitlines()
        assert "elsewhere" not in told
        assert "+1503555" not in told

        code, told, _ = await simulate(mongo_url, database_name, "still-waters", *span, "--with", str(rules), "--diff")
        assert (code, told.splitlines()[-1]) == (0, "day_before: - 2")
        assert await database["messages"].count_documents({}) == 0


async def test_what_is_not_known_or_not_in_order_is_refused_in_one_sentence(mongo_url: str, database_name: str) -> None:
    code, _, refused = await simulate(mongo_url, database_name, "nobody")
    assert (code, refused) == (1, "no practice 'nobody' is known\n")

    code, _, refused = await simulate(mongo_url, database_name, "x", "--from", "2027-06-18", "--until", "2027-06-16")
    assert (code, refused) == (1, "the last day comes before the first\n")


async def test_the_visits_of_a_span_come_from_an_index(mongo_url: str, database_name: str) -> None:
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        await _known(database)
        calendar = await MongoCalendar.open(database)
        await database.command("profile", 2)

        found = await calendar.visits("still-waters", STARTS, STARTS + 3 * DAY)

        await database.command("profile", 0)
        [query] = await database["system.profile"].find({"ns": f"{database_name}.visits", "op": "query"}).to_list(None)
        assert [visit.appointment for visit in found] == [f"{n:026d}" for n in range(3)]
        assert (query["docsExamined"], query["planSummary"].split()[0]) == (3, "IXSCAN")
