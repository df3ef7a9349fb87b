"""The seam to MongoDB: the only module of the product that imports the driver's client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import stamina
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pydantic import SecretStr
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import (
    AutoReconnect,
    CollectionInvalid,
    DuplicateKeyError,
    ExecutionTimeout,
    PyMongoError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

Document = dict[str, Any]
Client = AsyncIOMotorClient[Document]
Database = AsyncIOMotorDatabase[Document]
Collection = AsyncIOMotorCollection[Document]

# The server is away or slow; whether the write happened is unknown, and a conditional retry finds out.
UNREACHABLE = (AutoReconnect, ExecutionTimeout, WTimeoutError)

# Majority on both sides: what was acknowledged survives a failover, what was read cannot be rolled back.
OPTIONS: Mapping[str, Any] = {
    "tz_aware": True,
    "uuidRepresentation": "standard",
    "retryWrites": True,
    "serverSelectionTimeoutMS": 5_000,
    "connectTimeoutMS": 2_000,
    "socketTimeoutMS": 10_000,
}


@asynccontextmanager
async def connect(url: SecretStr, database: str) -> AsyncIterator[Database]:
    """Open a client; it finds the server when it is first needed and again after every failure."""
    client: Client = AsyncIOMotorClient(url.get_secret_value(), **OPTIONS)
    try:
        yield client.get_database(
            database, read_concern=ReadConcern("majority"), write_concern=WriteConcern("majority")
        )
    finally:
        client.close()


async def reachable(database: Database) -> bool:
    """Answers a ping within the client's own time limits."""
    with suppress(PyMongoError):
        return bool(await database.command("ping"))
    return False


async def ensure(collection: Collection, indexes: Sequence[IndexModel], schema: Document | None = None) -> None:
    """Make the collection, its validator (`$jsonSchema`) and its named indexes, if they are not there yet.

    Safe when several replicas start at once. An index whose definition differs from the one that stands is
    refused by the server, and the error flies: changing an index is a migration, never a side effect.
    """
    async for attempt in stamina.retry_context(on=PyMongoError, attempts=None, timeout=60):
        with attempt:
            await _create(collection, schema)
    if indexes:
        await collection.create_indexes(list(indexes))


async def _create(collection: Collection, schema: Document | None) -> None:
    validator = {"validator": {"$jsonSchema": schema}} if schema else {}
    try:
        await collection.database.create_collection(collection.name, check_exists=True, **validator)
    except CollectionInvalid:
        if validator:
            await collection.database.command("collMod", collection.name, **validator)


def clashed_index(error: DuplicateKeyError) -> str:
    """Which unique index refused the write, by its fields joined with `_` (`_id`, `practice_cells`)."""
    details: Mapping[str, Any] = error.details or {}
    failures = details.get("writeErrors") or [details]  # a bulk write keeps the answer one level down
    return "_".join(failures[0].get("keyPattern", {}))


async def leased(database: Database, name: str, *, holder: str, term: timedelta) -> bool:
    """Hold the named lease for `term` from now, by the server's clock; False while somebody else has it."""
    until = {"$dateAdd": {"startDate": "$$NOW", "unit": "millisecond", "amount": int(term.total_seconds() * 1000)}}
    free = {"$lt": [{"$ifNull": ["$until", datetime.min.replace(tzinfo=UTC)]}, "$$NOW"]}
    mine = {"$or": [free, {"$eq": ["$holder", holder]}]}
    lease = await database["leases"].find_one_and_update(
        {"_id": name},
        [{"$set": {"until": {"$cond": [mine, until, "$until"]}, "holder": {"$cond": [mine, holder, "$holder"]}}}],
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    return bool(lease["holder"] == holder)
