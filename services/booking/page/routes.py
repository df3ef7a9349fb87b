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
from services.booking.page.coursing import Coursing
from services.booking.page.dressing import Dressing, dressed
from services.booking.page.embedding import Embedding
from services.booking.page.month import Months
from services.booking.page.offering import OfferPage
from services.booking.page.planning import Planning
from services.booking.page.reception import Reception
from services.booking.page.visiting import Visiting
from services.booking.page.waiting import Queueing
from services.booking.routes.appointments import Pass
from shared.assets import Asset
from shared.clock import Clock
from shared.httpkit import Door, Route
from shared.page import FRAME, FRAME_PATH, ICON, ICON_PATH, Pages, stylesheet

FOLDER: Final = Path(__file__).parent
TEMPLATES: Final = FOLDER / "templates"
SCRIPT: Final = Asset.read(FOLDER / "static" / "visit.js")
SCRIPT_PATH: Final = "/page/visit.js"
PRACTICE: Final = "/book/{practice}"
VISIT: Final = "/visit/{appointment}"
OFFER: Final = "/offer/{offer}"
PLAN: Final = f"{PRACTICE}/course"
COURSE: Final = "/course/{course}"
WAITLIST: Final = f"{PRACTICE}/waitlist"
WAITING: Final = "/waiting/{waiting}"


def routes(booking: Booking, pass_: Pass, door: Door, now: Clock, *, origin: str) -> Sequence[Route]:
    """`origin` is the public one, for the snippet of the page that shows how to embed the others."""
    spoken = words.read()
    english = words.Words(words.DEFAULT, spoken[words.DEFAULT], words.way(words.DEFAULT, None))
    pages = Pages("booking", TEMPLATES, english.refused, dressed)
    desk, months = Reception(pages, spoken, SCRIPT, SCRIPT_PATH), Months(booking.times, now)
    choosing = Choosing(booking, desk, months, pass_, now)
    visiting = Visiting(booking, desk, door, now)
    asking = Asking(booking, visiting)
    changing = Changing(booking, months, pass_, visiting)
    offering = OfferPage(booking, desk, pass_, door, now)
    return [
        Route(method="GET", path="/page/style.css", handler=stylesheet, summary="The stylesheet", answers={200: None}),
        ICON.route(ICON_PATH, "The mark of every page, also of the other services"),
        FRAME.route(FRAME_PATH, "What a page in a frame says to the site around it"),
        SCRIPT.route(SCRIPT_PATH, "What counts the minutes of a held time, and looks how a visit stands"),
        *Dressing(booking).routes(PRACTICE),
        *Embedding(booking, pages, origin).routes(PRACTICE),
        desk.route("GET", PRACTICE, choosing.show_services, "The page on which a client chooses a kind of visit"),
        desk.route("GET", f"{PRACTICE}/times", choosing.show_times, "The page on which a client picks a time"),
        desk.route("POST", f"{PRACTICE}/hold", choosing.hold_picked_time, "Hold the picked time, on to its page"),
        desk.route("GET", VISIT, visiting.show_visit, "The page of one visit, behind the link in a text"),
        desk.route("POST", f"{VISIT}/request", asking.take_details, "Take the client's details, on to the next step"),
        desk.route("POST", f"{VISIT}/renew", asking.renew_hold, "Keep the held time a little longer"),
        desk.route("POST", f"{VISIT}/code", asking.send_code, "Text a new code to the client's number"),
        desk.route("GET", f"{VISIT}/move", changing.show_other_times, "The page on which a client picks another time"),
        desk.route("POST", f"{VISIT}/move", changing.move_visit, "Move the visit, back to its page"),
        desk.route("GET", OFFER, offering.show_offer, "The page that offers a freed time to somebody who waits"),
        desk.route("POST", OFFER, offering.take_offer, "Take the offered time, on to the visit"),
        desk.route("GET", f"{VISIT}/cancel", changing.ask_cancel, "The page that asks whether to cancel"),
        desk.route("POST", f"{VISIT}/cancel", changing.cancel_visit, "Cancel the visit or let a held time go"),
        *_of_courses(desk, Planning(booking, desk, pass_, now), Coursing(booking, desk, pass_, door, now)),
        *_of_the_waitlist(desk, Queueing(booking, desk, pass_, door, now)),
    ]


def _of_courses(desk: Reception, planning: Planning, coursing: Coursing) -> Sequence[Route]:
    return [
        desk.route("GET", PLAN, planning.show_plan, "The page on which a client plans several visits"),
        desk.route("POST", f"{PLAN}/hold", planning.hold_plan, "Hold all times of the plan, on to the course's page"),
        desk.route("GET", COURSE, coursing.show_course, "The page of a course, with all its visits"),
        desk.route("POST", f"{COURSE}/request", coursing.take_details, "Take the client's details for all visits"),
        desk.route("POST", f"{COURSE}/code", coursing.send_code, "Text a new code to the client's number"),
        desk.route("GET", f"{COURSE}/cancel", coursing.ask_cancel, "The page that asks whether to cancel all visits"),
        desk.route("POST", f"{COURSE}/cancel", coursing.cancel_course, "Cancel all visits that lie ahead"),
    ]


def _of_the_waitlist(desk: Reception, line: Queueing) -> Sequence[Route]:
    return [
        desk.route("GET", WAITLIST, line.ask_wish, "The page on which a client asks to be told of a free time"),
        desk.route("POST", WAITLIST, line.join_line, "Put the client in line, on to the page of their place"),
        desk.route("GET", WAITING, line.show_place, "The page of a place in line"),
        desk.route("POST", f"{WAITING}/leave", line.leave_line, "Wait no longer"),
    ]
