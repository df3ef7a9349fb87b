"""Cases and practices in MongoDB: plain what is needed to find and order them, sealed what was answered and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.screening import documents
from services.screening.domain.case import Case, State
from services.screening.ports import Profile
from shared.events import Envelope
from shared.mongo import Database, Document, ensure
from shared.relay import Outbox, Relay

REVIEWS: Final = IndexModel(
    [("practice", ASCENDING), ("deadline", ASCENDING)],
    name="waiting",
    partialFilterExpression={"deadline": {"$exists": True}},
)
OF_CLIENT: Final = IndexModel(
    [("practice", ASCENDING), ("client", ASCENDING), ("starts_at", DESCENDING)],
    name="of_client",
    partialFilterExpression={"client": {"$exists": True}},
)
BINARY: Final[Document] = {"properties": {"sealed": {"bsonType": "binData"}}}
SEALED: Final[Document] = {"bsonType": "object", "required": ["sealed"], **BINARY}
SEALED_OR_NOT: Final[Document] = {**SEALED, "bsonType": ["object", "null"]}
SCHEMA: Final[Document] = {
    "required": ["practice", "version", "state"],
    "properties": {
        "practice": {"bsonType": "string"},
        "version": {"bsonType": "int", "minimum": 1},
        "state": {"enum": [state.value for state in State]},
        "submission": SEALED,
        "ruling": SEALED,
        "appeal": {"bsonType": "binData"},
        "rounds": {
            "bsonType": "array",
            "items": {"properties": {"submission": SEALED_OR_NOT, "ruling": SEALED_OR_NOT}},
        },
    },
}


class MongoCases:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._cases = database["cases"]
        self._outbox = outbox

    @classmethod
    async def open(cls, database: Database, relay: Relay) -> MongoCases:
        await ensure(database["cases"], [REVIEWS, OF_CLIENT], SCHEMA)
        return cls(database, await relay.outbox(database["cases"]))

    async def find(self, appointment: str) -> Case | None:
        document = await self._cases.find_one({"_id": appointment}, {"outbox": 0})
        return None if document is None else documents.case(document)

    async def save(self, before: Case, after: Case, said: Sequence[Envelope[Any]]) -> bool:
        written = await (self._insert(after, said) if before.version == 0 else self._update(before, after, said))
        if written:
            self._outbox.hand_over(after.id, said)
        return written

    async def in_review(self, practice: str, *, limit: int) -> list[Case]:
        waiting = self._cases.find({"practice": practice, "deadline": {"$exists": True}}, {"outbox": 0})
        return [
            documents.case(document)
            for document in await waiting.sort("deadline", ASCENDING).limit(limit).to_list(limit)
        ]

    async def of_clients(self, practice: str, refs: Sequence[str], *, limit: int) -> list[Case]:
        theirs = self._cases.find({"practice": practice, "client": {"$in": list(refs)}}, {"outbox": 0})
        found = await theirs.sort("starts_at", DESCENDING).limit(limit).to_list(limit)
        return [documents.case(document) for document in found]

    async def _insert(self, case: Case, said: Sequence[Envelope[Any]]) -> bool:
        try:
            await self._cases.insert_one(
                {"_id": case.id, **documents.fields(case), "outbox": self._outbox.entries(said)}
            )
        except DuplicateKeyError:
            return False
        return True

    async def _update(self, before: Case, after: Case, said: Sequence[Envelope[Any]]) -> bool:
        changed = {name for name in documents.WRITTEN if getattr(after, name) is not getattr(before, name)}
        fields = documents.fields(after, changed)
        update = self._outbox.update(after.id, set_=fields, unset=sorted(changed - fields.keys()), said=said)
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
        found = await self._practices.find_one({"_id": practice})
        return None if found is None else documents.profile(found)

    async def keep(self, profile: Profile) -> None:
        older = {"_id": profile.practice, "version": {"$lt": profile.version}}
        fields = documents.profile_fields(profile)
        try:
            await self._practices.replace_one(older, fields, upsert=True)
        except DuplicateKeyError:
            # Some version is there now, and it may be an older one that was written in the same moment.
            await self._practices.replace_one(older, fields)
