"""What a number agreed to and when, and where the provider's list of stops and ours differ."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, Field

from services.notify.actions.ledgers import Consents as Said
from services.notify.actions.ledgers import Drift, Ledgers
from services.notify.domain.consent import Entry, Purpose, Word
from services.notify.domain.delivery import Message
from shared.httpkit import Answer, Ask, Payload, Route, Who

SECRET = {"Cache-Control": "no-store"}
TO_ALL = (Word.STOPPED, Word.STARTED)


class ConsentsAsked(Payload):
    """The number stands in the body, because addresses end up in logs."""

    phone: str = Field(pattern=r"^\+[1-9]\d{6,14}$", examples=["+15035550142"])


class DriftQuery(Payload):
    days: int = Field(7, ge=1, le=90, description="of how many days back")


class ConsentView(BaseModel):
    """One word: consented or withheld, for care or offers; stopped or started, which is about all texts."""

    word: str
    purpose: str | None
    at: datetime
    source: str
    wording: str | None

    @classmethod
    def of(cls, entry: Entry) -> ConsentView:
        return cls(
            word=entry.word.value,
            purpose=None if entry.word in TO_ALL else entry.purpose.value,
            at=entry.at,
            source=entry.source,
            wording=entry.wording,
        )


class ConsentsView(BaseModel):
    """In order of time, and what follows from it now."""

    stopped: bool
    care: bool
    offers: bool
    entries: list[ConsentView]

    @classmethod
    def of(cls, said: Said) -> ConsentsView:
        return cls(
            stopped=said.stopped,
            care=said.agrees[Purpose.CARE],
            offers=said.agrees[Purpose.OFFERS],
            entries=[ConsentView.of(entry) for entry in said.entries],
        )


class DriftedText(BaseModel):
    id: str
    to_ends_in: str
    sent_at: datetime | None

    @classmethod
    def of(cls, text: Message) -> DriftedText:
        return cls(id=text.id, to_ends_in=text.to[-4:], sent_at=text.sent_at)


class WordCount(BaseModel):
    word: str
    source: str
    numbers: int


class DriftView(BaseModel):
    """Refused by a stop unknown here, accepted in spite of a stop here, and stops and starts by where they came from.

    Of the numbers that were texted in the span; `whole` is false where there were too many texts to look at all.
    """

    since: datetime
    unknown_here: list[DriftedText]
    accepted_there: list[DriftedText]
    words: list[WordCount]
    whole: bool

    @classmethod
    def of(cls, drift: Drift) -> DriftView:
        counts = sorted((word.value, source, count) for (word, source), count in drift.words.items())
        return cls(
            since=drift.since,
            unknown_here=[DriftedText.of(text) for text in drift.unknown_here],
            accepted_there=[DriftedText.of(text) for text in drift.accepted_there],
            words=[WordCount(word=word, source=source, numbers=count) for word, source, count in counts],
            whole=drift.whole,
        )


@dataclass(frozen=True, slots=True)
class Consents:
    ledgers: Ledgers

    def routes(self) -> list[Route]:
        return [
            Route(
                method="POST",
                path="/v1/practices/{practice}/consents",
                handler=self.of_number,
                summary="What a number agreed to, in which wording and when, and what follows from it",
                body=ConsentsAsked,
                answers={200: ConsentsView},
                who=Who.OPERATOR,
            ),
            Route(
                method="GET",
                path="/v1/practices/{practice}/drift",
                handler=self.drift,
                summary="Where the provider's list of those who said STOP and ours differ",
                query=DriftQuery,
                answers={200: DriftView},
                who=Who.OPERATOR,
            ),
        ]

    async def of_number(self, ask: Ask[ConsentsAsked, None]) -> Answer:
        said = await self.ledgers.of(ask.path["practice"], ask.body.phone)
        return Answer(200, ConsentsView.of(said), headers=SECRET)

    async def drift(self, ask: Ask[None, DriftQuery]) -> Answer:
        drift = await self.ledgers.drift(ask.path["practice"], timedelta(days=ask.query.days))
        return Answer(200, DriftView.of(drift), headers=SECRET)
