"""The newest truth of every visit, in MongoDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from pymongo import ASCENDING, IndexModel, ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError

from services.notify import documents
from services.notify.domain.visit import Visit, VisitState
from services.notify.ports import Place
from services.notify.store.writing import TWICE
from shared.mongo import Database, ensure
from shared.relay import Outbox, Relay, Said

UPCOMING: Final = (VisitState.CONFIRMED.value, VisitState.IN_REVIEW.value)
# Of a visit whose client was forgotten; no version that is heard of it is newer.
FORGOTTEN: Final = 2**53
OF_PRACTICE: Final = IndexModel(
    [("practice", ASCENDING), ("ends_at", ASCENDING), ("_id", ASCENDING)], name="by_practice"
)


class MongoVisits:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._visits = database["visits"]
        self._outbox = outbox

    @classmethod
    async def open(cls, database: Database, relay: Relay) -> MongoVisits:
        of_number = IndexModel([("phone", ASCENDING), ("ends_at", ASCENDING)], name="of_number")
        of_course = IndexModel(
            [("seat.course", ASCENDING), ("ends_at", ASCENDING)],
            name="of_course",
            partialFilterExpression={"seat.course": {"$exists": True}},
        )
        await ensure(database["visits"], [of_number, of_course, OF_PRACTICE])
        return cls(database, await relay.outbox(database["visits"]))

    async def get(self, appointment: str) -> Visit | None:
        return (await self.many([appointment])).get(appointment)

    async def many(self, appointments: Sequence[str]) -> Mapping[str, Visit]:
        there = {"_id": {"$in": list(appointments)}, "forgotten": {"$exists": False}}
        found = await self._visits.find(there).to_list(len(appointments))
        return {document["_id"]: documents.to_visit(document) for document in found}

    async def keep(self, visit: Visit) -> Visit | None:
        older = {"_id": visit.appointment, "version": {"$lt": visit.version}}
        fields = documents.of_visit(visit)
        own = {"replies": 0, "heard": [], "outbox": []}
        update = {"$set": {name: value for name, value in fields.items() if name != "_id"}, "$setOnInsert": own}
        for upsert in TWICE:
            with suppress(DuplicateKeyError):
                kept = await self._visits.find_one_and_update(
                    older, update, upsert=upsert, return_document=ReturnDocument.AFTER
                )
                if kept is not None:
                    return documents.to_visit(kept)
        return (await self.many([visit.appointment])).get(visit.appointment)

    async def forget(self, practice: str, appointments: Sequence[str]) -> None:
        left = {"_id": "$_id", "practice": {"$literal": practice}, "version": FORGOTTEN, "forgotten": True}
        left["outbox"] = {"$ifNull": ["$outbox", []]}
        writes = [UpdateOne({"_id": name}, [{"$replaceWith": left}], upsert=True) for name in appointments]
        if writes:
            await self._visits.bulk_write(writes, ordered=False)

    async def upcoming(self, phone: str, now: datetime) -> Sequence[Visit]:
        wanted = {"phone": phone, "ends_at": {"$gt": now}, "state": {"$in": list(UPCOMING)}}
        found = await self._visits.find(wanted).sort("ends_at", ASCENDING).limit(10).to_list(10)
        return [documents.to_visit(document) for document in found]

    async def of_courses(self, courses: Sequence[str], now: datetime) -> Sequence[Visit]:
        if not courses:
            return []
        first_or_ahead = [{"ends_at": {"$gt": now}}, {"seat.index": 0}]
        found = self._visits.find({"seat.course": {"$in": list(courses)}, "$or": first_or_ahead})
        return [documents.to_visit(document) for document in await found.to_list(None)]

    async def of_numbers(
        self, phones: Sequence[str], ends_after: datetime, ends_before: datetime | None = None
    ) -> Sequence[Visit]:
        ends = {"$gt": ends_after} | ({} if ends_before is None else {"$lt": ends_before})
        found = self._visits.find({"phone": {"$in": list(phones)}, "ends_at": ends})
        return [documents.to_visit(document) for document in await found.to_list(None)]

    async def of_practice(self, practice: str, after: Place, limit: int) -> Sequence[Visit]:
        ends_at, appointment = after
        later = [{"ends_at": {"$gt": ends_at}}, {"ends_at": ends_at, "_id": {"$gt": appointment}}]
        wanted = {"practice": practice, "ends_at": {"$gte": ends_at}, "$or": later, "forgotten": {"$exists": False}}
        found = self._visits.find(wanted).sort([("ends_at", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [documents.to_visit(document) for document in await found.to_list(limit)]

    async def note_reply(self, visit: Visit, said: Said) -> bool:
        before = {"_id": visit.appointment, "replies": visit.replies - 1}
        own = {"replies": visit.replies, "heard": list(visit.heard), "yes_to": visit.yes_to}
        result = await self._visits.update_one(before, self._outbox.update(visit.appointment, set_=own, said=said))
        if result.matched_count == 1:
            self._outbox.hand_over(visit.appointment, said)
        return result.matched_count == 1
