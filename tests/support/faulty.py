"""Texts through two notify processes that are killed, to a provider that loses what it can lose."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from pymongo.errors import BulkWriteError, PyMongoError

from deploy.devstack.database import Database as Server
from deploy.twilio_emulator.app import Emulator
from deploy.twilio_emulator.faults import Fault, Kind
from deploy.twilio_emulator.message import Direction
from services.notify import documents
from services.notify.domain.practice import Practice
from shared.bus import Bus, NotPublished
from shared.clock import utc_now
from shared.events import envelope
from shared.mongo import Database, Document
from tests.support.notify_app import PRACTICE
from tests.support.one_text import Wanted
from tests.support.reckoning import Reckoning
from tests.support.running import Running
from tests.support.waiting import until

WORKERS: Final = ("notify", "notify-2")
SLICE: Final = timedelta(milliseconds=500)
AHEAD: Final = timedelta(seconds=2)
# One client in so many asks something in words, which is answered by a text more.
ASKS_IN: Final = 50
DUPLICATE_KEY: Final = 11000
UNDER_WAY: Final = ["planned", "claimed", "sending", "unknown", "accepted", "sent"]


def faults(factor: float) -> tuple[Fault, ...]:
    """1 % of requests lost, 1 % of answers, all callbacks of 5 % of texts, and what else goes wrong at a provider.

    What is listed late is listed before the second look: beyond it lies the hole that nothing closes.
    """
    late = 240 / factor
    return (
        _always(Kind.RESET_BEFORE, 0.005),
        _always(Kind.ERROR_BEFORE, 0.005),
        _always(Kind.RESET_AFTER, 0.004),
        _always(Kind.ERROR_AFTER, 0.003),
        _always(Kind.TIMEOUT_AFTER, 0.003, seconds=30 / factor),
        _always(Kind.TOO_MANY_REQUESTS, 0.0005, retry_after=1),
        _always(Kind.ERROR_BEFORE, 0.01, on="list"),
        _always(Kind.LOST_CALLBACK, 0.05),
        _always(Kind.DUPLICATE_CALLBACK, 0.01),
        _always(Kind.UNORDERED_CALLBACKS, 0.01),
        _always(Kind.LATE_IN_LIST, 0.05, seconds=late),
    )


def _always(kind: Kind, chance: float, **more: Any) -> Fault:
    return Fault(kind=kind, chance=chance, times=None, **more)


@dataclass(slots=True, kw_only=True)
class Faulty:
    """`dice` decides when who is killed; `planted` is when each visit's text was due, by its number."""

    system: Running
    emulator: Emulator
    database: Database
    dice: random.Random
    new_code: Callable[[], str]
    server: Server | None = None
    planted: dict[str, datetime] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)
    asked: set[str] = field(default_factory=set)

    async def say(self, texts: Sequence[Wanted], bus: Bus, *, a_second: int) -> None:
        """Each as an event, at its time; the broker has it when this returns."""
        for some in _slices(texts, a_second):
            at = utc_now()
            await asyncio.gather(*(self._say(one, bus) for one in some))
            await asyncio.sleep((at + SLICE - utc_now()).total_seconds())

    async def _say(self, one: Wanted, bus: Bus) -> None:
        at = utc_now()
        fact = one.fact(at)
        sequence = 3 if one.step == "booked" else 4
        said = envelope(fact, subject=one.appointment, practice=PRACTICE, sequence=sequence, at=at)
        self.planted[one.to] = at
        published = False
        while not published:
            with suppress(NotPublished):  # as booking does: again, until the broker has it
                await bus.publish(said.to_json(), event_id=said.id, name=said.type, traceparent=None)
                published = True

    async def plant(self, texts: Sequence[Wanted], practice: Practice, *, a_second: int) -> None:
        """Each planned and written some moments before it is due, without a broker in between."""
        for some in _slices(texts, a_second):
            at = utc_now()
            each = SLICE / len(some)
            kept = [one.documents(at + AHEAD + each * n, practice, self.new_code()) for n, one in enumerate(some)]
            self.planted |= {one.message["to"]: one.due for one in kept}
            await self._written("visits", [one.visit for one in kept])
            await self._written("contacts", [one.contact for one in kept])
            await self._written("messages", [one.message for one in kept])
            await asyncio.sleep((at + SLICE - utc_now()).total_seconds())

    async def _written(self, name: str, found: list[Document]) -> None:
        """However often it takes: what was written by a try that got no answer is there already."""
        while True:
            try:
                await self.database[name].insert_many(found, ordered=False)
            except BulkWriteError as error:
                if all(failure["code"] == DUPLICATE_KEY for failure in (error.details or {})["writeErrors"]):
                    return
            except PyMongoError:
                await asyncio.sleep(0.2)
            else:
                return

    async def kill_now_and_then(self, apart: tuple[float, float]) -> None:
        """Every fourth is asked to end, the others are not; each is back at once."""
        for count in itertools.count(1):
            await asyncio.sleep(self.dice.uniform(*apart))
            worker, asked = self.dice.choice(WORKERS), count % 4 == 0
            self.ends["stopped" if asked else "killed"] += 1
            if asked:
                await self.system.children[worker].stop()
                await self.system.start(worker)
            else:
                await self.system.restart(worker)

    async def cut_the_power(self, after: float) -> None:
        """The database's, once; a second later it is there again."""
        if self.server is None:
            return
        await asyncio.sleep(after)
        self.ends["database"] += 1
        await self.server.kill()
        await asyncio.sleep(1)
        await self.server.start()

    async def calm(self) -> None:
        """Both run again, whatever the last kill was interrupted at."""
        for worker in WORKERS:
            if not self.system.children[worker].running:
                await self.system.start(worker)
            await until(partial(self.system.is_ready, worker), within=60)

    async def ask_in_words(self) -> None:
        seen = 0
        while True:
            new = list(itertools.islice(self.emulator.messages, len(self.emulator.messages) - seen))
            seen += len(new)
            for text in new:
                if text.direction is Direction.API and int(text.to[1:]) % ASKS_IN == 0 and text.to not in self.asked:
                    self.asked.add(text.to)
                    self.emulator.line.text(text.to, "what shall I bring?")
            await asyncio.sleep(1)

    async def settled(self, within: timedelta) -> None:
        """Nothing is due, begun, asked about or chased any more."""
        under_way = {"state": {"$in": UNDER_WAY}, "due": {"$exists": True}}
        async with asyncio.timeout(within.total_seconds()):
            while await self.database["messages"].count_documents(under_way):  # noqa: ASYNC110  other processes set no event of ours
                await asyncio.sleep(0.2)

    async def reckoned(self) -> Reckoning:
        kept = [documents.to_message(one) async for one in self.database["messages"].find({})]
        return Reckoning.of(self.planted, self.emulator, kept)


def _slices(texts: Sequence[Wanted], a_second: int) -> Iterator[Sequence[Wanted]]:
    size = max(int(a_second * SLICE.total_seconds()), 1)
    return (texts[n : n + size] for n in range(0, len(texts), size))
