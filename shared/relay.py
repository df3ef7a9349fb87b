"""Publishes the events that ride in the aggregates' own documents, and clears them afterwards.

State and announcement are one write: a document carries its unpublished events in `outbox`. The process that
wrote them publishes them at once; whatever is left behind by a crash or a broker that was away is swept by one
replica at a time. Published entries leave with the aggregate's next natural write, or in batches, because a
mark of its own for each event would cost up to a quarter of the throughput. A crash in between publishes an
event twice and never loses one.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from prometheus_client import Gauge
from pymongo import ASCENDING, IndexModel

from shared import telemetry
from shared.bus import Bus, NotPublished, Unroutable
from shared.clock import Clock, utc_now
from shared.events import Envelope
from shared.mongo import Collection, Database, Document, ensure, leased
from shared.ticker import every

log = structlog.get_logger()
oldest = Gauge("outbox_oldest_seconds", "Age of the oldest event that is written but not published", ["collection"])

Said = Sequence[Envelope[Any]]

# The writing process publishes within milliseconds; a sweep that looked earlier would only say things twice.
GRACE: Final = timedelta(seconds=2)
LEASE: Final = timedelta(seconds=10)
CLEAR_EVERY: Final = timedelta(seconds=1)
BATCH: Final = 100
IN_FLIGHT: Final = 64

INDEX: Final = IndexModel(
    [("outbox.at", ASCENDING)], name="outbox_at", partialFilterExpression={"outbox.at": {"$exists": True}}
)


class Relay:
    """Publishes for every collection of one service; `clock` is the real one even where tests travel in time."""

    def __init__(self, bus: Bus, clock: Clock = utc_now) -> None:
        self._bus = bus
        self._clock = clock
        self._outboxes: list[Outbox] = []
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._publishing: set[asyncio.Task[None]] = set()
        self._holder = secrets.token_hex(8)

    @classmethod
    @asynccontextmanager
    async def open(cls, bus: Bus, *, sweep: timedelta) -> AsyncIterator[Relay]:
        relay = cls(bus)
        async with AsyncExitStack() as opened:
            opened.push_async_callback(relay._finish)
            await opened.enter_async_context(every(CLEAR_EVERY, relay.clear, name="relay.clear"))
            await opened.enter_async_context(every(sweep, relay.sweep, name="relay.sweep"))
            yield relay

    async def outbox(self, collection: Collection) -> Outbox:
        """The outbox of one collection, with the index that its sweep needs."""
        await ensure(collection, [INDEX])
        outbox = Outbox(self, collection)
        self._outboxes.append(outbox)
        return outbox

    async def clear(self) -> None:
        for outbox in self._outboxes:
            await outbox.clear()

    async def sweep(self) -> None:
        """Publish what other hands left behind; stops at the first failure, for the broker is then away."""
        for outbox in self._outboxes:
            while left := await outbox.left_behind(self._clock() - GRACE):
                mine = await leased(outbox.database, f"relay.{outbox.name}", holder=self._holder, term=LEASE)
                if not mine or not await outbox.say_again(left) or len(left) < BATCH:
                    break

    def _start(self, outbox: Outbox, document_id: str, entry: Document) -> None:
        task = asyncio.create_task(self._publish_one(outbox, document_id, entry))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def _publish_one(self, outbox: Outbox, document_id: str, entry: Document) -> None:
        async with self._slots:
            try:
                await self.publish(entry)
            except NotPublished as error:
                log.warning("relay.not_published", id=entry["id"], error=str(error))
                return
        outbox.published(document_id, entry["id"])

    async def publish(self, entry: Document) -> None:
        name = entry["name"]
        try:
            await self._bus.publish(
                entry["body"].encode(), event_id=entry["id"], name=name, traceparent=entry.get("traceparent")
            )
        except NotPublished:
            telemetry.publish_failures.labels(name).inc()
            raise
        telemetry.published.labels(name).inc()

    async def _finish(self) -> None:
        if self._publishing:
            await asyncio.wait(self._publishing, timeout=LEASE.total_seconds())
        await self.clear()


class Outbox:
    """The unpublished events in the documents of one collection."""

    def __init__(self, relay: Relay, collection: Collection) -> None:
        self._relay = relay
        self._collection = collection
        self._published: defaultdict[str, list[str]] = defaultdict(list)
        self.name = collection.name
        self.database: Database = collection.database  # type: ignore[assignment]  # motor's stub names the collection

    def entries(self, said: Said) -> list[Document]:
        """What a new document carries as `outbox`."""
        at = self._relay._clock()
        return [
            {"id": e.id, "name": e.type, "at": at, "body": e.to_json().decode()}
            | ({"traceparent": e.traceparent} if e.traceparent else {})
            for e in said
        ]

    def update(
        self,
        document_id: str,
        *,
        set_: Mapping[str, Any],
        push: Mapping[str, Sequence[Any]] | None = None,
        unset: Sequence[str] = (),
        said: Said = (),
    ) -> list[Document]:
        """One update that changes fields, appends to arrays, adds what is said and drops what was published."""
        gone = self._published.pop(document_id, [])
        kept: Any = {"$ifNull": ["$outbox", []]}
        if gone:
            kept = {"$filter": {"input": kept, "cond": {"$not": [{"$in": ["$$this.id", gone]}]}}}
        fields: Document = {name: {"$literal": value} for name, value in set_.items()}
        for name, values in (push or {}).items():
            fields[name] = {"$concatArrays": [{"$ifNull": [f"${name}", []]}, {"$literal": list(values)}]}
        fields["outbox"] = {"$concatArrays": [kept, {"$literal": self.entries(said)}]}
        return [{"$set": fields}, *([{"$unset": list(unset)}] if unset else [])]

    def hand_over(self, document_id: str, said: Said) -> None:
        """The write was acknowledged: publish what it said, now."""
        for entry in self.entries(said):
            self._relay._start(self, document_id, entry)

    def published(self, document_id: str, event_id: str) -> None:
        self._published[document_id].append(event_id)

    async def clear(self) -> None:
        """Drop published entries from the documents that no natural write has cleared meanwhile."""
        done, self._published = self._published, defaultdict(list)
        documents = list(done)
        for start in range(0, len(documents), BATCH):
            batch = documents[start : start + BATCH]
            events = [event for document in batch for event in done[document]]
            await self._collection.update_many({"_id": {"$in": batch}}, {"$pull": {"outbox": {"id": {"$in": events}}}})

    async def left_behind(self, before: datetime) -> list[tuple[str, Document]]:
        """The ids of documents and their entries that were written by then and are still there, oldest first."""
        now = before + GRACE
        found = self._collection.find({"outbox.at": {"$lte": now}}, {"outbox": 1}).sort("outbox.at").limit(BATCH)
        there = [(document["_id"], entry) for document in await found.to_list(BATCH) for entry in document["outbox"]]
        # One that nobody is bound to waits at the back of the line between two tries, and is as old as it is.
        since = min((_since(entry) for _, entry in there if _since(entry) <= before), default=now)
        oldest.labels(self.name).set((now - since).total_seconds())
        return [(document_id, entry) for document_id, entry in there if entry["at"] <= before]

    async def say_again(self, left: Sequence[tuple[str, Document]]) -> bool:
        """False if the broker is away: nothing else would go through either."""
        gone = await asyncio.gather(*(self._say_again(document_id, entry) for document_id, entry in left))
        await self.clear()
        return all(gone)

    async def _say_again(self, document_id: str, entry: Document) -> bool:
        try:
            await self._relay.publish(entry)
        except Unroutable:  # to the back of the line, where it holds up nobody
            mine = {"_id": document_id, "outbox.id": entry["id"]}
            later = {"outbox.$.at": self._relay._clock(), "outbox.$.since": _since(entry)}
            await self._collection.update_one(mine, {"$set": later})
        except NotPublished:
            return False
        else:
            self.published(document_id, entry["id"])
        return True


def _since(entry: Document) -> datetime:
    """When it was written, however often it was put back."""
    since: datetime = entry.get("since") or entry["at"]
    return since
