"""The audit of settings in MongoDB: every change once, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.booking.domain.appointment import Change
from services.booking.domain.audit import Entry
from shared.mongo import Collection, Database, Document, ensure

INDEXES: Final = (
    IndexModel([("practice", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)], name="newest_of_a_practice"),
)


class MongoAudit:
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    @classmethod
    async def open(cls, database: Database) -> MongoAudit:
        collection = database["audit"]
        await ensure(collection, INDEXES)
        return cls(collection)

    async def note(self, entry: Entry) -> None:
        try:
            await self._collection.insert_one({"_id": _key(entry.practice, entry.id), **document(entry)})
        except DuplicateKeyError:
            return  # noted already, by whoever wrote it or by whoever came next

    async def newest(self, practice: str, *, before: str | None, limit: int) -> Sequence[Entry]:
        wanted: Document = {"practice": practice}
        if before is not None:
            seen = await self._collection.find_one({"_id": _key(practice, before)}, {"at": 1})
            if seen is None:
                return ()
            older = [{"at": {"$lt": seen["at"]}}, {"_id": {"$lt": seen["_id"]}}]
            wanted |= {"at": {"$lte": seen["at"]}, "$or": older}
        found = self._collection.find(wanted).sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [entry(one) for one in await found.to_list(limit)]


def document(entry: Entry) -> Document:
    """An entry as it lies in the audit, and in the document of whatever it changed."""
    return {
        "id": entry.id,
        "practice": entry.practice,
        "subject": entry.subject,
        "deed": entry.deed,
        "who": entry.who,
        "where": entry.where,
        "at": entry.at,
        "changes": [{"field": one.field, "old": one.old, "new": one.new} for one in entry.changes],
    }


def entry(document: Document) -> Entry:
    """The opposite of `document`."""
    fields = {name: value for name, value in document.items() if name != "_id"}
    return Entry(**fields | {"changes": tuple(Change(**one) for one in document["changes"])})


def _key(practice: str, entry: str) -> str:
    return f"{practice}/{entry}"
