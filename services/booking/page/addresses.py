"""The addresses of the pages, written in one place; tokens and choices ride in the query."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from urllib.parse import urlencode

from shared.httpkit import Answer
from shared.page import HEADERS


def practice(practice: str) -> str:
    return f"/booking/book/{practice}"


def times(practice: str, **query: str | None) -> str:
    return _with(f"/booking/book/{practice}/times", query)


def hold(practice: str) -> str:
    return f"/booking/book/{practice}/hold"


def on(path: str, kept: Mapping[str, str], chosen: Mapping[str, str | None], first: date) -> str:
    """The same page for the week that begins with `first`."""
    return _with(path, {**kept, **chosen, "from": first.isoformat()})


def visit(appointment: str, step: str = "", **query: str | None) -> str:
    """`step` is what is done to the visit: request, renew, code, move or cancel."""
    return _with(f"/booking/visit/{appointment}" + (f"/{step}" if step else ""), query)


def offer(offer: str, **query: str | None) -> str:
    return _with(f"/booking/offer/{offer}", query)


def check(appointment: str, **query: str | None) -> str:
    """The health check is screening's page, under the same origin."""
    return _with(f"/screening/check/{appointment}", query)


def calendar(appointment: str, token: str) -> str:
    return _with(f"/booking/v1/appointments/{appointment}/calendar.ics", {"token": token})


def _with(path: str, query: Mapping[str, str | None]) -> str:
    """Members that are None or empty are left out."""
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def see(address: str) -> Answer:
    """On to another page, so that loading that one again posts nothing again."""
    return Answer(303, headers={**HEADERS, "Location": address})
