"""The audits in MongoDB, one document a day, and what they read of the texts."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence, Set
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Final

from pymongo import DESCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.notify.domain.audit import Audit, Posted
from shared.mongo import Database, Document, ensure

NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
FREE: Final[Document] = {
    "$and": [{"$eq": [{"$type": "$done_at"}, "missing"]}, {"$lt": [{"$ifNull": ["$until", NEVER]}, "$$NOW"]}]
}
SEEN: Final[Document] = {"sent_at": 1, "attempts.sid": 1, "duplicates": 1}


class MongoAudits:
    def __init__(self, database: Database, hidden: Callable[[str], str]) -> None:
        self._audits = database["audits"]
        self._messages, self._practices, self._asks = database["messages"], database["practices"], database["asks"]
        self._hidden = hidden

    @classmethod
    async def open(cls, database: Database, hidden: Callable[[str], str]) -> MongoAudits:
        await ensure(database["audits"], [])
        return cls(database, hidden)

    async def claim(self, day: date, lease: timedelta) -> bool:
        """By the server's clock, in one write that leaves everything as it is where the day is not free."""
        stamp = secrets.token_hex(12)
        until = {"$add": ["$$NOW", int(lease.total_seconds() * 1000)]}
        taken: Document = {"until": {"$cond": [FREE, until, "$until"]}, "stamp": {"$cond": [FREE, stamp, "$stamp"]}}
        try:
            after = await self._audits.find_one_and_update(
                {"_id": day.isoformat()}, [{"$set": taken}], upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:  # another made the document at the same moment
            return False
        return bool(after.get("stamp") == stamp)

    async def keep(self, audit: Audit) -> None:
        fields = {name: value for name, value in asdict(audit).items() if name != "day"}
        fields["examples"] = list(audit.examples)
        await self._audits.replace_one({"_id": audit.day.isoformat()}, fields, upsert=True)

    async def newest(self, limit: int) -> Sequence[Audit]:
        done = self._audits.find({"done_at": {"$exists": True}}).sort("_id", DESCENDING).limit(limit)
        return [_audit(document) for document in await done.to_list(limit)]

    async def posted(self, since: datetime, until: datetime, most: int) -> Sequence[Posted]:
        """Practice by practice, as the index of what was posted has them."""
        found: list[Posted] = []
        for practice in await self._ids_of_practices():
            begun = {"practice": practice, "sent_at": {"$gte": since, "$lt": until}}
            left = most - len(found)
            if left <= 0:
                break
            found += [_posted(document) async for document in self._messages.find(begun, SEEN).limit(left)]
        return found

    async def erased(self, phones: Sequence[str], since: datetime) -> Set[str]:
        names = {self._hidden(phone): phone for phone in phones}
        asked = {
            "practice": {"$in": await self._ids_of_practices()},
            "numbers": {"$in": sorted(names)},
            "begun_at": {"$gte": since},
        }
        found = await self._asks.find(asked, {"numbers": 1}).to_list(None) if names else []
        return {names[name] for document in found for name in document["numbers"] if name in names}

    async def _ids_of_practices(self) -> list[str]:
        return [document["_id"] for document in await self._practices.find({}, {"_id": 1}).to_list(None)]


def _posted(document: Document) -> Posted:
    sids = tuple(attempt["sid"] for attempt in document["attempts"] if "sid" in attempt)
    return Posted(document["_id"], document["sent_at"].astimezone(UTC), sids, document["duplicates"])


def _audit(document: Document) -> Audit:
    fields = {name: value for name, value in document.items() if name != "_id"}
    return Audit(day=date.fromisoformat(document["_id"]), **fields | {"examples": tuple(fields["examples"])})
