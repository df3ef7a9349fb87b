"""The private calendar addresses of practitioners in MongoDB: one for each, found by the digest of its secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pymongo import ASCENDING, IndexModel

from services.booking.domain.audit import Entry
from services.booking.domain.feed import Feed, Names
from services.booking.store import audit
from shared.mongo import Collection, Database, Document, ensure

MOST: Final = 200
INDEXES: Final = (
    IndexModel(
        [("digest", ASCENDING)], name="address", unique=True, partialFilterExpression={"digest": {"$exists": True}}
    ),
    IndexModel([("practice", ASCENDING)], name="of_practice"),
)


class MongoFeeds:
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    @classmethod
    async def open(cls, database: Database) -> MongoFeeds:
        collection = database["feeds"]
        await ensure(collection, INDEXES)
        return cls(collection)

    async def get(self, practice: str, practitioner: str) -> Feed | None:
        return _feed(await self._collection.find_one({"_id": f"{practice}/{practitioner}"}))

    async def known_by(self, digest: str) -> Feed | None:
        return _feed(await self._collection.find_one({"digest": digest}))

    async def put(self, feed: Feed) -> None:
        document = _document(feed)
        await self._collection.replace_one({"_id": document["_id"]}, document, upsert=True)

    async def revoke(self, revoked: Feed, *, was: str) -> bool:
        document = _document(revoked)
        same = {"_id": document["_id"], "digest": was}
        return (await self._collection.replace_one(same, document)).matched_count == 1

    async def last_changes(self, practice: str) -> Sequence[Entry]:
        found = await self._collection.find({"practice": practice}, {"changed": 1}).limit(MOST).to_list(MOST)
        return [audit.entry(document["changed"]) for document in found if "changed" in document]


def _document(feed: Feed) -> Document:
    fields = {
        "_id": f"{feed.practice}/{feed.practitioner}",
        "practice": feed.practice,
        "practitioner": feed.practitioner,
        "names": feed.names.value,
        "services": feed.services,
        "digest": feed.digest,
        "changed": None if feed.changed is None else audit.document(feed.changed),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _feed(document: Document | None) -> Feed | None:
    if document is None:
        return None
    return Feed(
        practice=document["practice"],
        practitioner=document["practitioner"],
        names=Names(document["names"]),
        services=document["services"],
        digest=document.get("digest"),
        changed=audit.entry(document["changed"]) if "changed" in document else None,
    )
