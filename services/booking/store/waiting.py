"""The waitlist in MongoDB: who waits, and the offers that are made of freed times."""

from __future__ import annotations

from collections.abc import Collection as Several
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.booking.domain.client import Subject
from services.booking.domain.freed import Offered, OfferId, Standing
from services.booking.domain.waitlist import Wait, Waiting, WaitingId
from services.booking.ports import Added, Could
from services.booking.store.gathering import Gathering
from services.booking.store.waitlist_documents import offered, offered_document, told, waiting, waiting_document
from shared.mongo import Collection, Database, Document, clashed_index, ensure
from shared.relay import Outbox, Relay, Said

WAITS: Final = {"state": Wait.WAITING.value}
IS_OPEN: Final = {"state": Standing.OPEN.value}
KEPT_DAYS: Final = 30
MOST_OFFERS: Final = 1000


def _over(field: str) -> IndexModel:
    """Nobody needs to know for ever who waited when."""
    return IndexModel(
        [(field, ASCENDING)],
        name="forget",
        expireAfterSeconds=KEPT_DAYS * 24 * 3600,
        partialFilterExpression={field: {"$exists": True}},
    )


def _index(name: str, fields: Sequence[str], partial: Document | None = None, *, unique: bool = False) -> IndexModel:
    more = {} if partial is None else {"partialFilterExpression": partial}
    return IndexModel([(field, ASCENDING) for field in fields], name=name, unique=unique, **more)


LINE: Final = (
    _index("one_wish_each", ("practice", "client.ref", "service", "practitioner"), WAITS, unique=True),
    # In the order of the line; the rest of the fields spares reading those for whom a time is not.
    _index("line", ("practice", "since", "_id", "service", "practitioner", "first", "last"), WAITS),
    _index("over", ("until",), WAITS),
    _index("of_a_client", ("practice", "client.ref")),
    _over("ended_at"),
)
OFFERS: Final = (
    _index("one_open_offer_each", ("waiting",), IS_OPEN, unique=True),
    _index("one_offer_a_seat", ("practice", "seat.freed.event", "seat.round", "seat.name"), unique=True),
    _index("starting", ("practice", "starts_at")),
    _index("due", ("due_at",), {"due_at": {"$exists": True}}),
    _index("of_an_entry", ("waiting",)),
    _over("starts_at"),
)


class MongoLine:
    def __init__(self, collection: Collection, offers: Collection) -> None:
        self._collection = collection
        self._offers = offers

    @classmethod
    async def open(cls, database: Database) -> MongoLine:
        await ensure(collection := database["waiting"], LINE)
        return cls(collection, database["offers"])

    async def get(self, waiting_id: WaitingId) -> Waiting | None:
        document = await self._collection.find_one({"_id": waiting_id})
        return None if document is None else waiting(document)

    async def add(self, wanted: Waiting) -> Waiting:
        same = {"client.ref": wanted.client.ref, "service": wanted.service, "practitioner": wanted.practitioner}
        while True:
            try:
                await self._collection.insert_one(waiting_document(wanted))
            except DuplicateKeyError as error:
                open_ = {"practice": wanted.practice, **same, **WAITS}
                clashed = {"_id": wanted.id} if clashed_index(error) == "_id" else open_
                found = await self._collection.find_one(clashed)
                if found is None:  # it has ended between the two
                    continue
                return waiting(found)
            return wanted

    async def of_client(self, practice: str, refs: Sequence[str]) -> Sequence[Waiting]:
        found = self._collection.find({"practice": practice, "client.ref": {"$in": list(refs)}})
        return [waiting(document) for document in await found.to_list(None)]

    async def end(self, waiting_id: WaitingId, state: Wait, at: datetime) -> bool:
        ended = {"$set": {"state": state.value, "ended_at": at}}
        result = await self._collection.update_one({"_id": waiting_id, **WAITS}, ended)
        return result.matched_count == 1

    async def end_over(self, now: datetime) -> None:
        ended = {"$set": {"state": Wait.OVER.value, "ended_at": now}}
        await self._collection.update_many({**WAITS, "until": {"$lte": now}}, ended)

    async def listed(self, practice: str, *, after: WaitingId | None, limit: int) -> Sequence[Waiting]:
        last = None if after is None else await self.get(after)
        return await self._line({"practice": practice}, last, limit)

    async def who_could(self, wanted: Could, *, after: Waiting | None, limit: int) -> Sequence[Waiting]:
        query = {
            "practice": wanted.practice,
            "service": {"$in": list(wanted.services)},
            "practitioner": {"$in": [None, wanted.practitioner]},
            "first": {"$lte": wanted.last.isoformat()},
            "last": {"$gte": wanted.first.isoformat()},
        }
        return await self._line(query, after, limit)

    async def told(self, subject: Subject) -> Sequence[Mapping[str, object]]:
        found = await self._collection.find(self._of(subject)).to_list(None)
        return [told(waiting(one)) for one in found]

    async def forget(self, subject: Subject) -> None:
        """The offers go first: they are found by the entry."""
        entries = [one["_id"] async for one in self._collection.find(self._of(subject), {"_id": 1})]
        await self._offers.delete_many({"waiting": {"$in": entries}})
        await self._collection.delete_many({"_id": {"$in": entries}})

    async def _line(self, query: Document, after: Waiting | None, limit: int) -> Sequence[Waiting]:
        behind = {} if after is None else _behind(after)
        found = self._collection.find({**query, **WAITS, **behind}).sort([("since", ASCENDING), ("_id", ASCENDING)])
        return [waiting(document) for document in await found.limit(limit).to_list(limit)]

    @staticmethod
    def _of(subject: Subject) -> Document:
        return {"practice": subject.practice, "client.ref": {"$in": list(subject.refs)}}


class Window(NamedTuple):
    """Half open."""

    practice: str
    starts_from: datetime
    starts_until: datetime

    @property
    def query(self) -> Document:
        return {"practice": self.practice, "starts_at": {"$gte": self.starts_from, "$lt": self.starts_until}}

    def holds(self, one: Offered) -> bool:
        return one.practice == self.practice and self.starts_from <= one.starts_at < self.starts_until


class MongoOffers:
    def __init__(self, collection: Collection, outbox: Outbox) -> None:
        self._collection = collection
        self._outbox = outbox
        self._starting = Gathering(self._in)

    @classmethod
    async def open(cls, database: Database, relay: Relay) -> MongoOffers:
        await ensure(collection := database["offers"], OFFERS)
        return cls(collection, await relay.outbox(collection))

    async def get(self, offer: OfferId) -> Offered | None:
        document = await self._collection.find_one({"_id": offer})
        return None if document is None else offered(document)

    async def add(self, made: Offered, said: Said) -> Added:
        document = offered_document(made)
        if said:
            document["outbox"] = self._outbox.entries(said)
        try:
            await self._collection.insert_one(document)
        except DuplicateKeyError as error:
            return Added.SEAT_TAKEN if clashed_index(error).endswith("seat.name") else Added.HAS_ONE
        self._outbox.hand_over(made.id, said)
        return Added.MADE

    async def turn(
        self, offer: OfferId, to: Standing, *, of: Several[Standing], due_at: datetime | None = None, said: Said = ()
    ) -> bool:
        fields: Document = {"state": to.value} | ({} if due_at is None else {"due_at": due_at})
        change = self._outbox.update(offer, set_=fields, unset=["due_at"] if due_at is None else [], said=said)
        stands = {"_id": offer, "state": {"$in": [one.value for one in of]}}
        if (await self._collection.update_one(stands, change)).matched_count == 0:
            return False
        self._outbox.hand_over(offer, said)
        return True

    async def moved_on(self, offers: Sequence[OfferId]) -> None:
        stands = {"_id": {"$in": list(offers)}, "state": {"$ne": Standing.OPEN.value}}
        await self._collection.update_many(stands, {"$unset": {"due_at": ""}})

    async def of_event(self, practice: str, event: str) -> Sequence[Offered]:
        return await self._all({"practice": practice, "seat.freed.event": event})

    async def open_of(self, entries: Sequence[WaitingId]) -> Sequence[Offered]:
        return await self._all({"waiting": {"$in": list(entries)}, **IS_OPEN})

    async def starting(self, practice: str, starts_from: datetime, starts_until: datetime) -> Sequence[Offered]:
        return await self._starting(Window(practice, starts_from, starts_until))

    async def _in(self, windows: Sequence[Window]) -> Sequence[Sequence[Offered]]:
        limit = MOST_OFFERS * len(windows)
        found = self._collection.find({"$or": [one.query for one in windows]}).limit(limit)
        near = [offered(document) for document in await found.to_list(limit)]
        return [[one for one in near if window.holds(one)] for window in windows]

    async def due(self, now: datetime, limit: int) -> Sequence[Offered]:
        found = self._collection.find({"due_at": {"$lte": now}}).sort("due_at").limit(limit)
        return [offered(document) for document in await found.to_list(limit)]

    async def _all(self, query: Document) -> Sequence[Offered]:
        return [offered(one) for one in await self._collection.find(query).limit(MOST_OFFERS).to_list(MOST_OFFERS)]


def _behind(last: Waiting) -> Document:
    """The order of the line as a range of its index."""
    return {"since": {"$gte": last.since}, "$or": [{"since": {"$gt": last.since}}, {"_id": {"$gt": last.id}}]}
