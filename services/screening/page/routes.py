"""The pages that screening serves to clients; handlers call the same actions as the JSON interface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from services.screening.actions import Auditing, Continuing, Returning, Screening
from services.screening.domain.catalogue import Catalogue
from services.screening.page import script, words
from services.screening.page.checking import Checking
from services.screening.page.continuing import LARGEST_READ, MULTIPART, ContinuingPages
from services.screening.page.reception import DEFAULT, Reception
from services.screening.page.returning import ReturningPages
from shared.clock import Clock
from shared.httpkit import Door, Route
from shared.page import FRAME, FRAME_PATH, Pages, stylesheet

TEMPLATES: Final = Path(__file__).parent / "templates"
CHECK: Final = "/check/{appointment}"


def routes(
    screening: Screening,
    returning: Returning,
    continuing: Continuing,
    auditing: Auditing,
    catalogue: Catalogue,
    door: Door,
    now: Clock,
) -> Sequence[Route]:
    """In every language that the catalogue has messages in. Raises `WordsBroken`."""
    spoken = words.read(catalogue.texts)
    pages = Pages("screening", TEMPLATES, spoken[DEFAULT].refused)
    reception = Reception(screening, pages, door, spoken=spoken, texts=catalogue.texts)
    checking = Checking(screening, reception, now)
    again = ReturningPages(returning, checking, reception)
    after = ContinuingPages(continuing, auditing, checking, reception)
    route = reception.route
    sent = route("POST", f"{CHECK}/file", after.send, "Take a file from the page of the health check")
    return [
        Route(method="GET", path="/page/style.css", handler=stylesheet, summary="The stylesheet", answers={200: None}),
        script.SCRIPT.route(script.PATH, "The health check group by group in one page"),
        FRAME.route(FRAME_PATH, "What a page in a frame says to the site around it"),
        route("GET", CHECK, checking.show_check, "The page with the health check, or with what we said to it"),
        route("POST", CHECK, checking.take_check, "Take the health check, on to what we say to it"),
        route("POST", f"{CHECK}/recognise", again.recognise, "Ask whoever comes again only for what has changed"),
        route("POST", f"{CHECK}/unchanged", again.unchanged, "Take that nothing has changed but the signs of today"),
        route("POST", f"{CHECK}/changed", again.changed, "The form with the earlier answers in it"),
        route("POST", f"{CHECK}/words", after.write, "Take words from the page of the health check"),
        replace(sent, form=False, takes=(MULTIPART,), largest=LARGEST_READ),
        route("POST", f"{CHECK}/review", after.appeal, "Ask for a person from the page of the health check"),
        route("GET", f"{CHECK}/change", after.ask_change, "The page that says what it means that something changed"),
        route("POST", f"{CHECK}/change", after.change, "Say on the page that something has changed"),
        route("GET", f"{CHECK}/withdraw", after.ask_withdraw, "The page that asks whether to take consent back"),
        route("POST", f"{CHECK}/withdraw", after.withdraw, "Take consent back on the page"),
        route("GET", f"{CHECK}/seen", after.show_seen, "The page that says who has read the answers"),
    ]
