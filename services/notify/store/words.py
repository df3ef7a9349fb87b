"""What clients texted in their own words, in MongoDB: sealed, and for thirty days."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.notify.ports import Place, Words
from shared.mongo import Database, Document, ensure

WORDS_KEPT: Final = timedelta(days=30)
OF_VISIT: Final = IndexModel([("appointment", ASCENDING), ("received_at", ASCENDING)], name="of_visit")
OF_NUMBER: Final = IndexModel([("practice", ASCENDING), ("phone", ASCENDING)], name="of_number")
NEWEST: Final = IndexModel([("practice", ASCENDING), ("received_at", DESCENDING), ("_id", DESCENDING)], name="newest")
EXPIRE: Final = IndexModel(
    [("received_at", ASCENDING)], name="expire", expireAfterSeconds=int(WORDS_KEPT.total_seconds())
)


class MongoWords:
    def __init__(self, database: Database) -> None:
        self._words = database["words"]

    @classmethod
    async def open(cls, database: Database) -> MongoWords:
        await ensure(database["words"], [OF_VISIT, OF_NUMBER, NEWEST, EXPIRE])
        return cls(database)

    async def add(self, words: Words) -> None:
        fields = {name: value for name, value in asdict(words).items() if value is not None}
        try:
            await self._words.insert_one({"_id": fields.pop("sid"), **fields})
        except DuplicateKeyError:  # heard again
            return

    async def page(self, practice: str, *, before: Place | None, limit: int) -> Sequence[Words]:
        wanted: Document = {"practice": practice}
        if before is not None:
            at, sid = before
            earlier = [{"received_at": {"$lt": at}}, {"received_at": at, "_id": {"$lt": sid}}]
            wanted |= {"received_at": {"$lte": at}, "$or": earlier}
        found = self._words.find(wanted).sort([("received_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [_read(one) for one in await found.to_list(limit)]

    async def held(self, practice: str, sids: Sequence[str]) -> Set[str]:
        found = self._words.find({"_id": {"$in": list(sids)}, "practice": practice}, {"_id": 1})
        return {one["_id"] for one in await found.to_list(len(sids) or 1)}

    async def mark_read(self, practice: str, sid: str, *, by: str, at: datetime) -> bool:
        unread = {"_id": sid, "practice": practice, "read_at": {"$exists": False}}
        await self._words.update_one(unread, {"$set": {"read_at": at, "read_by": by}})
        return await self._words.find_one({"_id": sid, "practice": practice}, {"_id": 1}) is not None

    async def of(self, appointments: Sequence[str]) -> Sequence[Words]:
        found = self._words.find({"appointment": {"$in": list(appointments)}}).sort("received_at", ASCENDING)
        return [_read(one) for one in await found.to_list(None)]

    async def forget(self, practice: str, phones: Sequence[str], appointments: Sequence[str]) -> None:
        await self._words.delete_many({"practice": practice, "phone": {"$in": list(phones)}})
        await self._words.delete_many({"appointment": {"$in": list(appointments)}})


def _read(document: Document) -> Words:
    return Words(sid=document["_id"], **{name: value for name, value in document.items() if name != "_id"})
