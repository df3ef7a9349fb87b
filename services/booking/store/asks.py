"""What was asked of all services about one client, in MongoDB: the ask and what it says are one write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.booking.domain.client import Answer, AskKind, ClientAsk, Subject
from services.booking.ports import AlreadyAsked
from shared.mongo import Collection, Database, Document, clashed_index, ensure
from shared.relay import Outbox, Relay, Said

INDEXES: Final = (
    IndexModel(
        [("practice", ASCENDING), ("erasing", ASCENDING)],
        name="one_erasure_at_a_time",
        unique=True,
        partialFilterExpression={"erasing": {"$exists": True}},
    ),
    IndexModel([("to_do", ASCENDING)], name="to_do", partialFilterExpression={"to_do": {"$exists": True}}),
    IndexModel(
        [("practice", ASCENDING), ("subject.refs", ASCENDING)],
        name="exports",
        partialFilterExpression={"until": {"$exists": True}},
    ),
    IndexModel(
        [("until", ASCENDING)],
        name="forget",
        expireAfterSeconds=0,
        partialFilterExpression={"until": {"$exists": True}},
    ),
)
OPTIONAL: Final = ("subject", "completed_at", "erasing", "to_do")


class MongoAsks:
    def __init__(self, collection: Collection, outbox: Outbox) -> None:
        self._collection = collection
        self._outbox = outbox

    @classmethod
    async def open(cls, database: Database, relay: Relay) -> MongoAsks:
        collection = database["asks"]
        await ensure(collection, INDEXES)
        return cls(collection, await relay.outbox(collection))

    async def get(self, practice: str, ask: str) -> ClientAsk | None:
        document = await self._collection.find_one({"_id": ask, "practice": practice})
        return None if document is None else _ask(document)

    async def add(self, ask: ClientAsk, said: Said) -> None:
        document = {"_id": ask.id, **_fields(ask), "outbox": self._outbox.entries(said)}
        try:
            await self._collection.insert_one(document)
        except DuplicateKeyError as error:
            raise AlreadyAsked(await self._in_the_way(ask, error)) from error
        self._outbox.hand_over(ask.id, said)

    async def save(self, ask: ClientAsk) -> bool:
        fields = _fields(ask)
        gone = [name for name in OPTIONAL if name not in fields]
        update = self._outbox.update(ask.id, set_=fields, unset=gone)
        result = await self._collection.update_one({"_id": ask.id, "version": ask.version - 1}, update)
        return result.matched_count == 1

    async def open_erasures(self, limit: int) -> Sequence[ClientAsk]:
        found = self._collection.find({"to_do": {"$exists": True}}).sort("to_do", ASCENDING).limit(limit)
        return [_ask(document) for document in await found.to_list(limit)]

    async def forget_exports(self, practice: str, refs: Sequence[str]) -> None:
        exports = {"until": {"$exists": True}, "practice": practice, "subject.refs": {"$in": list(refs)}}
        await self._collection.delete_many(exports)

    async def _in_the_way(self, ask: ClientAsk, error: DuplicateKeyError) -> str:
        if clashed_index(error) == "_id" or ask.subject is None:
            return ask.id
        same = {"practice": ask.practice, "erasing": {"$in": list(ask.subject.refs)}}
        found = await self._collection.find_one(same, {"_id": 1})
        return ask.id if found is None else str(found["_id"])


def _fields(ask: ClientAsk) -> Document:
    subject, erases = ask.subject, ask.kind is AskKind.ERASE
    fields: Document = {
        "practice": ask.practice,
        "kind": ask.kind.value,
        "by": ask.by,
        "asked_at": ask.asked_at,
        "version": ask.version,
        "until": ask.until,
        "completed_at": ask.completed_at,
        "answers": [{"service": one.service, "at": one.at, "records": one.records} for one in ask.answers],
        "to_do": ask.asked_at if erases and "booking" in ask.awaits else None,
    }
    if subject is not None:
        refs, phones, appointments = list(subject.refs), list(subject.phones), list(subject.appointments)
        fields["subject"] = {"refs": refs, "phones": phones, "appointments": appointments}
        fields["erasing"] = refs if erases else None
    return {name: value for name, value in fields.items() if value is not None}


def _ask(document: Document) -> ClientAsk:
    subject = document.get("subject")
    lists = {} if subject is None else {name: tuple(values) for name, values in subject.items()}
    return ClientAsk(
        id=document["_id"],
        practice=document["practice"],
        kind=AskKind(document["kind"]),
        by=document["by"],
        asked_at=document["asked_at"],
        subject=None if subject is None else Subject(practice=document["practice"], **lists),
        version=document["version"],
        until=document.get("until"),
        answers=tuple(Answer(**one) for one in document["answers"]),
        completed_at=document.get("completed_at"),
    )
