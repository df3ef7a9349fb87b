"""Broker and database end like in a power cut, or were never there: nothing is lost and all goes on by itself."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from deploy.devstack import broker, database
from deploy.devstack.broker import Broker
from deploy.devstack.database import Database
from services import topology
from services.screening.app import build
from services.screening.settings import Settings
from shared import httpkit, mongo
from shared.bus import Bus, inbox
from shared.events import Envelope, envelope
from shared.events.notify import ReplyConfirmed
from shared.relay import Relay
from shared.retry import DONE, Verdict
from tests.support.waiting import until

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BACK_WITHIN = 40


@pytest.fixture(scope="module")
async def private_broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Broker]:
    async with broker.started(tmp_path_factory.mktemp("outage-broker")) as started:
        wanted = topology.definitions({"booking": [ReplyConfirmed.name], "screening": []})
        await topology.apply(SecretStr(started.management_url), SecretStr(started.url), wanted)
        for service in ("booking", "screening"):
            await until(partial(started.survives_kill, inbox(service)))
        yield started


@pytest.fixture(scope="module")
async def private_database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with database.started(tmp_path_factory.mktemp("outage-database")) as started:
        yield started


@asynccontextmanager
async def desk(rabbit: Broker, db: Database, name: str) -> AsyncIterator[tuple[object, list[str], Bus]]:
    """Writes a thing with its event, and hears what was said."""
    heard: list[str] = []

    async def hear(event: Envelope[ReplyConfirmed]) -> Verdict:
        heard.append(event.subject)
        return DONE

    async with AsyncExitStack() as opened:
        things = (await opened.enter_async_context(mongo.connect(SecretStr(db.url), name)))["things"]
        bus = await opened.enter_async_context(Bus.connect(SecretStr(rabbit.url), service="booking"))
        await bus.consume({ReplyConfirmed: hear})
        relay = await opened.enter_async_context(Relay.open(bus, sweep=timedelta(milliseconds=300)))
        outbox = await relay.outbox(things)
        await until(lambda: bus.ready)

        async def write(subject: str) -> None:
            fact = ReplyConfirmed(appointment=subject, received_at=NOW)
            said = [envelope(fact, subject=subject, practice="stillwater", sequence=1, at=NOW)]
            await things.insert_one({"_id": subject, "outbox": outbox.entries(said)})
            outbox.hand_over(subject, said)

        yield write, heard, bus


async def test_what_was_written_while_the_broker_was_away_is_said_when_it_is_back(
    private_broker: Broker, private_database: Database
) -> None:
    async with desk(private_broker, private_database, "broker_away") as (write, heard, bus):
        await write("before")
        await until(lambda: heard == ["before"])

        await private_broker.kill()
        await until(lambda: not bus.ready)
        for n in range(20):
            await write(f"during {n}")
        await private_broker.start()

        await until(lambda: bus.ready, within=BACK_WITHIN)
        await until(lambda: set(heard) >= {f"during {n}" for n in range(20)}, within=BACK_WITHIN)
        await write("after")
        await until(lambda: "after" in heard)


async def test_the_database_may_die_and_come_back(private_broker: Broker, private_database: Database) -> None:
    async with desk(private_broker, private_database, "database_away") as (write, heard, _):
        await write("before")
        await until(lambda: heard == ["before"])

        await private_database.kill()
        await private_database.start()

        await write("after")
        await until(lambda: "after" in heard, within=BACK_WITHIN)


async def test_a_service_starts_without_its_broker_says_so_and_finds_it_later(
    private_broker: Broker, private_database: Database, tmp_path: Path
) -> None:
    await private_broker.kill()
    settings = Settings(
        mongo_url=SecretStr(private_database.url),
        rabbit_url=SecretStr(private_broker.url),
        signing_key=SecretStr("s" * 32),
        operator_key=SecretStr("o" * 32),
        public_origin="http://127.0.0.1:1",
        screening_master_key=SecretStr(base64.b64encode(bytes(96)).decode()),
    )
    app = httpkit.mounted({"screening": await build(settings)})
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/screening/health/live")).status == 200
        assert (await client.get("/screening/health/ready")).status == 503

        await private_broker.start()

        async def ready() -> bool:
            return (await client.get("/screening/health/ready")).status == 200

        await until(ready, within=BACK_WITHIN)
