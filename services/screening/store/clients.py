"""What screening knows of clients beside their cases: which were merged, and what was asked about one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.screening.ports import Asked, AskKind
from shared.events import Envelope
from shared.mongo import Database, Document, ensure
from shared.relay import Outbox, Relay

ERASURE_KEPT: Final = timedelta(days=90)
THERE: Final = {"$exists": True}
MERGED: Final = IndexModel(
    [("practice", ASCENDING), ("into", ASCENDING)], name="merged", partialFilterExpression={"into": THERE}
)
# By then every event that was on its way has arrived.
FORGET: Final = IndexModel(
    [("erased_at", ASCENDING)],
    name="forget",
    expireAfterSeconds=int(ERASURE_KEPT.total_seconds()),
    partialFilterExpression={"erased_at": THERE},
)
EXPIRE: Final = IndexModel(
    [("until", ASCENDING)], name="expire", expireAfterSeconds=0, partialFilterExpression={"until": THERE}
)
EXPORTS: Final = IndexModel([("appointments", ASCENDING)], name="exports", partialFilterExpression={"until": THERE})

OPEN: Final = IndexModel(
    [("open_since", ASCENDING)], name="open_erasures", partialFilterExpression={"open_since": THERE}
)


class MongoMerges:
    def __init__(self, database: Database) -> None:
        self._merges = database["merges"]

    @classmethod
    async def open(cls, database: Database) -> MongoMerges:
        await ensure(database["merges"], [MERGED, FORGET])
        return cls(database)

    async def join(self, practice: str, ref: str, into: str, *, at: datetime) -> None:
        not_since = [{"erased_at": {"$exists": False}}, {"erased_at": {"$lt": at}}]
        fields = {"practice": practice, "ref": ref, "into": into}
        try:
            await self._merges.update_one(
                {"_id": _id(practice, ref), "$or": not_since},
                {"$set": fields, "$unset": {"erased_at": ""}},
                upsert=True,
            )
        except DuplicateKeyError:
            return  # erased, or joined in the same moment by another hearer of the same

    async def family(self, practice: str, ref: str) -> Sequence[str]:
        root = ref
        while (found := await self._merges.find_one({"_id": _id(practice, root)})) and "into" in found:
            root = found["into"]
        refs, level = [root], [root]
        while level:
            below = self._merges.find({"practice": practice, "into": {"$in": level}}, {"ref": 1})
            level = [one["ref"] for one in await below.to_list(None)]
            refs += level
        return refs

    async def forget(self, practice: str, refs: Sequence[str], *, at: datetime) -> None:
        for ref in refs:
            erased = {"_id": _id(practice, ref), "practice": practice, "erased_at": at}
            await self._merges.replace_one({"_id": erased["_id"]}, erased, upsert=True)


class MongoAsks:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._asks = database["asks"]
        self._outbox = outbox

    @classmethod
    async def open(cls, database: Database, relay: Relay) -> MongoAsks:
        await ensure(database["asks"], [EXPIRE, EXPORTS, OPEN])
        return cls(database, await relay.outbox(database["asks"]))

    async def get(self, ask: str) -> Asked | None:
        document = await self._asks.find_one({"_id": ask}, {"outbox": 0})
        return None if document is None else _asked(document)

    async def begin(self, ask: Asked) -> Asked:
        fields = {name: value for name, value in asdict(ask).items() if value is not None}
        fields |= {"kind": ask.kind.value, "appointments": list(ask.appointments), "refs": list(ask.refs)}
        fields |= {"open_since": ask.begun_at} if ask.kind is AskKind.ERASE else {}
        try:
            await self._asks.insert_one({"_id": fields.pop("id"), **fields, "outbox": []})
        except DuplicateKeyError:
            return await self.get(ask.id) or ask
        return ask

    async def done(self, ask: Asked, said: Sequence[Envelope[Any]]) -> bool:
        gone = ["appointments", "refs", "open_since"] if ask.kind is AskKind.ERASE else []
        update = self._outbox.update(ask.id, set_={"done_at": ask.done_at}, unset=gone, said=said)
        result = await self._asks.update_one({"_id": ask.id, "done_at": {"$exists": False}}, update)
        if result.matched_count == 1:
            self._outbox.hand_over(ask.id, said)
        return result.matched_count == 1

    async def open_erasures(self, *, limit: int) -> Sequence[Asked]:
        found = self._asks.find({"open_since": THERE}, {"outbox": 0}).sort("open_since", ASCENDING).limit(limit)
        return [_asked(document) for document in await found.to_list(limit)]

    async def forget_exports(self, appointments: Sequence[str]) -> None:
        await self._asks.delete_many({"until": THERE, "appointments": {"$in": list(appointments)}})


def _asked(document: Document) -> Asked:
    fields: dict[str, Any] = {name: value for name, value in document.items() if name not in ("_id", "open_since")}
    fields |= {"kind": AskKind(document["kind"])}
    fields |= {name: tuple(document.get(name, ())) for name in ("appointments", "refs")}
    return Asked(id=document["_id"], **fields)


def _id(practice: str, ref: str) -> str:
    return f"{practice}/{ref}"
