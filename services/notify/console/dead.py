"""Texts that did not arrive, of all visits: why, in words, and what can be done about one, or about all of a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from services.notify.actions.dead_letters import DeadLetters
from services.notify.actions.desk import Desk
from services.notify.console.clock import told, zone_of
from services.notify.console.trying import Speak
from services.notify.domain.delivery import Message
from services.notify.domain.whys import in_words
from services.notify.ports import Practices
from services.notify.routes import places
from shared.clock import Clock
from shared.console import Console, see
from shared.httpkit import Answer, Ask, InvalidRequest, Route
from shared.staff import Staff

DEAD: Final = "/console/dead"
HERE: Final = "/notify/console/dead"
AT_ONCE: Final = 50
LONGEST_WHY: Final = 80


@dataclass(frozen=True, slots=True)
class Line:
    """One text, without its words; `of_use` if it would still go out."""

    text: Message
    at: str
    why: str
    alike: str
    of_use: bool

    @property
    def digits(self) -> str:
        return self.text.to[-4:]


class Undelivered:
    def __init__(
        self, dead_letters: DeadLetters, desk: Desk, practices: Practices, console: Console, now: Clock
    ) -> None:
        self._dead_letters, self._desk, self._practices = dead_letters, desk, practices
        self._console, self._now = console, now

    def routes(self) -> Sequence[Route]:
        route = self._console.route
        return [
            route("GET", DEAD, self.show, "Texts that did not arrive, and why"),
            route("POST", f"{DEAD}/retry", self.retry, "Send one of them again"),
            route("POST", f"{DEAD}/aside", self.put_aside, "Put one of them aside"),
            route("POST", f"{DEAD}/replay", self.replay, "Send all again that ended for one reason and are of use"),
        ]

    async def show(self, ask: Ask[None, None], staff: Staff) -> Answer:
        query = ask.request.query
        why, zone = _why(query.get("why", "")), await zone_of(self._practices, staff)
        found, following = await self._dead_letters.page(
            staff.practice, why=why or None, before=places.read(query.get("before")), limit=AT_ONCE
        )
        older = places.written(following)
        speak, now = self._console.translated(staff), self._now()
        return self._console.show(
            "dead.html",
            staff,
            here=HERE,
            lines=[
                Line(
                    text,
                    told(text.at, zone, staff),
                    _in_words(text.why, speak),
                    f"{HERE}?{urlencode({'why': text.why})}" if text.why and not why else "",
                    now < text.not_after,
                )
                for text in found
            ],
            why=why,
            why_told=_in_words(why, speak),
            older=f"{HERE}?{urlencode({'before': older} | ({'why': why} if why else {}))}" if older else "",
            done=query.get("done", ""),
            replayed=_count(query.get("replayed", "")),
            stale=_count(query.get("stale", "")),
        )

    async def retry(self, ask: Ask[None, None], staff: Staff) -> Answer:
        await self._desk.retry(ask.form.get("text", ""), by=staff.name, practice=staff.practice)
        return _back(ask, done="retry")

    async def put_aside(self, ask: Ask[None, None], staff: Staff) -> Answer:
        await self._dead_letters.put_aside(staff.practice, ask.form.get("text", ""), by=staff.name)
        return _back(ask, done="aside")

    async def replay(self, ask: Ask[None, None], staff: Staff) -> Answer:
        why = _why(ask.form.get("why", ""))
        if not why:
            raise InvalidRequest("a reason is named")
        done = await self._dead_letters.replay(staff.practice, why=why, by=staff.name)
        return see(f"{HERE}?{urlencode({'done': 'replay', 'replayed': done.replayed, 'stale': done.stale})}")


def _in_words(why: str | None, speak: Speak) -> str:
    """With the provider's code, by which its own pages tell more."""
    slug, _, code = (why or "").partition(":")
    words = speak(in_words(slug))
    return speak("{words} Code {code}.", words=words, code=code) if code else words


def _why(asked: str) -> str:
    if len(asked) > LONGEST_WHY:
        raise InvalidRequest("`why` is no reason of a text")
    return asked


def _count(asked: str) -> int:
    return int(asked) if asked.isdecimal() and len(asked) < 7 else 0


def _back(ask: Ask[None, None], *, done: str) -> Answer:
    why = _why(ask.form.get("why", ""))
    return see(f"{HERE}?{urlencode({'done': done} | ({'why': why} if why else {}))}")
