"""The records of clients in MongoDB, and the visits of each: what was told last counts, in whatever order it comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.booking import documents
from services.booking.domain.appointment import Appointment, AppointmentId, Guardian, State
from services.booking.domain.client import Record, folded
from services.booking.ports import Counts
from services.booking.store.gathering import Gathering
from shared.mongo import Collection, Database, Document, ensure
from shared.relay import Outbox, Relay, Said

ERASURE_KEPT: Final = timedelta(days=90)
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
THERE: Final = {"$exists": True}
NOT_THERE: Final = {"$exists": False}
INDEXES: Final = (
    IndexModel(
        [("practice", ASCENDING), ("folded", ASCENDING), ("ref", ASCENDING)],
        name="listed",
        partialFilterExpression={"listed": THERE},
    ),
    IndexModel(
        [("practice", ASCENDING), ("phone", ASCENDING)], name="of_number", partialFilterExpression={"phone": THERE}
    ),
    IndexModel(
        [("practice", ASCENDING), ("merged_into", ASCENDING)],
        name="merged",
        partialFilterExpression={"merged_into": THERE},
    ),
    # By then every event that was on its way has arrived; and a reference could be told from a number that is guessed.
    IndexModel(
        [("erased_at", ASCENDING)],
        name="forget",
        expireAfterSeconds=int(ERASURE_KEPT.total_seconds()),
        partialFilterExpression={"erased_at": THERE},
    ),
)
DUPLICATE: Final = 11000
# That an upsert's insert was refused proves only that the document is there by now.
TWICE: Final = (True, False)


class MongoClients:
    def __init__(self, collection: Collection, outbox: Outbox) -> None:
        self._collection = collection
        self._outbox = outbox
        self._filing = Gathering(self._file)

    @classmethod
    async def open(cls, database: Database, relay: Relay) -> MongoClients:
        collection = database["clients"]
        await ensure(collection, INDEXES)
        return cls(collection, await relay.outbox(collection))

    async def file(self, record: Record) -> None:
        await self._filing(record)

    async def _file(self, batch: Sequence[Record]) -> Sequence[None]:
        try:
            await self._collection.bulk_write([_filed(one, upsert=True) for one in batch], ordered=False)
        except BulkWriteError as error:
            if any(failed["code"] != DUPLICATE for failed in error.details["writeErrors"]):
                raise
            again = [batch[failed["index"]] for failed in error.details["writeErrors"]]
            await self._collection.bulk_write([_filed(one, upsert=False) for one in again], ordered=False)
        return [None] * len(batch)

    async def get(self, practice: str, ref: str) -> Record | None:
        return _record(await self._collection.find_one({"_id": _id(practice, ref)}))

    async def merged_into(self, practice: str, refs: Sequence[str]) -> Sequence[Record]:
        found = self._collection.find({"practice": practice, "merged_into": {"$in": list(refs)}})
        return [record for one in await found.to_list(None) if (record := _record(one))]

    async def of_number(self, practice: str, phone: str) -> Record | None:
        return _record(await self._collection.find_one({"practice": practice, "phone": phone}))

    async def listed(self, practice: str, *, named: str, after: tuple[str, str] | None, limit: int) -> Sequence[Record]:
        begins = {"$gte": named, "$lt": named + chr(0x10FFFF)}
        wanted: Document = {"practice": practice, "listed": True, "folded": begins}
        if after is not None:
            name, ref = after
            begins["$gte"] = max(named, name)
            wanted["$or"] = [{"folded": {"$gt": name}}, {"folded": name, "ref": {"$gt": ref}}]
        found = self._collection.find(wanted).sort([("folded", ASCENDING), ("ref", ASCENDING)]).limit(limit)
        return [record for one in await found.to_list(limit) if (record := _record(one))]

    async def touch(self, record: Record) -> bool:
        result = await self._collection.update_one(_as_read(record), {"$inc": {"turn": 1}})
        return result.matched_count == 1

    async def merge(self, record: Record, into: str, said: Said) -> bool:
        id_ = _id(record.practice, record.ref)
        fields = {"merged_into": into, "turn": record.turn + 1}
        update = self._outbox.update(id_, set_=fields, unset=["listed"], said=said)
        result = await self._collection.update_one(_as_read(record), update)
        if result.matched_count == 1:
            self._outbox.hand_over(id_, said)
        return result.matched_count == 1

    async def forget(self, practice: str, refs: Sequence[str], *, asked_at: datetime) -> None:
        for ref in refs:
            told_by_then = [{"told_at": NOT_THERE}, {"told_at": {"$lte": asked_at}}]
            left: Document = {"_id": "$_id", "practice": {"$literal": practice}, "ref": {"$literal": ref}}
            left |= {"erased_at": {"$max": ["$erased_at", asked_at]}, "outbox": {"$ifNull": ["$outbox", []]}}
            wanted = {"_id": _id(practice, ref), "$or": told_by_then}
            for upsert in TWICE:
                try:
                    await self._collection.update_one(wanted, [{"$replaceWith": left}], upsert=upsert)
                except DuplicateKeyError:
                    continue
                break


class MongoHistories:
    """Reads what `MongoAppointments` writes, through its index of a client."""

    def __init__(self, database: Database) -> None:
        self._appointments = database["appointments"]

    async def counts(self, practice: str, refs: Sequence[str]) -> Counts:
        late = {"$sum": {"$cond": ["$cancelled_late", 1, 0]}}
        group = {"_id": "$state", "count": {"$sum": 1}, "late": late, "last": {"$max": "$starts_at"}}
        found = self._appointments.aggregate([{"$match": _of(practice, refs)}, {"$group": group}])
        by_state = {one["_id"]: one for one in await found.to_list(len(State))}
        attended = by_state.get(State.ATTENDED.value, {})
        return Counts(
            visits=attended.get("count", 0),
            missed=by_state.get(State.MISSED.value, {}).get("count", 0),
            cancelled_late=by_state.get(State.CANCELLED.value, {}).get("late", 0),
            last_visit=attended.get("last"),
        )

    async def newest(
        self, practice: str, refs: Sequence[str], *, before: datetime | None, limit: int
    ) -> Sequence[Appointment]:
        wanted = _of(practice, refs) | ({} if before is None else {"starts_at": {"$lt": before}})
        found = self._appointments.find(wanted, {"cells": 0, "outbox": 0}).sort("starts_at", -1).limit(limit)
        return [documents.appointment(one) for one in await found.to_list(limit)]

    async def states(self, practice: str, refs: Sequence[str]) -> Mapping[AppointmentId, State]:
        found = self._appointments.find(_of(practice, refs), {"state": 1})
        return {AppointmentId(one["_id"]): State(one["state"]) for one in await found.to_list(None)}


def _filed(record: Record, *, upsert: bool) -> UpdateOne:
    forgotten_before = [{"erased_at": NOT_THERE}, {"erased_at": {"$lt": record.told_at}}]
    wanted = {"_id": _id(record.practice, record.ref), "$or": forgotten_before}
    return UpdateOne(wanted, _filing(record), upsert=upsert)


def _filing(record: Record) -> list[Document]:
    """One pipeline that comes to the same in whatever order records of one client are filed."""
    known_since = {"$ifNull": ["$told_at", {"$ifNull": ["$erased_at", LONG_AGO]}]}
    newer = {"$gt": [record.told_at, known_since]}
    guardian = record.guardian
    facts: dict[str, Any] = {
        "name": record.name,
        "folded": folded(record.name),
        "phone": record.phone,
        "locale": record.locale,
        "zone": record.zone,
        "told_at": record.told_at,
        "guardian": None if guardian is None else {"name": guardian.name, "phone": guardian.phone},
        "born": None if record.born is None else record.born.isoformat(),
    }
    fields: Document = {
        name: {"$cond": [newer, "$$REMOVE" if value is None else {"$literal": value}, f"${name}"]}
        for name, value in facts.items()
    }
    fields |= {
        "practice": {"$literal": record.practice},
        "ref": {"$literal": record.ref},
        "first_seen": {"$min": ["$first_seen", record.first_seen]},
        "turn": {"$ifNull": ["$turn", 0]},
        "listed": {"$cond": [{"$ifNull": ["$merged_into", False]}, "$$REMOVE", True]},
        "erased_at": "$$REMOVE",
    }
    return [{"$set": fields}]


def _record(document: Document | None) -> Record | None:
    if document is None or "told_at" not in document:
        return None
    guardian = document.get("guardian")
    return Record(
        practice=document["practice"],
        ref=document["ref"],
        name=document["name"],
        phone=document["phone"],
        locale=document["locale"],
        zone=document["zone"],
        told_at=document["told_at"],
        first_seen=document["first_seen"],
        guardian=None if guardian is None else Guardian(**guardian),
        born=date.fromisoformat(document["born"]) if "born" in document else None,
        merged_into=document.get("merged_into"),
        turn=document["turn"],
    )


def _as_read(record: Record) -> Document:
    return {"_id": _id(record.practice, record.ref), "turn": record.turn, "merged_into": NOT_THERE}


def _of(practice: str, refs: Sequence[str]) -> Document:
    return {"practice": practice, "client.ref": {"$in": list(refs)}}


def _id(practice: str, ref: str) -> str:
    return f"{practice}/{ref}"
