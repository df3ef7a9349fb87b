"""The relay on a real database and broker: what was written is said, at least once, and then forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from services import topology
from shared import mongo
from shared.bus import Bus
from shared.clock import utc_now
from shared.events import Envelope, envelope
from shared.events.notify import ReplyConfirmed
from shared.mongo import Collection, Document
from shared.relay import GRACE, Outbox, Relay
from shared.retry import DONE, Verdict
from tests.support.backends import RabbitBackend
from tests.support.waiting import until

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def said(subject: str, sequence: int = 1) -> Envelope[ReplyConfirmed]:
    fact = ReplyConfirmed(appointment=subject, received_at=NOW)
    return envelope(fact, subject=subject, practice="stillwater", sequence=sequence, at=NOW)


@dataclass(slots=True)
class Desk:
    """One replica that writes and relays, and everything that was heard of it."""

    outbox: Outbox
    things: Collection
    heard: list[str]

    async def left(self) -> int:
        return await self.things.count_documents({"outbox.0": {"$exists": True}})

    async def write(self, subject: str) -> None:
        events = [said(subject)]
        await self.things.insert_one({"_id": subject, "version": 1, "outbox": self.outbox.entries(events)})
        self.outbox.hand_over(subject, events)


@pytest.fixture
async def topology_url(rabbit: RabbitBackend) -> SecretStr:
    wanted = topology.definitions({"booking": [ReplyConfirmed.name]})
    await topology.apply(SecretStr(rabbit.management_url), SecretStr(rabbit.url), wanted)
    return SecretStr(rabbit.url)


@asynccontextmanager
async def replica(mongo_url: str, database: str, url: SecretStr, *, listens: bool = True) -> AsyncIterator[Desk]:
    heard: list[str] = []

    async def hear(event: Envelope[ReplyConfirmed]) -> Verdict:
        heard.append(event.id)
        return DONE

    async with AsyncExitStack() as opened:
        db = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database))
        bus = await opened.enter_async_context(Bus.connect(url, service="booking"))
        if listens:
            await bus.consume({ReplyConfirmed: hear})
        relay = await opened.enter_async_context(Relay.open(bus, sweep=timedelta(milliseconds=200)))
        outbox = await relay.outbox(db["things"])
        await until(lambda: bus.ready)
        yield Desk(outbox, db["things"], heard)


@pytest.fixture
async def desk(mongo_url: str, database_name: str, topology_url: SecretStr) -> AsyncIterator[Desk]:
    async with replica(mongo_url, database_name, topology_url) as one:
        yield one


def left_behind(outbox: Outbox, subject: str) -> Document:
    """What a process leaves that was killed between its write and its publishing."""
    entries = outbox.entries([said(subject)])
    return {
        "_id": subject,
        "version": 1,
        "outbox": [{**entry, "at": entry["at"] - timedelta(minutes=1)} for entry in entries],
    }


async def test_what_is_written_is_published_at_once_and_cleared(desk: Desk) -> None:
    await desk.write("a1")

    await until(lambda: desk.heard == ["a1:1:reply.confirmed"], within=1.5)
    await until(lambda: _none(desk))


async def _none(desk: Desk) -> bool:
    return await desk.left() == 0


async def test_what_a_killed_process_left_behind_is_swept(desk: Desk) -> None:
    await desk.things.insert_one(left_behind(desk.outbox, "a1"))

    await until(lambda: desk.heard == ["a1:1:reply.confirmed"])
    await until(lambda: _none(desk))


async def test_the_next_natural_write_clears_what_was_published_and_keeps_what_was_not(desk: Desk) -> None:
    await desk.write("a1")
    await until(lambda: desk.outbox._published["a1"])
    await desk.things.update_one(
        {"_id": "a1"}, {"$push": {"outbox": {"id": "unpublished", "at": NOW + timedelta(days=9999)}}}
    )

    change = desk.outbox.update(
        "a1", set_={"name": "$literal"}, push={"log": [1]}, unset=["version"], said=[said("a1", 2)]
    )
    await desk.things.update_one({"_id": "a1"}, change)

    after = await desk.things.find_one({"_id": "a1"})
    assert after is not None
    assert [entry["id"] for entry in after["outbox"]] == ["unpublished", "a1:2:reply.confirmed"]
    assert (after["name"], after["log"], "version" in after) == ("$literal", [1], False)


async def test_one_of_two_replicas_sweeps_at_a_time(
    mongo_url: str, database_name: str, topology_url: SecretStr
) -> None:
    async with (
        replica(mongo_url, database_name, topology_url) as one,
        replica(mongo_url, database_name, topology_url, listens=False) as other,
    ):
        await one.things.insert_many([left_behind(one.outbox, f"a{n}") for n in range(150)])

        await until(lambda: _none(one))
        await until(lambda: len(one.heard) >= 150)

    assert len(one.heard) == len(set(one.heard)) == 150
    assert other.heard == []


async def test_events_nobody_is_bound_to_stay_and_hold_nobody_up(desk: Desk) -> None:
    stuck = [left_behind(desk.outbox, f"stuck{n}") for n in range(120)]
    for document in stuck:
        document["outbox"][0]["name"] = "nobody.hears.this.v1"
    await desk.things.insert_many([*stuck, left_behind(desk.outbox, "a1") | {"at": NOW}])

    await until(lambda: desk.heard == ["a1:1:reply.confirmed"], within=15)
    assert await desk.left() >= 120


async def test_the_age_of_what_nobody_is_bound_to_grows_between_tries_too(desk: Desk) -> None:
    stuck = left_behind(desk.outbox, "stuck")
    stuck["outbox"][0]["name"] = "nobody.hears.this.v1"
    await desk.things.insert_one(stuck)

    async def tried_again() -> bool:
        entry = (await desk.things.find_one({"_id": "stuck"}) or stuck)["outbox"][0]
        return bool(entry["at"] > stuck["outbox"][0]["at"])

    await until(tried_again)
    now = utc_now()
    assert await desk.outbox.left_behind(now - GRACE) == []  # it waits at the back of the line
    age = REGISTRY.get_sample_value("outbox_oldest_seconds", {"collection": "things"})

    assert age == pytest.approx(60, abs=20)

    await desk.things.delete_one({"_id": "stuck"})
    await desk.outbox.left_behind(utc_now() - GRACE)
    assert REGISTRY.get_sample_value("outbox_oldest_seconds", {"collection": "things"}) == 0


async def test_the_sweep_is_served_by_an_index_and_reads_only_what_is_left(desk: Desk) -> None:
    await desk.things.insert_many([{"_id": f"old{n}", "outbox": []} for n in range(500)])
    await desk.things.insert_one(
        left_behind(desk.outbox, "a1") | {"_id": "far", "outbox": [{"id": "x", "name": "n", "body": "", "at": NOW}]}
    )

    plan = await desk.things.database.command(
        "explain",
        {"find": "things", "filter": {"outbox.at": {"$lte": NOW}}, "sort": {"outbox.at": 1}},
        verbosity="executionStats",
    )

    assert plan["executionStats"]["totalDocsExamined"] <= 2
