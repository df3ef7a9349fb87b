"""The twins of the webhooks and of what they are owed, and a receiver that listens on the loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from aiohttp import web
from aiohttp.test_utils import TestServer

from services.booking.domain.audit import Entry
from services.booking.domain.client import Subject
from services.booking.domain.webhook import Delivery, DeliveryState, Endpoint


class MemoryWebhooks:
    def __init__(self) -> None:
        self.kept: dict[str, Endpoint] = {}
        self.removed: dict[str, datetime] = {}

    async def get(self, endpoint: str) -> Endpoint | None:
        await asyncio.sleep(0)
        return None if endpoint in self.removed else self.kept.get(endpoint)

    async def of(self, practice: str) -> Sequence[Endpoint]:
        await asyncio.sleep(0)
        ours = [one for one in self.kept.values() if one.practice == practice and one.id not in self.removed]
        return sorted(ours, key=lambda one: one.made_at)

    async def add(self, endpoint: Endpoint) -> None:
        await asyncio.sleep(0)
        self.kept[endpoint.id] = endpoint

    async def save(self, changed: Endpoint) -> bool:
        await asyncio.sleep(0)
        if changed.id in self.removed or self.kept[changed.id].version != changed.version - 1:
            return False
        self.kept[changed.id] = changed
        return True

    async def remove(self, removed: Endpoint, *, at: datetime) -> bool:
        if not await self.save(removed):
            return False
        self.removed[removed.id] = at
        return True

    async def last_changes(self, practice: str) -> Sequence[Entry]:
        await asyncio.sleep(0)
        ours = [one for one in self.kept.values() if one.practice == practice]
        return [one.changed for one in ours if one.changed is not None]


class MemoryDeliveries:
    def __init__(self) -> None:
        self.kept: dict[str, Delivery] = {}

    async def add(self, owed: Sequence[Delivery]) -> None:
        await asyncio.sleep(0)
        for one in owed:
            self.kept.setdefault(one.id, one)

    async def next_owed(self, now: datetime, *, after: str) -> str | None:
        await asyncio.sleep(0)
        return min((one.endpoint for one in self._due(now) if one.endpoint > after), default=None)

    async def claim(self, endpoint: str, now: datetime, *, until: datetime) -> Delivery | None:
        await asyncio.sleep(0)
        due = [one for one in self._due(now) if one.endpoint == endpoint]
        if not due:
            return None
        first = min(due, key=lambda one: str(one.due_at))
        self.kept[first.id] = replace(first, due_at=until, fence=first.fence + 1)
        return self.kept[first.id]

    async def settle(self, tried: Delivery) -> bool:
        await asyncio.sleep(0)
        if tried.id not in self.kept or self.kept[tried.id].fence != tried.fence:
            return False
        self.kept[tried.id] = tried
        return True

    async def give_up(self, endpoint: str, problem: str) -> None:
        await asyncio.sleep(0)
        for one in [one for one in self.kept.values() if one.endpoint == endpoint and one.due_at is not None]:
            self.kept[one.id] = replace(
                one, state=DeliveryState.FAILED, problem=problem, due_at=None, fence=one.fence + 1
            )

    async def page(
        self, endpoint: str, *, state: DeliveryState | None, before: str | None, limit: int
    ) -> Sequence[Delivery]:
        await asyncio.sleep(0)
        seen = None if before is None else self.kept.get(before)
        if before is not None and (seen is None or seen.endpoint != endpoint):
            return ()
        ours = [one for one in self.kept.values() if one.endpoint == endpoint and state in {None, one.state}]
        newest = sorted(ours, key=lambda one: (one.made_at, one.id), reverse=True)
        older = [one for one in newest if seen is None or (one.made_at, one.id) < (seen.made_at, seen.id)]
        return older[:limit]

    async def replay(self, endpoint: str, delivery: str, now: datetime) -> Delivery | None:
        await asyncio.sleep(0)
        one = self.kept.get(delivery)
        if one is None or one.endpoint != endpoint:
            return None
        self.kept[one.id] = _once_more(one, now)
        return self.kept[one.id]

    async def replay_since(self, endpoint: str, since: datetime, states: Sequence[DeliveryState], now: datetime) -> int:
        await asyncio.sleep(0)
        ours = [one for one in self.kept.values() if one.endpoint == endpoint and one.made_at >= since]
        again = [one for one in ours if one.state in states]
        self.kept |= {one.id: _once_more(one, now) for one in again}
        return len(again)

    async def told(self, subject: Subject) -> Sequence[Mapping[str, object]]:
        await asyncio.sleep(0)
        return [
            {"webhook": one.endpoint, "told_at": one.made_at.isoformat(), "told": json.loads(one.body)}
            for one in sorted(self._of(subject), key=lambda one: one.made_at)
        ]

    async def forget(self, subject: Subject) -> None:
        await asyncio.sleep(0)
        for one in self._of(subject):
            del self.kept[one.id]

    def _of(self, subject: Subject) -> list[Delivery]:
        ours = [one for one in self.kept.values() if one.practice == subject.practice]
        return [one for one in ours if one.client in subject.refs]

    def _due(self, now: datetime) -> list[Delivery]:
        return [one for one in self.kept.values() if one.due_at is not None and one.due_at <= now]


def _once_more(one: Delivery, now: datetime) -> Delivery:
    return replace(one, state=DeliveryState.WAITING, due_at=now, since=now, tries=0, fence=one.fence + 1)


@dataclass(frozen=True, slots=True)
class Told:
    """One POST as it arrived."""

    headers: dict[str, str]
    body: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(slots=True)
class Receiver:
    """A practice's own system: `answers` says what it answers to the n-th POST, and `open` whether it does at all."""

    url: str = ""
    told: list[Told] = field(default_factory=list)
    answers: Callable[[int], web.Response] = lambda _: web.Response(status=204)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    most_at_once: int = 0

    async def hear(self, request: web.Request) -> web.Response:
        self.told.append(Told({name.lower(): value for name, value in request.headers.items()}, await request.text()))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.open.wait()
        finally:
            self.at_once -= 1
        return self.answers(len(self.told))


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    receiver.open.set()
    app = web.Application()
    app.router.add_post("/hook", receiver.hear)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/hook"))
        yield receiver
