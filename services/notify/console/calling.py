"""Who is to be called, on top of what clients texted in their own words; both are crossed off by whoever did it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from services.notify.actions.calls import Calls
from services.notify.actions.inbox import Inbox
from services.notify.console.clock import told, zone_of
from services.notify.domain.call import Call
from services.notify.ports import Practices, Words
from services.notify.routes import places
from shared.console import Console, see
from shared.httpkit import Answer, Ask, Route
from shared.staff import Staff

CALLS: Final = "/console/calls"
HERE: Final = "/notify/console/calls"
AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry; `since` is by the practice's clock."""

    call: Call
    since: str


@dataclass(frozen=True, slots=True)
class Said:
    """One text; no words if they were sealed under another key."""

    kept: Words
    words: str | None
    at: str


class Calling:
    def __init__(self, calls: Calls, inbox: Inbox, practices: Practices, console: Console) -> None:
        self._calls, self._inbox, self._practices, self._console = calls, inbox, practices, console

    def routes(self) -> Sequence[Route]:
        route = self._console.route
        return [
            route("GET", CALLS, self.show_calls, "Who is to be called, and what clients texted"),
            route("POST", f"{CALLS}/{{call}}/done", self.called, "Note that the client was called"),
            route("POST", f"{CALLS}/texts/{{sid}}/read", self.read, "Note that somebody has read the text"),
        ]

    async def show_calls(self, ask: Ask[None, None], staff: Staff) -> Answer:
        """The words themselves only for who sees answers: they may tell about health."""
        zone = await zone_of(self._practices, staff)
        found, _ = await self._calls.page(staff.practice, only_open=True, before=None, limit=AT_ONCE)
        before = places.read(ask.request.query.get("before"))
        said, following = await self._said(staff, zone, before)
        return self._console.show(
            "calls.html",
            staff,
            here=HERE,
            calls=[Shown(call, told(call.since, zone, staff)) for call in found],
            is_whole=len(found) < AT_ONCE,
            said=said,
            older=places.written(following),
        )

    async def called(self, ask: Ask[None, None], staff: Staff) -> Answer:
        await self._calls.done(staff.practice, ask.path["call"], by=staff.name)
        return see(HERE)

    async def read(self, ask: Ask[None, None], staff: Staff) -> Answer:
        await self._inbox.mark_read(staff.practice, ask.path["sid"], by=staff.name)
        return see(HERE)

    async def _said(
        self, staff: Staff, zone: tzinfo, before: tuple[datetime, str] | None
    ) -> tuple[Sequence[Said], tuple[datetime, str] | None]:
        if not staff.sees_answers:
            return (), None
        found, following = await self._inbox.page(staff.practice, before=before, limit=AT_ONCE)
        return [Said(kept, words, told(kept.received_at, zone, staff)) for kept, words in found], following
