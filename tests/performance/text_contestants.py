"""The systems that `texts` measures: their processes, how each is given texts, and what is left of them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from pymongo import AsyncMongoClient

from deploy.devstack.child import Child
from deploy.devstack.programs import PROJECT
from services.notify.domain.sender import Limits
from tests.performance import text_apscheduler, text_load
from tests.performance.text_load import Bare, Ours, Text


@dataclass(slots=True)
class Place:
    """Where everything is; the servers by their process ids."""

    folder: Path
    mongo_url: str
    broker_url: str
    stub: str
    http: aiohttp.ClientSession
    database: int
    broker: int

    async def ask(self, path: str) -> Any:
        async with self.http.get(self.stub + path) as answer:
            return await answer.json()


@dataclass(slots=True, kw_only=True)
class Contestant:
    """`workers` processes of one command; `env` is added to ours."""

    name: str
    place: Place
    command: Sequence[str]
    env: dict[str, str] = field(default_factory=dict)
    workers: int = 1
    children: list[Child] = field(default_factory=list)

    async def start(self) -> None:
        env = {**os.environ, "PYTHONPATH": str(PROJECT), "STUB": self.place.stub, "CELERY_MONGO": self.place.mongo_url}
        env |= {"CELERY_BROKER": self.place.broker_url, **self.env}
        log = self.place.folder / f"{self.name.replace(' ', '-')}.log"
        for _ in range(self.workers):
            self.children.append(await Child.start(self.name, (sys.executable, *self.command), log=log, env=env))

    async def kill(self) -> None:
        for child in self.children:
            with suppress(ProcessLookupError):
                child.process.kill()
            await child.process.wait()
        self.children.clear()

    def hold(self) -> None:
        """Nothing of it runs until `go`: what is idle is not to cost others anything."""
        self._signal(signal.SIGSTOP)

    def go(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for child in self.children:
            child.process.send_signal(number)

    @property
    def used(self) -> list[float]:
        """Seconds of processor time of each of its processes so far."""
        return [_used(child.process.pid) for child in self.children]

    @property
    def servers(self) -> Sequence[int]:
        """The processes of the servers that it stores in."""
        return [self.place.database]

    @property
    def servers_used(self) -> float:
        return sum(map(_used, self.servers))

    @property
    def held_mib(self) -> int:
        pages = Path(f"/proc/{self.children[0].process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") // 2**20

    async def opened(self) -> None:
        """Make what it needs before its first text."""

    async def plan(self, texts: Sequence[Text]) -> None:
        raise NotImplementedError

    async def waiting(self) -> int:
        """Texts that are due and not accounted for."""
        raise NotImplementedError


class Product(Contestant):
    def __init__(
        self,
        place: Place,
        *,
        name: str = "product",
        database: str = "product",
        workers: int = 1,
        limits: Limits = Limits(),  # noqa: B008  frozen
    ) -> None:
        command = ("-m", "tests.performance.text_senders", "ours", place.mongo_url, database, place.stub)
        env = {"PER_SECOND": str(limits.per_second), "PER_DAY": str(limits.per_day)}
        super().__init__(name=name, place=place, command=command, env=env, workers=workers)
        self.load = Ours(place.mongo_url, database)

    async def opened(self) -> None:
        await self.load.opened()

    async def plan(self, texts: Sequence[Text]) -> None:
        await self.load.add(texts)

    async def waiting(self) -> int:
        return await self.load.waiting()


class Floor(Contestant):
    def __init__(self, place: Place) -> None:
        command = ("-m", "tests.performance.text_senders", "floor", place.mongo_url, "floor", place.stub)
        super().__init__(name="floor", place=place, command=command)
        self.load = Bare(place.mongo_url, "floor")

    async def plan(self, texts: Sequence[Text]) -> None:
        await self.load.add(texts)

    async def waiting(self) -> int:
        return await self.load.waiting()


class Celery(Contestant):
    def __init__(self, place: Place) -> None:
        worker = ("worker", "--pool", "threads", "--without-gossip", "--without-mingle", "--without-heartbeat")
        command = ("-m", "celery", "--app", "tests.performance.text_celery", *worker, "--loglevel", "INFO")
        super().__init__(name="celery", place=place, command=command)
        self.load = Bare(place.mongo_url, "celery")

    async def plan(self, texts: Sequence[Text]) -> None:
        await self.load.add(texts)
        await asyncio.to_thread(text_load.publish, self.place.broker_url, texts)

    @property
    def servers(self) -> Sequence[int]:
        return [self.place.database, self.place.broker]

    async def waiting(self) -> int:
        return await self.load.waiting()


class APScheduler(Contestant):
    def __init__(self, place: Place) -> None:
        command = ("-m", "tests.performance.text_apscheduler", place.mongo_url)
        super().__init__(name="apscheduler", place=place, command=command)

    async def plan(self, texts: Sequence[Text]) -> None:
        await text_apscheduler.plan(self.place.mongo_url, [(text.to, text.body, text.due) for text in texts])

    async def waiting(self) -> int:
        client: AsyncMongoClient[Any]
        async with AsyncMongoClient(self.place.mongo_url) as client:
            return await client["apscheduler"]["jobs"].count_documents(
                {"next_run_time": {"$lte": datetime.now(UTC).timestamp()}}
            )


def _used(pid: int) -> float:
    """Seconds of processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
