"""Due texts to the provider: throughput, CPU and lateness beside the bare drivers, Celery and APScheduler, in one run.

All of them make the same POSTs to the same stub, ten at a time: at once, and with 50 ms a POST. The clock starts when
the texts are due; that Celery fetches its tasks before then counts for it. `python -m tests.performance.texts kills`
measures one part alone.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import aiohttp
import uvloop

from deploy.devstack import broker, database, ports
from deploy.devstack.child import Child
from deploy.devstack.programs import PROJECT
from tests.performance.text_contestants import APScheduler, Celery, Contestant, Floor, Place, Product, soon
from tests.performance.text_load import FORTY_DAYS, texts

ROUNDS = int(os.environ.get("ROUNDS", "3"))
EACH = int(os.environ.get("EACH", "1500"))
SLOW_EACH = int(os.environ.get("SLOW_EACH", "600"))
PLANNED = int(os.environ.get("PLANNED", "1000000"))
KILLS = int(os.environ.get("KILLS", "20"))
AHEAD = int(os.environ.get("AHEAD", "20000"))
SLOW = 0.05
PACE, PACE_SECONDS = 20, 20
LEAD = 4.0


@dataclass(frozen=True, slots=True)
class Figure:
    """What became of texts that were due at the same time; `cpu_ms` is of the contestant's processes, a text."""

    per_second: float
    cpu_ms: float
    late: Sequence[float]
    lost: int
    twice: int


async def measure(one: Contestant, count: int, *, lead: float = LEAD, apart: float = 0.0) -> Figure:
    at = soon(lead)
    due = texts([at + timedelta(seconds=apart * n) for n in range(count)])
    await one.plan(due)
    if soon(0) > at:
        raise SystemExit(f"{one.name} was given its texts too late; raise LEAD")
    await asyncio.sleep((at - soon(0)).total_seconds())
    used = one.used
    await _until(lambda: _all_there(one, count))
    await _until(lambda: _none_waits(one))
    used = one.used - used
    seen = await one.place.ask("/seen?forget=1")
    first = [seen["first"].get(text.to) for text in due]
    late = [arrived - text.due.timestamp() for arrived, text in zip(first, due, strict=True) if arrived]
    return Figure(count / max(late), used * 1e3 / count, late, first.count(None), seen["twice"])


async def _until(done: Callable[[], Awaitable[bool]], within: float = 120.0) -> None:
    async with asyncio.timeout(within):
        while not await done():  # noqa: ASYNC110  other processes set no event of ours
            await asyncio.sleep(0.05)


async def _all_there(one: Contestant, count: int) -> bool:
    return bool(await one.place.ask("/count") >= count)


async def _none_waits(one: Contestant) -> bool:
    return await one.waiting() == 0


def middle(figures: Sequence[Figure], what: str) -> float:
    return statistics.median(getattr(figure, what) for figure in figures)


def told(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


BARS: Mapping[str, float] = {"floor": 0.6, "celery": 1.0, "apscheduler": 1.2}


async def side_by_side(place: Place) -> None:
    """Throughput and CPU of all, in turn, so that a machine that slows down slows all."""
    contestants = [Product(place), Product(place, name="two workers", database="two", workers=2)]
    contestants += [Floor(place), Celery(place), APScheduler(place)]
    for one in contestants:
        await one.opened()
        await one.start()
        await measure(one, 100)
    for seconds, count in ((0.0, EACH), (SLOW, SLOW_EACH)):
        await place.ask(f"/pace?seconds={seconds}")
        results: dict[str, list[Figure]] = {}
        for one in contestants * ROUNDS:
            results.setdefault(one.name, []).append(await measure(one, count))
        _tell(results, seconds)
    for one in contestants:
        await one.kill()
    await place.ask("/pace?seconds=0")


def _tell(results: Mapping[str, Sequence[Figure]], seconds: float) -> None:
    for name, figures in results.items():
        lost, twice = (sum(getattr(figure, what) for figure in figures) for what in ("lost", "twice"))
        told(
            f"{name:12} {seconds * 1e3:3.0f} ms a POST: {middle(figures, 'per_second'):7.1f} texts/s, "
            f"{middle(figures, 'cpu_ms'):5.2f} ms of CPU a text, lost {lost}, twice {twice}"
        )
    ours = results["product"]
    for name, bar in BARS.items():
        rate, cpu = (middle(ours, what) / middle(results[name], what) for what in ("per_second", "cpu_ms"))
        less = "" if name == "floor" else " (bar: below 1)"
        told(f"ratio to {name}: texts/s {rate:.2f} (bar: {bar} or more), CPU {cpu:.2f}{less}")


async def planned(place: Place) -> None:
    """The same with a tenth of the texts planned ahead and with all; then 20 a second with all."""
    small = Product(place, name="few planned", database="few")
    large = Product(place, name="all planned", database="many")
    for one, number in ((small, PLANNED // 10), (large, PLANNED)):
        await one.opened()
        await one.start()
        await measure(one, 100)  # its indexes are there now
        await one.load.plan_ahead(number)
    results: dict[str, list[Figure]] = {}
    for one in [small, large] * ROUNDS:
        results.setdefault(one.name, []).append(await measure(one, EACH))
    few, many = (results[one.name] for one in (small, large))
    cpu = middle(many, "cpu_ms") / middle(few, "cpu_ms")
    rate = middle(few, "per_second") / middle(many, "per_second")
    told(
        f"{PLANNED} planned beside {PLANNED // 10}: {middle(many, 'per_second'):.1f} and "
        f"{middle(few, 'per_second'):.1f} texts/s, time a text {rate:.2f}, CPU a text {cpu:.2f} (bar: at most 1.15)"
    )
    await small.kill()
    await pace(large)
    await large.kill()


async def pace(one: Contestant) -> None:
    figure = await measure(one, PACE * PACE_SECONDS, apart=1 / PACE)
    cuts = statistics.quantiles(figure.late, n=100)
    told(
        f"{one.name}: {PACE} a second: late p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s (bar: 1 s), "
        f"{figure.cpu_ms:.2f} ms of CPU a text, lost {figure.lost}, twice {figure.twice}"
    )


async def kills(place: Place) -> None:
    """Each is killed again and again while POSTs of 50 ms are under way; then all goes out that is left."""
    await place.ask(f"/pace?seconds={SLOW}")
    chance = random.Random(5)
    for one in (Product(place, name="product", database="killed"), Floor(place), Celery(place), APScheduler(place)):
        one.env |= {"LEASE": "2"}
        await one.opened()
        at = soon(LEAD)
        due = texts([at] * (KILLS * 60))
        await one.plan(due)
        await one.start()
        for _ in range(KILLS):
            before = await place.ask("/count")
            await _until(partial(_more, place, min(before + 1, len(due))))
            await asyncio.sleep(chance.uniform(0.05, 0.25))
            await one.kill()
            await one.start()
        await _settled(one, len(due))
        seen = await place.ask("/seen?forget=1")
        lost = len(due) - len(seen["first"])
        told(f"{one.name:12} {KILLS} kills: lost {lost} of {len(due)}, sent twice {seen['twice']}")
        await one.kill()
    await place.ask("/pace?seconds=0")


async def _more(place: Place, count: int) -> bool:
    return bool(await place.ask("/count") >= count)


async def _settled(one: Contestant, count: int) -> None:
    """All of them are there, or nothing more has come for a while."""
    quiet, seen = 0, -1
    while quiet < 60:
        now = await one.place.ask("/count")
        if now >= count and await one.waiting() == 0:
            return
        quiet = quiet + 1 if now == seen else 0
        seen = now
        await asyncio.sleep(0.2)


async def far_ahead(place: Place) -> None:
    """Texts that are due in forty days lie before one that is due now: how late is that one?"""
    for one in (Product(place, name="product", database="ahead"), Celery(place)):
        await one.opened()
        await one.start()
        await measure(one, 20)
        await one.plan(texts([soon(FORTY_DAYS.total_seconds())] * AHEAD))
        figure = await measure(one, 20, lead=0.5)
        told(
            f"{one.name:12} {AHEAD} due in 40 days before 20 due now: the last is {max(figure.late):.2f} s late, "
            f"the worker holds {one.held_mib} MiB"
        )
        await one.kill()


PARTS = {"side_by_side": side_by_side, "planned": planned, "kills": kills, "far_ahead": far_ahead}


async def main(wanted: Sequence[str]) -> None:
    async with AsyncExitStack() as opened:
        folder = Path(os.environ.get("KEEP") or opened.enter_context(tempfile.TemporaryDirectory()))
        b = await opened.enter_async_context(broker.started(folder / "rabbit"))
        d = await opened.enter_async_context(database.started(folder / "mongo"))
        http = await opened.enter_async_context(aiohttp.ClientSession())
        port = ports.free()
        env = {**os.environ, "PYTHONPATH": str(PROJECT), "STUB_PORT": str(port)}
        command = (sys.executable, "-m", "tests.performance.text_stub")
        stub = await Child.start("stub", command, log=folder / "stub.log", env=env)
        opened.push_async_callback(stub.stop)
        place = Place(folder, d.url, b.url, f"http://{ports.LOOPBACK}:{port}", http)
        await stub.ready(partial(_answers, place), within=timedelta(seconds=20))
        for part in wanted or PARTS:
            await PARTS[part](place)


async def _answers(place: Place) -> bool:
    try:
        return await place.ask("/count") == 0
    except aiohttp.ClientError:
        return False


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1:]))
