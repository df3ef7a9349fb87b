"""The proofs of numbers in MongoDB: a code and the text that brings it are one write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.booking.domain.client import Subject
from services.booking.domain.proof import Proof
from shared.mongo import Collection, Database, Document, ensure
from shared.relay import Outbox, Relay, Said

# A code that nobody showed is worth nothing after ten minutes, and anybody can ask for codes.
UNPROVEN: Final = timedelta(days=1)
INDEXES: Final = (
    IndexModel(
        [("forget_from", ASCENDING)],
        name="forget",
        expireAfterSeconds=int(UNPROVEN.total_seconds()),
        partialFilterExpression={"forget_from": {"$exists": True}},
    ),
)
SCHEMA: Final[Document] = {
    "bsonType": "object",
    "required": ["practice", "version", "asked", "tries"],
    "properties": {"version": {"bsonType": "int", "minimum": 1}, "tries": {"bsonType": "int", "minimum": 0}},
}
OPTIONAL: Final = ("hashed", "proven_at", "forget_from")


class MongoNumbers:
    """One document for each number at each practice; the number itself is only in the text that is on its way."""

    def __init__(self, collection: Collection, outbox: Outbox) -> None:
        self._collection = collection
        self._outbox = outbox

    @classmethod
    async def open(cls, database: Database, relay: Relay) -> MongoNumbers:
        collection = database["numbers"]
        await ensure(collection, INDEXES, SCHEMA)
        return cls(collection, await relay.outbox(collection))

    async def get(self, proof: str) -> Proof | None:
        document = await self._collection.find_one({"_id": proof}, {"outbox": 0})
        return None if document is None else _read(document)

    async def save(self, proof: Proof, said: Said) -> bool:
        fields = _fields(proof)
        if proof.version == 1:
            try:
                await self._collection.insert_one({"_id": proof.id, **fields, "outbox": self._outbox.entries(said)})
            except DuplicateKeyError:
                return False
        else:
            gone = [name for name in OPTIONAL if name not in fields]
            update = self._outbox.update(proof.id, set_=fields, unset=gone, said=said)
            result = await self._collection.update_one({"_id": proof.id, "version": proof.version - 1}, update)
            if result.matched_count == 0:
                return False
        self._outbox.hand_over(proof.id, said)
        return True

    async def told(self, subject: Subject) -> Sequence[Mapping[str, object]]:
        found = [_read(one) for one in await self._collection.find(_of(subject)).to_list(None)]
        return [
            {"codes_asked_at": [at.isoformat() for at in one.asked], "proven": one.proven_at is not None}
            for one in found
        ]

    async def forget(self, subject: Subject) -> None:
        await self._collection.delete_many(_of(subject))


def _of(subject: Subject) -> Document:
    return {"_id": {"$in": list(subject.proofs)}}


def _fields(proof: Proof) -> Document:
    fields: Document = {
        "practice": proof.practice,
        "version": proof.version,
        "asked": list(proof.asked),
        "hashed": proof.hashed,
        "tries": proof.tries,
        "proven_at": proof.proven_at,
        "forget_from": proof.asked[-1] if proof.proven_at is None and proof.asked else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _read(document: Document) -> Proof:
    return Proof(
        id=document["_id"],
        practice=document["practice"],
        version=document["version"],
        asked=tuple(document["asked"]),
        hashed=document.get("hashed"),
        tries=document["tries"],
        proven_at=document.get("proven_at"),
    )
