"""Outside calendars as they were read last, in MongoDB; what they say is read again only when it has changed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from pymongo import ASCENDING, IndexModel

from services.booking.domain.imported import Imported
from services.booking.domain.spans import Span
from shared.mongo import Collection, Database, Document, ensure, leased

INDEXES: Final = (
    # Nobody tries what no profile names any more.
    IndexModel([("tried_at", ASCENDING)], name="forgotten", expireAfterSeconds=30 * 24 * 3600),
)
SCHEMA: Final[Document] = {
    "bsonType": "object",
    "required": ["practice", "practitioner", "tried_at", "skipped", "taken"],
    "properties": {"tried_at": {"bsonType": "date"}, "taken": {"bsonType": "array", "items": {"bsonType": "int"}}},
}


class MongoCalendars:
    def __init__(self, database: Database, collection: Collection, holder: str) -> None:
        self._database = database
        self._collection = collection
        self._holder = holder
        self._taken: dict[str, tuple[datetime, list[Span]]] = {}

    @classmethod
    async def open(cls, database: Database) -> MongoCalendars:
        collection = database["calendars"]
        await ensure(collection, INDEXES, SCHEMA)
        return cls(database, collection, secrets.token_hex(8))

    async def lease(self, term: timedelta) -> bool:
        return await leased(self._database, "calendars", holder=self._holder, term=term)

    async def states(self, ids: Sequence[str]) -> Mapping[str, Imported]:
        found = await self._collection.find({"_id": {"$in": list(ids)}}, {"taken": 0}).to_list(None)
        await self._read_anew([one for one in found if not self._is_known(one)])
        return {one["_id"]: _imported(one, self._taken.get(one["_id"])) for one in found}

    async def put(self, imported: Imported) -> None:
        document = _document(imported)
        await self._collection.replace_one({"_id": imported.id}, document, upsert=True)

    def _is_known(self, document: Document) -> bool:
        known = self._taken.get(document["_id"])
        return document.get("read_at") == (None if known is None else known[0])

    async def _read_anew(self, changed: Sequence[Document]) -> None:
        if not changed:
            return
        wanted = {"_id": {"$in": [one["_id"] for one in changed]}, "read_at": {"$exists": True}}
        async for document in self._collection.find(wanted, {"taken": 1, "read_at": 1}):
            flat = document["taken"]
            self._taken[document["_id"]] = (document["read_at"], list(zip(flat[::2], flat[1::2], strict=True)))


def _document(imported: Imported) -> Document:
    fields = {
        "practice": imported.practice,
        "practitioner": imported.practitioner,
        "tried_at": imported.tried_at,
        "read_at": imported.read_at,
        "read_until": imported.read_until,
        "failing_since": imported.failing_since,
        "trouble": imported.trouble,
        "skipped": imported.skipped,
        "tag": imported.tag,
        "taken": list(chain.from_iterable(imported.taken)),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _imported(document: Document, taken: tuple[datetime, list[Span]] | None) -> Imported:
    return Imported(
        id=document["_id"],
        practice=document["practice"],
        practitioner=document["practitioner"],
        tried_at=document["tried_at"],
        read_at=document.get("read_at"),
        read_until=document.get("read_until"),
        failing_since=document.get("failing_since"),
        trouble=document.get("trouble"),
        skipped=document["skipped"],
        tag=document.get("tag"),
        taken=() if taken is None else tuple(taken[1]),
    )
