"""A private RabbitMQ: its own data, its own ports, its own epmd."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp

from deploy.devstack import ports
from deploy.devstack.child import Child
from deploy.devstack.trouble import Trouble

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # not the wrapper on PATH, which insists on its own user
USER = "stillpoint"
NODE = "stillpoint@localhost"
STARTS_WITHIN = timedelta(seconds=60)


@dataclass(slots=True)
class Broker:
    folder: Path
    port: int
    management_port: int
    epmd_port: int
    distribution_port: int
    metrics_port: int
    password: str = field(repr=False)
    epmd: Child | None = None
    node: Child | None = None

    @property
    def url(self) -> str:
        """AMQP, on the default virtual host."""
        return f"amqp://{USER}:{self.password}@{ports.LOOPBACK}:{self.port}/%2F"

    @property
    def management_url(self) -> str:
        """The management HTTP API, with the credentials in it."""
        return f"http://{USER}:{self.password}@{ports.LOOPBACK}:{self.management_port}"

    @property
    def metrics_url(self) -> str:
        """Where Prometheus finds it."""
        return f"http://{ports.LOOPBACK}:{self.metrics_port}/metrics"

    async def start(self) -> None:
        """Return when clients can connect and the management API answers."""
        self._configure()
        log = self.folder / "rabbitmq.out"
        names = ("epmd", "-port", str(self.epmd_port), "-address", ports.LOOPBACK)
        self.epmd = await Child.start("epmd", names, log=log)
        self.node = await Child.start("RabbitMQ", [SERVER], log=log, env=self._environment())
        await self.node.ready(self._answers, within=STARTS_WITHIN)

    async def stop(self) -> None:
        for child in (self.node, self.epmd):
            if child:
                await child.stop()

    async def kill(self) -> None:
        """End the node as a power cut would; `start` brings it back on the same ports with what it had stored."""
        for child in (self.node, self.epmd):
            if child:
                await child.kill()

    def survives_kill(self, queue: str) -> bool:
        """Whether the quorum queue of that name is on disk: 3.10 writes down a new one about a second late."""
        written = self.folder / "mnesia" / NODE / "quorum" / NODE / "names.dets"
        return queue.encode() in written.read_bytes()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def _answers(self) -> bool:
        address = f"{self.management_url}/api/health/checks/port-listener/{self.port}"
        timeout = aiohttp.ClientTimeout(total=5)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(address) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _configure(self) -> None:
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.private = {ports.LOOPBACK}:{self.port}\n"
            f"management.tcp.ip = {ports.LOOPBACK}\n"
            f"management.tcp.port = {self.management_port}\n"
            f"prometheus.tcp.ip = {ports.LOOPBACK}\n"
            f"prometheus.tcp.port = {self.metrics_port}\n"
            f"default_user = {USER}\n"
            f"default_pass = {self.password}\n"
            "disk_free_limit.absolute = 200MB\n"
        )
        (self.folder / "enabled_plugins").write_text("[rabbitmq_management,rabbitmq_prometheus].\n")

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),  # where the Erlang cookie lies
            "RUNNING_UNDER_SYSTEMD": "true",  # no shell in between: our child is the node itself
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": ports.LOOPBACK,
        }


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Broker]:
    """A running broker with its data, password and ports in `folder`; stopped on leaving, the data stays."""
    broker = _broker(folder)
    try:
        await broker.start()
        yield broker
    finally:
        await broker.stop()


def _broker(folder: Path) -> Broker:
    if not SERVER.exists():
        raise Trouble("RabbitMQ is not installed; run: sudo apt-get install -y rabbitmq-server")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the password is in there
    chosen = ports.remembered(folder / "ports.json", ("amqp", "management", "epmd", "distribution", "metrics"))
    return Broker(
        folder=folder.absolute(),
        port=chosen["amqp"],
        management_port=chosen["management"],
        epmd_port=chosen["epmd"],
        distribution_port=chosen["distribution"],
        metrics_port=chosen["metrics"],
        password=_password(folder),
    )


def _password(folder: Path) -> str:
    """The broker keeps the password of its first start, so do we."""
    file = folder / "password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
    return file.read_text()
