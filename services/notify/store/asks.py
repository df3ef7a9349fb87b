"""What booking asked about a client, in MongoDB; numbers only as what a key makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.notify.ports import AskKind, ClientAsk
from shared.mongo import Database, Document, ensure
from shared.relay import Outbox, Relay, Said

THERE: Final = {"$exists": True}
EXPIRE: Final = IndexModel([("until", ASCENDING)], name="expire", expireAfterSeconds=0)
EXPORTS: Final = IndexModel([("appointments", ASCENDING)], name="exports", partialFilterExpression={"until": THERE})
ERASED: Final = IndexModel(
    [("practice", ASCENDING), ("numbers", ASCENDING)], name="erased", partialFilterExpression={"numbers": THERE}
)


class MongoAsks:
    def __init__(self, database: Database, outbox: Outbox, hidden: Callable[[str], str]) -> None:
        self._asks = database["asks"]
        self._outbox = outbox
        self._hidden = hidden

    @classmethod
    async def open(cls, database: Database, relay: Relay, hidden: Callable[[str], str]) -> MongoAsks:
        await ensure(database["asks"], [EXPIRE, EXPORTS, ERASED])
        return cls(database, await relay.outbox(database["asks"]), hidden)

    async def get(self, ask: str) -> ClientAsk | None:
        document = await self._asks.find_one({"_id": ask}, {"outbox": 0, "numbers": 0})
        return None if document is None else _asked(document)

    async def begin(self, ask: ClientAsk, phones: Sequence[str]) -> ClientAsk:
        fields: Document = {name: value for name, value in asdict(ask).items() if value is not None}
        fields |= {"kind": ask.kind.value, "appointments": list(ask.appointments)}
        if ask.kind is AskKind.ERASE:
            fields["numbers"] = [self._hidden(phone) for phone in phones]
        try:
            await self._asks.insert_one({"_id": fields.pop("id"), **fields, "outbox": []})
        except DuplicateKeyError:
            return await self.get(ask.id) or ask
        return ask

    async def done(self, ask: ClientAsk, said: Said) -> bool:
        gone = ["appointments"] if ask.kind is AskKind.ERASE else []
        update = self._outbox.update(ask.id, set_={"done_at": ask.done_at}, unset=gone, said=said)
        result = await self._asks.update_one({"_id": ask.id, "done_at": {"$exists": False}}, update)
        if result.matched_count == 1:
            self._outbox.hand_over(ask.id, said)
        return result.matched_count == 1

    async def forget_exports(self, appointments: Sequence[str]) -> None:
        exports = {"until": THERE, "appointments": {"$in": list(appointments)}, "kind": AskKind.EXPORT.value}
        await self._asks.delete_many(exports)

    async def has_erased(self, practice: str, phone: str, since: datetime) -> bool:
        erased = {"practice": practice, "numbers": self._hidden(phone), "begun_at": {"$gte": since}}
        return await self._asks.find_one(erased, {"_id": 1}) is not None


def _asked(document: Document) -> ClientAsk:
    fields: dict[str, Any] = {name: value for name, value in document.items() if name != "_id"}
    fields |= {"kind": AskKind(document["kind"]), "appointments": tuple(document.get("appointments", ()))}
    return ClientAsk(id=document["_id"], **fields)
