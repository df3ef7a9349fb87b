"""Notify's doors: the operator's desk, Twilio's webhooks, and the short links in texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from services.notify.routes.audits import Books
from services.notify.routes.callers import Callers
from services.notify.routes.clients import Exports
from services.notify.routes.consents import Consents
from services.notify.routes.desk import Desks
from services.notify.routes.links import Links
from services.notify.routes.messages import Messages
from services.notify.routes.numbers import Reach
from services.notify.routes.pauses import Stops
from services.notify.routes.twilio import Webhooks
from services.notify.routes.wordings import Words
from shared.httpkit import Route

__all__ = [
    "Books",
    "Callers",
    "Consents",
    "Desks",
    "Exports",
    "Links",
    "Messages",
    "Reach",
    "Stops",
    "Webhooks",
    "Words",
    "routes",
]


class Door(Protocol):
    def routes(self) -> list[Route]: ...


def routes(doors: Iterable[Door]) -> list[Route]:
    return [route for door in doors for route in door.routes()]
