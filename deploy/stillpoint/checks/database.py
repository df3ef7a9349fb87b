"""Is the database there for each service, a replica set, and of a version that is supported?"""

from __future__ import annotations

from collections.abc import Iterator
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


def databases(settings: DatabaseSettings, now: Clock) -> Iterator[Finding]:
    for service, url in settings.urls().items():
        if url is None:
            variable = f"STILLPOINT_{service.upper()}_MONGO_URL or STILLPOINT_MONGO_URL"
            yield bad("database", f"{variable} is missing", "deploy/secrets.sh makes it")
            continue
        try:
            with MongoClient[dict[str, Any]](
                url.get_secret_value(), tz_aware=True, serverSelectionTimeoutMS=ANSWERS_WITHIN
            ) as client:
                yield from _looked_at(service, client, settings.databases()[service], now)
        except (OperationFailure, ConfigurationError) as error:
            told = f"the database does not take what {service} shows: {type(error).__name__}"
            yield bad("database", told, "docker compose up database sets the users right")
        except PyMongoError:
            yield bad(
                "database", f"{service} cannot reach its database", "docker compose ps mongo; docker compose logs mongo"
            )


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
