"""Three private mongods as one replica set, whose primary can be killed, frozen or told to step down."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from deploy.devstack import database, ports
from deploy.devstack.child import Child
from tests.support.waiting import until

NAME = "rs-faults"
STARTS_WITHIN = timedelta(seconds=60)
ELECTS_WITHIN = 40
Client = MongoClient[dict[str, Any]]


@dataclass(slots=True)
class ReplicaSet:
    """`url` names all members; the one that is the primary changes."""

    folder: Path
    members: list[str]
    children: dict[str, Child] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"mongodb://{','.join(self.members)}/?replicaSet={NAME}"

    async def start(self, member: str) -> None:
        number = self.members.index(member)
        data = self.folder / f"data{number}"
        data.mkdir(exist_ok=True)
        host, port = member.split(":")
        command: list[str | Path] = [database.program(), "--replSet", NAME, "--dbpath", data, "--port", port]
        command += ["--bind_ip", host, "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "200"]
        command += ["--setParameter", "diagnosticDataCollectionEnabled=false"]
        child = await Child.start(f"MongoDB {number}", command, log=self.folder / f"mongod{number}.log")
        await child.ready(lambda: asyncio.to_thread(_answers, member), within=STARTS_WITHIN)
        self.children[member] = child

    async def begin(self) -> None:
        await asyncio.gather(*(self.start(member) for member in self.members))
        config = {
            "_id": NAME,
            "members": [{"_id": number, "host": host} for number, host in enumerate(self.members)],
            "settings": {"electionTimeoutMillis": 2_000},
        }
        await asyncio.to_thread(_command, self.members[0], "replSetInitiate", config)
        await self.primary()

    async def primary(self, *, other_than: str = "") -> str:
        """The member that takes writes, once there is one."""

        async def found() -> str | None:
            others = [member for member in self.members if member != other_than]
            hellos = await asyncio.gather(*(asyncio.to_thread(_is_primary, member) for member in others))
            return next((member for member, is_it in zip(others, hellos, strict=True) if is_it), None)

        return str(await until(found, within=ELECTS_WITHIN))

    async def kill_primary(self) -> None:
        """As a power cut; then it comes back as a follower."""
        member = await self.primary()
        await self.children[member].kill()
        await self.primary(other_than=member)
        await self.start(member)

    async def freeze_primary(self, seconds: float) -> None:
        """It hears and answers nothing, and then believes for a moment that it still is the primary."""
        member = await self.primary()
        self.children[member].process.send_signal(signal.SIGSTOP)
        await self.primary(other_than=member)
        await asyncio.sleep(seconds)
        self.children[member].process.send_signal(signal.SIGCONT)

    async def step_down(self) -> None:
        member = await self.primary()
        try:
            await asyncio.to_thread(_command, member, "replSetStepDown", 3)
        except (AutoReconnect, OperationFailure):
            return  # it closes its connections, or nobody is near enough to take over: then it stays

    async def stop(self) -> None:
        for child in self.children.values():
            await child.kill()


@asynccontextmanager
async def replica_set(folder: Path) -> AsyncIterator[ReplicaSet]:
    members = [f"{ports.LOOPBACK}:{ports.free()}" for _ in range(3)]
    async with AsyncExitStack() as opened:
        made = ReplicaSet(folder, members)
        opened.push_async_callback(made.stop)
        await made.begin()
        yield made


def _command(member: str, name: str, value: object) -> dict[str, Any]:
    client: Client
    with MongoClient(f"mongodb://{member}/?directConnection=true", serverSelectionTimeoutMS=2_000) as client:
        return client.admin.command(name, value)


def _answers(member: str) -> bool:
    try:
        return bool(_command(member, "hello", 1))
    except PyMongoError:
        return False


def _is_primary(member: str) -> bool:
    client: Client
    direct = f"mongodb://{member}/?directConnection=true&socketTimeoutMS=1000"
    try:
        with MongoClient(direct, serverSelectionTimeoutMS=1_000) as client:
            return bool(client.admin.command("hello")["isWritablePrimary"])
    except PyMongoError:
        return False
