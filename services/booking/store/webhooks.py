"""Webhooks and what they are owed, in MongoDB: claims under a lease, and no list or round that grows with the past."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import BulkWriteError

from services.booking.domain.audit import Entry
from services.booking.domain.client import Subject
from services.booking.domain.webhook import Delivery, DeliveryState, Endpoint
from services.booking.store import audit
from shared.mongo import Collection, Database, Document, ensure

KEPT: Final = timedelta(days=30)
MOST: Final = 100
MOST_TOLD: Final = 1_000
DUPLICATE_KEY: Final = 11000
THERE: Final = {"removed_at": {"$exists": False}}
OWED: Final = {"due_at": {"$exists": True}}
ANY_TIME: Final = {"$gte": datetime.min.replace(tzinfo=UTC)}
ENDPOINT_INDEXES: Final = (
    IndexModel([("practice", ASCENDING), ("made_at", ASCENDING)], name="of_practice"),
    IndexModel(
        [("removed_at", ASCENDING)],
        name="forget",
        expireAfterSeconds=int(KEPT.total_seconds()),
        partialFilterExpression={"removed_at": {"$exists": True}},
    ),
)
DELIVERY_INDEXES: Final = (
    # Only what is still owed has a time, so this index stays as small as the work ahead.
    IndexModel([("endpoint", ASCENDING), ("due_at", ASCENDING)], name="owed", partialFilterExpression=OWED),
    IndexModel([("endpoint", ASCENDING), ("made_at", DESCENDING), ("_id", DESCENDING)], name="newest"),
    IndexModel(
        [("endpoint", ASCENDING), ("state", ASCENDING), ("made_at", DESCENDING), ("_id", DESCENDING)],
        name="newest_in_state",
    ),
    IndexModel([("practice", ASCENDING), ("client", ASCENDING)], name="of_client"),
    IndexModel([("made_at", ASCENDING)], name="forget", expireAfterSeconds=int(KEPT.total_seconds())),
)


class MongoWebhooks:
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    @classmethod
    async def open(cls, database: Database) -> MongoWebhooks:
        collection = database["webhooks"]
        await ensure(collection, ENDPOINT_INDEXES)
        return cls(collection)

    async def get(self, endpoint: str) -> Endpoint | None:
        document = await self._collection.find_one({"_id": endpoint, **THERE})
        return None if document is None else _endpoint(document)

    async def of(self, practice: str) -> Sequence[Endpoint]:
        found = self._collection.find({"practice": practice, **THERE}).sort("made_at", ASCENDING).limit(MOST)
        return [_endpoint(document) for document in await found.to_list(MOST)]

    async def add(self, endpoint: Endpoint) -> None:
        await self._collection.insert_one(_of_endpoint(endpoint))

    async def save(self, changed: Endpoint) -> bool:
        return await self._replace(changed, {})

    async def remove(self, removed: Endpoint, *, at: datetime) -> bool:
        return await self._replace(removed, {"removed_at": at})

    async def last_changes(self, practice: str) -> Sequence[Entry]:
        found = self._collection.find({"practice": practice}, {"changed": 1}).sort("made_at", DESCENDING).limit(MOST)
        return [audit.entry(one["changed"]) for one in await found.to_list(MOST) if "changed" in one]

    async def _replace(self, changed: Endpoint, more: Document) -> bool:
        before = {"_id": changed.id, "version": changed.version - 1, **THERE}
        return (await self._collection.replace_one(before, _of_endpoint(changed) | more)).matched_count == 1


class MongoDeliveries:
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    @classmethod
    async def open(cls, database: Database) -> MongoDeliveries:
        collection = database["deliveries"]
        await ensure(collection, DELIVERY_INDEXES)
        return cls(collection)

    async def add(self, owed: Sequence[Delivery]) -> None:
        try:
            await self._collection.insert_many([_of_delivery(one) for one in owed], ordered=False)
        except BulkWriteError as error:
            _only_known_ids(error)

    async def next_owed(self, now: datetime, *, after: str) -> str | None:
        due = {"endpoint": {"$gt": after}, "due_at": {"$lte": now}}
        found = await self._collection.find_one(due, {"endpoint": 1, "_id": 0}, sort=[("endpoint", ASCENDING)])
        return None if found is None else str(found["endpoint"])

    async def claim(self, endpoint: str, now: datetime, *, until: datetime) -> Delivery | None:
        document = await self._collection.find_one_and_update(
            {"endpoint": endpoint, "due_at": {"$lte": now}},
            {"$set": {"due_at": until}, "$inc": {"fence": 1}},
            sort=[("due_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        if document is None:  # an expression would be called redundant: the driver's stub knows no None here
            return None
        return _delivery(document)

    async def settle(self, tried: Delivery) -> bool:
        document = _of_delivery(tried)
        gone = {name: "" for name in ("due_at", "status", "problem") if name not in document}
        update: Document = {"$set": document} | ({"$unset": gone} if gone else {})
        mine = {"_id": tried.id, "fence": tried.fence}
        return (await self._collection.update_one(mine, update)).matched_count == 1

    async def give_up(self, endpoint: str, problem: str) -> None:
        failed = {"state": DeliveryState.FAILED.value, "problem": problem}
        await self._collection.update_many(
            {"endpoint": endpoint, "due_at": ANY_TIME}, {"$set": failed, "$unset": {"due_at": ""}, "$inc": {"fence": 1}}
        )

    async def page(
        self, endpoint: str, *, state: DeliveryState | None, before: str | None, limit: int
    ) -> Sequence[Delivery]:
        wanted: Document = {"endpoint": endpoint} | ({} if state is None else {"state": state.value})
        if before is not None:
            seen = await self._collection.find_one({"_id": before, "endpoint": endpoint}, {"made_at": 1})
            if seen is None:
                return ()
            older = [{"made_at": {"$lt": seen["made_at"]}}, {"_id": {"$lt": before}}]
            wanted |= {"made_at": {"$lte": seen["made_at"]}, "$or": older}
        found = self._collection.find(wanted).sort([("made_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [_delivery(document) for document in await found.to_list(limit)]

    async def replay(self, endpoint: str, delivery: str, now: datetime) -> Delivery | None:
        document = await self._collection.find_one_and_update(
            {"_id": delivery, "endpoint": endpoint}, _once_more(now), return_document=ReturnDocument.AFTER
        )
        if document is None:
            return None
        return _delivery(document)

    async def replay_since(self, endpoint: str, since: datetime, states: Sequence[DeliveryState], now: datetime) -> int:
        wanted = {"endpoint": endpoint, "state": {"$in": [one.value for one in states]}, "made_at": {"$gte": since}}
        return int((await self._collection.update_many(wanted, _once_more(now))).modified_count)

    async def told(self, subject: Subject) -> Sequence[Mapping[str, object]]:
        found = self._collection.find(_of_client(subject)).sort("made_at", ASCENDING).limit(MOST_TOLD)
        return [
            {"webhook": one["endpoint"], "told_at": one["made_at"].isoformat(), "told": json.loads(one["body"])}
            for one in await found.to_list(MOST_TOLD)
        ]

    async def forget(self, subject: Subject) -> None:
        await self._collection.delete_many(_of_client(subject))


def _of_client(subject: Subject) -> Document:
    return {"practice": subject.practice, "client": {"$in": list(subject.refs)}}


def _once_more(now: datetime) -> Document:
    """A try that is under way is fenced off, and may reach the receiver all the same."""
    fresh = {"state": DeliveryState.WAITING.value, "due_at": now, "since": now, "tries": 0}
    return {"$set": fresh, "$inc": {"fence": 1}}


def _of_endpoint(endpoint: Endpoint) -> Document:
    changed = None if endpoint.changed is None else audit.document(endpoint.changed)
    return _present(endpoint) | {"events": list(endpoint.events)} | ({} if changed is None else {"changed": changed})


def _endpoint(document: Document) -> Endpoint:
    changed = audit.entry(document["changed"]) if "changed" in document else None
    return Endpoint(**_named(document) | {"events": tuple(document["events"]), "changed": changed})


def _of_delivery(delivery: Delivery) -> Document:
    return _present(delivery) | {"state": delivery.state.value}


def _delivery(document: Document) -> Delivery:
    return Delivery(**_named(document) | {"state": DeliveryState(document["state"])})


def _present(value: Endpoint | Delivery) -> Document:
    """The fields as they are called, without those that hold nothing; `id` is `_id`."""
    named = {part.name: getattr(value, part.name) for part in fields(value)}
    return {("_id" if name == "id" else name): held for name, held in named.items() if held is not None}


def _named(document: Document) -> dict[str, Any]:
    return {("id" if name == "_id" else name): held for name, held in document.items()}


def _only_known_ids(error: BulkWriteError) -> None:
    """What is owed already is owed once; anything else is an error."""
    for failure in (error.details or {}).get("writeErrors", []):
        if failure["code"] != DUPLICATE_KEY:
            raise error
