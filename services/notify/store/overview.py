"""What the desk and the gauges read of the texts, in MongoDB: never more than a page, whatever the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.notify import documents
from services.notify.domain.delivery import DEAD_ENDS, Message, State
from services.notify.domain.notice import NoticeKind
from services.notify.domain.truth import PAUSED
from services.notify.ports import Backlog, Place
from shared.mongo import Database, Document, ensure

BACKWARDS: Final = [("at", DESCENDING), ("_id", DESCENDING)]
FAILED: Final[Document] = {"state": {"$in": sorted(state.value for state in DEAD_ENDS)}}
HELD: Final[Document] = {"state": State.PLANNED.value, "why": {"$exists": True}}

LINE: Final = IndexModel([("practice", ASCENDING), ("to", ASCENDING), *BACKWARDS], name="line")
# As small as what failed, and as what was put off.
DEAD: Final = IndexModel([("practice", ASCENDING), *BACKWARDS], name="dead", partialFilterExpression=FAILED)
# Only what was posted, however old: a report of a span reads its own texts and no others.
BEGUN: Final = IndexModel(
    [("practice", ASCENDING), ("sent_at", DESCENDING)],
    name="begun",
    partialFilterExpression={"sent_at": {"$exists": True}},
)
WAITING: Final = IndexModel(
    [("practice", ASCENDING), ("why", ASCENDING), ("template", ASCENDING)], name="waiting", partialFilterExpression=HELD
)


class MongoOverview:
    def __init__(self, database: Database) -> None:
        self._messages = database["messages"]

    @classmethod
    async def open(cls, database: Database) -> MongoOverview:
        await ensure(database["messages"], [LINE, DEAD, BEGUN, WAITING])
        return cls(database)

    async def line(self, practice: str, phone: str, *, before: Place | None, limit: int) -> Sequence[Message]:
        return await self._page({"practice": practice, "to": phone}, before, limit)

    async def dead(
        self, practice: str, *, since: datetime, before: Place | None, limit: int, why: str | None = None
    ) -> Sequence[Message]:
        wanted: Document = {
            "practice": practice,
            **FAILED,
            "at": {"$gte": since},
            "asked_at": {"$exists": False},
            "aside": {"$exists": False},
            "notice.kind": {"$ne": NoticeKind.CODE.value},
        }
        if why is not None:
            wanted["why"] = why
        return await self._page(wanted, before, limit)

    async def begun(self, practice: str, *, since: datetime, limit: int) -> Sequence[Message]:
        wanted: Document = {"practice": practice, "sent_at": {"$gte": since}}
        found = await self._messages.find(wanted).sort("sent_at", DESCENDING).limit(limit).to_list(limit)
        return [documents.to_message(document) for document in found]

    async def waiting(self, practice: str, *, most: int) -> Mapping[str, int]:
        paused = {"practice": practice, "state": State.PLANNED.value, "why": PAUSED}
        found = self._messages.aggregate(
            [{"$match": paused}, {"$limit": most}, {"$group": {"_id": "$template", "count": {"$sum": 1}}}]
        )
        return {document["_id"]: document["count"] for document in await found.to_list(None)}

    async def backlog(self, now: datetime, *, most: int) -> Backlog:
        due = {"state": State.PLANNED.value, "due": {"$lte": now}}
        first = await self._messages.find_one(due, {"due": 1}, sort=[("due", ASCENDING)])
        unknown = {"state": State.UNKNOWN.value, "due": {"$exists": True}}
        begun = await self._messages.find(unknown, {"sent_at": 1}).limit(most).to_list(most)
        return Backlog(
            due=await self._messages.count_documents(due, limit=most) if first else 0,
            due_since=first["due"] if first else None,
            unknown=len(begun),
            unknown_since=min((text["sent_at"] for text in begun if "sent_at" in text), default=None),
        )

    async def _page(self, wanted: Document, before: Place | None, limit: int) -> list[Message]:
        if before is not None:
            at, key = before
            earlier = {"$or": [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": key}}]}
            wanted = {"$and": [wanted, {"at": {"$lte": at}}, earlier]}
        found = await self._messages.find(wanted).sort(BACKWARDS).limit(limit).to_list(limit)
        return [documents.to_message(document) for document in found]
