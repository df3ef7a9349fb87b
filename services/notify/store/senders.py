"""What all workers share of a sender, in MongoDB: one write each, by the server's clock."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.notify.domain.sender import (
    BREAKS_AT,
    FIRST_BREAK,
    LONGEST_BREAK,
    MOST_DOUBLINGS,
    NEVER,
    PROBE,
    Limits,
    Pause,
    Sender,
    Want,
)
from shared.mongo import Database, Document, ensure

READ: Final[Document] = {"$set": {"at": "$$NOW"}}
GRANTED: Final = "granted"


class MongoSenders:
    def __init__(self, database: Database) -> None:
        self._senders = database["senders"]

    @classmethod
    async def open(cls, database: Database) -> MongoSenders:
        await ensure(database["senders"], [])
        return cls(database)

    async def get(self, name: str) -> Sender:
        found = await self._senders.aggregate([{"$match": {"_id": name}}, READ]).to_list(1)
        return _sender(found[0]) if found else Sender(name=name)

    async def all(self) -> Sequence[Sender]:
        found = await self._senders.aggregate([{"$sort": {"_id": 1}}, READ]).to_list(None)
        return [_sender(document) for document in found]

    async def take(self, name: str, wants: Sequence[Want], limits: Limits) -> tuple[Sender, Sequence[bool]]:
        after = await self._senders.find_one_and_update(
            {"_id": name},
            [*_refreshed(limits), {"$set": {"taking": _taking(wants, limits)}}, *TAKEN],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return _sender(after | {"at": after["filled_at"]}), [bool(goes) for goes in after[GRANTED]]

    async def unanswered(self, name: str, posts: int) -> None:
        await self._write(name, _unanswered(posts))

    async def answered(self, name: str) -> None:
        await self._write(name, [{"$set": {"failures": 0, "trips": 0}}, {"$unset": ["shut_until", "probe_until"]}])

    async def probe(self, name: str) -> bool:
        free = {"$lt": [{"$ifNull": ["$probe_until", NEVER]}, "$$NOW"]}
        lapsed = {"_id": name, "shut_until": {"$exists": True}, "$expr": {"$and": [free, _is_past("$shut_until")]}}
        result = await self._senders.update_one(lapsed, [{"$set": {"probe_until": _in(PROBE)}}])
        return result.matched_count == 1

    async def unprobe(self, name: str) -> None:
        await self._senders.update_one({"_id": name}, {"$unset": {"probe_until": ""}})

    async def rest(self, name: str, term: timedelta, why: str) -> None:
        until = {"$max": ["$rests_until", _in(term)]}
        await self._write(name, [{"$set": {"rests_until": until, "rests_why": {"$literal": why}}}])

    async def pause(self, name: str, pause: Pause, *, begun_at: datetime | None = None) -> bool:
        free: Document = {"_id": name, "paused": {"$exists": False}}
        if begun_at is not None:
            free["resumed_at"] = {"$not": {"$gte": begun_at}}
        with suppress(DuplicateKeyError):
            await self._senders.update_one(free, {"$set": {"paused": asdict(pause)}}, upsert=True)
            return True
        return False

    async def resume(self, name: str, *, by: str, at: datetime) -> None:
        resumed = {"resumed_by": {"$literal": by}, "resumed_at": at, "failures": 0, "trips": 0}
        stops = ["paused", "rests_until", "rests_why", "shut_until", "probe_until"]
        await self._write(name, [{"$set": resumed}, {"$unset": stops}])

    async def _write(self, name: str, pipeline: list[Document]) -> None:
        await self._senders.update_one({"_id": name}, pipeline, upsert=True)


def _refreshed(limits: Limits) -> list[Document]:
    """As `domain.sender.refreshed`, by the server's clock."""
    day = {"$dateToString": {"date": "$$NOW", "format": "%Y-%m-%d", "timezone": limits.zone}}
    gone = {"$max": [{"$subtract": ["$$NOW", {"$ifNull": ["$filled_at", "$$NOW"]}]}, 0]}
    run_in = {"$divide": [{"$multiply": [gone, limits.per_second]}, 1000]}
    filled = {"$min": [limits.burst, {"$add": [{"$ifNull": ["$tokens", limits.burst]}, run_in]}]}
    spent = {"$cond": [{"$eq": ["$day", day]}, {"$ifNull": ["$spent", 0]}, 0]}
    return [{"$set": {"tokens": filled, "filled_at": "$$NOW", "spent": spent, "day": day}}]


def _taking(wants: Sequence[Want], limits: Limits) -> Document:
    """As the loop of `domain.sender.take`: over the texts in order, what is left, what is spent, and who may go."""
    size, so_far = "$$this.segments", "$$value"
    dry: Any = {"$or": [f"{so_far}.dry", {"$gt": [size, f"{so_far}.left"]}]} if limits.per_second else False
    within: Any = {"$lte": [{"$add": [f"{so_far}.spent", size]}, "$$this.share"]} if limits.per_day else True
    cost = {"$cond": ["$$goes", size, 0]}
    after = {
        "dry": "$$dry",
        "left": {"$subtract": [f"{so_far}.left", cost]} if limits.per_second else f"{so_far}.left",
        "spent": {"$add": [f"{so_far}.spent", cost]},
        GRANTED: {"$concatArrays": [f"{so_far}.{GRANTED}", ["$$goes"]]},
    }
    goes = {"$let": {"vars": {"goes": {"$and": [{"$not": ["$$dry"]}, within]}}, "in": after}}
    texts = [{"segments": want.segments, "share": limits.per_day if want.first else limits.ordinary} for want in wants]
    return {
        "$reduce": {
            "input": {"$literal": texts},
            "initialValue": {"dry": False, "left": "$tokens", "spent": "$spent", GRANTED: []},
            "in": {"$let": {"vars": {"dry": dry}, "in": goes}},
        }
    }


TAKEN: Final[list[Document]] = [
    {"$set": {"tokens": "$taking.left", "spent": "$taking.spent", GRANTED: f"$taking.{GRANTED}"}},
    {"$unset": "taking"},
]


def _unanswered(posts: int) -> list[Document]:
    """As `domain.sender.unanswered`."""
    trips = {"$ifNull": ["$trips", 0]}
    doublings = {"$pow": [2, {"$min": [trips, MOST_DOUBLINGS]}]}
    wait = {"$min": [{"$multiply": [_ms(FIRST_BREAK), doublings]}, _ms(LONGEST_BREAK)]}
    is_shut = {"$gt": [{"$ifNull": ["$shut_until", NEVER]}, "$$NOW"]}
    falls = {"$and": [{"$gte": ["$failures", BREAKS_AT]}, {"$not": [is_shut]}]}
    return [
        {"$set": {"failures": {"$add": [{"$ifNull": ["$failures", 0]}, posts]}}},
        {"$set": {"falls": falls}},
        {
            "$set": {
                "shut_until": {
                    "$cond": ["$falls", {"$add": ["$$NOW", wait]}, {"$ifNull": ["$shut_until", "$$REMOVE"]}]
                },
                "probe_until": {"$cond": ["$falls", "$$REMOVE", {"$ifNull": ["$probe_until", "$$REMOVE"]}]},
                "trips": {"$cond": ["$falls", {"$add": [trips, 1]}, trips]},
            }
        },
        {"$unset": "falls"},
    ]


def _sender(document: Document) -> Sender:
    fields = {name: value for name, value in document.items() if name not in ("_id", GRANTED)}
    if "paused" in fields:
        fields["paused"] = Pause(**fields["paused"])
    return Sender(name=document["_id"], **fields)


def _is_past(field: str) -> Document:
    return {"$lte": [field, "$$NOW"]}


def _in(term: timedelta) -> Document:
    return {"$add": ["$$NOW", _ms(term)]}


def _ms(term: timedelta) -> int:
    return int(term.total_seconds() * 1000)
