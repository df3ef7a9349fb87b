"""Practice profiles in MongoDB: every change and what it says are one write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.booking import profile
from services.booking.domain.audit import Entry
from services.booking.ports import Kept
from services.booking.store import audit
from shared.mongo import Collection, Database, Document, ensure
from shared.relay import Outbox, Relay, Said

CALENDARS: Final = "profile.practitioners.calendars"
INDEXES: Final = (IndexModel([(CALENDARS, ASCENDING)], name="calendars", sparse=True),)


class MongoPractices:
    """The practice profiles, kept as the documents they were loaded from."""

    def __init__(self, collection: Collection, outbox: Outbox) -> None:
        self._collection = collection
        self._outbox = outbox
        self._read: dict[str, Kept] = {}

    @classmethod
    async def open(cls, database: Database, relay: Relay) -> MongoPractices:
        collection = database["practices"]
        await ensure(collection, INDEXES)
        return cls(collection, await relay.outbox(collection))

    async def get(self, practice: str) -> Kept | None:
        """Always asks the database; what it says is only parsed again when the version is another one."""
        document = await self._collection.find_one({"_id": practice}, {"outbox": 0})
        return None if document is None else self._kept(document)

    async def with_calendars(self) -> Sequence[Kept]:
        found = self._collection.find({CALENDARS: {"$gt": ""}}, {"outbox": 0})
        return [self._kept(document) async for document in found]

    def _kept(self, document: Document) -> Kept:
        practice = document["_id"]
        known = self._read.get(practice)
        if known is None or known.version != document["version"]:
            stored = profile.Profile.model_validate(document["profile"])
            changed = audit.entry(document["changed"]) if "changed" in document else None
            known = self._read[practice] = Kept(profile.described(stored), document["version"], changed)
        return known

    async def last_changes(self, practice: str) -> Sequence[Entry]:
        kept = await self.get(practice)
        return () if kept is None or kept.changed is None else (kept.changed,)

    async def put(self, kept: Kept, said: Said) -> bool:
        practice = kept.practice.id
        fields: Document = {"version": kept.version, "profile": profile.as_json(kept.practice)}
        if kept.changed is not None:
            fields["changed"] = audit.document(kept.changed)
        if kept.version == 1:
            if not await self._begin(practice, fields, said):
                return False
        else:
            update = self._outbox.update(practice, set_=fields, said=said)
            result = await self._collection.update_one({"_id": practice, "version": kept.version - 1}, update)
            if result.matched_count == 0:
                return False
        self._outbox.hand_over(practice, said)
        return True

    async def _begin(self, practice: str, fields: Document, said: Said) -> bool:
        try:
            await self._collection.insert_one({"_id": practice, **fields, "outbox": self._outbox.entries(said)})
        except DuplicateKeyError:
            return False
        return True
