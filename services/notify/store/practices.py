"""The practices that booking told of, in MongoDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from pymongo.errors import DuplicateKeyError

from services.notify import documents
from services.notify.domain.practice import Practice
from services.notify.store.writing import TWICE
from shared.mongo import Database, ensure


class MongoPractices:
    def __init__(self, database: Database) -> None:
        self._practices = database["practices"]

    @classmethod
    async def open(cls, database: Database) -> MongoPractices:
        await ensure(database["practices"], [])
        return cls(database)

    async def get(self, practice: str) -> Practice | None:
        return (await self.many([practice])).get(practice)

    async def many(self, practices: Sequence[str]) -> Mapping[str, Practice]:
        found = await self._practices.find({"_id": {"$in": list(practices)}}).to_list(len(practices))
        return {document["_id"]: documents.to_practice(document) for document in found}

    async def keep(self, practice: Practice) -> None:
        older = {"_id": practice.id, "version": {"$lt": practice.version}}
        for upsert in TWICE:
            with suppress(DuplicateKeyError):
                fields = {name: value for name, value in documents.of_practice(practice).items() if name != "_id"}
                await self._practices.update_one(older, {"$set": fields}, upsert=upsert)
                return

    async def edit(self, practice: Practice) -> bool:
        read = {"$in": [0, None]} if practice.edits == 0 else practice.edits  # an older release counted none
        change = {"$set": documents.of_own(practice), "$inc": {"edits": 1}}
        return (await self._practices.update_one({"_id": practice.id, "edits": read}, change)).matched_count == 1

    async def note_planned(self, practice: Practice) -> bool:
        noted = {"$set": {"planned_under": practice.policy}}
        same = {"_id": practice.id, "version": practice.version}
        return (await self._practices.update_one(same, noted)).matched_count == 1

    async def pause(self, practice: str, template: str) -> None:
        going = {"_id": practice, "paused": {"$ne": template}}
        await self._practices.update_one(going, {"$push": {"paused": template}, "$inc": {"edits": 1}})
