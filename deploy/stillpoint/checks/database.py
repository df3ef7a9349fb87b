"""Is the database there for each service, a replica set, and of a version that is supported?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from deploy.stillpoint.checks.finding import Finding, bad, good
from deploy.stillpoint.settings import DatabaseSettings
from shared.clock import Clock

ANSWERS_WITHIN: Final = 5_000
OLDEST: Final = (6, 0)
MOST_SKEW: Final = timedelta(seconds=5)


async def database(service: str, settings: DatabaseSettings, now: Clock) -> AsyncIterator[Finding]:
    for finding in await asyncio.to_thread(lambda: list(_found(service, settings, now))):
        yield finding


def _found(service: str, settings: DatabaseSettings, now: Clock) -> Iterator[Finding]:
    url = settings.urls()[service]
    if url is None:
        variable = f"STILLPOINT_{service.upper()}_MONGO_URL or STILLPOINT_MONGO_URL"
        yield bad("database", f"{variable} is missing", "deploy/secrets.sh makes it")
        return
    client: MongoClient[dict[str, Any]]
    try:
        with MongoClient(url.get_secret_value(), tz_aware=True, serverSelectionTimeoutMS=ANSWERS_WITHIN) as client:
            yield from _looked_at(service, client, settings.databases()[service], now)
    except (OperationFailure, ConfigurationError) as error:
        told = f"the database does not take what {service} shows: {type(error).__name__}"
        yield bad("database", told, "docker compose up database sets the users right")
    except PyMongoError:
        to_do = "docker compose ps mongo; docker compose logs mongo"
        yield bad("database", f"{service} cannot reach its database", to_do)


def _looked_at(service: str, client: MongoClient[dict[str, Any]], name: str, now: Clock) -> Iterator[Finding]:
    hello = client.admin.command("hello", codec_options=client.codec_options)
    version = client.admin.command("buildInfo")["version"]
    client[name].command("ping")
    client[name].list_collection_names()
    if not hello.get("setName"):
        yield bad("database", "MongoDB is no replica set", "start it with --replSet; docker-compose.yml shows how")
    elif tuple(map(int, version.split(".")[:2])) < OLDEST:
        yield bad("database", f"MongoDB {version} is too old", "6.0 or newer is needed")
    else:
        yield good("database", f"{service} reaches its database, MongoDB {version}")
    if abs(now() - hello["localTime"]) > MOST_SKEW:
        yield bad("clock", "the database's clock is another than this machine's", "timedatectl on both machines")
