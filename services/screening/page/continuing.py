"""What a client can do on the page after the answers: write, send a file, ask for a person, change, take back, see who.

Each is a plain form that leads back to the page of the health check.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from email.message import Message
from typing import Any, Final

from services.screening.actions import Auditing, Continuing
from services.screening.domain.case import Reopening
from services.screening.domain.files import LARGEST_FILE
from services.screening.domain.refusals import FileRefused, NothingWritten
from services.screening.domain.told import Told
from services.screening.domain.wording import Reader
from services.screening.page import addresses
from services.screening.page.checking import Checking
from services.screening.page.reception import Reception, Visitor
from shared.errors import Refusal
from shared.httpkit import Answer, Ask

MULTIPART: Final = "multipart/form-data"
MOST_WORDS: Final = 2000
MOST_PARTS: Final = 8  # our form has one
ROOM: Final = 16_384  # for what a form wraps around a file
LARGEST_READ: Final = 4 * LARGEST_FILE  # a photo as phones take them is refused in words, and read no further
Turn = Callable[[], Awaitable[Told]]


class ContinuingPages:
    def __init__(self, continuing: Continuing, auditing: Auditing, checking: Checking, reception: Reception) -> None:
        self._continuing, self._auditing = continuing, auditing
        self._checking, self._reception = checking, reception

    async def write(self, visitor: Visitor) -> Answer:
        async def turn() -> Told:
            return await self._continuing.explain(*visitor.whose, _words(visitor.ask), **_how(visitor))

        return await self._done(visitor, turn, done="words")

    async def send(self, visitor: Visitor) -> Answer:
        async def turn() -> Told:
            return await self._continuing.attach(*visitor.whose, file_in(visitor.ask), **_how(visitor))

        return await self._done(visitor, turn, done="file")

    async def appeal(self, visitor: Visitor) -> Answer:
        words = visitor.ask.form.get("words", "").strip()[:MOST_WORDS]
        return await self._done(
            visitor, lambda: self._continuing.ask_for_review(*visitor.whose, words, **_how(visitor))
        )

    async def ask_change(self, visitor: Visitor) -> Answer:
        return self._confirm(visitor, "change")

    async def change(self, visitor: Visitor) -> Answer:
        return await self._void(visitor, Reopening.CHANGED)

    async def ask_withdraw(self, visitor: Visitor) -> Answer:
        return self._confirm(visitor, "withdraw")

    async def withdraw(self, visitor: Visitor) -> Answer:
        """Whoever filled in the form takes it back: a guardian that of the child."""
        told = await self._checking.told(visitor)
        is_guardian = told.reader is Reader.GUARDIAN
        return await self._void(visitor, Reopening.GUARDIAN_WITHDRAWN if is_guardian else Reopening.WITHDRAWN)

    async def show_seen(self, visitor: Visitor) -> Answer:
        words = visitor.words.said["seen"]
        opened = [
            {
                "at": visitor.texts.written_moment(one.fact.at, visitor.zone),
                "who": one.fact.hand.name or words["practice"],
                "what": words["deeds"][one.fact.deed.value],
            }
            for one in await self._auditing.opened(visitor.practice, visitor.appointment)
        ]
        return self._reception.show("seen.html", visitor, opened=opened)

    def _confirm(self, visitor: Visitor, step: str) -> Answer:
        post = addresses.check(visitor.ask, step)
        return self._reception.show("confirm.html", visitor, asked=visitor.words.said[step], post=post)

    async def _void(self, visitor: Visitor, cause: Reopening) -> Answer:
        return await self._done(visitor, lambda: self._continuing.void(*visitor.whose, cause, **_how(visitor)))

    async def _done(self, visitor: Visitor, turn: Turn, *, done: str = "") -> Answer:
        try:
            await turn()
        except Refusal as refusal:
            return await self._checking.refused(visitor, refusal)
        return addresses.see(addresses.check(visitor.ask, **({"done": done} if done else {})))


def file_in(ask: Ask[Any, Any]) -> bytes:
    """The first file of a posted form (RFC 7578), whatever it is called, or nothing. Raises `FileRefused`.

    Cut at its boundaries and not parsed line by line, which would keep everybody waiting over a large file.
    """
    if len(ask.content) > LARGEST_FILE + ROOM:
        raise FileRefused(f"a file may have {LARGEST_FILE} bytes", most=LARGEST_FILE)
    kind = Message()
    kind["Content-Type"] = ask.headers.get("Content-Type", "")
    boundary = kind.get_boundary("").encode("utf-8", "surrogateescape")
    parts = (b"\r\n" + ask.content).split(b"\r\n--" + boundary, MOST_PARTS + 1) if boundary else []
    for part in parts[1 : MOST_PARTS + 1]:
        head, _, content = part.partition(b"\r\n\r\n")
        if b"filename=" in head.lower():
            return content
    return b""


def _words(ask: Ask[Any, Any]) -> str:
    words = ask.form.get("words", "").strip()[:MOST_WORDS]
    if not words:
        raise NothingWritten("there are no words")
    return words


def _how(visitor: Visitor) -> dict[str, Any]:
    return {"locale": visitor.locale, "hand": visitor.hand}
