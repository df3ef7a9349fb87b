"""The numbered steps of a database on a real server: once each, whoever races or dies, and never backwards."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared import migrations, mongo
from shared.migrations import AT, COLLECTION, RESTORING, Migration, Unusable, migrate
from shared.mongo import Database
from tests.support.backends import RabbitBackend
from tests.support.running import running
from tests.support.waiting import until

PROJECT = Path(__file__).parents[2]


@pytest.fixture
async def database(mongo_url: str, database_name: str) -> AsyncIterator[Database]:
    async with mongo.connect(SecretStr(mongo_url), database_name) as opened:
        yield opened


def step(number: int, *, breaks: bool = False) -> Migration:
    async def run(database: Database) -> None:
        await database["runs"].insert_one({"step": number})

    return Migration(number, f"step {number}", run, breaks=breaks)


async def runs(database: Database) -> list[int]:
    return [one["step"] async for one in database["runs"].find().sort("_id")]


async def test_steps_run_once_each_in_their_order_however_many_replicas_start(database: Database) -> None:
    steps = [step(1), step(2), step(3)]

    await asyncio.gather(*(migrate(database, steps) for _ in range(5)))
    await migrate(database, [*steps, step(4)])

    assert await runs(database) == [1, 2, 3, 4]


async def test_an_empty_list_leaves_a_database_as_it_is(database: Database) -> None:
    await migrate(database, [])

    assert await database.list_collection_names() == []


async def test_a_release_before_runs_beside_what_was_only_added(database: Database) -> None:
    await migrate(database, [step(1), step(2)])

    await migrate(database, [step(1)])

    assert await runs(database) == [1, 2]


async def test_a_release_before_refuses_what_it_cannot_live_with(database: Database) -> None:
    await migrate(database, [step(1), step(2, breaks=True), step(3)])

    with pytest.raises(Unusable, match=r"was changed by release \S+, which \S+ does not know: start that one"):
        await migrate(database, [step(1)])
    await migrate(database, [step(1), step(2, breaks=True)])


async def test_a_step_that_fails_is_run_again_and_keeps_the_service_down(database: Database) -> None:
    tries: list[int] = []

    async def fails_once(_: Database) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("a document of another kind")

    steps = [step(1), Migration(2, "fails once", fails_once)]
    with pytest.raises(ValueError, match="another kind"):
        await migrate(database, steps)
    await migrate(database, steps)

    assert await runs(database) == [1]
    assert len(tries) == 2


KILLED = """
import asyncio, os, sys
from datetime import timedelta
from pydantic import SecretStr
from shared import migrations, mongo
migrations.LEASE = timedelta(seconds=2)

async def slow(database):
    await database["runs"].insert_one({"step": 1})
    await asyncio.sleep(60)

async def main():
    async with mongo.connect(SecretStr(sys.argv[1]), sys.argv[2]) as database:
        await migrations.migrate(database, [migrations.Migration(1, "slow", slow)])

asyncio.run(main())
"""


async def test_a_killed_replica_is_followed_by_another(mongo_url: str, database: Database) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, mongo_url, database.name, env=environment
    )
    await until(lambda: runs(database), within=20)
    first.send_signal(signal.SIGKILL)
    await first.wait()

    await asyncio.wait_for(migrate(database, [step(1)]), 20)

    assert await runs(database) == [1, 1]  # begun again from its beginning
    assert (await database[COLLECTION].find_one({"_id": AT}) or {})["number"] == 1


async def test_a_long_step_keeps_its_turn(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "LEASE", timedelta(milliseconds=400))
    monkeypatch.setattr(migrations, "RENEWED_EVERY", 0.1)

    async def longer_than_the_lease(database: Database) -> None:
        await database["runs"].insert_one({"step": 1})
        await asyncio.sleep(1.2)

    steps = [Migration(1, "long", longer_than_the_lease)]
    await asyncio.gather(migrate(database, steps), migrate(database, steps))

    assert await runs(database) == [1]


@pytest.mark.parametrize(
    ("service", "variable"),
    [
        ("booking", "BOOKING_DATABASE"),
        ("notify", "NOTIFY_DATABASE"),
        ("screening", "SCREENING_DATABASE"),
        ("screening", "SCREENING_VAULT_DATABASE"),
    ],
)
async def test_no_service_serves_a_database_that_is_half_restored(
    service: str, variable: str, mongo_url: str, rabbit: RabbitBackend, tmp_path: Path
) -> None:
    async with running(tmp_path, mongo_url=mongo_url, rabbit=rabbit, services=()) as system:
        name = system.environment[f"STILLPOINT_{variable}"]
        async with mongo.connect(SecretStr(mongo_url), name) as database:
            await database[COLLECTION].insert_one({"_id": RESTORING})
            command = (sys.executable, "-m", f"services.{service}")
            environment = {**os.environ, **system.environment, "STILLPOINT_PORT": "0"}
            process = await asyncio.create_subprocess_exec(
                *command, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
            )
            _, said = await asyncio.wait_for(process.communicate(), 60)
            await database.client.drop_database(name)

    assert process.returncode == 1
    assert (
        said.decode().strip().endswith(f"{name} is being restored from a backup, or that was cut off: restore it again")
    )
