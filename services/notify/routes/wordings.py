"""The words of a practice's texts: seen with what they cost, tried, set in place of the built-in ones, and dropped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field

from services.notify.actions.desk import PracticeUnknown
from services.notify.actions.wordings import AppointmentUnknown, ChangedMeanwhile, Wording, Wordings
from services.notify.domain.text import ForbiddenWord, Size, UnknownPlaceholder
from services.notify.domain.wording import REFUSES
from services.notify.library import UnknownTemplate
from services.notify.prices import PRICES
from services.notify.routes.hand import etag, hand_of, relied_on
from services.notify.routes.payloads import VisitToPlan
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Payload, Route, Who

ONE = "/v1/practices/{practice}/wordings/{locale}/{template}"


class WordsToSet(Payload):
    text: str = Field(min_length=1, max_length=640)


class WordsToTry(Payload):
    """Without `text` the words that are set now; without `visit` or `appointment` a visit is made up."""

    text: str | None = Field(None, min_length=1, max_length=640)
    visit: VisitToPlan | None = None
    appointment: str | None = Field(None, pattern=r"^[a-z2-7]{26}$")


class CostView(BaseModel):
    """`least` and `most` are of all segments, in `currency`; none of it where the country's price is not known."""

    encoding: str
    units: int
    segments: int
    price_known: bool
    least: Decimal | None = None
    most: Decimal | None = None
    currency: str | None = None
    as_of: date | None = None

    @classmethod
    def of(cls, size: Size, country: str) -> CostView:
        price = PRICES[country].times(size.segments) if country in PRICES else None
        told = {} if price is None else {name: getattr(price, name) for name in ("least", "most", "currency", "as_of")}
        return cls(
            encoding=size.encoding, units=size.units, segments=size.segments, price_known=price is not None, **told
        )


class RefusedView(BaseModel):
    code: str
    detail: str

    @classmethod
    def of(cls, refused: Refusal | None) -> RefusedView | None:
        return None if refused is None else cls(code=refused.slug, detail=str(refused))


class WordingView(BaseModel):
    """`sent` are the `own` words unless there are none or they are `refused`, else `built_in`; `longest` is of them."""

    locale: str
    template: str
    built_in: str
    own: str | None
    sent: str
    by: str | None
    at: datetime | None
    refused: RefusedView | None
    placeholders: list[str]
    longest: CostView

    @classmethod
    def of(cls, wording: Wording, country: str) -> WordingView:
        own = wording.own if wording.refused is None else None
        return cls(
            locale=wording.language,
            template=wording.template,
            built_in=wording.built_in,
            own=wording.own,
            sent=wording.built_in if own is None else own,
            by=wording.worded.by if wording.worded else None,
            at=wording.worded.at if wording.worded else None,
            refused=RefusedView.of(wording.refused),
            placeholders=list(wording.may_hold),
            longest=CostView.of(wording.longest, country),
        )


class WordingsAnswer(BaseModel):
    country: str
    edits: int
    wordings: list[WordingView]


class TriedView(BaseModel):
    body: str
    cost: CostView


@dataclass(frozen=True, slots=True)
class Words:
    wordings: Wordings

    def routes(self) -> list[Route]:
        desk: dict[str, Any] = {"who": Who.OPERATOR}
        unfit = (UnknownTemplate, UnknownPlaceholder, ForbiddenWord, *REFUSES)
        return [
            Route(
                method="GET",
                path="/v1/practices/{practice}/wordings",
                handler=self.list_wordings,
                summary="Every text in every language: built-in and own words, and what they cost at their longest",
                answers={200: WordingsAnswer},
                refuses=(PracticeUnknown,),
                **desk,
            ),
            Route(
                method="PUT",
                path=ONE,
                handler=self.set_wording,
                summary="Set the practice's own words of a text",
                body=WordsToSet,
                answers={200: WordingView},
                refuses=(PracticeUnknown, ChangedMeanwhile, *unfit),
                versioned=True,
                **desk,
            ),
            Route(
                method="DELETE",
                path=ONE,
                handler=self.drop_wording,
                summary="Go back to the built-in words of a text",
                answers={200: WordingView},
                refuses=(PracticeUnknown, ChangedMeanwhile, UnknownTemplate),
                versioned=True,
                **desk,
            ),
            Route(
                method="POST",
                path=f"{ONE}/preview",
                handler=self.preview_wording,
                summary="A text as it would be sent about a visit, and what it costs; stores nothing and sends nothing",
                body=WordsToTry,
                answers={200: TriedView},
                refuses=(PracticeUnknown, AppointmentUnknown, *unfit),
                **desk,
            ),
        ]

    async def list_wordings(self, ask: Ask[None, None]) -> Answer:
        practice = await self.wordings.practice(ask.path["practice"])
        views = [WordingView.of(one, practice.country) for one in self.wordings.all(practice)]
        answer = WordingsAnswer(country=practice.country, edits=practice.edits, wordings=views)
        return Answer(200, answer, headers=etag(practice.edits))

    async def set_wording(self, ask: Ask[WordsToSet, None]) -> Answer:
        practice, wording = await self.wordings.put(*_one(ask), ask.body.text, edits=relied_on(ask), by=hand_of(ask))
        return Answer(200, WordingView.of(wording, practice.country), headers=etag(practice.edits))

    async def drop_wording(self, ask: Ask[None, None]) -> Answer:
        practice, wording = await self.wordings.drop(*_one(ask), edits=relied_on(ask))
        return Answer(200, WordingView.of(wording, practice.country), headers=etag(practice.edits))

    async def preview_wording(self, ask: Ask[WordsToTry, None]) -> Answer:
        tried, (name, locale, template) = ask.body, _one(ask)
        practice = await self.wordings.practice(name)
        if tried.appointment is not None:
            visit = await self.wordings.visit(name, tried.appointment)
        elif tried.visit is not None:
            visit = tried.visit.to_visit(name)
        else:
            visit = self.wordings.some_visit(practice)
        body, size = self.wordings.preview(practice, locale, template, tried.text, visit)
        return Answer(200, TriedView(body=body, cost=CostView.of(size, practice.country)))


def _one(ask: Ask[Any, Any]) -> tuple[str, str, str]:
    return ask.path["practice"], ask.path["locale"], ask.path["template"]
