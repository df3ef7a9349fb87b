"""The texts in MongoDB: claimed in groups, written in groups, each under the fence it was read with."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel, InsertOne, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError

from services.notify import documents
from services.notify.domain.delivery import ON_ITS_WAY, Message, State
from services.notify.domain.traffic import Sent
from shared.mongo import Database, Document, ensure

LEASED: Final = (State.CLAIMED.value, State.SENDING.value)
# What may have to be sent again comes before what only lacks receipts, of which an outage may leave many.
ASKED: Final = ([State.UNKNOWN.value], sorted(state.value for state in ON_ITS_WAY))
NEVER_CAME: Final = [state.value for state in (State.SKIPPED, State.CANCELLED, State.FAILED, State.UNDELIVERED)]
GIVEN_UP: Final = [*NEVER_CAME, State.DEAD.value]
COUNTED: Final = {"practice": 1, "to": 1, "step": 1, "appointment": 1, "sent_at": 1}
BY_CODE: Final = "by_code"
DUPLICATE_KEY: Final = 11000

# Only what is still awaited has a `due`, so this index stays as small as the work ahead.
DUE: Final = IndexModel(
    [("state", ASCENDING), ("due", ASCENDING)], name="due", partialFilterExpression={"due": {"$exists": True}}
)
# What has no haste is not in it: most texts cost nothing here, and a backlog of them is not looked through.
IN_HASTE: Final[Document] = {"haste": {"$exists": True}}
BY_HASTE: Final = IndexModel(
    [("state", ASCENDING), ("haste", ASCENDING), ("due", ASCENDING)],
    name="haste",
    partialFilterExpression={**IN_HASTE, "due": {"$exists": True}},
)
SENT: Final = IndexModel(
    [("to", ASCENDING), ("sent_at", DESCENDING)], name="sent", partialFilterExpression={"sent_at": {"$exists": True}}
)
NOTICES: Final = IndexModel(
    [("practice", ASCENDING), ("to", ASCENDING)],
    name="notices",
    partialFilterExpression={"notice.kind": {"$exists": True}},
)
ANY_TIME: Final = {"$gt": datetime.min.replace(tzinfo=UTC)}


class MongoMessages:
    def __init__(self, database: Database) -> None:
        self._messages = database["messages"]

    @classmethod
    async def open(cls, database: Database) -> MongoMessages:
        by_code = IndexModel([("code", ASCENDING)], name=BY_CODE, unique=True)
        of_visit = IndexModel([("appointment", ASCENDING), ("planned_for", ASCENDING)], name="of_visit")
        await ensure(database["messages"], [by_code, of_visit, DUE, BY_HASTE, SENT, NOTICES])
        return cls(database)

    async def get(self, id: str) -> Message | None:  # noqa: A002  the field's own name
        return _message(await self._messages.find_one({"_id": id}))

    async def by_code(self, code: str) -> Message | None:
        return _message(await self._messages.find_one({"code": code}))

    async def of(self, appointment: str) -> Sequence[Message]:
        found = self._messages.find({"appointment": appointment}).sort("planned_for", ASCENDING)
        return [documents.to_message(document) for document in await found.to_list(None)]

    async def of_visits(self, appointments: Sequence[str]) -> Mapping[str, Sequence[Message]]:
        found: dict[str, list[Message]] = {}
        for document in await self._messages.find({"appointment": {"$in": list(appointments)}}).to_list(None):
            found.setdefault(document["appointment"], []).append(documents.to_message(document))
        return found

    async def last_sent(self, phone: str, before: datetime) -> Message | None:
        sent = {"to": phone, "sent_at": {"$lt": before}}
        return _message(await self._messages.find_one(sent, sort=[("sent_at", DESCENDING)]))

    async def counted(self, phones: Sequence[str], since: datetime) -> Mapping[tuple[str, str], Sequence[Sent]]:
        about_visits = {"notice": None, "asked_at": None, "state": {"$nin": NEVER_CAME}}
        begun = self._messages.find({"to": {"$in": list(phones)}, "sent_at": {"$gte": since}, **about_visits}, COUNTED)
        found: dict[tuple[str, str], list[Sent]] = {}
        async for text in begun:
            sent = Sent(text["_id"], text["step"], text["appointment"], text["sent_at"])
            found.setdefault((text["practice"], text["to"]), []).append(sent)
        return found

    async def standing(self, appointments: Sequence[str]) -> Set[str]:
        stand = {"appointment": {"$in": list(appointments)}, "state": {"$nin": GIVEN_UP}}
        return {text["_id"] for text in await self._messages.find(stand, {"_id": 1}).to_list(None)}

    async def save(self, messages: Sequence[Message]) -> Sequence[Message]:
        if not messages:
            return []
        stamp = secrets.token_hex(12)
        written = [replace(message, fence=message.fence + 1) for message in messages]
        writes = [_write(message, stamp) for message in written]
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

    async def claim(
        self, now: datetime, *, limit: int, lease: timedelta, hasty_first: bool = False
    ) -> Sequence[Message]:
        due: Document = {"state": State.PLANNED.value, "due": {"$lte": now}}
        while True:
            found = await self._ids({**due, **IN_HASTE}, BY_HASTE, limit) if hasty_first else []
            if len(found) < limit:
                others = await self._ids(due, DUE, limit)
                found += [one for one in others if one not in found][: limit - len(found)]
            if not found:
                return []
            mine = await self._take(found, due, lease=lease)
            if mine:  # else others were faster with all of these, and there may be more
                return mine

    async def _ids(self, wanted: Document, index: IndexModel, limit: int) -> list[str]:
        """In the order of the index, of which the state is the first part."""
        of_index = index.document
        _, *order = of_index["key"].items()
        found = self._messages.find(wanted, {"_id": 1}, hint=of_index["name"]).sort(order).limit(limit)
        return [document["_id"] for document in await found.to_list(limit)]

    async def _take(self, found: list[str], due: Document, *, lease: timedelta) -> list[Message]:
        """In their order."""
        ids = {"_id": {"$in": found}}
        stamp = secrets.token_hex(12)
        taken: Document = {"state": State.CLAIMED.value, "stamp": stamp, "until": _from_now(lease)}
        taken["fence"] = {"$add": ["$fence", 1]}
        await self._messages.update_many({**ids, **due}, [{"$set": taken}])
        mine = await self._messages.find({**ids, "stamp": stamp}).to_list(len(found))
        places = {one: at for at, one in enumerate(found)}
        mine.sort(key=lambda document: places[document["_id"]])
        return [documents.to_message(document) for document in mine]

    async def next_due(self, after: datetime) -> datetime | None:
        planned = {"state": State.PLANNED.value, "due": {"$gt": after}}
        found = await self._messages.find_one(planned, {"_id": 0, "due": 1}, sort=[("due", ASCENDING)])
        return None if found is None else found["due"]

    async def to_look_up(self, now: datetime, limit: int) -> Sequence[Message]:
        found: list[Document] = []
        for states in ASKED:
            asked, left = {"state": {"$in": states}, "due": {"$lte": now}}, limit - len(found)
            if left > 0:
                found += await self._messages.find(asked).sort("due", ASCENDING).limit(left).to_list(left)
        return [documents.to_message(document) for document in found]

    async def lapsed(self, limit: int) -> Sequence[Message]:
        leased = {"state": {"$in": list(LEASED)}, "due": ANY_TIME, "$expr": {"$lt": ["$until", "$$NOW"]}}
        return [documents.to_message(document) for document in await self._messages.find(leased).to_list(limit)]


def _write(message: Message, stamp: str) -> Any:
    document = {**documents.of_message(message), "stamp": stamp}
    if message.fence == 1:
        return InsertOne(document)
    was = {"_id": message.id, "fence": message.fence - 1}
    if message.state.value not in LEASED:
        return ReplaceOne(was, document)
    return UpdateOne(was, {"$set": document, "$unset": dict.fromkeys(documents.lacking(document), "")})


def _only_known_ids(error: BulkWriteError) -> None:
    """A text that was planned by somebody else meanwhile is no error; anything else is."""
    for failure in (error.details or {}).get("writeErrors", []):
        if failure["code"] != DUPLICATE_KEY or list(failure.get("keyPattern", {})) != ["_id"]:
            raise error


def _from_now(lease: timedelta) -> Document:
    """By the server's clock: workers' clocks may differ, and two must never hold the same lease."""
    return {"$dateAdd": {"startDate": "$$NOW", "unit": "millisecond", "amount": int(lease.total_seconds() * 1000)}}


def _message(document: Document | None) -> Message | None:
    return None if document is None else documents.to_message(document)
