"""Legal holds in MongoDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bson.binary import Binary
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.screening.documents import ENCRYPTED
from services.screening.ports import Hold
from shared.mongo import Database, Document, ensure

OF_PRACTICE: Final = IndexModel([("practice", ASCENDING), ("at", ASCENDING)], name="of_practice")


class MongoHolds:
    def __init__(self, database: Database) -> None:
        self._holds = database["holds"]

    @classmethod
    async def open(cls, database: Database) -> MongoHolds:
        await ensure(database["holds"], [OF_PRACTICE])
        return cls(database)

    async def place(self, hold: Hold) -> Hold:
        fields = {"practice": hold.practice, "client": hold.client, "by": hold.by, "at": hold.at}
        try:
            await self._holds.insert_one(
                {"_id": _id(hold.practice, hold.client), **fields, "sealed": Binary(hold.sealed, ENCRYPTED)}
            )
        except DuplicateKeyError:
            there = await self._holds.find_one({"_id": _id(hold.practice, hold.client)})
            return hold if there is None else _hold(there)
        return hold

    async def lift(self, practice: str, client: str) -> bool:
        return (await self._holds.delete_one({"_id": _id(practice, client)})).deleted_count == 1

    async def of(self, practice: str) -> Sequence[Hold]:
        found = self._holds.find({"practice": practice}).sort("at", ASCENDING)
        return [_hold(document) for document in await found.to_list(None)]

    async def any_of(self, practice: str, refs: Sequence[str]) -> bool:
        ids = [_id(practice, ref) for ref in refs]
        return await self._holds.find_one({"_id": {"$in": ids}}, {"_id": 1}) is not None


def _id(practice: str, client: str) -> str:
    return f"{practice}/{client}"


def _hold(document: Document) -> Hold:
    fields = {name: value for name, value in document.items() if name != "_id"}
    return Hold(**{**fields, "sealed": bytes(fields["sealed"])})
