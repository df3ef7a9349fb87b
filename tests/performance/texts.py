"""Due texts to the provider: throughput, CPU and lateness beside the bare drivers, Celery and APScheduler, in one run.

All of them make the same POSTs to the same stub, ten at a time: at once, and with 50 ms a POST; who is not measured is
held. The clock starts when the texts are due; that Celery fetches its tasks before then counts for it.
`python -m tests.performance.texts kills` measures one part alone.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

import aiohttp
import uvloop

from deploy.devstack import broker, database, ports
from deploy.devstack.child import Child
from deploy.devstack.programs import PROJECT
from services.notify.domain.sender import Limits
from tests.performance.text_contestants import APScheduler, Celery, Contestant, Floor, Place, Product, soon
from tests.performance.text_figures import LEAD, Bars, Figure, measure, middle, told, total, until
from tests.performance.text_load import FORTY_DAYS, texts

ROUNDS = int(os.environ.get("ROUNDS", "3"))
EACH = int(os.environ.get("EACH", "1500"))
SLOW_EACH = int(os.environ.get("SLOW_EACH", "600"))
PLANNED = int(os.environ.get("PLANNED", "1000000"))
KILLS = int(os.environ.get("KILLS", "20"))
THEIR_KILLS = int(os.environ.get("THEIR_KILLS", "5"))
AHEAD = int(os.environ.get("AHEAD", "20000"))
SLOW = 0.05
PACE, PACE_SECONDS = 20, 20
WIDE_OPEN = 1_000_000
NARROW, NARROW_SECONDS = 40, 10
FASTER: Mapping[str, float] = {"floor": 0.6, "celery": 1.0, "apscheduler": 1.2}
CHEAPER = ("celery", "apscheduler")


async def side_by_side(place: Place, bars: Bars) -> None:
    """Throughput and CPU of all, in turn, so that a machine that slows down slows all."""
    contestants = [Product(place), Product(place, name="two workers", database="two", workers=2)]
    contestants += [Floor(place), Celery(place), APScheduler(place)]
    await _warmed_up(contestants)
    for seconds, count in ((0.0, EACH), (SLOW, SLOW_EACH)):
        await place.ask(f"/pace?seconds={seconds}")
        _compared(await _in_turn(contestants, count), seconds, bars)
    for one in contestants:
        await one.kill()
    await place.ask("/pace?seconds=0")


async def _warmed_up(contestants: Sequence[Contestant]) -> None:
    for one in contestants:
        await one.opened()
        await one.start()
        await measure(one, 100)
        one.hold()


async def _in_turn(contestants: Sequence[Contestant], count: int) -> dict[str, list[Figure]]:
    results: dict[str, list[Figure]] = {}
    for one in [*contestants] * ROUNDS:
        one.go()
        results.setdefault(one.name, []).append(await measure(one, count))
        one.hold()
    return results


def _compared(results: Mapping[str, Sequence[Figure]], seconds: float, bars: Bars) -> None:
    how = f"at {seconds * 1e3:.0f} ms a POST"
    for name, figures in results.items():
        _tell(f"{name} {how}", figures)
    ours, two = results["product"], results["two workers"]
    for name, bar in FASTER.items():
        rate = middle(ours, "per_second") / middle(results[name], "per_second")
        bars.at_least(f"texts/s {how}, of {name}'s", rate, bar)
    for name in CHEAPER:
        for what, whose in (("cpu_ms", "own processes"), ("all_ms", "with the servers")):
            cpu = middle(ours, what) / middle(results[name], what)
            bars.below(f"CPU a text {how}, {whose}, of {name}'s", cpu, 1)
    bars.at_least(f"least share of two workers {how}", min(min(figure.shares) for figure in two), 0.25)
    bars.at_most(f"lost or sent twice by two workers {how}", total(two, "lost") + total(two, "twice"), 0)


def _tell(name: str, figures: Sequence[Figure]) -> None:
    told(
        f"{name}: {middle(figures, 'per_second'):.1f} texts/s, {middle(figures, 'cpu_ms'):.2f} ms of CPU a text, "
        f"{middle(figures, 'all_ms'):.2f} ms with the servers, "
        f"lost {total(figures, 'lost')}, twice {total(figures, 'twice')}"
    )


async def planned(place: Place, bars: Bars) -> None:
    """The same with a tenth of the texts planned ahead and with all; then 20 a second with all."""
    few = Product(place, name=f"{PLANNED // 10} planned", database="few")
    many = Product(place, name=f"{PLANNED} planned", database="many")
    await _warmed_up([few, many])  # their indexes are there now
    await few.load.plan_ahead(PLANNED // 10)
    await many.load.plan_ahead(PLANNED)
    await many.load.settled()
    results = await _in_turn([few, many], EACH)
    for name, figures in results.items():
        _tell(name, figures)
    beside = f"with {PLANNED} planned, of that with {PLANNED // 10}"
    for what, cost in (("cpu_ms", "CPU"), ("all_ms", "CPU with the database")):
        bars.at_most(
            f"{cost} a text {beside}", middle(results[many.name], what) / middle(results[few.name], what), 1.15
        )
    many.go()
    await _at_pace(many, bars)
    for one in (few, many):
        await one.kill()


async def _at_pace(one: Contestant, bars: Bars) -> None:
    figure = await measure(one, PACE * PACE_SECONDS, apart=1 / PACE)
    cuts = statistics.quantiles(figure.late, n=100)
    _tell(f"{one.name}, {PACE} a second", [figure])
    bars.at_most(f"{one.name}, {PACE} a second: seconds late, p99 (p50 is {cuts[49]:.2f})", cuts[98], 1)
    bars.at_most(f"{one.name}, {PACE} a second: lost or sent twice", figure.lost + figure.twice, 0)


async def kills(place: Place, bars: Bars) -> None:
    """Each is killed again and again while POSTs of 50 ms are under way; then all goes out that is left."""
    await place.ask(f"/pace?seconds={SLOW}")
    ours = Product(place, name="product", database="killed")
    lost, twice = await _killed(ours, KILLS)
    bars.at_most(f"lost by {KILLS} kills", lost, 0)
    bars.at_most(f"sent twice by {KILLS} kills", twice, 0)
    for one in (Floor(place), Celery(place), APScheduler(place)):
        lost, twice = await _killed(one, THEIR_KILLS)
        told(f"{one.name}, {THEIR_KILLS} kills: lost {lost}, sent twice {twice}")
    await place.ask("/pace?seconds=0")


async def _killed(one: Contestant, times: int) -> tuple[int, int]:
    """How many were lost, and how many sent twice; who has nothing left is not killed again."""
    chance = random.Random(5)
    one.env |= {"LEASE": "2"}
    await one.opened()
    due = texts([soon(LEAD)] * (times * 60))
    await one.plan(due)
    await one.start()
    for _ in range(times):
        before = await one.place.ask("/count")
        await until(partial(_more_or_done, one, min(before + 1, len(due))))
        await asyncio.sleep(chance.uniform(0.05, 0.25))
        await one.kill()
        await one.start()
    await _settled(one, len(due))
    seen = await one.place.ask("/seen?forget=1")
    await one.kill()
    return len(due) - len(seen["first"]), seen["twice"]


async def _more_or_done(one: Contestant, count: int) -> bool:
    return bool(await one.place.ask("/count") >= count or await one.waiting() == 0)


async def _settled(one: Contestant, count: int) -> None:
    """All of them are there, or nothing more has come for a while."""
    quiet, seen = 0, -1
    while quiet < 50:
        now = await one.place.ask("/count")
        if now >= count and await one.waiting() == 0:
            return
        quiet = quiet + 1 if now == seen else 0
        seen = now
        await asyncio.sleep(0.2)


async def far_ahead(place: Place, bars: Bars) -> None:
    """Texts that are due in forty days lie before some that are due now: how late is the last of those?"""
    for one in (Product(place, name="product", database="ahead"), Celery(place)):
        await one.opened()
        await one.start()
        await measure(one, 20)
        await one.plan(texts([soon(FORTY_DAYS.total_seconds())] * AHEAD))
        late = await _latest(one)
        behind = f"seconds late, behind {AHEAD} due in 40 days"
        if isinstance(one, Product):
            bars.at_most(behind, late, 1)
        else:
            told(f"{one.name}: {late:.2f} {behind}; its worker holds {one.held_mib} MiB")
        await one.kill()


async def _latest(one: Contestant) -> float:
    """Seconds; infinite where a text that is due does not come at all while we wait."""
    try:
        return max((await measure(one, 20, lead=0.5)).late)
    except TimeoutError:
        return math.inf


async def limits(place: Place, bars: Bars) -> None:
    """The sender's limits: wide open, they cost nothing that counts; narrow, so many segments go each second."""
    free = Product(place, name="without limits", database="free")
    wide = Product(place, name="wide limits", database="wide", limits=Limits(per_second=WIDE_OPEN, per_day=WIDE_OPEN))
    await _warmed_up([free, wide])
    results = await _in_turn([free, wide], EACH)
    for name, figures in results.items():
        _tell(name, figures)
    rate = middle(results[wide.name], "per_second") / middle(results[free.name], "per_second")
    bars.at_least("texts/s with wide limits, of that without", rate, 0.9)
    for one in (free, wide):
        await one.kill()
    narrow = Limits(per_second=NARROW)
    one = Product(place, name=f"{NARROW} segments a second", database="narrow", limits=narrow)
    await one.opened()
    await one.start()
    first = int(narrow.burst)
    figure = await measure(one, first + NARROW * NARROW_SECONDS)
    bars.at_least(f"texts/s with {one.name}", figure.rate_after(first), NARROW * 0.95)
    bars.at_most(f"texts/s with {one.name}", figure.rate_after(first), NARROW * 1.05)
    await one.kill()


PARTS = {"side_by_side": side_by_side, "planned": planned, "kills": kills, "far_ahead": far_ahead, "limits": limits}


async def main(wanted: Sequence[str]) -> None:
    bars = Bars()
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
        servers = [server.process.pid for server in (d.server, b.node) if server]
        place = Place(folder, d.url, b.url, f"http://{ports.LOOPBACK}:{port}", http, *servers)
        await stub.ready(partial(_answers, place), within=timedelta(seconds=20))
        for part in wanted or PARTS:
            await PARTS[part](place, bars)
    bars.summed_up()


async def _answers(place: Place) -> bool:
    try:
        return await place.ask("/count") == 0
    except aiohttp.ClientError:
        return False


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1:]))
