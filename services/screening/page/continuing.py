"""What a client can do on the page after the answers: write, send a file, ask for a person, say that something changed.

Each is a plain form that leads back to the page of the health check.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from email.message import Message
from typing import Any, Final

from services.screening.actions import Continuing
from services.screening.domain.case import Reopening
from services.screening.domain.files import LARGEST_FILE
from services.screening.domain.refusals import NothingWritten
from services.screening.domain.told import Told
from services.screening.routes.hand import hand_of
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Door, Route
from shared.page import HEADERS, Pages

MULTIPART: Final = "multipart/form-data"
MOST_WORDS: Final = 2000
ROOM: Final = 16_384  # for what a form wraps around a file

Refused = Callable[[Ask[Any, Any], Refusal], Awaitable[Answer]]


class ContinuingPages:
    """`refused` shows the page with why it did not work; `address` is that of the page."""

    def __init__(
        self, continuing: Continuing, door: Door, refused: Refused, address: Callable[[str, Ask[Any, Any]], str]
    ) -> None:
        self._continuing, self._door = continuing, door
        self._refused, self._address = refused, address

    async def write(self, ask: Ask[None, None]) -> Answer:
        return await self._done(ask, lambda: self._continuing.explain(*self._whose(ask), _words(ask), **_how(ask)))

    async def send(self, ask: Ask[None, None]) -> Answer:
        return await self._done(ask, lambda: self._continuing.attach(*self._whose(ask), file_in(ask), **_how(ask)))

    async def appeal(self, ask: Ask[None, None]) -> Answer:
        words = ask.form.get("words", "").strip()[:MOST_WORDS]
        return await self._done(ask, lambda: self._continuing.ask_for_review(*self._whose(ask), words, **_how(ask)))

    async def change(self, ask: Ask[None, None]) -> Answer:
        cause = Reopening.CHANGED
        return await self._done(ask, lambda: self._continuing.void(*self._whose(ask), cause, **_how(ask)))

    def _whose(self, ask: Ask[None, None]) -> tuple[str, str]:
        claim = self._door.claim(ask.request)
        return claim.appointment, claim.practice

    async def _done(self, ask: Ask[None, None], turn: Callable[[], Awaitable[Told]]) -> Answer:
        self._door.claim(ask.request)  # without it nothing is shown at all
        try:
            await turn()
        except Refusal as refusal:
            return await self._refused(ask, refusal)
        return Answer(303, headers={**HEADERS, "Location": self._address("/screening/check", ask)})


def routes(to: ContinuingPages, pages: Pages, check: str) -> Sequence[Route]:
    sent = pages.route("POST", f"{check}/file", to.send, "Take a file from the page of the health check")
    return [
        pages.route("POST", f"{check}/words", to.write, "Take words from the page of the health check"),
        replace(sent, form=False, takes=(MULTIPART,), largest=LARGEST_FILE + ROOM),
        pages.route("POST", f"{check}/review", to.appeal, "Ask for a person from the page of the health check"),
        pages.route("POST", f"{check}/change", to.change, "Say on the page that something has changed"),
    ]


def file_in(ask: Ask[Any, Any]) -> bytes:
    """The first file of a posted form (RFC 7578), whatever it is called; nothing if there is none.

    Cut at its boundaries and not parsed line by line, which would keep everybody waiting over a large file.
    """
    kind = Message()
    kind["Content-Type"] = ask.headers.get("Content-Type", "")
    boundary = kind.get_boundary("").encode("utf-8", "surrogateescape")
    parts = (b"\r\n" + ask.content).split(b"\r\n--" + boundary)[1:] if boundary else []
    for part in parts:
        head, _, content = part.partition(b"\r\n\r\n")
        if b"filename=" in head.lower():
            return content
    return b""


def _words(ask: Ask[None, None]) -> str:
    words = ask.form.get("words", "").strip()[:MOST_WORDS]
    if not words:
        raise NothingWritten("there are no words")
    return words


def _how(ask: Ask[Any, Any]) -> dict[str, Any]:
    return {"locale": None, "hand": hand_of(ask)}
