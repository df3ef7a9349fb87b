"""The one place that chooses the RabbitMQ and MongoDB of the tests: given, in containers, or private processes."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import aiohttp
from pydantic import SecretStr

from deploy.devstack import broker, database
from services import topology
from tests.support import containers

MONGO_URL = "STILLPOINT_TEST_MONGO_URL"
RABBIT_URL = "STILLPOINT_TEST_RABBIT_URL"
RABBIT_MANAGEMENT_URL = "STILLPOINT_TEST_RABBIT_MANAGEMENT_URL"


class Source(StrEnum):
    GIVEN = "given by URL"
    CONTAINER = "a container"
    PROCESS = "a private process"


def mongo_source() -> Source:
    return _source(given=MONGO_URL in os.environ, image=containers.MONGO)


def rabbit_source() -> Source:
    return _source(given=RABBIT_URL in os.environ, image=containers.RABBIT)


def _source(*, given: bool, image: str) -> Source:
    if given:
        return Source.GIVEN
    return Source.CONTAINER if containers.available(image) else Source.PROCESS


@asynccontextmanager
async def mongo(folder: Path) -> AsyncIterator[str]:
    """The URL of a running MongoDB that is a replica set."""
    match mongo_source():
        case Source.GIVEN:
            yield os.environ[MONGO_URL]
        case Source.CONTAINER:
            async with containers.mongo() as url:
                yield url
        case Source.PROCESS:
            async with database.started(folder) as private:
                yield private.url


@dataclass(frozen=True, slots=True)
class RabbitBackend:
    """One virtual host of a running broker; the user of `url` may do everything in it."""

    url: str
    management_url: str
    service_url: str = field(default="", repr=False)

    async def apply_topology(self) -> str:
        """Make what the services expect; the URL of the user that, like theirs, may not declare anything."""
        await topology.apply(SecretStr(self.management_url), SecretStr(self.service_url))
        return self.service_url


@asynccontextmanager
async def rabbit(folder: Path) -> AsyncIterator[RabbitBackend]:
    """A running broker, seen from its default virtual host."""
    match rabbit_source():
        case Source.GIVEN:
            yield RabbitBackend(os.environ[RABBIT_URL], os.environ[RABBIT_MANAGEMENT_URL])
        case Source.CONTAINER:
            async with containers.rabbit() as (url, management_url):
                yield RabbitBackend(url, management_url)
        case Source.PROCESS:
            async with broker.started(folder) as private:
                yield RabbitBackend(private.url, private.management_url)
                await private.kill()  # nothing in it is kept, and an orderly end takes six seconds


@asynccontextmanager
async def fresh_vhost(server: RabbitBackend) -> AsyncIterator[RabbitBackend]:
    """A virtual host of its own on that broker, gone afterwards with everything in it."""
    name = f"test-{secrets.token_hex(6)}"
    host = urlsplit(server.url).netloc.rpartition("@")[2]
    fresh = RabbitBackend(
        url=urlunsplit(urlsplit(server.url)._replace(path=f"/{name}")),
        management_url=server.management_url,
        service_url=f"amqp://{name}:{secrets.token_hex(12)}@{host}/{name}",
    )
    user = quote(urlsplit(server.url).username or "guest", safe="")
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    async with aiohttp.ClientSession(server.management_url, raise_for_status=True) as api:
        await api.put(f"/api/vhosts/{name}")
        await api.put(f"/api/permissions/{name}/{user}", json=everything)
        try:
            yield fresh
        finally:
            await api.delete(f"/api/vhosts/{name}")
            await api.delete(f"/api/users/{name}", raise_for_status=False)  # there if the topology was applied
