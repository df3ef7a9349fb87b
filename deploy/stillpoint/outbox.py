"""`stillpoint outbox`: what the services have written down and the broker has not taken yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import cyclopts
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError

from deploy.stillpoint.saying import NOT_KNOWN, Json, NotDone, facts
from deploy.stillpoint.settings import DatabaseSettings
from shared.clock import utc_now
from shared.relay import INDEX
from shared.settings import read

app = cyclopts.App(name="outbox", help="See what is written down and not published.")
LATE: Final = timedelta(seconds=30)
ANSWERS_WITHIN: Final = 5_000
NAME: Final = str(INDEX.document["name"])
PIPELINE: Final = (
    {"$match": {"outbox.at": {"$exists": True}}},
    {"$unwind": "$outbox"},
    {"$group": {"_id": "$outbox.name", "events": {"$sum": 1}, "oldest": {"$min": "$outbox.at"}}},
    {"$sort": {"oldest": 1}},
)


@app.command
def status(*, as_json: Json = False) -> None:
    """Events by collection and name; ends with 1 if one of them is older than half a minute."""
    now, settings = utc_now(), read(DatabaseSettings)
    rows = [row for service in settings.urls() for row in _of(service, settings, now)]
    facts(rows, as_json=as_json, nothing="everything is published")
    late: Counter[str] = Counter(row["service"] for row in rows if row["seconds"] > LATE.total_seconds())
    if late:
        raise NotDone(f"{', '.join(sorted(late))}: what is written is not published; see RUNBOOK.md")


def _of(service: str, settings: DatabaseSettings, now: datetime) -> Iterator[Mapping[str, Any]]:
    url = settings.urls()[service]
    if url is None:
        raise NotDone(f"STILLPOINT_{service.upper()}_MONGO_URL or STILLPOINT_MONGO_URL is needed", NOT_KNOWN)
    try:
        with _opened(url) as client:
            database = client[settings.databases()[service]]
            for collection in sorted(database.list_collection_names()):
                yield from _left(service, database, collection, now)
    except PyMongoError as error:
        raise NotDone(f"the database of {service} cannot be asked: {type(error).__name__}", NOT_KNOWN) from error


def _left(
    service: str, database: Database[dict[str, Any]], collection: str, now: datetime
) -> Iterator[Mapping[str, Any]]:
    if NAME not in database[collection].index_information():
        return
    for group in database[collection].aggregate(list(PIPELINE), hint=NAME):
        seconds = round((now - group["oldest"]).total_seconds())
        yield {
            "service": service,
            "collection": collection,
            "event": group["_id"],
            "events": group["events"],
            "oldest": group["oldest"].isoformat(),
            "seconds": seconds,
        }


def _opened(url: SecretStr) -> MongoClient[dict[str, Any]]:
    return MongoClient(url.get_secret_value(), tz_aware=True, serverSelectionTimeoutMS=ANSWERS_WITHIN)
