"""What a broker and the way to it can do to a service: crash loops, alarms, black holes, lost bindings, restarts."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr
from yarl import URL

from deploy.devstack import broker
from deploy.devstack.broker import Broker
from services import topology
from shared.bus import DEAD, Bus, NotPublished, inbox, parked
from shared.events import Envelope
from shared.retry import DONE, Park, Verdict
from tests.integration.test_bus import NAME, Listener, in_queue, listening, publish, said
from tests.support.backends import RabbitBackend
from tests.support.proxy import linked
from tests.support.waiting import until

PROJECT = Path(__file__).parents[2]
SERVER_TOOLS = Path("/usr/lib/rabbitmq/bin")
EVENTS_AT_ONCE = 24


@pytest.fixture
async def url(rabbit: RabbitBackend) -> SecretStr:
    return await declared(rabbit, delivery_limit=topology.DELIVERY_LIMIT)


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def declared(rabbit: RabbitBackend, *, delivery_limit: int) -> SecretStr:
    wanted = topology.definitions({"booking": [NAME]})
    for policy in wanted["policies"]:
        if policy["name"] == inbox("booking"):
            policy["definition"]["delivery-limit"] = delivery_limit
    await topology.apply(SecretStr(rabbit.management_url), SecretStr(rabbit.url), wanted)
    return SecretStr(rabbit.url)


async def hearer(url: SecretStr, file: Path, dies_after: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.hearer", url.get_secret_value(), str(file), str(dies_after),
        env={**os.environ, "PYTHONPATH": str(PROJECT)}, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize(("limit", "innocents_are_parked"), [(topology.DELIVERY_LIMIT, False), (3, True)])
async def test_a_crash_loop_parks_no_innocent_message(
    rabbit: RabbitBackend, tmp_path: Path, limit: int, *, innocents_are_parked: bool
) -> None:
    """With a limit as low as is often advised, the same crashes would park them: the test can tell."""
    url, file = await declared(rabbit, delivery_limit=limit), tmp_path / "heard"
    async with Bus.connect(url, service="booking") as bus:
        await until(lambda: bus.ready)
        for number in range(EVENTS_AT_ONCE):
            await publish(bus, f"a{number}")
    for _ in range(8):
        crashing = await hearer(url, file, dies_after=8)
        assert await asyncio.wait_for(crashing.wait(), 30) == 9

    calm = await hearer(url, file, dies_after=0)
    if innocents_are_parked:
        await until(lambda: in_queue(url, parked("booking")), within=20)
    else:
        await until(lambda: len(lines(file)) >= EVENTS_AT_ONCE, within=20)
        assert Counter(lines(file)) == Counter(f"a{number}" for number in range(EVENTS_AT_ONCE))
        assert await in_queue(url, parked("booking")) is None
    calm.kill()
    await calm.wait()


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_a_message_that_kills_whoever_hears_it_is_parked_and_its_neighbours_are_heard(
    url: SecretStr, tmp_path: Path
) -> None:
    file = tmp_path / "heard"
    async with Bus.connect(url, service="booking") as bus:
        await until(lambda: bus.ready)
        await publish(bus, "kills everybody")
        await publish(bus, "neighbour")
    deaths = 0
    while await in_place(url, file):
        dying = await hearer(url, file, dies_after=0)
        with suppress(TimeoutError):
            await asyncio.wait_for(dying.wait(), 8)
            deaths += 1
        if dying.returncode is None:
            dying.kill()
            await dying.wait()

    letter = await in_queue(url, parked("booking"))
    assert letter is not None
    assert letter.body == said("kills everybody").to_json()
    assert 20 <= deaths <= 22
    assert set(lines(file)) == {"neighbour"}


async def in_place(url: SecretStr, file: Path) -> bool:
    """Whether the messages still lie where they are heard from; a look at the parked one would take it."""
    return not lines(file) or await in_queue_count(url, parked("booking")) == 0


async def in_queue_count(url: SecretStr, queue: str) -> int:
    import aio_pika  # noqa: PLC0415  for this count alone

    async with await aio_pika.connect(url.get_secret_value()) as connection:
        declared = await (await connection.channel()).declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0


async def test_twenty_restarts_under_load_bring_nothing_twice_and_lose_nothing(url: SecretStr) -> None:
    heard: Counter[str] = Counter()

    async def hear(event: Envelope[Any]) -> Verdict:
        await asyncio.sleep(0.005)
        heard[event.subject] += 1
        return DONE

    async def rolling() -> None:
        for _ in range(20):
            async with AsyncExitStack() as replica:
                bus = await listening(replica, url, hear)
                await asyncio.sleep(0.1)
                begun = time.monotonic()
                await bus.stop_consuming()
            assert time.monotonic() - begun < 10

    async with Bus.connect(url, service="booking") as saying:
        await until(lambda: saying.ready)
        restarts = asyncio.create_task(rolling())
        wanted = 0
        while not restarts.done():
            await publish(saying, f"a{wanted}")
            wanted += 1
        await restarts
        async with AsyncExitStack() as last:
            await listening(last, url, hear)
            await until(lambda: len(heard) == wanted)

    assert wanted > 100
    assert set(heard.values()) == {1}


async def test_a_black_hole_is_noticed_and_publishing_goes_on_when_it_ends(
    rabbit: RabbitBackend, url: SecretStr, opened: AsyncExitStack
) -> None:
    there = URL(url.get_secret_value())
    link = await opened.enter_async_context(linked(there.host or "", there.port or 5672))
    listener = Listener()
    bus = await listening(opened, SecretStr(str(there.with_host("127.0.0.1").with_port(link.port))), listener)
    await publish(bus, "before")

    link.swallow()
    begun = time.monotonic()
    with pytest.raises(NotPublished):
        await publish(bus, "swallowed")
    assert time.monotonic() - begun < 35
    link.cut()
    link.heal()

    await until(partial(published, bus, "after"), within=20)
    await until(lambda: {"before", "after"} <= set(listener.heard), within=20)


@pytest.mark.long
@pytest.mark.timeout(200)
async def test_a_black_hole_that_stays_is_noticed_by_its_silence(
    rabbit: RabbitBackend, url: SecretStr, opened: AsyncExitStack
) -> None:
    there = URL(url.get_secret_value())
    link = await opened.enter_async_context(linked(there.host or "", there.port or 5672))
    bus = await listening(opened, SecretStr(str(there.with_host("127.0.0.1").with_port(link.port))), Listener())

    link.swallow()

    await until(lambda: not bus.ready, within=60)
    link.heal()
    await until(lambda: bus.ready, within=30)


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_what_cannot_be_parked_yet_is_parked_when_the_binding_is_back(
    rabbit: RabbitBackend, url: SecretStr, opened: AsyncExitStack
) -> None:
    host = URL(rabbit.url).path.strip("/")
    where = f"bindings/{host}/e/{DEAD}/q/{parked('booking')}"
    await management(rabbit, "DELETE", f"{where}/booking")
    bus = await listening(opened, url, Listener(Park("nobody can use it")))

    await publish(bus, "a1")
    await asyncio.sleep(2)
    assert await in_queue(url, parked("booking")) is None
    await management(rabbit, "POST", where, {"routing_key": "booking"})

    letter = await until(lambda: in_queue(url, parked("booking")), within=240)
    assert letter.body == said("a1").to_json()


async def management(rabbit: RabbitBackend, method: str, path: str, body: Any = None) -> None:
    admin = URL(rabbit.management_url)
    headers = {"Authorization": aiohttp.encode_basic_auth(admin.user or "", admin.password or "")}
    target = admin.with_user(None).with_path(f"/api/{path}")
    async with (
        aiohttp.ClientSession(headers=headers, raise_for_status=True) as session,
        session.request(method, target, json=body),
    ):
        pass


@pytest.fixture
async def own_broker(tmp_path: Path) -> AsyncIterator[Broker]:
    """One that may be alarmed without harm to the tests beside this one."""
    async with broker.started(tmp_path / "broker") as started:
        wanted = topology.definitions({"booking": [NAME]})
        await topology.apply(SecretStr(started.management_url), SecretStr(started.url), wanted)
        await until(partial(started.survives_kill, inbox("booking")))
        yield started


async def test_an_alarm_blocks_who_publishes_and_nobody_who_listens(own_broker: Broker) -> None:
    heard: list[str] = []
    gate = asyncio.Event()

    async def hear(event: Envelope[Any]) -> Verdict:
        await gate.wait()
        heard.append(event.subject)
        return DONE

    async with AsyncExitStack() as opened:
        bus = await listening(opened, SecretStr(own_broker.url), hear, prefetch=2)
        for number in range(6):
            await publish(bus, f"before {number}")

        await rabbitmqctl(own_broker, "set_vm_memory_high_watermark", "absolute", "1MB")
        await until(partial(blocked, bus), within=30)
        gate.set()
        await until(lambda: len(set(heard)) >= 6)  # the alarm holds up nobody who listens

        await rabbitmqctl(own_broker, "set_vm_memory_high_watermark", "0.4")
        await until(partial(published, bus, "after"), within=60)
        await until(lambda: "after" in heard)


async def blocked(bus: Bus) -> bool:
    return not await published(bus, "in between")


async def published(bus: Bus, subject: str) -> bool:
    try:
        await publish(bus, subject)
    except NotPublished:
        return False
    return True


async def rabbitmqctl(own: Broker, *command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        str(SERVER_TOOLS / "rabbitmqctl"), *command, env=own._environment(),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, told.decode()
