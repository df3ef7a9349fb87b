"""Texts for every contestant: the same numbers and words, each in the contestant's own form."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

from kombu import Connection
from pymongo import AsyncMongoClient, WriteConcern

from services.notify import documents
from services.notify.domain.consent import Entry, Word
from shared.mongo import Document
from tests.performance.text_celery import send
from tests.support.notify import APPOINTMENT, PHONE, message, practice, steps, visit

PRACTICE = "still-waters"
FIRST_NUMBER = 15_000_000_000
FORTY_DAYS = timedelta(days=40)
# Never used again, so that the provider can tell one text from the next.
_numbers = count(FIRST_NUMBER)


@dataclass(frozen=True, slots=True)
class Text:
    number: int
    due: datetime

    @property
    def to(self) -> str:
        return f"+{self.number}"

    @property
    def body(self) -> str:
        return f"Still Waters: you are booked. Details: https://still.example/n/{self.number:08x}"


def batched(things: Iterable[Text], size: int) -> Iterator[list[Text]]:
    rest = iter(things)
    while some := list(islice(rest, size)):
        yield some


def texts(dues: Sequence[datetime]) -> list[Text]:
    return [Text(next(_numbers), due) for due in dues]


def noon(at: datetime) -> str:
    hours = 12 - at.hour
    return "UTC" if hours == 0 else f"Etc/GMT{-hours:+d}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A visit and its text of one step, as the product writes them down."""

    due: datetime
    visit: Document
    message: Document


class Ours:
    """Confirmed visits with a text that is due, with consent in the ledger; the plan agrees with each.

    A third tells of a booking, the rest are reminders, for which a client's other visits and texts are looked at.
    """

    def __init__(self, mongo_url: str, database: str) -> None:
        client: AsyncMongoClient[Any] = AsyncMongoClient(mongo_url, tz_aware=True)
        self.database = client.get_database(database, write_concern=WriteConcern(w=1))
        now = datetime.now(UTC).replace(microsecond=0)
        self._contact = _consent(now)
        self._kinds = [
            _kind("booked", since=now, starts_at=now + timedelta(days=60)),
            _kind("day_before", since=now - timedelta(days=30), starts_at=now + timedelta(days=1)),
            _kind("two_hours", since=now - timedelta(days=30), starts_at=now + timedelta(hours=2)),
        ]

    async def opened(self) -> None:
        kept = documents.of_practice(practice())
        await self.database["practices"].replace_one({"_id": kept["_id"]}, kept, upsert=True)

    async def add(self, texts: Sequence[Text]) -> None:
        for some in batched(texts, 5_000):
            visits, contacts, messages = zip(*map(self._documents, some), strict=True)
            await asyncio.gather(
                self.database["visits"].insert_many(visits, ordered=False),
                self.database["contacts"].insert_many(contacts, ordered=False),
                self.database["messages"].insert_many(messages, ordered=False),
            )

    def _documents(self, text: Text) -> tuple[Document, Document, Document]:
        """As the product wrote the first of its kind; written by hand, or a million would take minutes."""
        kind = self._kinds[text.number % len(self._kinds)]
        name = _base(text.number, "abcdefghijklmnopqrstuvwxyz").rjust(26, "a")
        contact = {**self._contact, "_id": f"{PRACTICE}/{text.to}", "phone": text.to}
        later = text.due - kind.due
        of = {**kind.visit, "_id": name, "phone": text.to}
        of |= {when: of[when] + later for when in ("since", "starts_at", "ends_at")}
        words = {
            **kind.message,
            "_id": f"{name}/{kind.message['step']}/{of['starts_at']:%Y%m%dT%H%MZ}",
            "appointment": name,
            "to": text.to,
            "code": _base(text.number * 2_654_435_761 % 2**40, "0123456789abcdefghijklmnopqrstuv").rjust(8, "0"),
            "planned_for": text.due,
            "at": text.due,
            "due": text.due,
            "not_after": kind.message["not_after"] + later,
        }
        return of, contact, words

    async def plan_ahead(self, number: int) -> None:
        """Texts for the next forty days."""
        at = datetime.now(UTC) + timedelta(days=1)
        for some in batched(_spread(at, number), 20_000):
            await asyncio.gather(*(self.add(part) for part in batched(some, 5_000)))

    async def settled(self) -> None:
        """What was planned ahead is on disk: writing it down later would be counted as the cost of others."""
        await self.database.client.admin.command("fsync")

    async def waiting(self) -> int:
        """Texts that are due or on their way to the provider."""
        begun = {"state": {"$in": ["claimed", "sending", "unknown"]}}
        due = {"state": "planned", "due": {"$lte": datetime.now(UTC)}}
        return sum([await self.database["messages"].count_documents(some) for some in (begun, due)])


def _spread(at: datetime, number: int) -> Iterator[Text]:
    for n in range(number):
        yield Text(next(_numbers), at + FORTY_DAYS * n / number)


def _base(number: int, digits: str) -> str:
    found = ""
    while number:
        number, rest = divmod(number, len(digits))
        found = digits[rest] + found
    return found


def _kind(step: str, *, since: datetime, starts_at: datetime) -> Kind:
    of = visit(starts_at=starts_at, since=since, client_zone=noon(datetime.now(UTC)), zone="UTC")
    text = steps(of)[step]
    kept = documents.of_message(replace(message(text, of), fence=1))
    return Kind(text.due, {**documents.of_visit(of), "replies": 0, "heard": [], "outbox": []}, kept)


def _consent(now: datetime) -> Document:
    key = f"visit:{APPOINTMENT}:1"
    said = Entry(key=key, word=Word.CONSENTED, at=now - FORTY_DAYS, source="b", wording="v1")
    entries = [documents.of_entry(said)]
    return {"_id": f"{PRACTICE}/{PHONE}", "practice": PRACTICE, "phone": PHONE, "entries": entries}


class Bare:
    """Documents of about the size of ours, in their own database."""

    def __init__(self, mongo_url: str, database: str) -> None:
        client: AsyncMongoClient[Any] = AsyncMongoClient(mongo_url, tz_aware=True)
        self.texts = client[database].get_collection("messages", write_concern=WriteConcern(w=1))
        self._filler = dict.fromkeys(("practice", "appointment", "step", "template", "code", "why"), "x" * 24)

    async def add(self, texts: Sequence[Text]) -> None:
        for some in batched(texts, 5_000):
            written = [
                {**self._filler, "_id": text.to, "to": text.to, "body": text.body, "due": text.due, "state": "planned"}
                for text in some
            ]
            await self.texts.insert_many(written, ordered=False)

    async def waiting(self) -> int:
        return await self.texts.count_documents({"state": {"$ne": "accepted"}, "due": {"$lte": datetime.now(UTC)}})


def publish(broker: str, texts: Sequence[Text]) -> None:
    with Connection(broker) as connection, connection.Producer() as producer:
        for text in texts:
            send.apply_async(args=[text.to], eta=text.due, producer=producer, queue="texts")
