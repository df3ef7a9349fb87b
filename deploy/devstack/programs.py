"""The project's own programs as child processes, each with a log of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp

from deploy.devstack.child import Child
from deploy.devstack.trouble import Trouble

PROJECT = Path(__file__).parents[2]
SERVICES = ("booking", "screening", "notify")
STARTS_WITHIN = timedelta(seconds=60)
ENDS_WITHIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Programs:
    folder: Path
    settings: Mapping[str, str] = field(repr=False)

    async def once(self, name: str, module: str, *arguments: str) -> None:
        """Run a module to its end."""
        child = await self._start(name, module, *arguments)
        try:
            await asyncio.wait_for(child.process.wait(), STARTS_WITHIN.total_seconds())
        finally:
            await child.stop()
        if child.process.returncode != 0:
            raise Trouble(f"{name} failed: {_last_line(child.log)}; see {child.log}")

    @asynccontextmanager
    async def kept_up(self, name: str, module: str, *arguments: str) -> AsyncIterator[Child]:
        """Run a module until we leave."""
        child = await self._start(name, module, *arguments)
        try:
            yield child
        finally:
            await child.stop(within=ENDS_WITHIN)

    async def _start(self, name: str, module: str, *arguments: str) -> Child:
        command = (sys.executable, "-m", module, *arguments)
        environment = {**os.environ, **self.settings, "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"}
        return await Child.start(name, command, log=self.folder / f"{name}.log", env=environment)


async def answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url, timeout=aiohttp.ClientTimeout(2)) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


async def all_ready(origin: str) -> bool:
    return all([await answers(f"{origin}/{service}/health/ready") for service in SERVICES])


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
