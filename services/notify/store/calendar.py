"""The visits of a practice by time: what the time machine goes through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pymongo import ASCENDING

from services.notify import documents
from services.notify.domain.visit import Visit
from services.notify.store.visits import OF_PRACTICE
from shared.mongo import Database, ensure


class MongoCalendar:
    def __init__(self, database: Database) -> None:
        self._visits = database["visits"]

    @classmethod
    async def open(cls, database: Database) -> MongoCalendar:
        await ensure(database["visits"], [OF_PRACTICE])
        return cls(database)

    async def visits(self, practice: str, ends_after: datetime, ends_before: datetime) -> Sequence[Visit]:
        """In any state, in order of their ends."""
        wanted = {
            "practice": practice,
            "ends_at": {"$gt": ends_after, "$lt": ends_before},
            "forgotten": {"$exists": False},
        }
        found = self._visits.find(wanted).sort("ends_at", ASCENDING)
        return [documents.to_visit(document) async for document in found]
