"""The pages that booking serves to clients; handlers call the same actions as the JSON interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.booking.actions import Booking
from services.booking.page import words
from services.booking.page.asking import Asking
from services.booking.page.changing import Changing
from services.booking.page.choosing import Choosing
from services.booking.page.dressing import Dressing, dressed
from services.booking.page.embedding import Embedding
from services.booking.page.offering import OfferPage
from services.booking.page.visiting import Visiting
from services.booking.page.week import Weeks
from services.booking.routes.appointments import Pass
from shared.clock import Clock
from shared.httpkit import Door, Route
from shared.page import FRAME, FRAME_PATH, ICON, ICON_PATH, Pages, stylesheet

TEMPLATES: Final = Path(__file__).parent / "templates"
PRACTICE: Final = "/book/{practice}"
VISIT: Final = "/visit/{appointment}"
OFFER: Final = "/offer/{offer}"


def routes(booking: Booking, pass_: Pass, door: Door, now: Clock, *, origin: str) -> Sequence[Route]:
    """`origin` is the public one, for the snippet of the page that shows how to embed the others."""
    pages = Pages("booking", TEMPLATES, words.refused, dressed)
    weeks = Weeks(booking.times, now)
    choosing = Choosing(booking, pages, weeks, pass_, now)
    visiting = Visiting(booking, pages, door, now)
    asking = Asking(booking, visiting)
    changing = Changing(booking, pages, weeks, pass_, visiting)
    offering = OfferPage(booking, pages, pass_, door, now)
    return [
        Route(method="GET", path="/page/style.css", handler=stylesheet, summary="The stylesheet", answers={200: None}),
        ICON.route(ICON_PATH, "The mark of every page, also of the other services"),
        FRAME.route(FRAME_PATH, "What a page in a frame says to the site around it"),
        *Dressing(booking).routes(PRACTICE),
        *Embedding(booking, pages, origin).routes(PRACTICE),
        pages.route("GET", PRACTICE, choosing.show_services, "The page on which a client chooses a kind of visit"),
        pages.route("GET", f"{PRACTICE}/times", choosing.show_times, "The page on which a client picks a time"),
        pages.route("POST", f"{PRACTICE}/hold", choosing.hold_picked_time, "Hold the picked time, on to its page"),
        pages.route("GET", VISIT, visiting.show_visit, "The page of one visit, behind the link in a text"),
        pages.route("POST", f"{VISIT}/request", asking.take_details, "Take the client's details, on to the next step"),
        pages.route("POST", f"{VISIT}/renew", asking.renew_hold, "Keep the held time a little longer"),
        pages.route("POST", f"{VISIT}/code", asking.send_code, "Text a new code to the client's number"),
        pages.route("GET", f"{VISIT}/move", changing.show_other_times, "The page on which a client picks another time"),
        pages.route("POST", f"{VISIT}/move", changing.move_visit, "Move the visit, back to its page"),
        pages.route("GET", OFFER, offering.show_offer, "The page that offers a freed time to somebody who waits"),
        pages.route("POST", OFFER, offering.take_offer, "Take the offered time, on to the visit"),
        pages.route("GET", f"{VISIT}/cancel", changing.ask_cancel, "The page that asks whether to cancel"),
        pages.route("POST", f"{VISIT}/cancel", changing.cancel_visit, "Cancel the visit or let a held time go"),
    ]
