"""Who is to be called, in MongoDB: a unique index lets one entry a visit be open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.notify.domain.call import Call, CallWhy
from services.notify.ports import Place
from shared.mongo import Database, Document, ensure

CALLS_KEPT: Final = timedelta(days=90)
OPEN: Final[Document] = {"open": True}
ONE_OPEN: Final = IndexModel([("appointment", ASCENDING)], name="one_open", unique=True, partialFilterExpression=OPEN)
OF_VISIT: Final = IndexModel([("appointment", ASCENDING), ("since", ASCENDING)], name="of_visit")
OF_NUMBER: Final = IndexModel([("practice", ASCENDING), ("phone", ASCENDING)], name="of_number")
NEWEST: Final = IndexModel([("practice", ASCENDING), ("since", DESCENDING), ("_id", DESCENDING)], name="newest")
TO_DO: Final = IndexModel(
    [("practice", ASCENDING), ("since", DESCENDING), ("_id", DESCENDING)], name="to_do", partialFilterExpression=OPEN
)
EXPIRE: Final = IndexModel([("since", ASCENDING)], name="expire", expireAfterSeconds=int(CALLS_KEPT.total_seconds()))


class MongoCalls:
    def __init__(self, database: Database) -> None:
        self._calls = database["calls"]

    @classmethod
    async def open(cls, database: Database) -> MongoCalls:
        await ensure(database["calls"], [ONE_OPEN, OF_VISIT, OF_NUMBER, NEWEST, TO_DO, EXPIRE])
        return cls(database)

    async def get(self, practice: str, call: str) -> Call | None:
        found = await self._calls.find_one({"_id": call, "practice": practice})
        return None if found is None else _read(found)

    async def put(self, call: Call) -> Call:
        """Insert, and where that is refused, add to what refused it: an entry that is open, or this text's own."""
        try:
            await self._calls.insert_one(_written(call))
        except DuplicateKeyError:
            return await self._joined(call)
        return call

    async def _joined(self, call: Call) -> Call:
        own = await self._calls.find_one({"_id": call.id})
        if own is not None:  # heard again, whatever became of it
            return _read(own)
        update: Document = {"$max": {"texted_at": call.texted_at}}
        if call.why is CallWhy.WORRIED:
            update["$set"] = {"why": CallWhy.WORRIED.value}
        found: Document | None = await self._calls.find_one_and_update(
            {"appointment": call.appointment, **OPEN}, update, return_document=True
        )
        return await self.put(call) if found is None else _read(found)  # it was done in this moment

    async def done(self, practice: str, call: str, *, by: str, at: datetime) -> Call | None:
        update = {"$set": {"done_at": at, "done_by": by}, "$unset": {"open": ""}}
        await self._calls.update_one({"_id": call, "practice": practice, **OPEN}, update)
        return await self.get(practice, call)

    async def page(self, practice: str, *, only_open: bool, before: Place | None, limit: int) -> Sequence[Call]:
        wanted: Document = {"practice": practice, **(OPEN if only_open else {})}
        if before is not None:
            at, id_ = before
            wanted |= {"since": {"$lte": at}, "$or": [{"since": {"$lt": at}}, {"since": at, "_id": {"$lt": id_}}]}
        found = self._calls.find(wanted).sort([("since", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [_read(one) for one in await found.to_list(limit)]

    async def of(self, appointments: Sequence[str]) -> Sequence[Call]:
        found = self._calls.find({"appointment": {"$in": list(appointments)}}).sort("since", ASCENDING)
        return [_read(one) for one in await found.to_list(None)]

    async def forget(self, practice: str, phones: Sequence[str], appointments: Sequence[str]) -> None:
        await self._calls.delete_many({"practice": practice, "phone": {"$in": list(phones)}})
        await self._calls.delete_many({"appointment": {"$in": list(appointments)}})


def _written(call: Call) -> Document:
    fields = {name: value for name, value in asdict(call).items() if value is not None}
    return {"_id": fields.pop("id"), **fields, "why": call.why.value, **(OPEN if call.is_open else {})}


def _read(document: Document) -> Call:
    fields = {name: value for name, value in document.items() if name not in ("_id", "open")}
    return Call(id=document["_id"], **fields | {"why": CallWhy(document["why"])})
