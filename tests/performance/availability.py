"""What free times cost: in process, over HTTP with and without a long past, and for any of five practitioners.

One practitioner has 500 visits in the 90 days asked about; five have as many together, or each. Over HTTP the service
runs as processes of its own that are asked in turn, so that a machine that slows down slows all: one with nothing
behind it, one with 50,000 visits, and one that answers for five, whose garbage nobody else is to clear away.
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import uvloop
from pymongo import AsyncMongoClient

from services.booking import documents
from services.booking.domain import turns
from services.booking.domain.appointment import Appointment, State
from services.booking.domain.availability import Busy, Question, Start, free_starts, window
from services.booking.domain.calendar import minute_of
from services.booking.domain.identity import appointment_id
from services.booking.domain.offering import offer
from services.booking.domain.policy import Policy
from services.booking.domain.practice import Place, Practice, Practitioner, Service, WeeklyHours
from services.booking.profile import written
from shared.clock import utc_now
from tests.support import backends
from tests.support.running import OPERATOR_KEY, running

DAYS = 90
BUSY = 500
PAST = int(os.environ.get("PAST", "50000"))
ROUNDS = int(os.environ.get("ROUNDS", "400"))
WARM_UP = 40
ZONE = ZoneInfo("Europe/Zurich")
HOURS = range(8, 18)
EACH_BATCH = 5_000

Ask = Callable[[], Awaitable[object]]


def practice(people: int, each: int = BUSY) -> Practice:
    """Whose people have so many visits each.

    Open from eight to six every day; a session of 45 minutes needs a quarter of an hour after it.
    """
    every_day = tuple(
        WeeklyHours(place="here", weekday=weekday, starts=HOURS.start * 60, ends=HOURS.stop * 60)
        for weekday in range(7)
    )
    return Practice(
        id=f"of-{people}-{each}",
        name="Steady",
        sms_name="Steady",
        country="CH",
        zone=ZONE.key,
        locale="en",
        phone="+41440000000",
        emergency_number="112",
        places=(Place(id="here", name="Here", address="Here 1", zone=ZONE.key),),
        services=(Service(id="session", name="Session", length_minutes=45, buffer_after_minutes=15, horizon_days=120),),
        practitioners=tuple(
            Practitioner(id=f"p{n}", name=f"P{n}", services=("session",), hours=every_day) for n in range(people)
        ),
    )


def starts(chosen: random.Random, first: date, days: int, number: int) -> list[datetime]:
    """So many full hours of different times, at random."""
    hours = [(day, hour) for day in range(days) for hour in HOURS]
    return [
        datetime(first.year, first.month, first.day, hour, tzinfo=ZONE).astimezone(UTC) + timedelta(days=day)
        for day, hour in chosen.sample(hours, number)
    ]


def visit(of: Practice, person: str, at: datetime, *, is_past: bool) -> Appointment:
    start, before = Start(minute_of(at), person, "here", None), at - timedelta(days=1)
    held = turns.hold(
        id_=appointment_id(of.id, f"{person} {at}"),
        practice=of.id,
        offer=offer(of, of.services[0], start),
        starts_at=at,
        asked="asked",
        now=before,
        policy=Policy(hold_for=timedelta(days=1)),
    )
    return replace(held, held_until=None, state=State.ATTENDED if is_past else State.CONFIRMED)


def visits(of: Practice, first: date) -> Iterator[Appointment]:
    """What is booked in the days asked about."""
    each = int(of.id.rpartition("-")[2])
    for number, person in enumerate(of.practitioners):
        for at in starts(random.Random(number), first, DAYS, each):
            yield visit(of, person.id, at, is_past=False)


def past(of: Practice, first: date) -> Iterator[Appointment]:
    days = -(-PAST // len(HOURS))
    for at in starts(random.Random(0), first - timedelta(days=days + 1), days, PAST):
        yield visit(of, of.practitioners[0].id, at, is_past=True)


PRACTICES = (practice(1), practice(5, BUSY // 5), practice(5))

# In process


def asked(of: Practice, now: datetime, person: str | None) -> Question:
    first = now.astimezone(ZONE).date()
    busy = [Busy(practitioner=one.offer.practitioner, room=None, footprint=one.footprint) for one in visits(of, first)]
    starts_from, starts_until = window(first, DAYS, ZONE)
    return Question(
        practice=of,
        service=of.services[0],
        practitioner=person,
        now=now,
        starts_from=starts_from,
        starts_until=starts_until,
        busy=busy,
    )


def in_process(question: Question) -> float:
    """Median milliseconds of processor time."""
    took = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        free_starts(question)
        took.append((time.process_time() - begun) * 1e3)
    return statistics.median(took)


# Over HTTP


@dataclass(frozen=True, slots=True)
class Server:
    origin: str
    pid: int

    def used(self) -> float:
        """Milliseconds of processor time so far, in whole ticks: only the mean of many differences means anything."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def served(folder: Path, mongo_url: str, database: str, server: backends.RabbitBackend) -> AsyncIterator[Server]:
    """A booking with the practices on a database of its own."""
    async with (
        backends.fresh_vhost(server) as vhost,
        running(folder, mongo_url=mongo_url, rabbit=vhost, services=("booking",), booking_database=database) as system,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {OPERATOR_KEY}"}, raise_for_status=True) as http,
    ):
        for of in PRACTICES:
            profile = written(of).model_dump(mode="json", exclude_none=True)
            await http.put(f"{system.origins['booking']}/booking/v1/practices/{of.id}", json=profile)
        yield Server(system.origins["booking"], system.children["booking"].process.pid)


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def fill(mongo_url: str, database: str, appointments: Iterator[Appointment]) -> None:
    client: AsyncMongoClient[dict[str, Any]]
    batch: list[dict[str, Any]] = []
    async with AsyncMongoClient(mongo_url) as client:
        for appointment in appointments:
            batch.append(documents.document(appointment))
            if len(batch) == EACH_BATCH:
                await client[database]["appointments"].insert_many(batch)
                batch = []
        if batch:
            await client[database]["appointments"].insert_many(batch)


def asking(http: aiohttp.ClientSession, server: Server, of: Practice, person: str | None = None) -> tuple[Ask, Server]:
    named = "" if person is None else f"&practitioner={person}"
    url = f"{server.origin}/booking/v1/practices/{of.id}/availability?service=session&days={DAYS}{named}"

    async def ask() -> None:
        async with http.get(url) as answer:
            assert answer.status == 200, await answer.text()
            await answer.read()

    return ask, server


@dataclass(slots=True)
class Took:
    """Milliseconds of each answer, on the clock and of the service's processor time."""

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


async def in_turn(contestants: dict[str, tuple[Ask, Server]]) -> dict[str, Took]:
    took = {name: Took() for name in contestants}
    for number in range(WARM_UP + ROUNDS):
        for name, (ask, server) in contestants.items():
            used, begun = server.used(), time.perf_counter()
            await ask()
            if number >= WARM_UP:
                took[name].clock.append((time.perf_counter() - begun) * 1e3)
                took[name].processor.append(server.used() - used)
    return took


def p95(took: Sequence[float]) -> float:
    return statistics.quantiles(took, n=20)[18]


async def main() -> None:
    now = utc_now()
    gc.collect()
    gc.freeze()  # as the service does when it has started
    one, together, each = (in_process(asked(of, now, None)) for of in PRACTICES)
    say(f"in process  one practitioner, {DAYS} days, {BUSY} visits: {one:5.2f} ms (bar: under 3)")
    say(f"in process  any of five with as many together: {together:5.2f} ms, {together / one:4.2f} times that")
    say(f"in process  any of five with as many each:     {each:5.2f} ms, {each / one:4.2f} times that")
    async with AsyncExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        mongo_url = await opened.enter_async_context(backends.mongo(folder / "mongo"))
        server = await opened.enter_async_context(backends.rabbit(folder / "rabbit"))
        names = ("fresh", "old", "many")
        fresh, old, many = [
            await opened.enter_async_context(served(made(folder / name), mongo_url, f"{name}_bench", server))
            for name in names
        ]
        first = now.astimezone(ZONE).date()
        for name in names:
            for of in PRACTICES:
                await fill(mongo_url, f"{name}_bench", visits(of, first))
        await fill(mongo_url, "old_bench", past(PRACTICES[0], first))
        http = await opened.enter_async_context(aiohttp.ClientSession())
        took = await in_turn(
            {
                "one, nothing past": asking(http, fresh, PRACTICES[0], "p0"),
                f"one, {PAST} past": asking(http, old, PRACTICES[0], "p0"),
                "any of five": asking(http, many, PRACTICES[1]),
                "any of five, busier": asking(http, many, PRACTICES[2]),
            }
        )
    tell(took)


def tell(took: dict[str, Took]) -> None:
    for name, each in took.items():
        p50, most = statistics.median(each.clock), p95(each.clock)
        cpu = statistics.mean(each.processor)
        say(f"over HTTP   {name:>20}: p50 {p50:6.2f} ms, p95 {most:6.2f} ms (bar: under 25), CPU {cpu:5.2f} ms")
    fresh, old, together, each_busy = took.values()
    say(f"with a past:                        {compared(old, fresh)} (bar: at most 1.10)")
    say(f"any of five, as many visits in all: {compared(together, old)} (bar: at most 3)")
    say(f"any of five, as many visits each:   {compared(each_busy, old)}")


def compared(one: Took, other: Took) -> str:
    clock = statistics.median(one.clock) / statistics.median(other.clock)
    processor = statistics.mean(one.processor) / statistics.mean(other.processor)
    return f"p50 {clock:4.2f} times, CPU {processor:4.2f} times"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())
