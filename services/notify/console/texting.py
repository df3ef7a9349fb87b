"""The texts of one visit for the staff: what went out and what is to come, and what can be done about each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.notify.actions.desk import AGAIN, Desk, MessageUnknown
from services.notify.console.clock import told, zone_of
from services.notify.domain.again import SAID
from services.notify.domain.delivery import NOT_BEGUN, Message
from services.notify.domain.whys import in_words
from services.notify.ports import Practices
from shared.console import Console, see
from shared.httpkit import Answer, Ask, Route
from shared.staff import Staff

VISIT: Final = "/console/visits/{appointment}"


@dataclass(frozen=True, slots=True)
class Line:
    """One text; `at` is when it went or is to go, `why` why it did not."""

    text: Message
    at: str
    why: str
    may_cancel: bool
    may_retry: bool
    may_resend: bool


class Texting:
    def __init__(self, desk: Desk, practices: Practices, console: Console) -> None:
        self._desk, self._practices, self._console = desk, practices, console

    def routes(self) -> Sequence[Route]:
        route = self._console.route
        return [
            route("GET", VISIT, self.show_texts, "The texts of one visit"),
            route("POST", f"{VISIT}/cancel", self.cancel, "Let a text not go out"),
            route("POST", f"{VISIT}/retry", self.retry, "Let a text go out after all, now"),
            route("POST", f"{VISIT}/resend", self.resend, "Send the same words once more"),
        ]

    async def show_texts(self, ask: Ask[None, None], staff: Staff) -> Answer:
        zone = await zone_of(self._practices, staff)
        texts = await self._desk.timeline(ask.path["appointment"], staff.practice)
        return self._console.show(
            "texts.html",
            staff,
            appointment=ask.path["appointment"],
            is_visit=not texts or any(text.notice is None for text in texts),
            lines=[
                Line(
                    text,
                    told(text.at, zone, staff),
                    self._why(text, staff),
                    text.state in NOT_BEGUN,
                    text.state in AGAIN,
                    _may_resend(text),
                )
                for text in texts
            ],
        )

    def _why(self, text: Message, staff: Staff) -> str:
        if text.state not in AGAIN or not text.why:
            return ""
        return self._console.translated(staff)(in_words(text.why.partition(":")[0]))

    async def cancel(self, ask: Ask[None, None], staff: Staff) -> Answer:
        return await self._done(ask, staff, self._desk.cancel)

    async def retry(self, ask: Ask[None, None], staff: Staff) -> Answer:
        return await self._done(ask, staff, self._desk.retry)

    async def resend(self, ask: Ask[None, None], staff: Staff) -> Answer:
        return await self._done(ask, staff, self._desk.resend)

    async def _done(self, ask: Ask[None, None], staff: Staff, deed: Callable[..., Awaitable[Message]]) -> Answer:
        """The text is named in the form, and is one of this visit."""
        appointment, text = ask.path["appointment"], ask.form.get("text", "")
        if not text.startswith(f"{appointment}/"):
            raise MessageUnknown("this visit has no such text")
        await deed(text, by=staff.name, practice=staff.practice)
        return see(f"/notify/console/visits/{appointment}")


def _may_resend(text: Message) -> bool:
    return text.state in SAID and text.due is None and text.asked_at is None and text.notice is None
