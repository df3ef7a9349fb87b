"""Drafts, editions and what they force, in MongoDB; what counts lies in the document of its practice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.screening import documents, publications
from services.screening.domain.draft import Draft, Edition, Stage
from services.screening.ports import Profile
from shared.mongo import Database, Document, ensure

IN_TEST: Final = IndexModel(
    [("stage", ASCENDING), ("_id", ASCENDING)], name="in_test", partialFilterExpression={"stage": Stage.IN_TEST.value}
)
FORCED: Final = IndexModel([("forced.at", ASCENDING)], name="forced", sparse=True)


class MongoEditions:
    """Content lies in `editions` under its digest, a draft in `drafts` until it is published."""

    def __init__(self, database: Database) -> None:
        self._drafts = database["drafts"]
        self._editions = database["editions"]
        self._practices = database["practices"]

    @classmethod
    async def open(cls, database: Database) -> MongoEditions:
        await ensure(database["drafts"], [IN_TEST])
        await ensure(database["editions"], [])
        return cls(database)

    async def draft(self, practice: str, form: str) -> Draft | None:
        found = await self._drafts.find_one({"_id": _id(practice, form)})
        return None if found is None else publications.draft(found)

    async def save(self, before: Draft, after: Draft) -> bool:
        id_, fields = _id(after.practice, after.form), publications.draft_fields(after)
        if before.version:
            written = await self._drafts.replace_one({"_id": id_, **_same(before)}, fields)
            return written.matched_count == 1
        try:
            await self._drafts.insert_one({"_id": id_, **fields})
        except DuplicateKeyError:
            return False
        return True

    async def drop(self, draft: Draft) -> bool:
        gone = await self._drafts.delete_one({"_id": _id(draft.practice, draft.form), **_same(draft)})
        return gone.deleted_count == 1

    async def in_test(self, *, after: str, limit: int) -> Sequence[Draft]:
        found = self._drafts.find({"stage": Stage.IN_TEST.value, "_id": {"$gt": after}})
        return [publications.draft(one) for one in await found.sort("_id", ASCENDING).limit(limit).to_list(limit)]

    async def keep(self, practice: str, digest: str, content: str) -> None:
        try:
            await self._editions.insert_one({"_id": _id(practice, digest), "content": content})
        except DuplicateKeyError:
            return  # the same, by its digest

    async def content(self, practice: str, digest: str) -> str | None:
        found = await self._editions.find_one({"_id": _id(practice, digest)})
        return None if found is None else str(found["content"])

    async def publish(self, edition: Edition, *, instead_of: Edition | None) -> bool:
        counts = f"own.{edition.form}.digest"
        counted: Document = {counts: {"$exists": False} if instead_of is None else instead_of.digest}
        fields = publications.edition_fields(edition)
        listed = {"published": fields} | ({"forced": fields} if edition.forces_rescreen else {})
        written = await self._practices.update_one(
            {"_id": edition.practice, **counted}, {"$set": {f"own.{edition.form}": fields}, "$push": listed}
        )
        return written.matched_count == 1

    async def published(self, practice: str) -> Sequence[Edition]:
        found = await self._practices.find_one({"_id": practice}, {"published": 1})
        return [publications.edition(one) for one in (found or {}).get("published", ())]


class MongoRescreens:
    """What an edition forces lies in the document of its practice, what the library forces in `releases`."""

    def __init__(self, database: Database) -> None:
        self._practices = database["practices"]
        self._releases = database["releases"]

    @classmethod
    async def open(cls, database: Database) -> MongoRescreens:
        await ensure(database["practices"], [FORCED])
        await ensure(database["releases"], [])
        return cls(database)

    async def forced(self, *, limit: int) -> Sequence[Edition]:
        found = self._practices.find({"forced.at": {"$exists": True}}, {"forced": 1}).limit(limit)
        return [publications.edition(one) for each in await found.to_list(limit) for one in each["forced"]]

    async def done(self, edition: Edition) -> None:
        gone = {"forced": {"form": edition.form, "digest": edition.digest}}
        await self._practices.update_one({"_id": edition.practice}, {"$pull": gone})

    async def release(self, ruleset: str, *, at: datetime) -> datetime | None:
        fresh = {"$setOnInsert": {"seen_at": at, "done": False}}
        found: Document | None
        try:
            found = await self._releases.find_one_and_update(
                {"_id": ruleset}, fresh, upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:  # another replica was first in the same moment
            found = await self._releases.find_one({"_id": ruleset})
        seen_at: datetime | None = None if found is None or found["done"] else found["seen_at"]
        return seen_at

    async def release_done(self, ruleset: str) -> None:
        await self._releases.update_one({"_id": ruleset}, {"$set": {"done": True}})

    async def practices(self, *, after: str, limit: int) -> Sequence[Profile]:
        found = self._practices.find({"_id": {"$gt": after}}, documents.UNLISTED).sort("_id", ASCENDING).limit(limit)
        return [documents.profile(one) for one in await found.to_list(limit)]


def _id(practice: str, rest: str) -> str:
    return f"{practice}/{rest}"


def _same(draft: Draft) -> Document:
    return {"version": draft.version, "digest": draft.digest}
