"""docker-compose.yml under a name, ports, secrets and volumes of its own."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from deploy.devstack import demo, home, ports
from deploy.devstack.home import Running
from tests.support.waiting import until

PROJECT = Path(__file__).parents[2]
COMPOSE = Path(sys.executable).with_name("docker-compose")
SERVICES = ("booking", "screening", "notify")
PARTS = (*SERVICES, "gateway", "mongo", "rabbitmq", "phone")
SETTLES_WITHIN = 90.0
HA = "deploy/ha/docker-compose.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    name: str
    folder: Path
    http: int
    phone: int
    host: Mapping[str, str]
    files: tuple[str, ...] = ("docker-compose.yml",)

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.http}"

    @property
    def phone_origin(self) -> str:
        return f"http://localhost:{self.phone}"

    async def compose(self, *arguments: str, within: float = 300.0) -> str:
        files = [option for file in self.files for option in ("--file", file)]
        options = (*files, "--project-name", self.name, "--env-file", os.devnull, "--profile", "demo")
        return await self._run(str(COMPOSE), *options, *arguments, within=within)

    async def inspect(self, part: str) -> dict[str, Any]:
        return (await self.replicas(part))[0]

    async def inspect_in(self, profile: str, part: str) -> dict[str, Any]:
        """A part of another profile than the demo's."""
        container = (await self.compose("--profile", profile, "ps", "--quiet", part)).strip()
        inspected: list[dict[str, Any]] = json.loads(await self._run("docker", "inspect", container))
        return inspected[0]

    async def replicas(self, part: str) -> list[dict[str, Any]]:
        containers = (await self.compose("ps", "--all", "--quiet", part)).split()
        inspected: list[dict[str, Any]] = json.loads(await self._run("docker", "inspect", *containers))
        return inspected

    async def restart(self, part: str) -> None:
        await self.compose("restart", part)
        await until(self.settled, within=SETTLES_WITHIN)

    async def settled(self) -> bool:
        """Each service is ready as it says itself now, not when it was last asked by the engine."""
        checks = [f"/{service}/health/ready" for service in SERVICES]
        try:
            for service, check in zip(SERVICES, checks, strict=True):
                await self.compose("exec", "-T", service, "python", "-m", "deploy.compose.healthy", check)
            await self.compose("exec", "-T", "phone", "python", "-m", "deploy.compose.healthy", "/emulator")
        except CommandFailed:
            return False
        return True

    async def book(self) -> None:
        """One visit from the first look to the delivered text; raises where the walk ends early."""
        running = Running(origin=self.origin, phone=self.phone_origin, practice="still-water")
        with home.announced(self.folder, running):
            await demo.walk(self.folder)

    async def build(self) -> None:
        pull = {"STILLPOINT_PULL": os.environ.get("STILLPOINT_PULL", "try")}
        await self._run(str(PROJECT / "deploy" / "offline-images" / "build.sh"), within=600, more=pull)
        makes = "ha/grow.sh" if HA in self.files else "secrets.sh"
        await self._run(str(PROJECT / "deploy" / makes), str(self.folder / "secrets"))
        await self.compose("build", within=600)

    async def _run(self, *command: str, within: float = 60.0, more: Mapping[str, str] = MappingProxyType({})) -> str:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("STILLPOINT_", "COMPOSE_"))}
        settings = {
            "STILLPOINT_VERSION": "test",
            "STILLPOINT_SECRETS": str(self.folder / "secrets"),
            "STILLPOINT_HTTP_PORT": str(self.http),
            "STILLPOINT_HTTPS_PORT": str(ports.free()),
            "STILLPOINT_PHONE_PORT": str(self.phone),
            "STILLPOINT_PROMETHEUS_PORT": str(ports.free()),
            "STILLPOINT_ALERTMANAGER_PORT": str(ports.free()),
        }
        child = await asyncio.create_subprocess_exec(
            *command, cwd=PROJECT, env={**clean, **self.host, **settings, **more},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, errors = await asyncio.wait_for(child.communicate(), within)
        if child.returncode != 0:
            raise CommandFailed(f"{' '.join(command)}\n{out.decode()[-2000:]}\n{errors.decode()[-3000:]}")
        return out.decode()


class CommandFailed(Exception):
    """With the command and the end of what it said."""


@asynccontextmanager
async def running(folder: Path, host: Mapping[str, str], *more_files: str) -> AsyncIterator[Stack]:
    """Built, started and ready; afterwards containers, networks and volumes are gone."""
    name, files = f"stillpoint-{secrets.token_hex(4)}", ("docker-compose.yml", *more_files)
    stack = Stack(name=name, folder=folder, http=ports.free(), phone=ports.free(), host=host, files=files)
    await stack.build()
    try:
        await stack.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "180")
        yield stack
    except CommandFailed as failed:
        failed.add_note(await stack.compose("logs", "--tail", "30"))
        raise
    finally:
        await stack.compose("--profile", "watch", "down", "--volumes", "--remove-orphans", "--timeout", "30")
