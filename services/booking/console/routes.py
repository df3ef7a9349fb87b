"""The pages that booking serves to the staff of a practice; handlers call the same actions as the JSON interface."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from services.booking.actions import Booking
from services.booking.actions.team import Team
from services.booking.console.agenda import Agenda
from services.booking.console.clients import ClientPages
from services.booking.console.hours import HoursPages
from services.booking.console.keys import KeyPages
from services.booking.console.line_up import LineUp
from services.booking.console.live import Live
from services.booking.console.look import LookPage
from services.booking.console.members import Members
from services.booking.console.moving import Moving
from services.booking.console.part_pages import ListPage
from services.booking.console.people import People
from services.booking.console.places import Places, Rooms
from services.booking.console.practice import PracticePage
from services.booking.console.services import Services
from services.booking.console.sheets import Desk
from services.booking.console.signing import Signing
from services.booking.console.visit import Visit
from shared.clock import Clock
from shared.console import SHARED_WORDS, Console, stylesheet
from shared.console.catalogue import Catalogue
from shared.httpkit import Route
from shared.page import Pages
from shared.staff import Passes

FOLDER: Final = Path(__file__).parent


def routes(
    booking: Booking, team: Team, passes: Passes, *, origin: str, now: Clock, closing: asyncio.Event | None = None
) -> Sequence[Route]:
    """Nothing follows the day any more once `closing` is set."""
    console = Console("booking", FOLDER, passes=passes, origin=origin, now=now)
    agenda = Agenda(booking, console, now)
    return [
        *_signing(team, passes, origin, now),
        *agenda.routes(),
        *Live(agenda, team, console, now, closing or asyncio.Event()).routes(),
        *Visit(booking, console, now).routes(),
        *Moving(booking, console, now).routes(),
        *ClientPages(booking, console, now).routes(),
        *LineUp(booking, console, now).routes(),
        *Members(booking, team, console).routes(),
        *KeyPages(booking, console, now).routes(),
        *HoursPages(booking, console, now).routes(),
        *_practice(booking, console),
    ]


def _practice(booking: Booking, console: Console) -> Sequence[Route]:
    """What an owner changes of the practice."""

    def desk(name: str, **more: Any) -> Desk:
        return Desk(booking=booking, console=console, here=f"/booking/console/{name}", **more)

    return [
        *PracticePage(desk("practice", is_part=False)).routes(),
        *ListPage(desk("services"), "/console/services", "Services", (Services(),)).routes(),
        *ListPage(desk("people"), "/console/people", "People", (People(),)).routes(),
        *ListPage(desk("places"), "/console/places", "Places", (Places(), Rooms())).routes(),
        *LookPage(desk("look", is_part=False, template="look.html")).routes(),
    ]


def _signing(team: Team, passes: Passes, origin: str, now: Clock) -> Sequence[Route]:
    """What is there for somebody who is not signed in."""
    catalogue = Catalogue.read([SHARED_WORDS, FOLDER / "words"])
    pages = Pages("booking", FOLDER / "templates", lambda refusal: catalogue.refused("en", refusal.slug))
    signing = Signing(team, passes, pages, catalogue, origin, now)
    page = pages.route
    return [
        Route(
            method="GET",
            path="/console/console.css",
            handler=stylesheet,
            summary="The staff's stylesheet",
            answers={200: None},
        ),
        page("GET", "/console/sign-in", signing.show_sign_in, "The page on which the staff signs in"),
        page("POST", "/console/sign-in", signing.sign_in, "Sign in"),
        page("GET", "/console/renew", signing.renew, "A new pass, on to the page that was asked for"),
        Route(method="POST", path="/console/renew", handler=signing.renew, summary="A new pass", answers={307: None}),
        page("POST", "/console/sign-out", signing.sign_out, "Sign out"),
        page("GET", "/console/signed-out", signing.show_signed_out, "The page after signing out"),
    ]
