"""The routes of the practitioners' private calendars."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, Field

from services.booking import ics
from services.booking.actions import Booking
from services.booking.domain.feed import Names, NoSuchFeed
from services.booking.domain.key import Scope
from services.booking.domain.refusals import NoSuchPractice, NoSuchPractitioner
from services.booking.routes.hand import hand_of
from services.booking.routes.practices import PRACTICE
from shared.httpkit import Answer, Ask, Payload, Route, Who

FEED: Final = f"{PRACTICE}/practitioners/{{practitioner}}/feed"
CALENDAR: Final = "text/calendar"


class FeedBody(Payload):
    """How much the calendar tells; never a number, and nothing about health."""

    names: Names = Names.INITIALS
    services: bool = Field(False, description="name the service too")


class GivenFeed(BaseModel):
    url: str = Field(description="the private address for a calendar to subscribe to; it is told this once")


class FeedRoutes:
    """`origin` is where booking is reached from outside."""

    def __init__(self, booking: Booking, origin: str) -> None:
        self._feeds = booking.feeds
        self._origin = origin.rstrip("/")

    def routes(self) -> Sequence[Route]:
        return [
            Route(
                method="POST",
                path=FEED,
                handler=self.give_feed,
                summary="Give the practitioner a new private calendar address; the one before ends",
                body=FeedBody,
                answers={201: GivenFeed},
                refuses=(NoSuchPractice, NoSuchPractitioner),
                who=Who.OPERATOR,
                scope=Scope.PRACTICE_WRITE,
            ),
            Route(
                method="DELETE",
                path=FEED,
                handler=self.revoke_feed,
                summary="End the practitioner's private calendar address",
                answers={204: None},
                refuses=(NoSuchFeed,),
                who=Who.OPERATOR,
                scope=Scope.PRACTICE_WRITE,
            ),
            Route(
                method="GET",
                path="/feeds/{secret}.ics",
                handler=self.read_feed,
                summary="The visits of a practitioner, for whoever knows the address",
                answers={200: None, 304: None},
                refuses=(NoSuchFeed,),
            ),
        ]

    async def give_feed(self, ask: Ask[FeedBody, None]) -> Answer:
        practice, practitioner = ask.path["practice"], ask.path["practitioner"]
        secret = await self._feeds.give(
            practice, practitioner, ask.body.names, services=ask.body.services, hand=hand_of(ask)
        )
        return Answer(201, GivenFeed(url=f"{self._origin}/booking/feeds/{secret}.ics"))

    async def revoke_feed(self, ask: Ask[None, None]) -> Answer:
        await self._feeds.revoke(ask.path["practice"], ask.path["practitioner"], hand=hand_of(ask))
        return Answer(204)

    async def read_feed(self, ask: Ask[None, None]) -> Answer:
        shown = await self._feeds.read(ask.path["secret"])
        text = ics.feed(shown.visits, shown.practice, shown.practitioner, shown.feed)
        tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in _known(ask.headers.get("If-None-Match", "")):
            return Answer(304, headers=headers)
        return Answer(200, text=text, content_type=CALENDAR, headers=headers)


def _known(header: str) -> set[str]:
    """The tags of what the caller has; a weak one is as good here."""
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}
