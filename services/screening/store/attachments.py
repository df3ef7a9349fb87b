"""Files that clients added, sealed and in pieces; each stays loose until the case that names it is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bson.binary import Binary
from pymongo import ASCENDING, IndexModel

from services.screening.documents import ENCRYPTED
from shared.mongo import Database, Document, ensure

OF_APPOINTMENT: Final = IndexModel([("appointment", ASCENDING)], name="of_appointment")
LOOSE: Final = IndexModel(
    [("loose_since", ASCENDING)], name="loose", partialFilterExpression={"loose_since": {"$exists": True}}
)
SCHEMA: Final[Document] = {
    "required": ["appointment", "pieces"],
    "properties": {"pieces": {"bsonType": "array", "items": {"bsonType": "binData"}}},
}


class MongoAttachments:
    def __init__(self, database: Database) -> None:
        self._attachments = database["attachments"]

    @classmethod
    async def open(cls, database: Database) -> MongoAttachments:
        await ensure(database["attachments"], [OF_APPOINTMENT, LOOSE], SCHEMA)
        return cls(database)

    async def put(self, attachment: str, appointment: str, pieces: Sequence[bytes], *, at: datetime) -> None:
        sealed = [Binary(piece, ENCRYPTED) for piece in pieces]
        fields = {"appointment": appointment, "pieces": sealed, "loose_since": at}
        await self._attachments.replace_one({"_id": attachment}, fields, upsert=True)

    async def get(self, attachment: str, appointment: str) -> Sequence[bytes] | None:
        found = await self._attachments.find_one({"_id": attachment, "appointment": appointment})
        return None if found is None else [bytes(piece) for piece in found["pieces"]]

    async def bind(self, attachment: str) -> None:
        await self._attachments.update_one({"_id": attachment}, {"$unset": {"loose_since": ""}})

    async def drop(self, attachment: str) -> None:
        await self._attachments.delete_one({"_id": attachment})

    async def forget(self, appointment: str) -> None:
        await self._attachments.delete_many({"appointment": appointment})

    async def loose(self, before: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        old = self._attachments.find({"loose_since": {"$lt": before}}, {"appointment": 1})
        found = await old.sort("loose_since", ASCENDING).limit(limit).to_list(limit)
        return [(one["_id"], one["appointment"]) for one in found]
