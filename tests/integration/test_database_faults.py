"""Claims go on while the database's primary dies, freezes or steps down: what was told stands, and stands once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr
from pymongo.errors import PyMongoError

from services.booking.actions import Booking
from services.booking.domain.appointment import Appointment
from services.booking.ports import Kept
from services.booking.store import open_stores
from shared import mongo
from shared.bus import Bus
from shared.errors import Refusal
from shared.relay import Relay
from tests.integration.test_booking_races import Desk
from tests.support.auditor import findings
from tests.support.booking import HOUR, POLICY, TEN, Time, a_house, wants
from tests.support.replica_set import ReplicaSet, replica_set

CLIENTS = 8
Fault = Callable[[ReplicaSet], Awaitable[None]]
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
async def three(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ReplicaSet]:
    async with replica_set(tmp_path_factory.mktemp("three")) as made:
        yield made


@pytest.fixture
async def desk(three: ReplicaSet, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    name = "".join(letter for letter in request.node.name if letter.isalnum())[-30:]
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(three.url), name))
        stores = await open_stores(database, Relay(Bus(SecretStr("amqp://nobody"), "booking", 1)))
        await stores.practices.put(Kept(a_house(), 1), ())
        time = Time()
        yield Desk(Booking.of(stores, POLICY, time), database, time)


async def killed(three: ReplicaSet) -> None:
    await three.kill_primary()


async def frozen(three: ReplicaSet) -> None:
    await three.freeze_primary(8)


async def stepped_down(three: ReplicaSet) -> None:
    for _ in range(5):
        await three.step_down()
        await asyncio.sleep(1.5)


@pytest.mark.parametrize("fault", [killed, frozen, stepped_down])
async def test_what_was_told_stands_once_whatever_happens_to_the_primary(
    three: ReplicaSet, desk: Desk, fault: Fault
) -> None:
    dice, over = random.Random(2026), asyncio.Event()
    slots = [TEN - 4 * HOUR + timedelta(days=day, minutes=75 * n) for day in range(20) for n in range(10)]
    told: dict[str, Appointment] = {}
    refused: Counter[str] = Counter()

    async def client(number: int) -> None:
        turn = 0
        while not over.is_set():
            turn += 1
            await claim(f"{number}-{turn}", dice.choice(slots))

    async def claim(key: str, starts_at: datetime) -> None:
        """The same again until there is an answer, as a browser with an Idempotency-Key."""
        while True:
            try:
                told[key] = await desk.hold(wants(starts_at), key)
            except Refusal as refusal:
                refused[refusal.slug] += 1
            except PyMongoError:
                await asyncio.sleep(0.2)
                continue
            return

    clients = [asyncio.create_task(client(number)) for number in range(CLIENTS)]
    await asyncio.sleep(0.5)
    before = len(told)
    await fault(three)
    await asyncio.sleep(1)
    over.set()
    await asyncio.wait_for(asyncio.gather(*clients), 60)

    assert len(told) >= before > 0
    kept = {one["_id"] async for one in desk.database["appointments"].find({}, {"_id": 1})}
    assert {one.id for one in told.values()} == kept
    assert await findings(desk.database, answered=kept) == []
    for key, visit in random.Random(1).sample(sorted(told.items()), 5):  # asked again, the answer is the same
        assert (await desk.hold(wants(visit.starts_at), key)).id == visit.id
