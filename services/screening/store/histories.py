"""Histories of clients in MongoDB: plain when they were declined, sealed what they said."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bson.binary import Binary
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.screening.documents import ENCRYPTED
from services.screening.domain.history import Declined, History
from shared.mongo import Database, Document, ensure

ERASURE_KEPT: Final = timedelta(days=90)
# By then every event that was on its way has arrived.
FORGET: Final = IndexModel(
    [("erased_at", ASCENDING)],
    name="forget",
    expireAfterSeconds=int(ERASURE_KEPT.total_seconds()),
    partialFilterExpression={"erased_at": {"$exists": True}},
)
SCHEMA: Final[Document] = {
    "required": ["practice", "ref", "version"],
    "properties": {
        "practice": {"bsonType": "string"},
        "ref": {"bsonType": "string"},
        "version": {"bsonType": "int", "minimum": 1},
        "sealed": {"bsonType": "binData"},
        "declines": {"bsonType": "array"},
    },
}


class MongoHistories:
    def __init__(self, database: Database) -> None:
        self._histories = database["histories"]

    @classmethod
    async def open(cls, database: Database) -> MongoHistories:
        await ensure(database["histories"], [FORGET], SCHEMA)
        return cls(database)

    async def find(self, practice: str, ref: str) -> History | None:
        document = await self._histories.find_one({"_id": _id(practice, ref)})
        return None if document is None else _history(document)

    async def save(self, before: History, after: History) -> bool:
        id_, fields = _id(after.practice, after.ref), _fields(after)
        if before.version:
            written = await self._histories.replace_one({"_id": id_, "version": before.version}, fields)
            return written.matched_count == 1
        try:
            await self._histories.insert_one({"_id": id_, **fields})
        except DuplicateKeyError:
            return False
        return True


def _fields(history: History) -> Document:
    found: Document = {
        "practice": history.practice,
        "ref": history.ref,
        "version": history.version,
        "sealed": None if history.sealed is None else Binary(history.sealed, ENCRYPTED),
        "declines": [{"appointment": one.appointment, "at": one.at} for one in history.declines] or None,
        "into": history.into,
        "erased_at": history.erased_at,
    }
    return {name: value for name, value in found.items() if value is not None}


def _history(document: Document) -> History:
    sealed = document.get("sealed")
    return History(
        practice=document["practice"],
        ref=document["ref"],
        version=document["version"],
        sealed=None if sealed is None else bytes(sealed),
        declines=tuple(Declined(**one) for one in document.get("declines", ())),
        into=document.get("into"),
        erased_at=document.get("erased_at"),
    )


def _id(practice: str, ref: str) -> str:
    return f"{practice}/{ref}"
