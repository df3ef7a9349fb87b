"""The numbers that take no texts, in MongoDB, under names that only a key makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.notify.domain.mark import BELIEVED, Mark
from shared.mongo import Database, Document, ensure

EXPIRE: Final = IndexModel([("until", ASCENDING)], name="expire", expireAfterSeconds=0)
NEWEST: Final = IndexModel([("practice", ASCENDING), ("at", DESCENDING)], name="newest")
OF_VISIT: Final = IndexModel([("practice", ASCENDING), ("appointment", ASCENDING)], name="of_visit")


class MongoMarks:
    def __init__(self, database: Database, hidden: Callable[[str], str]) -> None:
        self._marks = database["marks"]
        self._hidden = hidden

    @classmethod
    async def open(cls, database: Database, hidden: Callable[[str], str]) -> MongoMarks:
        await ensure(database["marks"], [EXPIRE, NEWEST, OF_VISIT])
        return cls(database, hidden)

    async def of(self, numbers: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Mark]:
        names = {self._id(practice, phone): (practice, phone) for practice, phone in numbers}
        found = await self._marks.find({"_id": {"$in": sorted(names)}}).to_list(len(names))
        return {names[document["_id"]]: _mark(document) for document in found}

    async def put(self, phone: str, mark: Mark) -> None:
        fields = asdict(mark) | {"until": mark.at + BELIEVED}
        await self._marks.replace_one({"_id": self._id(mark.practice, phone)}, fields, upsert=True)

    async def of_practice(self, practice: str, limit: int) -> Sequence[Mark]:
        found = self._marks.find({"practice": practice}).sort("at", DESCENDING).limit(limit)
        return [_mark(document) for document in await found.to_list(limit)]

    async def clear(self, practice: str, appointment: str) -> bool:
        result = await self._marks.delete_many({"practice": practice, "appointment": appointment})
        return result.deleted_count > 0

    async def forget(self, practice: str, phones: Sequence[str], appointments: Sequence[str]) -> None:
        names = [self._id(practice, phone) for phone in phones]
        await self._marks.delete_many({"_id": {"$in": names}})
        await self._marks.delete_many({"practice": practice, "appointment": {"$in": list(appointments)}})

    def _id(self, practice: str, phone: str) -> str:
        return f"{practice}/{self._hidden(phone)}"


def _mark(document: Document) -> Mark:
    return Mark(**{name: value for name, value in document.items() if name not in ("_id", "until")})
