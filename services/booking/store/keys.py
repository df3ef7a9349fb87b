"""The keys of the API in MongoDB, and to which practice the things belong that they are shown for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne

from services.booking.domain.audit import Entry
from services.booking.domain.identity import seat_id
from services.booking.domain.key import Key, Scope
from services.booking.store import audit
from shared.mongo import Collection, Database, Document, ensure

REVOKED_KEPT: Final = timedelta(days=90)
MOST: Final = 500
CHANGES: Final = 50
INDEXES: Final = (
    IndexModel([("practice", ASCENDING), ("made_at", DESCENDING)], name="of_practice"),
    IndexModel([("practice", ASCENDING), ("changed.at", DESCENDING)], name="changed"),
    # The audit remembers them for longer.
    IndexModel(
        [("revoked_at", ASCENDING)],
        name="forget",
        expireAfterSeconds=int(REVOKED_KEPT.total_seconds()),
        partialFilterExpression={"revoked_at": {"$exists": True}},
    ),
)
LIES_IN: Final[Mapping[str, str]] = {
    "appointment": "appointments",
    "course": "appointments",
    "offer": "offers",
    "waiting": "waiting",
}
"""The collection of each thing that an address can name."""


class MongoKeys:
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    @classmethod
    async def open(cls, database: Database) -> MongoKeys:
        collection = database["keys"]
        await ensure(collection, INDEXES)
        return cls(collection)

    async def get(self, key: str) -> Key | None:
        document = await self._collection.find_one({"_id": key})
        return None if document is None else _key(document)

    async def add(self, key: Key) -> None:
        await self._collection.insert_one(_document(key))

    async def of(self, practice: str) -> Sequence[Key]:
        found = self._collection.find({"practice": practice}).sort("made_at", DESCENDING).limit(MOST)
        return [_key(document) for document in await found.to_list(MOST)]

    async def revoke(self, revoked: Key) -> bool:
        fields: Document = {"revoked_at": revoked.revoked_at}
        if revoked.changed is not None:
            fields["changed"] = audit.document(revoked.changed)
        good = {"_id": revoked.id, "revoked_at": {"$exists": False}}
        return (await self._collection.update_one(good, {"$set": fields})).matched_count == 1

    async def used(self, uses: Mapping[str, datetime]) -> None:
        writes: list[Any] = [UpdateOne({"_id": key}, {"$max": {"used_at": at}}) for key, at in uses.items()]
        await self._collection.bulk_write(writes, ordered=False)

    async def last_changes(self, practice: str) -> Sequence[Entry]:
        found = self._collection.find({"practice": practice}, {"changed": 1}).sort("changed.at", DESCENDING)
        changed = [document["changed"] for document in await found.limit(CHANGES).to_list(CHANGES)]
        return [audit.entry(one) for one in changed]


class MongoBelonging:
    """Looks only at ids, so it needs no index of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def practice_of(self, subject: str, id_: str) -> str | None:
        # A course is its visits, and the first of them speaks for all.
        kept_as = seat_id(id_, 0) if subject == "course" else id_
        found = await self._database[LIES_IN[subject]].find_one({"_id": kept_as}, {"practice": 1})
        return None if found is None else str(found["practice"])


def _document(key: Key) -> Document:
    fields = {
        "_id": key.id,
        "practice": key.practice,
        "name": key.name,
        "scopes": [scope.value for scope in key.scopes],
        "digest": key.digest,
        "made_by": key.made_by,
        "made_at": key.made_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "used_at": key.used_at,
        "changed": None if key.changed is None else audit.document(key.changed),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _key(document: Document) -> Key:
    return Key(
        id=document["_id"],
        practice=document["practice"],
        name=document["name"],
        scopes=tuple(Scope(scope) for scope in document["scopes"]),
        digest=document["digest"],
        made_by=document["made_by"],
        made_at=document["made_at"],
        expires_at=document.get("expires_at"),
        revoked_at=document.get("revoked_at"),
        used_at=document.get("used_at"),
        changed=audit.entry(document["changed"]) if "changed" in document else None,
    )
