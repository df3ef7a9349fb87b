"""Appointments in MongoDB: every change and what it says are one write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.booking import documents
from services.booking.domain.appointment import BOOKED, Appointment, AppointmentId, Deed, State
from services.booking.domain.availability import Busy
from services.booking.domain.refusals import SlotTaken
from services.booking.ports import AlreadyMade
from shared.mongo import Collection, Database, Document, clashed_index, ensure
from shared.relay import Outbox, Relay, Said

OWNS_CELLS: Final = {"cells": {"$exists": True}}
OF_A_CLIENT: Final = {"client.ref": {"$exists": True}}
INDEXES: Final = (
    # What makes double booking impossible; the practice leads so that the collection can be sharded by it.
    IndexModel(
        [("practice", ASCENDING), ("cells", ASCENDING)],
        name="one_visit_a_cell",
        unique=True,
        partialFilterExpression=OWNS_CELLS,
    ),
    IndexModel(
        [("practice", ASCENDING), ("starts_at", ASCENDING)], name="standing", partialFilterExpression=OWNS_CELLS
    ),
    # Whether somebody was there before, what they have coming, and how often they missed or cancelled late.
    IndexModel(
        [(name, ASCENDING) for name in ("practice", "client.ref", "state", "cancelled_late", "starts_at")],
        name="of_a_client",
        partialFilterExpression=OF_A_CLIENT,
    ),
    IndexModel([("due_at", ASCENDING)], name="due", partialFilterExpression={"due_at": {"$exists": True}}),
    IndexModel(
        [("seat.course", ASCENDING), ("seat.index", ASCENDING)],
        name="course",
        partialFilterExpression={"seat.course": {"$exists": True}},
    ),
    # A hold that nobody asked for is of no use to anybody, and anybody can make them.
    IndexModel(
        [("forget_from", ASCENDING)],
        name="forget",
        expireAfterSeconds=7 * 24 * 3600,
        partialFilterExpression={"forget_from": {"$exists": True}},
    ),
)
SCHEMA: Final[Document] = {
    "bsonType": "object",
    "required": ["practice", "state", "version", "starts_at", "ends_at", "offer", "history"],
    "properties": {
        "state": {"enum": [state.value for state in State]},
        "version": {"bsonType": "int", "minimum": 1},
        "starts_at": {"bsonType": "date"},
        "ends_at": {"bsonType": "date"},
        # An empty array would be indexed as one missing cell, and clash with the next one.
        "cells": {"bsonType": "array", "minItems": 1, "items": {"bsonType": "string"}},
    },
}
AT_ONCE: Final = 10_000
"""What is taken in a quarter of a year comes in one answer, not in one of 101 and the rest."""
OPTIONAL: Final = ("held_until", "due_at", "client", "requested_with", "cleared_until")


class MongoAppointments:
    """The appointments of all practices."""

    def __init__(self, collection: Collection, outbox: Outbox) -> None:
        self._collection = collection
        self._outbox = outbox

    @classmethod
    async def open(cls, database: Database, relay: Relay) -> MongoAppointments:
        collection = database["appointments"]
        await ensure(collection, INDEXES, SCHEMA)
        return cls(collection, await relay.outbox(collection))

    async def get(self, appointment: AppointmentId) -> Appointment | None:
        document = await self._collection.find_one({"_id": appointment}, {"cells": 0, "outbox": 0})
        return None if document is None else documents.appointment(document)

    async def add(self, held: Appointment, said: Said) -> None:
        document = documents.document(held)
        if said:
            document["outbox"] = self._outbox.entries(said)
        try:
            await self._collection.insert_one(document)
        except DuplicateKeyError as error:
            if clashed_index(error) == "_id":
                raise AlreadyMade(held.id) from error
            raise SlotTaken("this time has been taken") from error
        self._outbox.hand_over(held.id, said)

    async def save(self, turned: Appointment, said: Said) -> bool:
        fields = documents.progress(turned)
        if turned.history[-1].deed is Deed.MOVED:
            fields |= documents.placement(turned)
        gone = [name for name in OPTIONAL if name not in fields]
        if not turned.cells:
            gone.append("cells")
        update = self._outbox.update(turned.id, set_=fields, unset=gone, said=said)
        try:
            result = await self._collection.update_one({"_id": turned.id, "version": turned.version - 1}, update)
        except DuplicateKeyError as error:
            raise SlotTaken("this time has been taken") from error
        if result.matched_count == 0:
            return False
        self._outbox.hand_over(turned.id, said)
        return True

    async def busy(
        self, practice: str, starts_from: datetime, starts_until: datetime, *, now: datetime, but: AppointmentId | None
    ) -> Sequence[Busy]:
        standing = self._standing(practice, starts_from, starts_until)
        standing["$nor"] = [{"_id": but}, {"state": State.HELD.value, "held_until": {"$lte": now}}]
        found = await self._collection.find(standing, documents.BUSY, batch_size=AT_ONCE).to_list(None)
        return [documents.busy(document) for document in found]

    async def in_the_way(self, wanted: Appointment, now: datetime) -> Sequence[Appointment]:
        overdue = {"held_until": {"$lte": now}}
        found = self._collection.find({"practice": wanted.practice, "cells": {"$in": list(wanted.cells)}, **overdue})
        return [documents.appointment(document) for document in await found.to_list(None)]

    async def due(self, now: datetime, limit: int) -> Sequence[Appointment]:
        found = self._collection.find({"due_at": {"$lte": now}}).sort("due_at").limit(limit)
        return [documents.appointment(document) for document in await found.to_list(limit)]

    async def has_attended(self, practice: str, ref: str) -> bool:
        once = {"practice": practice, "client.ref": ref, "state": State.ATTENDED.value}
        return await self._collection.find_one(once, {"_id": 1}) is not None

    async def coming(self, practice: str, ref: str, *, now: datetime, most: int) -> int:
        ahead = {"state": {"$in": sorted(state.value for state in BOOKED)}, "starts_at": {"$gt": now}}
        found = self._collection.find({"practice": practice, "client.ref": ref, **ahead}, {"_id": 1})
        return len(await found.limit(most).to_list(most))

    async def agenda(
        self, practice: str, starts_from: datetime, starts_until: datetime, *, practitioner: str | None = None
    ) -> Sequence[Appointment]:
        standing = self._standing(practice, starts_from, starts_until)
        if practitioner is not None:
            standing["offer.practitioner"] = practitioner
        found = self._collection.find(standing).sort("starts_at")
        return [documents.appointment(document) for document in await found.to_list(None)]

    async def of_course(self, course: str) -> Sequence[Appointment]:
        found = self._collection.find({"seat.course": course}, {"cells": 0, "outbox": 0}).sort("seat.index")
        return [documents.appointment(document) for document in await found.to_list(None)]

    @staticmethod
    def _standing(practice: str, starts_from: datetime, starts_until: datetime) -> Document:
        return {"practice": practice, "starts_at": {"$gte": starts_from, "$lt": starts_until}, **OWNS_CELLS}
