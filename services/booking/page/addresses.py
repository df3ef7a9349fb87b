"""The addresses of the pages, written in one place; tokens, choices and the language ride in the query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from shared.httpkit import Answer
from shared.page import HEADERS

MAP = "https://www.openstreetmap.org/search"


@dataclass(frozen=True, slots=True)
class Addresses:
    """`lang` is the language that somebody chose, and `spoken` the one they read, for who cannot know it."""

    lang: str = ""
    spoken: str = ""

    def practice(self, practice: str) -> str:
        return self._with(f"/booking/book/{practice}", {})

    def times(self, practice: str, **query: str | None) -> str:
        return self._with(f"/booking/book/{practice}/times", query)

    def hold(self, practice: str) -> str:
        return self._with(f"/booking/book/{practice}/hold", {})

    def waitlist(self, practice: str, **query: str | None) -> str:
        return self._with(f"/booking/book/{practice}/waitlist", query)

    def plan(self, practice: str, step: str = "", **query: str | None) -> str:
        """Of a course; `step` is hold."""
        return self._with(f"/booking/book/{practice}/course" + (f"/{step}" if step else ""), query)

    def on(self, path: str, kept: Mapping[str, str], chosen: Mapping[str, str | None], first: date | None) -> str:
        """The same page for the day `first`, or for the next that is free."""
        own = path.partition("?")[0]
        return self._with(own, {**kept, **chosen, "from": None if first is None else first.isoformat()})

    def visit(self, appointment: str, step: str = "", **query: str | None) -> str:
        """`step` is what is done to the visit: request, renew, code, move or cancel."""
        return self._with(f"/booking/visit/{appointment}" + (f"/{step}" if step else ""), query)

    def course(self, course: str, step: str = "", **query: str | None) -> str:
        """`step` is what is done to it: request, code or cancel."""
        return self._with(f"/booking/course/{course}" + (f"/{step}" if step else ""), query)

    def waiting(self, waiting: str, step: str = "", **query: str | None) -> str:
        return self._with(f"/booking/waiting/{waiting}" + (f"/{step}" if step else ""), query)

    def offer(self, offer: str, **query: str | None) -> str:
        return self._with(f"/booking/offer/{offer}", query)

    def check(self, appointment: str, **query: str | None) -> str:
        """The health check is screening's page, under the same origin; it does not know who reads it."""
        return _joined(f"/screening/check/{appointment}", {**query, "lang": self.spoken})

    @staticmethod
    def calendar(appointment: str, token: str) -> str:
        return _joined(f"/booking/v1/appointments/{appointment}/calendar.ics", {"token": token})

    @staticmethod
    def events(appointment: str, token: str) -> str:
        return _joined(f"/booking/v1/appointments/{appointment}/events", {"token": token})

    @staticmethod
    def map(place: str) -> str:
        """A link that is followed only by whoever touches it."""
        return _joined(MAP, {"query": place})

    def _with(self, path: str, query: Mapping[str, str | None]) -> str:
        return _joined(path, {**query, "lang": self.lang})


def practice(practice: str) -> str:
    """In whatever language suits whoever opens it."""
    return Addresses().practice(practice)


def see(address: str) -> Answer:
    """On to another page, so that loading that one again posts nothing again."""
    return Answer(303, headers={**HEADERS, "Location": address})


def _joined(path: str, query: Mapping[str, str | None]) -> str:
    """Members that are None or empty are left out."""
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path
