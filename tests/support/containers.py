"""RabbitMQ and MongoDB in containers, where a Docker engine already has the images that docker-compose.yml uses."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache
from typing import Any

import aiohttp
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from deploy.devstack import ports

MONGO = "mongo:8"
RABBIT = "rabbitmq:4-management"
STARTS_WITHIN = timedelta(seconds=90)

testcontainers_config.ryuk_disabled = True  # its reaper is one more image; what is started here is stopped here


@cache
def available(image: str) -> bool:
    """An engine answers and needs no registry for this image."""
    if not shutil.which("docker"):
        return False
    try:
        inspected = subprocess.run(["docker", "image", "inspect", image], capture_output=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return False
    return inspected.returncode == 0


@asynccontextmanager
async def mongo() -> AsyncIterator[str]:
    """Inside and outside the container the member has one address, so that it finds itself when it is initiated."""
    port = ports.free()
    command = f"mongod --replSet rs0 --bind_ip_all --port {port}"
    container = DockerContainer(MONGO).with_command(command).with_bind_ports(port, port)
    async with _running(container):
        url = f"mongodb://{container.get_container_host_ip()}:{port}/?directConnection=true"
        members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
        await _until(lambda: asyncio.to_thread(_initiated, url, {"_id": "rs0", "members": members}))
        yield url


def _initiated(url: str, config: dict[str, Any]) -> bool:
    client: MongoClient[dict[str, Any]]
    with MongoClient(url, serverSelectionTimeoutMS=1_000) as client:
        try:
            hello = client.admin.command("hello")
            if not hello.get("setName"):
                client.admin.command("replSetInitiate", config)
        except PyMongoError:
            return False
        return bool(hello.get("isWritablePrimary"))


@asynccontextmanager
async def rabbit() -> AsyncIterator[tuple[str, str]]:
    """The AMQP and the management URL."""
    password = secrets.token_urlsafe(16)
    container = DockerContainer(RABBIT).with_exposed_ports(5672, 15672)
    container.with_env("RABBITMQ_DEFAULT_USER", "test").with_env("RABBITMQ_DEFAULT_PASS", password)
    async with _running(container):
        host = f"test:{password}@{container.get_container_host_ip()}"
        management_url = f"http://{host}:{container.get_exposed_port(15672)}"
        await _until(lambda: _listens(management_url))
        yield f"amqp://{host}:{container.get_exposed_port(5672)}/%2F", management_url


async def _listens(management_url: str) -> bool:
    try:
        async with (
            aiohttp.ClientSession(management_url) as api,
            api.get("/api/health/checks/port-listener/5672") as answer,
        ):
            return answer.status == 200
    except aiohttp.ClientError:
        return False


@asynccontextmanager
async def _running(container: DockerContainer) -> AsyncIterator[None]:
    await asyncio.to_thread(container.start)
    try:
        yield
    finally:
        await asyncio.to_thread(container.stop)


async def _until(answers: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(STARTS_WITHIN.total_seconds()):
        while not await answers():  # noqa: ASYNC110 - a server in a container sets no event of ours
            await asyncio.sleep(0.1)
