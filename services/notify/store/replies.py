"""What clients texted back, in MongoDB."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.notify import documents
from services.notify.ports import Place, Reply
from shared.mongo import Database, Document, ensure

REPLIES_KEPT: Final = timedelta(days=90)


class MongoReplies:
    def __init__(self, database: Database) -> None:
        self._replies = database["replies"]

    @classmethod
    async def open(cls, database: Database) -> MongoReplies:
        undone = IndexModel([("received_at", ASCENDING)], name="undone", partialFilterExpression={"done": False})
        expire = IndexModel(
            [("received_at", DESCENDING)], name="expire", expireAfterSeconds=int(REPLIES_KEPT.total_seconds())
        )
        of_number = IndexModel([("phone", ASCENDING), ("received_at", ASCENDING)], name="of_number")
        await ensure(database["replies"], [undone, expire, of_number])
        return cls(database)

    async def add(self, reply: Reply) -> bool:
        try:
            await self._replies.insert_one({**documents.of_reply(reply), "done": False})
        except DuplicateKeyError:
            return False
        return True

    async def done(self, sid: str) -> None:
        await self._replies.update_one({"_id": sid}, {"$set": {"done": True}, "$unset": {"sealed": ""}})

    async def undone(self, before: datetime, limit: int) -> Sequence[Reply]:
        found = self._replies.find({"done": False, "received_at": {"$lt": before}}).limit(limit)
        return [documents.to_reply(document) for document in await found.to_list(limit)]

    async def of(self, phones: Sequence[str]) -> Sequence[Reply]:
        found = self._replies.find({"phone": {"$in": list(phones)}}).sort("received_at", ASCENDING)
        return [documents.to_reply(document) for document in await found.to_list(None)]

    async def line(self, phone: str, *, before: Place | None, limit: int) -> Sequence[Reply]:
        wanted: Document = {"phone": phone}
        if before is not None:
            at, sid = before
            earlier = [{"received_at": {"$lt": at}}, {"received_at": at, "_id": {"$lt": sid}}]
            wanted |= {"received_at": {"$lte": at}, "$or": earlier}
        newest_first = [("received_at", DESCENDING), ("_id", DESCENDING)]
        found = await self._replies.find(wanted).sort(newest_first).limit(limit).to_list(limit)
        return [documents.to_reply(document) for document in found]

    async def forget(self, phones: Sequence[str], sids: Sequence[str]) -> None:
        for theirs in ({"phone": {"$in": list(phones)}}, {"_id": {"$in": list(sids)}}):
            await self._replies.delete_many(theirs)
