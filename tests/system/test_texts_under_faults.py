"""A provider that loses requests, answers and callbacks, workers that are killed: each text is there once."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from deploy.devstack import database as devstack_database
from deploy.devstack import ports
from deploy.twilio_emulator.account import Account
from deploy.twilio_emulator.app import started
from services.notify import documents
from services.notify.app import new_code
from services.notify.auditing import audited
from services.notify.domain.audit import Audit
from services.notify.domain.turns import AT_MOST_ONCE, CHASE
from services.notify.settings import Settings
from shared import mongo
from shared.bus import Bus
from shared.clock import utc_now
from shared.events import envelope
from tests.support import backends
from tests.support.backends import RabbitBackend, Source, fresh_vhost
from tests.support.faulty import WORKERS, Faulty, faults
from tests.support.notify_app import AWAKE, PRACTICE, practice_changed
from tests.support.one_text import STEPS, wanted
from tests.support.reckoning import Reckoning
from tests.support.running import NUMBER, OPERATOR_KEY, running
from tests.support.waiting import until

SID, TOKEN = "AC" + "5" * 32, "t" * 32
OTHER = "STILLPOINT_TEST_TEXTS"
# Three tries in a row of which nobody knows: so few of the texts that may be tried three times.
MOST_GIVEN_UP = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """So many texts, told as events or planted; waits are shortened by `factor`, kills that many seconds `apart`."""

    events: int
    planted: int
    a_second: int
    factor: float
    apart: tuple[float, float]

    @property
    def count(self) -> int:
        return self.events + self.planted


BOUNDED = Size(events=200, planted=800, a_second=160, factor=40, apart=(0.5, 1.5))
WHOLE = Size(events=2_000, planted=98_000, a_second=100, factor=10, apart=(10, 30))


@asynccontextmanager
async def faulty(
    folder: Path, mongo_url: str | None, rabbit: RabbitBackend, factor: float, seed: int
) -> AsyncIterator[Faulty]:
    """Two workers in a hurry and a provider; without a URL, a database whose power can be cut."""
    dice, port = random.Random(seed), ports.free()
    async with AsyncExitStack() as opened:
        server = None
        if mongo_url is None:
            server = await opened.enter_async_context(devstack_database.started(folder / "mongo"))
            mongo_url = server.url
        system = await opened.enter_async_context(
            running(
                folder,
                mongo_url=mongo_url,
                rabbit=rabbit,
                services=(),
                log_level="WARNING",
                notify_twilio_url=f"http://{ports.LOOPBACK}:{port}",
                notify_twilio_account_sid=SID,
                notify_twilio_auth_token=TOKEN,
            )
        )
        inbound = f"{system.origins['notify']}/notify/v1/twilio/inbound"
        account = Account(sid=SID, auth_token=TOKEN, number=NUMBER, inbound_url=inbound)
        provider = await opened.enter_async_context(started(account, port=port, dice=dice.random))
        connected = mongo.connect(SecretStr(mongo_url), system.environment["STILLPOINT_NOTIFY_DATABASE"])
        database = await opened.enter_async_context(connected)
        system.environment["HURRY"] = str(factor)
        system.commands |= dict.fromkeys(WORKERS, (sys.executable, "-m", "tests.support.hurried"))
        await asyncio.gather(system.start(WORKERS[0]), system.start_replica(WORKERS[1]))
        yield Faulty(
            system=system, emulator=provider.emulator, database=database, dice=dice, new_code=new_code, server=server
        )


def settings_of(world: Faulty) -> Settings:
    """As a process beside the workers would read them."""
    prefix = "STILLPOINT_"
    own = {name.removeprefix(prefix).lower(): value for name, value in world.system.environment.items()}
    return Settings(**{name: value for name, value in own.items() if name in Settings.model_fields})


async def audits(world: Faulty) -> list[Audit]:
    """Of every day, by Greenwich, that a text was sent on."""
    days = {text.sent_at.date() for text in world.emulator.messages if text.sent_at is not None}
    return [await audited(settings_of(world), day) for day in sorted(days)]


async def on_the_desk(world: Faulty) -> list[str]:
    """The ids of what did not arrive, as the practice is shown it, page by page."""
    where = f"{world.system.origins['notify']}/notify/v1/practices/{PRACTICE}/dead"
    headers, found, before = {"Authorization": f"Bearer {OPERATOR_KEY}"}, [], None
    async with aiohttp.ClientSession() as http:
        while True:
            query = {"limit": "100", "why": "unresolved"} | ({"before": before} if before else {})
            async with http.get(where, params=query, headers=headers) as answer:
                page = await answer.json()
            found += [one["appointment"] for one in page["dead"]]
            if (before := page.get("next")) is None:
                return found


async def rage(world: Faulty, size: Size) -> None:
    """Everything at once, until the last text was told; afterwards what it takes to settle."""
    texts = wanted(size.count)
    async with Bus.connect(SecretStr(world.system.environment["STILLPOINT_RABBIT_URL"]), service="notify") as bus:
        await until(lambda: bus.ready)
        fact = practice_changed(texting=AWAKE.model_copy(update={"steps": STEPS}))
        said = envelope(fact, subject=PRACTICE, practice=PRACTICE, sequence=1, at=utc_now())
        await bus.publish(said.to_json(), event_id=said.id, name=said.type, traceparent=None)
        kept = await until(lambda: world.database["practices"].find_one({"_id": PRACTICE}))
        assert kept is not None
        for fault in faults(size.factor):
            world.emulator.faults.add(fault)
        half = size.count / size.a_second / 2
        raging = (world.kill_now_and_then(size.apart), world.ask_in_words(), world.cut_the_power(half))
        under_way = [asyncio.create_task(each) for each in raging]
        await world.say(texts[: size.events], bus, a_second=size.a_second)
        await world.plant(texts[size.events :], documents.to_practice(kept), a_second=size.a_second)
    for task in under_way:
        task.cancel()
    for ended in await asyncio.gather(*under_way, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
    await world.calm()
    await world.settled(CHASE / size.factor * 2 + timedelta(minutes=8))
    world.emulator.faults.clear()


def told(found: Reckoning, world: Faulty, size: Size, checked: list[Audit], seed: int) -> str:
    ends = ", ".join(f"{count} {what}" for what, count in sorted(world.ends.items()))
    given_up = ", ".join(f"{count} {step}" for step, count in sorted(found.given_up.items())) or "none"
    listed, days = sum(audit.listed for audit in checked), len(checked)
    return f"""
{size.count} visits at {size.a_second} a second, waits {size.factor:.0f} times shorter, seed {seed}
workers and database: {ends}
{found.texts} texts at the provider, {found.answers} of them answers; {found.again} needed another try
{len(found.doubled)} there twice, {len(found.lost)} lost, {len(found.differing)} of which provider and database differ
given up and shown on the desk: {given_up}
audit of {days} day(s): {listed} listed, {"clean" if all(audit.is_clean for audit in checked) else checked}
late (and with whole waits): {found.lateness(size.factor)}
"""


@pytest.mark.timeout(2_700)
@pytest.mark.parametrize("size", [BOUNDED, pytest.param(WHOLE, marks=pytest.mark.long)], ids=["bounded", "whole"])
async def test_whatever_is_lost_and_killed_each_text_is_there_once(
    size: Size, mongo_url: str, rabbit_server: RabbitBackend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.randrange(1_000_000)
    own_server = size is WHOLE and backends.mongo_source() is Source.PROCESS
    if size is WHOLE and OTHER in os.environ:
        size = replace(size, planted=int(os.environ[OTHER]) - size.events)
    async with (
        fresh_vhost(rabbit_server) as rabbit,
        faulty(tmp_path, None if own_server else mongo_url, rabbit, size.factor, seed) as world,
    ):
        await rage(world, size)
        found, desk, checked = await world.reckoned(), await on_the_desk(world), await audits(world)

    with capsys.disabled():
        sys.stdout.write(told(found, world, size, checked, seed))
    assert (found.doubled, found.lost, found.differing) == ((), (), ()), f"seed {seed}"
    assert sorted(desk) == sorted(found.desk), f"seed {seed}"
    beyond = {step: count for step, count in found.given_up.items() if step not in AT_MOST_ONCE}
    assert sum(beyond.values()) <= max(size.count / MOST_GIVEN_UP, 1), f"seed {seed}: {beyond}"
    assert all(audit.is_clean for audit in checked), f"seed {seed}: {checked}"
    assert sum(audit.listed for audit in checked) == found.texts
    assert found.again > 0
    assert world.ends["killed"] > 0
    assert found.answers > 0
