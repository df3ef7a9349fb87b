"""Practices, visits, contacts, messages and replies in MongoDB."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel, InsertOne, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.notify import documents
from services.notify.domain.consent import Entry
from services.notify.domain.delivery import ON_ITS_WAY, Message, State
from services.notify.domain.visit import Practice, Visit, VisitState
from services.notify.ports import Reply
from services.notify.store.asks import MongoAsks
from shared.mongo import Database, Document, ensure
from shared.relay import Outbox, Relay, Said

LEASED: Final = (State.CLAIMED.value, State.SENDING.value)
ASKED: Final = (State.UNKNOWN.value, *sorted(state.value for state in ON_ITS_WAY))
UPCOMING: Final = (VisitState.CONFIRMED.value, VisitState.IN_REVIEW.value)
__all__ = ["MongoAsks", "MongoContacts", "MongoMessages", "MongoPractices", "MongoReplies", "MongoVisits"]

BY_CODE: Final = "by_code"
DUPLICATE_KEY: Final = 11000

# Only what is still awaited has a `due`, so this index stays as small as the work ahead.
DUE: Final = IndexModel(
    [("state", ASCENDING), ("due", ASCENDING)], name="due", partialFilterExpression={"due": {"$exists": True}}
)
SENT: Final = IndexModel(
    [("to", ASCENDING), ("sent_at", DESCENDING)], name="sent", partialFilterExpression={"sent_at": {"$exists": True}}
)
NOTICES: Final = IndexModel(
    [("practice", ASCENDING), ("to", ASCENDING)],
    name="notices",
    partialFilterExpression={"notice.kind": {"$exists": True}},
)
REPLIES_KEPT: Final = timedelta(days=90)
# That an upsert's insert was refused proves only that the document exists by now, not that it is newer or has it all.
TWICE: Final = (True, False)
# Beside the practices' own ledgers of a number; no practice can have this name.
EVERY_PRACTICE: Final = "*"
# Of a visit whose client was forgotten; no version that is heard of it is newer.
FORGOTTEN: Final = 2**53
ANY_TIME: Final = {"$gt": datetime.min.replace(tzinfo=UTC)}


class MongoPractices:
    def __init__(self, database: Database) -> None:
        self._practices = database["practices"]

    @classmethod
    async def open(cls, database: Database) -> MongoPractices:
        await ensure(database["practices"], [])
        return cls(database)

    async def get(self, practice: str) -> Practice | None:
        return (await self.many([practice])).get(practice)

    async def many(self, practices: Sequence[str]) -> Mapping[str, Practice]:
        found = await self._practices.find({"_id": {"$in": list(practices)}}).to_list(len(practices))
        return {document["_id"]: documents.to_practice(document) for document in found}

    async def keep(self, practice: Practice) -> None:
        older = {"_id": practice.id, "version": {"$lt": practice.version}}
        for upsert in TWICE:
            with suppress(DuplicateKeyError):
                await self._practices.replace_one(older, documents.of_practice(practice), upsert=upsert)
                return


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
        await ensure(database["visits"], [of_number, of_course])
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

    async def note_reply(self, visit: Visit, said: Said) -> bool:
        before = {"_id": visit.appointment, "replies": visit.replies - 1}
        own = {"replies": visit.replies, "heard": list(visit.heard)}
        result = await self._visits.update_one(before, self._outbox.update(visit.appointment, set_=own, said=said))
        if result.matched_count == 1:
            self._outbox.hand_over(visit.appointment, said)
        return result.matched_count == 1


class MongoContacts:
    """What a number said to all practices lies under its hidden name, what it said to one under the number."""

    def __init__(self, database: Database, hidden: Callable[[str], str]) -> None:
        self._contacts = database["contacts"]
        self._hidden = hidden

    @classmethod
    async def open(cls, database: Database, hidden: Callable[[str], str]) -> MongoContacts:
        of_number = IndexModel([("phone", ASCENDING)], name="of_number")
        await ensure(database["contacts"], [of_number, IndexModel([("entries.key", ASCENDING)], name="of_entry")])
        return cls(database, hidden)

    async def ledgers(self, numbers: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[Entry, ...]]:
        to_all = {phone: self._hidden(phone) for _, phone in numbers}
        ids = {f"{practice}/{phone}" for practice, phone in numbers}
        ids |= {f"{EVERY_PRACTICE}/{name}" for name in to_all.values()}
        found = await self._contacts.find({"_id": {"$in": sorted(ids)}}).to_list(len(ids))
        kept = {(contact["practice"], contact["phone"]): _ledger(contact) for contact in found}
        joined = {
            number: kept.get(number, ()) + kept.get((EVERY_PRACTICE, to_all[number[1]]), ()) for number in numbers
        }
        return {number: ledger for number, ledger in joined.items() if ledger}

    async def of_number(self, phone: str) -> Sequence[Entry]:
        found = await self._contacts.find({"phone": {"$in": [phone, self._hidden(phone)]}}).to_list(None)
        return [entry for contact in found for entry in _ledger(contact)]

    async def enter(self, practice: str, phone: str, entry: Entry) -> None:
        contact = {"_id": f"{practice}/{phone}", "entries.key": {"$ne": entry.key}}
        names = {"practice": practice, "phone": phone}
        update = {"$push": {"entries": documents.of_entry(entry)}, "$setOnInsert": names}
        for upsert in TWICE:
            with suppress(DuplicateKeyError):
                await self._contacts.update_one(contact, update, upsert=upsert)
                return

    async def enter_everywhere(self, phone: str, entry: Entry) -> None:
        await self.enter(EVERY_PRACTICE, self._hidden(phone), entry)

    async def forget(self, practice: str, phones: Sequence[str], appointments: Sequence[str]) -> None:
        for appointment in appointments:
            await self._withdraw({"practice": practice}, f"^visit:{re.escape(appointment)}:")
        for phone in phones:
            await self._withdraw({"_id": f"{practice}/{phone}"}, "^waitlist:")

    async def _withdraw(self, of: Document, about: str) -> None:
        """Never emptied first: a ledger without entries would not be found again, and name a number for ever."""
        mine = of | {"entries.key": {"$regex": about}}
        others = {"$elemMatch": {"key": {"$not": {"$regex": about}}}}
        await self._contacts.delete_many({"$and": [mine, {"entries": {"$not": others}}]})
        await self._contacts.update_many(mine, {"$pull": {"entries": {"key": {"$regex": about}}}})


class MongoMessages:
    def __init__(self, database: Database) -> None:
        self._messages = database["messages"]

    @classmethod
    async def open(cls, database: Database) -> MongoMessages:
        by_code = IndexModel([("code", ASCENDING)], name=BY_CODE, unique=True)
        of_visit = IndexModel([("appointment", ASCENDING), ("planned_for", ASCENDING)], name="of_visit")
        await ensure(database["messages"], [by_code, of_visit, DUE, SENT, NOTICES])
        return cls(database)

    async def get(self, id: str) -> Message | None:  # noqa: A002  the field's own name
        return _message(await self._messages.find_one({"_id": id}))

    async def by_code(self, code: str) -> Message | None:
        return _message(await self._messages.find_one({"code": code}))

    async def of(self, appointment: str) -> Sequence[Message]:
        found = self._messages.find({"appointment": appointment}).sort("planned_for", ASCENDING)
        return [documents.to_message(document) for document in await found.to_list(None)]

    async def last_sent(self, phone: str, before: datetime) -> Message | None:
        sent = {"to": phone, "sent_at": {"$lt": before}}
        return _message(await self._messages.find_one(sent, sort=[("sent_at", DESCENDING)]))

    async def save(self, messages: Sequence[Message], lease: timedelta | None = None) -> Sequence[Message]:
        if not messages:
            return []
        stamp = secrets.token_hex(12)
        written = [replace(message, fence=message.fence + 1) for message in messages]
        writes = [_write(message, stamp, lease) for message in written]
        try:
            result = await self._messages.bulk_write(writes, ordered=False)
            if result.inserted_count + result.matched_count == len(writes):
                return written
        except BulkWriteError as error:
            _only_known_ids(error)
        mine = {"_id": {"$in": [message.id for message in written]}, "stamp": stamp}
        ids = {document["_id"] for document in await self._messages.find(mine, {"_id": 1}).to_list(len(written))}
        return [message for message in written if message.id in ids]

    async def forget(self, appointments: Sequence[str]) -> None:
        await self._messages.delete_many({"appointment": {"$in": list(appointments)}})

    async def forget_notices(self, practice: str, phones: Sequence[str]) -> None:
        to_them = {"practice": practice, "to": {"$in": list(phones)}, "notice.kind": {"$exists": True}}
        await self._messages.delete_many(to_them)

    async def claim(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[Message]:
        due = {"state": State.PLANNED.value, "due": {"$lte": now}}
        while True:
            found = await self._messages.find(due, {"_id": 1}).sort("due", ASCENDING).limit(limit).to_list(limit)
            if not found:
                return []
            mine = await self._take([document["_id"] for document in found], due, limit=limit, lease=lease)
            if mine:  # else others were faster with all of these, and there may be more
                return mine

    async def _take(self, found: list[str], due: Document, *, limit: int, lease: timedelta) -> list[Message]:
        ids = {"_id": {"$in": found}}
        stamp = secrets.token_hex(12)
        taken: Document = {"state": State.CLAIMED.value, "stamp": stamp, "until": _from_now(lease)}
        taken["fence"] = {"$add": ["$fence", 1]}
        await self._messages.update_many({**ids, **due}, [{"$set": taken}])
        mine = self._messages.find({**ids, "stamp": stamp}).sort("due", ASCENDING)
        return [documents.to_message(document) for document in await mine.to_list(limit)]

    async def to_look_up(self, now: datetime, limit: int) -> Sequence[Message]:
        asked = {"state": {"$in": list(ASKED)}, "due": {"$lte": now}}
        found = await self._messages.find(asked).sort("due", ASCENDING).limit(limit).to_list(limit)
        return [documents.to_message(document) for document in found]

    async def lapsed(self, limit: int) -> Sequence[Message]:
        leased = {"state": {"$in": list(LEASED)}, "due": ANY_TIME, "$expr": {"$lt": ["$until", "$$NOW"]}}
        return [documents.to_message(document) for document in await self._messages.find(leased).to_list(limit)]


class MongoReplies:
    def __init__(self, database: Database) -> None:
        self._replies = database["replies"]

    @classmethod
    async def open(cls, database: Database) -> MongoReplies:
        undone = IndexModel([("received_at", ASCENDING)], name="undone", partialFilterExpression={"done": False})
        expire = IndexModel(
            [("received_at", DESCENDING)], name="expire", expireAfterSeconds=int(REPLIES_KEPT.total_seconds())
        )
        of_number = IndexModel([("phone", ASCENDING), ("received_at", ASCENDING)], name="of_number")
        await ensure(database["replies"], [undone, expire, of_number])
        return cls(database)

    async def add(self, reply: Reply) -> bool:
        try:
            await self._replies.insert_one({**documents.of_reply(reply), "done": False})
        except DuplicateKeyError:
            return False
        return True

    async def done(self, sid: str) -> None:
        await self._replies.update_one({"_id": sid}, {"$set": {"done": True}})

    async def undone(self, before: datetime, limit: int) -> Sequence[Reply]:
        found = self._replies.find({"done": False, "received_at": {"$lt": before}}).limit(limit)
        return [documents.to_reply(document) for document in await found.to_list(limit)]

    async def of(self, phones: Sequence[str]) -> Sequence[Reply]:
        found = self._replies.find({"phone": {"$in": list(phones)}}).sort("received_at", ASCENDING)
        return [documents.to_reply(document) for document in await found.to_list(None)]

    async def forget(self, phones: Sequence[str], sids: Sequence[str]) -> None:
        for theirs in ({"phone": {"$in": list(phones)}}, {"_id": {"$in": list(sids)}}):
            await self._replies.delete_many(theirs)


def _write(message: Message, stamp: str, lease: timedelta | None) -> Any:
    document = {**documents.of_message(message), "stamp": stamp}
    if message.fence == 1:
        return InsertOne(document)
    was = {"_id": message.id, "fence": message.fence - 1}
    if lease is None or message.state.value not in LEASED:
        return ReplaceOne(was, document)
    return UpdateOne(was, [{"$replaceWith": {"$mergeObjects": [{"$literal": document}, {"until": _from_now(lease)}]}}])


def _only_known_ids(error: BulkWriteError) -> None:
    """A text that was planned by somebody else meanwhile is no error; anything else is."""
    for failure in (error.details or {}).get("writeErrors", []):
        if failure["code"] != DUPLICATE_KEY or list(failure.get("keyPattern", {})) != ["_id"]:
            raise error


def _from_now(lease: timedelta) -> Document:
    """By the server's clock: workers' clocks may differ, and two must never hold the same lease."""
    return {"$dateAdd": {"startDate": "$$NOW", "unit": "millisecond", "amount": int(lease.total_seconds() * 1000)}}


def _ledger(contact: Document) -> tuple[Entry, ...]:
    return tuple(documents.to_entry(entry) for entry in contact["entries"])


def _message(document: Document | None) -> Message | None:
    return None if document is None else documents.to_message(document)
