"""The processes of a stack on this machine's engine: found, killed as a crash kills, and seen to come back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from shared import mongo
from shared.mongo import Database
from tests.compose.stack import Stack
from tests.support.waiting import until

DATABASES = ("mongo", "mongo-2", "mongo-3")


@dataclass(frozen=True, slots=True)
class Member:
    """One container. `kill` goes to its process, so that the engine takes it for a crash and starts it again."""

    name: str
    pid: int
    address: str

    @classmethod
    def of(cls, inspected: dict[str, Any]) -> Member:
        networks = inspected["NetworkSettings"]["Networks"].values()
        address = next(one["IPAddress"] for one in networks if one["IPAddress"])
        return cls(inspected["Name"].lstrip("/"), inspected["State"]["Pid"], address)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


async def members(stack: Stack, part: str) -> list[Member]:
    """Those that run now."""
    return [Member.of(one) for one in await stack.replicas(part) if one["State"]["Running"]]


async def primary(stack: Stack) -> Member:
    """The member of the database that takes writes."""

    async def found() -> list[Member]:
        hellos = await asyncio.gather(*(_hello(stack, name) for name in DATABASES))
        return [member for member, hello in hellos if member is not None and hello.get("isWritablePrimary")]

    return (await until(found, within=60))[0]


async def _hello(stack: Stack, name: str) -> tuple[Member | None, dict[str, Any]]:
    for member in await members(stack, name):
        async with mongo.connect(_url(stack, member), "admin") as database:
            try:
                return member, await database.command("hello")
            except mongo.UNREACHABLE:
                return None, {}
    return None, {}


@asynccontextmanager
async def opened(stack: Stack, name: str) -> AsyncIterator[Database]:
    """A database as the primary holds it, for the auditor's eyes."""
    async with mongo.connect(_url(stack, await primary(stack)), name) as database:
        yield database


def secret(stack: Stack, name: str) -> str:
    return Path(stack.folder, "secrets", name).read_text().strip()


def _url(stack: Stack, member: Member) -> SecretStr:
    password = secret(stack, "mongo_root_password")
    return SecretStr(f"mongodb://root:{password}@{member.address}:27017/?directConnection=true&authSource=admin")
