"""Cases and practices in MongoDB: plain what is needed to find and order them, sealed what was answered and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.screening import documents
from services.screening.domain.audit import Fact
from services.screening.domain.case import Case, State
from services.screening.domain.retention import Kept
from services.screening.ports import Profile
from shared.events import Envelope
from shared.mongo import Database, Document, ensure
from shared.relay import Outbox, Relay

THERE: Final = {"$exists": True}
QUEUE: Final = IndexModel(
    [("practice", ASCENDING), ("deadline", ASCENDING), ("_id", ASCENDING)],
    name="queue",
    partialFilterExpression={"deadline": THERE},
)
OVERDUE: Final = IndexModel([("deadline", ASCENDING)], name="overdue", partialFilterExpression={"deadline": THERE})
REMIND: Final = IndexModel([("remind_at", ASCENDING)], name="remind", partialFilterExpression={"remind_at": THERE})
FLAGGED: Final = IndexModel(
    [("practice", ASCENDING), ("starts_at", ASCENDING)], name="flagged", partialFilterExpression={"flagged": True}
)
OF_CLIENT: Final = IndexModel(
    [("practice", ASCENDING), ("client", ASCENDING), ("starts_at", DESCENDING)],
    name="of_client",
    partialFilterExpression={"client": {"$exists": True}},
)
BY_VISIT: Final = IndexModel(
    [("practice", ASCENDING), ("starts_at", DESCENDING), ("_id", DESCENDING)],
    name="by_visit",
    partialFilterExpression={"starts_at": THERE},
)
KEPT: Final = IndexModel(
    [("kept_as", ASCENDING), ("kept_since", ASCENDING), ("_id", ASCENDING)],
    name="kept",
    partialFilterExpression={"kept_as": {"$exists": True}},
)
UNSEEN: Final = {"outbox": 0, "trail": 0}
BINARY: Final[Document] = {"properties": {"sealed": {"bsonType": "binData"}}}
SEALED: Final[Document] = {"bsonType": "object", "required": ["sealed"], **BINARY}
SEALED_OR_NOT: Final[Document] = {**SEALED, "bsonType": ["object", "null"]}
ALL_SEALED: Final[Document] = {"bsonType": "array", "items": SEALED}
ADDED: Final[Document] = {"words": ALL_SEALED, "attachments": ALL_SEALED}
SCHEMA: Final[Document] = {
    "required": ["practice", "version", "state"],
    "properties": {
        "practice": {"bsonType": "string"},
        "version": {"bsonType": "int", "minimum": 1},
        "state": {"enum": [state.value for state in State]},
        "submission": SEALED,
        "ruling": SEALED,
        "appeal": {"bsonType": "binData"},
        **ADDED,
        "rounds": {
            "bsonType": "array",
            "items": {"properties": {"submission": SEALED_OR_NOT, "ruling": SEALED_OR_NOT, **ADDED}},
        },
    },
}


async def stored(database: Database, appointment: str) -> Case | None:
    """For whoever changes nothing and has nobody to say it to."""
    found = await database["cases"].find_one({"_id": appointment}, UNSEEN)
    return None if found is None else documents.case(found)


class MongoCases:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self.database = database
        self._cases = database["cases"]
        self._outbox = outbox

    @classmethod
    async def open(cls, database: Database, relay: Relay) -> MongoCases:
        await ensure(database["cases"], [QUEUE, OVERDUE, REMIND, FLAGGED, OF_CLIENT, BY_VISIT, KEPT], SCHEMA)
        return cls(database, await relay.outbox(database["cases"]))

    async def find(self, appointment: str) -> Case | None:
        return await stored(self.database, appointment)

    async def save(self, before: Case, after: Case, said: Sequence[Envelope[Any]], trail: Sequence[Fact] = ()) -> bool:
        left = [fact.written() for fact in trail]
        is_new = before.version == 0
        written = await (self._insert(after, said, left) if is_new else self._update(before, after, said, left))
        if written:
            self._outbox.hand_over(after.id, said)
        return written

    async def in_review(self, practice: str, *, after: tuple[datetime, str] | None, limit: int) -> list[Case]:
        waiting: Document = {"practice": practice, "deadline": THERE}
        if after is not None:
            deadline, last = after
            later = [{"deadline": {"$gt": deadline}}, {"deadline": deadline, "_id": {"$gt": last}}]
            waiting |= {"deadline": {"$gte": deadline}, "$or": later}
        found = self._cases.find(waiting, UNSEEN).sort([("deadline", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [documents.case(document) for document in await found.to_list(limit)]

    async def flagged(self, practice: str, *, since: datetime, limit: int) -> list[Case]:
        upcoming = {"practice": practice, "flagged": True, "starts_at": {"$gte": since}}
        found = self._cases.find(upcoming, UNSEEN).sort("starts_at", ASCENDING).limit(limit)
        return [documents.case(document) for document in await found.to_list(limit)]

    async def to_remind(self, at: datetime, *, limit: int) -> list[Case]:
        found = self._cases.find({"remind_at": {"$lte": at}}, UNSEEN).sort("remind_at", ASCENDING).limit(limit)
        return [documents.case(document) for document in await found.to_list(limit)]

    async def overdue(self, at: datetime, *, limit: int) -> int:
        return await self._cases.count_documents({"deadline": {"$lt": at}}, limit=limit)

    async def of_clients(self, practice: str, refs: Sequence[str], *, limit: int) -> list[Case]:
        theirs = self._cases.find({"practice": practice, "client": {"$in": list(refs)}}, UNSEEN)
        found = await theirs.sort("starts_at", DESCENDING).limit(limit).to_list(limit)
        return [documents.case(document) for document in found]

    async def by_visit(
        self, practice: str, *, before: tuple[datetime, str] | None, since: datetime | None, limit: int
    ) -> list[Case]:
        visits: Document = {"practice": practice, "starts_at": THERE if since is None else {"$gte": since}}
        if before is not None:
            starts_at, last = before
            visits["$or"] = [{"starts_at": {"$lt": starts_at}}, {"starts_at": starts_at, "_id": {"$lt": last}}]
            visits["starts_at"] = {"$lte": starts_at} if since is None else {"$gte": since, "$lte": starts_at}
        found = self._cases.find(visits, UNSEEN).sort([("starts_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [documents.case(document) for document in await found.to_list(limit)]

    async def last_attended(self, practice: str, refs: Sequence[str]) -> Case | None:
        theirs = {"practice": practice, "client": {"$in": list(refs)}, "attended": True}
        found = await self._cases.find_one(theirs, UNSEEN, sort=[("starts_at", DESCENDING)])
        return None if found is None else documents.case(found)

    async def kept_before(self, why: Kept, before: date, *, after: tuple[date, str] | None, limit: int) -> list[Case]:
        old: Document = {"kept_as": why.value, "kept_since": {"$lt": before.isoformat()}}
        if after is not None:
            since, last = after[0].isoformat(), after[1]
            later = {"$or": [{"kept_since": {"$gt": since}}, {"kept_since": since, "_id": {"$gt": last}}]}
            old = {"$and": [{**old, "kept_since": {"$gte": since, "$lt": before.isoformat()}}, later]}
        found = self._cases.find(old, UNSEEN).sort([("kept_since", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [documents.case(document) for document in await found.to_list(limit)]

    async def _insert(self, case: Case, said: Sequence[Envelope[Any]], left: Sequence[Document]) -> bool:
        trail = {"trail": left} if left else {}
        try:
            await self._cases.insert_one(
                {
                    "_id": case.id,
                    **documents.fields(case),
                    **documents.derived_fields(case),
                    **trail,
                    "outbox": self._outbox.entries(said),
                }
            )
        except DuplicateKeyError:
            return False
        return True

    async def _update(self, before: Case, after: Case, said: Sequence[Envelope[Any]], left: Sequence[Document]) -> bool:
        changed = {name for name in documents.WRITTEN if getattr(after, name) is not getattr(before, name)}
        fields = documents.fields(after, changed)
        was_derived, is_derived = documents.derived_fields(before), documents.derived_fields(after)
        if is_derived != was_derived:
            fields, changed = fields | is_derived, changed | was_derived.keys()
        push = {"trail": left} if left else {}
        gone = sorted(changed - fields.keys())
        update = self._outbox.update(after.id, set_=fields, push=push, unset=gone, said=said)
        result = await self._cases.update_one({"_id": after.id, "version": before.version}, update)
        return result.matched_count == 1


class MongoPractices:
    def __init__(self, database: Database) -> None:
        self._practices = database["practices"]

    @classmethod
    async def open(cls, database: Database) -> MongoPractices:
        await ensure(database["practices"], [])
        return cls(database)

    async def find(self, practice: str) -> Profile | None:
        found = await self._practices.find_one({"_id": practice}, documents.UNLISTED)
        return None if found is None else documents.profile(found)

    async def keep(self, profile: Profile) -> None:
        older = {"_id": profile.practice, "version": {"$lt": profile.version}}
        fields = {"$set": documents.profile_fields(profile)}
        try:
            await self._practices.update_one(older, fields, upsert=True)
        except DuplicateKeyError:
            # Some version is there now, and it may be an older one that was written in the same moment.
            await self._practices.update_one(older, fields)
