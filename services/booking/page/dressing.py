"""A practice's own look, as its pages wear it: the stylesheet with its colours and fonts, its logo, its sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from services.booking.actions import Booking
from services.booking.domain import branding, logo
from services.booking.domain.appointment import State
from services.booking.domain.practice import Practice
from services.booking.domain.refusals import NoSuchPractice
from services.booking.routes.payloads import AppointmentView
from shared.assets import A_WHILE, FOR_GOOD, Asset
from shared.errors import Kind, Refusal
from shared.httpkit import Answer, Ask, Route
from shared.page import Dress, Stage, Values

STAGES: Final[Mapping[State, Stage]] = {State.HELD: Stage.HELD} | dict.fromkeys(
    (State.REQUESTED, State.IN_REVIEW, State.CONFIRMED, State.DECLINED), Stage.BOOKED
)
"""The same for whatever becomes of what was asked for, so that a site learns nothing from it."""
LOGO_RULES: Final = "default-src 'none'; sandbox"


class NoLogoGiven(Refusal):
    """The practice has none."""

    slug = "no-logo"
    kind = Kind.NOT_FOUND


def dressed(values: Values) -> Dress:
    practice, visit = values.get("practice"), values.get("visit")
    if not isinstance(practice, Practice):
        return Dress()
    stage = STAGES.get(visit.state, Stage.PRIVATE) if isinstance(visit, AppointmentView) else Stage.PRIVATE
    stage = stage if visit else Stage.CHOOSING
    return Dress(theme=_theme(practice), logo=_logo(practice), sites=practice.sites, stage=stage)


def _theme(practice: Practice) -> str:
    version = branding.version(practice.branding)
    return f"/booking/book/{practice.id}/theme.css?v={version}" if version else ""


def _logo(practice: Practice) -> str:
    version = branding.logo_version(practice.branding)
    return f"/booking/book/{practice.id}/logo?v={version}" if version else ""


class Dressing:
    def __init__(self, booking: Booking) -> None:
        self._booking = booking

    def routes(self, practice: str) -> Sequence[Route]:
        """Under the address of the practice's pages."""
        return [
            Route(
                method="GET",
                path=f"{practice}/theme.css",
                handler=self.show_theme,
                summary="The stylesheet with the colours and fonts of the practice",
                answers=dict.fromkeys((200, 304)),
                refuses=(NoSuchPractice,),
            ),
            Route(
                method="GET",
                path=f"{practice}/logo",
                handler=self.show_logo,
                summary="The logo of the practice",
                answers={200: None},
                refuses=(NoSuchPractice, NoLogoGiven),
            ),
        ]

    async def show_theme(self, ask: Ask[None, None]) -> Answer:
        practice = (await self._booking.profiles.get(ask.path["practice"])).practice
        return Asset(branding.stylesheet(practice.branding), "text/css").answer(ask)

    async def show_logo(self, ask: Ask[None, None]) -> web.Response:
        """A picture that runs nothing, also when it is opened by itself."""
        own = (await self._booking.profiles.get(ask.path["practice"])).practice.branding
        if not own.logo:
            raise NoLogoGiven("the practice has no logo")
        kind, content = logo.opened(own.logo)
        kept = FOR_GOOD if ask.request.query.get("v") == branding.logo_version(own) else A_WHILE
        headers = {"Cache-Control": kept, "Content-Security-Policy": LOGO_RULES, "Content-Type": kind}
        return web.Response(body=content, headers=headers)
