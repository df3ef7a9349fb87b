"""The day and the week as a stream of server-sent events: that they changed, for a page that then asks for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from aiohttp import web

from services.booking.actions.team import Team
from services.booking.console.agenda import Agenda
from services.booking.routes.live import HEADERS
from shared.clock import Clock
from shared.console import Console
from shared.httpkit import Answer, Ask, Route
from shared.mongo import UNREACHABLE
from shared.staff import Staff

LOOK_EVERY: Final = timedelta(seconds=2)
# Less than a pass is good for: whoever comes back shows a new one, and so still is who they were.
LONGEST: Final = timedelta(minutes=4)
ALIVE_EVERY: Final = 8


class Live:
    """Looks every two seconds while somebody listens; no stream outlives the session, the service or four minutes.

    What has changed is not told: the page is asked for anew, so there is one way in which a visit is shown to whom.
    """

    def __init__(self, agenda: Agenda, team: Team, console: Console, now: Clock, closing: asyncio.Event) -> None:
        self._agenda, self._team, self._console, self._now = agenda, team, console, now
        self._closing = closing

    def routes(self) -> Sequence[Route]:
        events = self._console.route("GET", "/console/events", self.follow, "That the day or the week has changed")
        return [replace(events, answers={**events.answers, 204: None})]

    async def follow(self, ask: Ask[None, None], staff: Staff) -> Any:
        """A session that was ended is answered 204, after which a browser asks no more."""
        if not await self._holds(staff):
            return Answer(204)
        mark = await self._look(ask, staff)
        told = ask.headers.get("Last-Event-ID", ask.request.query.get("seen", ""))
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(ask.request)
        with suppress(ConnectionError):  # nobody listens any more
            await self._tell(ask, staff, response, told=told, mark=mark)
            await response.write_eof()
        return response

    async def _tell(
        self, ask: Ask[None, None], staff: Staff, response: web.StreamResponse, *, told: str, mark: str
    ) -> None:
        until, looks = self._now() + LONGEST, 0
        await response.write(b"retry: 2000\n\n")
        while True:
            if mark != told:
                await response.write(f"event: changed\nid: {mark}\ndata: {mark}\n\n".encode())
                told = mark
            elif looks % ALIVE_EVERY == 0:
                await response.write(b": still here\n\n")
            looks += 1
            if await self._is_closing() or self._now() >= until:
                return
            with suppress(*UNREACHABLE):  # look again next time; an error cannot be answered any more
                if not await self._holds(staff):
                    return
                mark = await self._look(ask, staff)

    async def _look(self, ask: Ask[None, None], staff: Staff) -> str:
        query = ask.request.query
        return (await self._agenda.look(query, staff, week=query.get("page") == "week")).mark

    async def _holds(self, staff: Staff) -> bool:
        return any(session.id == staff.session for session in await self._team.sessions(staff.user))

    async def _is_closing(self) -> bool:
        try:
            await asyncio.wait_for(self._closing.wait(), LOOK_EVERY.total_seconds())
        except TimeoutError:
            return False
        return True
