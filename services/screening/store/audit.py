"""The audit in MongoDB: a chain of entries for each practice, its head in another database, and what waits to join."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Final

import structlog
from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne
from pymongo.errors import BulkWriteError

from services.screening.domain.audit import Entry, Fact, Head, chained, once
from services.screening.domain.audit_check import Walk, place
from services.screening.ports import Trail
from shared.mongo import Collection, Database, Document, ensure

log = structlog.get_logger()

ONCE: Final = IndexModel([("practice", ASCENDING), ("id", ASCENDING)], name="once", unique=True)
OF_RECORD: Final = IndexModel([("practice", ASCENDING), ("record", ASCENDING), ("seq", DESCENDING)], name="of_a_record")
WAITING: Final = IndexModel(
    [("trail.at", ASCENDING)], name="trail_at", partialFilterExpression={"trail.at": {"$exists": True}}
)
TAKEN: Final = 11000  # the server's code for a key that is there already
TRIES: Final = 100
REST_SECONDS: Final = 0.002
AT_ONCE: Final = 1_000


class ChainContended(Exception):
    """Others kept adding to the same chain; nothing was lost, and the same may be tried again."""


class MongoAudit:
    """Appends in turn within this process; between processes the id of an entry, its place, lets one through."""

    def __init__(self, entries: Collection, heads: Collection) -> None:
        self._entries = entries
        self._heads = heads
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._known: dict[str, Head] = {}
        self._unkept: dict[str, Head] = {}
        self._caught_up = False

    @classmethod
    async def open(cls, database: Database, heads: Collection) -> MongoAudit:
        """`heads` lie in another database, so that whoever cuts a chain has to reach both."""
        await ensure(database["audit"], [ONCE, OF_RECORD])
        await ensure(heads, [])
        return cls.of(database, heads)

    @classmethod
    def of(cls, database: Database, heads: Collection) -> MongoAudit:
        """As `open`, of an audit that is there already."""
        return cls(database["audit"], heads)

    async def append(self, practice: str, facts: Sequence[Fact]) -> None:
        left = once(facts)
        async with self._turns[practice]:
            for tries in range(TRIES):
                head = self._known.pop(practice, None) or await self._head(practice)
                entries = chained(head, left)
                if not entries:
                    self._unkept[practice] = head
                    return
                if await self._insert(practice, entries):
                    return
                await asyncio.sleep(REST_SECONDS * tries)
                left = await self._new(practice, left)
        raise ChainContended(practice)

    async def newest(self, practice: str, *, record: str | None, before: int | None, limit: int) -> Sequence[Entry]:
        if record is None:
            top = f"{practice}0" if before is None else place(practice, before)  # "0" is the next sign after "/"
            wanted: Document = {"_id": {"$gte": f"{practice}/", "$lt": top}}
            order = "_id"
        else:
            wanted = {"practice": practice, "record": record} | ({} if before is None else {"seq": {"$lt": before}})
            order = "seq"
        return [
            _entry(one) for one in await self._entries.find(wanted).sort(order, DESCENDING).limit(limit).to_list(limit)
        ]

    async def keep_heads(self) -> None:
        """Also of what a process appended that was killed before it came to this: once, at the start."""
        if not self._caught_up:
            async for practice in self.practices():
                self._unkept.setdefault(practice, await self._head(practice))
            self._caught_up = True
        keeping = dict(self._unkept)
        broken = await self._broken(keeping)
        await self._keep({name: head for name, head in keeping.items() if name not in broken})
        self._unkept = {name: head for name, head in self._unkept.items() if keeping.get(name) != head}

    async def forget_before(self, practice: str, before: datetime) -> Head | None:
        """First where the chain begins from now on is noted with its head, then entries go.

        Only what is as it was written, and lies before a head that agrees: else this would clear away what was forged.
        """
        noted = await self._heads.find_one({"_id": practice})
        if noted is None or await self._broken([practice]):
            return None
        base = Head(**noted.get("base", {}))
        gone = base if await self._drop(practice, base) else None
        while (last := await self._older(practice, before, base, noted["seq"])) != base:
            gone = base = last
            known = {"_id": practice, "$or": [{"base": {"$exists": False}}, {"base.seq": {"$lt": base.seq}}]}
            await self._heads.update_one(known, {"$set": {"base": {"seq": base.seq, "digest": base.digest}}})
            if await self._heads.find_one({"_id": practice, "base.seq": {"$gte": base.seq}}, {"_id": 1}) is None:
                return None  # the head was taken away meanwhile
            await self._drop(practice, base)
        return gone

    async def practices(self) -> AsyncIterator[str]:
        """Those that have a chain, by one look-up each."""
        after = ""
        while found := await self._entries.find_one({"_id": {"$gte": after}}, {"_id": 1}, sort=[("_id", ASCENDING)]):
            practice = found["_id"].partition("/")[0]
            yield practice
            after = f"{practice}0"

    async def heads(self) -> AsyncIterator[tuple[str, Head, Head]]:
        """Each with what its chain begins after."""
        async for found in self._heads.find({}, batch_size=AT_ONCE):
            yield found["_id"], Head(seq=found["seq"], digest=found["digest"]), Head(**found.get("base", {}))

    async def documents(self, practice: str | None) -> AsyncIterator[Document]:
        """Everything there is as it lies there, in the order of the ids; whatever else its id may be comes last."""
        wanted = {} if practice is None else {"_id": {"$gte": f"{practice}/", "$lt": f"{practice}0"}}
        async for found in self._entries.find(wanted, batch_size=AT_ONCE).sort("_id", ASCENDING):
            yield found

    async def _insert(self, practice: str, entries: Sequence[Entry]) -> bool:
        documents = [{"_id": place(practice, entry.seq), **entry.written()} for entry in entries]
        try:
            await self._entries.insert_many(documents)
        except BulkWriteError as error:
            if any(failed["code"] != TAKEN for failed in error.details["writeErrors"]):
                raise
            return False
        self._known[practice] = self._unkept[practice] = entries[-1].head
        return True

    async def _head(self, practice: str) -> Head:
        wanted = {"_id": {"$gte": f"{practice}/", "$lt": f"{practice}0"}}
        found = await self._entries.find_one(wanted, {"seq": 1, "digest": 1}, sort=[("_id", DESCENDING)])
        return Head() if found is None else Head(seq=found["seq"], digest=found["digest"])

    async def _drop(self, practice: str, base: Head) -> int:
        wanted = {"_id": {"$gte": f"{practice}/", "$lte": place(practice, base.seq)}}
        return (await self._entries.delete_many(wanted)).deleted_count

    async def _older(self, practice: str, before: datetime, base: Head, head: int) -> Head:
        """The last of the next entries that are all older, whole, and bound to by the one that stays; or the base."""
        wanted = {"_id": {"$gt": place(practice, base.seq), "$lt": place(practice, head)}}
        first = await self._entries.find(wanted).sort("_id", ASCENDING).limit(AT_ONCE).to_list(AT_ONCE)
        walk = Walk(practice, None, base)
        for found in takewhile(lambda one: one["at"] < before, first):
            walk.step(found)
        stays = await self._entries.find_one({"_id": place(practice, walk.last.seq + 1)}, {"prev": 1})
        return walk.last if stays is not None and stays.get("prev") == walk.last.digest else base

    async def _broken(self, practices: Iterable[str]) -> set[str]:
        """Those whose head is no longer in their chain: moved on, it would hide that the chain was cut or rewritten."""
        noted = await self._heads.find({"_id": {"$in": sorted(practices)}}).to_list(None)
        places = {place(one["_id"], one["seq"]): one for one in noted}
        there = self._entries.find({"_id": {"$in": sorted(places)}}, {"digest": 1})
        digests = {one["_id"]: one.get("digest") for one in await there.to_list(None)}
        broken = {one["_id"] for at, one in places.items() if digests.get(at) != one["digest"]}
        if broken:
            log.error("audit.broken", practices=sorted(broken), help="python -m services.screening audit verify")
        return broken

    async def _new(self, practice: str, facts: Sequence[Fact]) -> Sequence[Fact]:
        ids = [fact.id for fact in facts]
        there = self._entries.find({"practice": practice, "id": {"$in": ids}}, {"_id": 0, "id": 1})
        known = {found["id"] for found in await there.to_list(None)}
        return [fact for fact in facts if fact.id not in known]

    async def _keep(self, heads: dict[str, Head]) -> None:
        """Never backwards."""
        further = [
            UpdateOne(
                {"_id": practice, "seq": {"$lt": head.seq}},
                {"$set": {"seq": head.seq, "digest": head.digest}},
                upsert=True,
            )
            for practice, head in heads.items()
        ]
        if not further:
            return
        try:
            await self._heads.bulk_write(further, ordered=False)
        except BulkWriteError as error:
            if any(failed["code"] != TAKEN for failed in error.details["writeErrors"]):
                raise


class MongoTrails:
    """What changed in cases and waits there to be noted."""

    def __init__(self, cases: Collection) -> None:
        self._cases = cases

    @classmethod
    async def open(cls, database: Database) -> MongoTrails:
        await ensure(database["cases"], [WAITING])
        return cls(database["cases"])

    async def waiting(self, *, limit: int) -> Sequence[Trail]:
        found = self._cases.find({"trail.at": {"$exists": True}}, {"practice": 1, "trail": 1})
        return [_trail(one) for one in await found.sort("trail.at", ASCENDING).limit(limit).to_list(limit)]

    async def of(self, record: str) -> Trail | None:
        found = await self._cases.find_one({"_id": record, "trail.at": {"$exists": True}}, {"practice": 1, "trail": 1})
        return None if found is None else _trail(found)

    async def moved(self, trails: Sequence[Trail]) -> None:
        ids = [fact.id for trail in trails for fact in trail.facts]
        wanted = {"_id": {"$in": [trail.case for trail in trails]}}
        await self._cases.update_many(wanted, {"$pull": {"trail": {"id": {"$in": ids}}}})


def _entry(found: Document) -> Entry:
    return Entry(seq=found["seq"], prev=found["prev"], digest=found["digest"], fact=Fact.read(found))


def _trail(found: Document) -> Trail:
    return Trail(case=found["_id"], practice=found["practice"], facts=tuple(Fact.read(one) for one in found["trail"]))
