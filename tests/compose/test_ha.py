"""deploy/ha on a real engine: whatever one member is killed, what was accepted stays, once, and is texted once."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from tests.compose.members import DATABASES, Member, members, opened, primary, secret
from tests.compose.stack import HA, Stack, running
from tests.support import auditor
from tests.support.running import UNLIMITED
from tests.support.storm import Refused, Storm
from tests.support.waiting import until

BROKERS = ("rabbitmq", "rabbitmq-2", "rabbitmq-3")
CLIENTS = 2
SEED = 20261123
RECOVERS_WITHIN = 60.0


@pytest.fixture(scope="module")
async def cluster(host: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("ha")
    unlimited = {f"STILLPOINT_{name.upper()}": str(value) for name, value in UNLIMITED.items()}
    at_once = {"STILLPOINT_NOTIFY_SEGMENTS_PER_SECOND": "0"}
    services = {"booking": {"environment": unlimited}, "notify": {"environment": at_once}}
    (folder / "storm.json").write_text(json.dumps({"services": services}))
    async with running(folder, host, HA, str(folder / "storm.json")) as started:
        yield started


class Gateway:
    """The stack as the storm knows a system: every replica stands behind one origin."""

    def __init__(self, stack: Stack) -> None:
        self.origins = dict.fromkeys(("booking", "booking-2", "screening", "notify"), stack.origin)
        self.environment = {"STILLPOINT_SIGNING_KEY": secret(stack, "signing_key")}


async def test_brokers_and_databases_are_three_and_each_queue_has_three_copies(cluster: Stack) -> None:
    async with opened(cluster, "admin") as database:
        states = Counter(one["stateStr"] for one in (await database.command("replSetGetStatus"))["members"])
    assert states == {"PRIMARY": 1, "SECONDARY": 2}

    queues = await _management(cluster, "queues/stillpoint")
    assert {queue["name"]: len(queue["online"]) for queue in queues} == {queue["name"]: 3 for queue in queues}
    assert {queue["name"] for queue in queues} >= {"booking.inbox", "screening.inbox", "notify.inbox"}


@pytest.mark.long
async def test_whatever_is_killed_nothing_accepted_is_lost_and_nothing_comes_twice(
    cluster: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    timeout = aiohttp.ClientTimeout(total=20)
    async with opened(cluster, "stillpoint_booking") as database, aiohttp.ClientSession(timeout=timeout) as http:
        system: Any = Gateway(cluster)
        storm = Storm(system, http, secret(cluster, "operator_key"), database, random.Random(SEED), leaves=0.9)
        await storm.open()
        storming = [asyncio.create_task(_storms(storm)) for _ in range(CLIENTS)]
        recovered: dict[str, float] = {}
        for name in ("broker", "database", "booking", "screening", "notify", "gateway"):
            victim = await _victim(cluster, name)
            victim.kill()
            recovered[name] = await _recovers(storm)
            await until(lambda at=victim: _is_back(cluster, at), within=RECOVERS_WITHIN)
        for one in storming:
            one.cancel()
        await asyncio.gather(*storming, return_exceptions=True)
        with capsys.disabled():
            told = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in recovered.items())
            sys.stdout.write(f"\nkilled, until the next visit was confirmed: {told}; {dict(storm.done)}\n")

    async with opened(cluster, "stillpoint_booking") as database:
        await until(lambda: auditor.quiet(database), within=90)
        assert await auditor.findings(database) == []
        alone = {"state": "confirmed", "seat": None}  # the visits of a course are told of in one text
        confirmed = [one["_id"] async for one in database["appointments"].find(alone, {"_id": 1})]
        kept = {one["_id"] async for one in database["appointments"].find({}, {"_id": 1})}
    assert set(storm.accepted) <= kept
    assert storm.broken == []
    assert confirmed
    await until(lambda: _each_is_texted(cluster, confirmed), within=90)
    assert await _texted_twice(cluster) == []


async def _storms(storm: Storm) -> None:
    while True:
        await storm.client(seconds=5)


async def _victim(stack: Stack, name: str) -> Member:
    if name == "database":
        return await primary(stack)
    return (await members(stack, "rabbitmq-2" if name == "broker" else name))[0]


async def _recovers(storm: Storm) -> float:
    """Seconds until a visit that is held now is confirmed, which takes every part of the product."""
    begun = time.monotonic()
    while time.monotonic() - begun < RECOVERS_WITHIN:
        with suppress(Refused):
            await storm.confirmed_visit()
            return time.monotonic() - begun
    raise AssertionError(f"nothing is confirmed any more: {storm.refused}")


async def _is_back(stack: Stack, victim: Member) -> bool:
    states = [
        one["State"] for part in _parts() for one in await stack.replicas(part) if one["Name"] == f"/{victim.name}"
    ]
    return [state["Running"] and state["Health"]["Status"] == "healthy" for state in states] == [True]


def _parts() -> tuple[str, ...]:
    return (*BROKERS, *DATABASES, "booking", "screening", "notify", "gateway")


async def _each_is_texted(stack: Stack, confirmed: list[str]) -> bool:
    async with opened(stack, "stillpoint_notify") as database:
        sent = database["messages"].find(
            {"step": {"$in": ["booked", "moved"]}, "state": {"$in": ["sent", "delivered"]}}
        )
        texted = {one["_id"].partition("/")[0] async for one in sent}
    return set(confirmed) <= texted


async def _texted_twice(stack: Stack) -> list[str]:
    """By what the provider says: each text has a link of its own, so equal words to one number are one text twice."""
    async with aiohttp.ClientSession() as http, http.get(f"{stack.phone_origin}/emulator/messages") as answer:
        texts = (await answer.json())["messages"]
    counted = Counter((text["to"], text["body"]) for text in texts if text["direction"] != "inbound")
    return [f"{body} to {number}" for (number, body), count in counted.items() if count > 1]


async def _management(stack: Stack, path: str) -> list[dict[str, Any]]:
    [broker] = await members(stack, "rabbitmq")
    user, _, password = secret(stack, "rabbit_management_url").removeprefix("http://").partition("@")[0].partition(":")
    headers = {"Authorization": aiohttp.encode_basic_auth(user, password)}
    url = f"http://{broker.address}:15672/api/{path}"
    async with aiohttp.ClientSession(headers=headers) as http, http.get(url, raise_for_status=True) as answer:
        found: list[dict[str, Any]] = await answer.json()
    return found
