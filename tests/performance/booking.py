"""From a client's request to its confirmation: latency and bookings per second beside the floor, in one run.

Booking and screening run as two processes each time, on one private broker and database; the answers are in
before the clock starts, so the way is: request over HTTP, one write, the broker, one write with the decision,
the broker, one write that confirms, the broker. A listener of our own on the exchange stops the clock.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import product as product_of
from pathlib import Path

import aio_pika
import aiohttp
import uvloop
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from deploy.devstack import broker, database, ports
from deploy.devstack.child import Child
from deploy.devstack.programs import PROJECT
from services import topology
from tests.performance.practice import PRACTICE, profile
from tests.support.backends import RabbitBackend, fresh_vhost
from tests.support.running import OPERATOR_KEY, running
from tests.support.story import Booking, Refused, Widget
from tests.support.waiting import until

CONFIRMED = "booking.appointment.confirmed.v1"
GOLDEN = Path(__file__).parents[1] / "contract" / "events" / f"{CONFIRMED}.json"
ROLES = ("booking", "screening")
ROUNDS = int(os.environ.get("ROUNDS", "3"))
EACH = int(os.environ.get("EACH", "150"))
CLIENTS = (1, 8)
WARM_UP = 40
NEEDED = EACH * ROUNDS * len(CLIENTS) + WARM_UP

Ask = Callable[[str], Awaitable[object]]


@dataclass(slots=True)
class Clock:
    """Stops when the confirmation of a subject is on the exchange."""

    waiting: dict[str, asyncio.Future[float]]

    @classmethod
    @asynccontextmanager
    async def listening(cls, url: str) -> AsyncIterator[Clock]:
        clock = cls({})
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind("stillpoint.events", CONFIRMED)
            await queue.consume(clock.heard, no_ack=True)
            yield clock

    async def heard(self, message: aio_pika.abc.AbstractIncomingMessage) -> None:
        waiting = self.waiting.pop(json.loads(message.body)["subject"], None)
        if waiting is not None and not waiting.done():
            waiting.set_result(time.perf_counter())

    async def time(self, subject: str, ask: Ask) -> float:
        self.waiting[subject] = done = asyncio.get_running_loop().create_future()
        begun = time.perf_counter()
        await ask(subject)
        return await asyncio.wait_for(done, 30) - begun


@dataclass(frozen=True, slots=True)
class Figure:
    """`cpu_ms` is what both service processes used for one booking."""

    p50_ms: float
    p95_ms: float
    per_second: float
    cpu_ms: float


@dataclass(slots=True)
class Contestant:
    """A system to measure: how to ask it, on which subjects, and whose processor time counts."""

    name: str
    clock: Clock
    ask: Ask
    subjects: list[str]
    processes: Sequence[int]

    async def measure(self, count: int, clients: int) -> Figure:
        """Each client asks, waits for the confirmation, and asks again."""
        left = [self.subjects.pop() for _ in range(count)]
        took: list[float] = []

        async def client() -> None:
            while left:
                took.append(await self.clock.time(left.pop(), self.ask))

        used, begun = self._used(), time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        whole, used = time.perf_counter() - begun, self._used() - used
        cuts = statistics.quantiles(took, n=20)
        return Figure(statistics.median(took) * 1e3, cuts[18] * 1e3, count / whole, used * 1e3 / count)

    def _used(self) -> float:
        """Seconds of processor time so far."""
        ticks = 0
        for pid in self.processes:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def product(folder: Path, mongo_url: str, rabbit: RabbitBackend) -> AsyncIterator[Contestant]:
    async with AsyncExitStack() as opened:
        system = await opened.enter_async_context(
            running(folder, mongo_url=mongo_url, rabbit=rabbit, services=ROLES, booking_hold_minutes="120")
        )
        clock = await opened.enter_async_context(Clock.listening(rabbit.url))
        http = await opened.enter_async_context(aiohttp.ClientSession())
        widget = Widget(http, system.origins, PRACTICE, OPERATOR_KEY)
        await widget.call("PUT", f"/booking/v1/practices/{PRACTICE}", token=OPERATOR_KEY, body=profile())
        bookings = await _prepared(widget)
        numbers = iter(range(1_000_000))

        async def ask(id_: str) -> None:
            await bookings[id_].request(f"+41791{next(numbers):06d}")

        pids = [child.process.pid for child in system.children.values()]
        yield Contestant("product", clock, ask, list(bookings), pids)


async def _prepared(widget: Widget) -> dict[str, Booking]:
    """Held, with the answers in."""
    answers = await until(partial(_answers, widget))
    held: dict[str, Booking] = {}
    slots = iter(await _slots(widget))

    async def prepare() -> None:
        for slot in slots:
            booking = await widget.hold("session", slot)
            await booking.answer(answers)
            held[booking.id] = booking

    await asyncio.gather(*(prepare() for _ in range(8)))
    return held


async def _answers(widget: Widget) -> dict[str, object] | None:
    try:
        return await widget.clear_answers("session")
    except Refused:
        return None  # the practice is still on its way to screening


async def _slots(widget: Widget) -> list[dict[str, str]]:
    """Starts an hour apart, so that they do not touch, with every practitioner."""
    found: list[dict[str, str]] = []
    for person in profile()["practitioners"]:
        times = await widget.times("session", practitioner=person["id"], days="14")
        found += [slot for slot in times if slot["starts_at"][14:16] == "00"]
    assert len(found) >= NEEDED, f"only {len(found)} of {NEEDED} slots"
    return found[:NEEDED]


@asynccontextmanager
async def floor(folder: Path, mongo_url: str, rabbit: RabbitBackend) -> AsyncIterator[Contestant]:
    await topology.apply(SecretStr(rabbit.management_url), SecretStr(rabbit.url))
    payload = json.dumps(json.loads(GOLDEN.read_text())["data"])
    subjects = await _filled(mongo_url, json.loads(payload))
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "FLOOR_PAYLOAD": payload}
    environment |= {"STILLPOINT_MONGO_URL": mongo_url, "STILLPOINT_RABBIT_URL": rabbit.url}
    roles = {role: ports.free() for role in ROLES}
    pids = []
    async with AsyncExitStack() as opened:
        for role, port in roles.items():
            command = (sys.executable, "-m", "tests.performance.floor", role)
            env = {**environment, "STILLPOINT_PORT": str(port)}
            child = await Child.start(role, command, log=folder / f"floor-{role}.log", env=env)
            opened.push_async_callback(child.stop)
            await child.ready(partial(_open, port), within=timedelta(seconds=20))
            pids.append(child.process.pid)
        clock = await opened.enter_async_context(Clock.listening(rabbit.url))
        http = await opened.enter_async_context(aiohttp.ClientSession())

        async def ask(subject: str) -> None:
            url = f"http://{ports.LOOPBACK}:{roles['booking']}/request/{subject}"
            async with http.post(url, json=json.loads(payload)["client"]) as answer:
                await answer.read()

        yield Contestant("floor", clock, ask, subjects, pids)


async def _filled(mongo_url: str, filler: object) -> list[str]:
    """Documents of about the product's size, for both roles."""
    client: AsyncMongoClient[dict[str, object]]
    subjects = [f"f{n:025d}" for n in range(NEEDED)]
    async with AsyncMongoClient(mongo_url) as client:
        for role in ROLES:
            await client["floor"][role].insert_many(
                [{"_id": i, "version": 1, "outbox": [], "history": [], "filler": filler} for i in subjects]
            )
    return subjects


async def _open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(ports.LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    return True


def middle(figures: Sequence[Figure], what: str) -> float:
    return statistics.median(getattr(figure, what) for figure in figures)


def told(results: Mapping[tuple[str, int], Sequence[Figure]]) -> str:
    lines = []
    for (name, clients), figures in sorted(results.items(), key=lambda item: item[0][1]):
        p50, p95, rate, cpu = (middle(figures, what) for what in ("p50_ms", "p95_ms", "per_second", "cpu_ms"))
        lines.append(
            f"{name:8} {clients} clients: p50 {p50:6.1f} ms, p95 {p95:6.1f} ms, {rate:6.1f} bookings/s, "
            f"{cpu:5.2f} ms of CPU a booking"
        )
    for clients in CLIENTS:
        ours, bare = results["product", clients], results["floor", clients]
        p50, rate = (middle(ours, what) / middle(bare, what) for what in ("p50_ms", "per_second"))
        lines.append(
            f"ratio    {clients} clients: p50 {p50:.2f} (bar: at most 1.6), bookings/s {rate:.2f} (bar: 0.6 or more)"
        )
    return "\n".join(lines)


async def main() -> None:
    results: dict[tuple[str, int], list[Figure]] = {}
    async with AsyncExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        b = await opened.enter_async_context(broker.started(folder / "rabbit"))
        d = await opened.enter_async_context(database.started(folder / "mongo"))
        server = RabbitBackend(b.url, b.management_url)
        contestants = []
        for begin in (product, floor):
            vhost = await opened.enter_async_context(fresh_vhost(server))
            contestants.append(await opened.enter_async_context(begin(folder, d.url, vhost)))
        for contestant in contestants:
            await contestant.measure(WARM_UP, 4)
        # In turn, so that a machine that slows down slows both.
        for clients, contestant in product_of(list(CLIENTS) * ROUNDS, contestants):
            results.setdefault((contestant.name, clients), []).append(await contestant.measure(EACH, clients))
    sys.stdout.write(told(results) + "\n")


if __name__ == "__main__":
    uvloop.run(main())
