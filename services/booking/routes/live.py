"""The appointment as a stream of server-sent events, for a page that waits for what happens next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from aiohttp import web

from services.booking.actions import Booking
from services.booking.domain.appointment import AppointmentId
from services.booking.domain.refusals import NoSuchAppointment
from services.booking.routes import views
from services.booking.routes.appointments import APPOINTMENT
from shared.clock import Clock
from shared.httpkit import Ask, Route, Who
from shared.mongo import UNREACHABLE

LOOK_EVERY: Final = timedelta(seconds=1)
LONGEST: Final = timedelta(minutes=10)
ALIVE_EVERY: Final = 15
HEADERS: Final = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Live:
    """Looks at the appointment each second while somebody listens; no stream outlives the service or ten minutes."""

    def __init__(self, booking: Booking, now: Clock) -> None:
        self._booking = booking
        self._now = now
        self.closing = asyncio.Event()

    def routes(self) -> Sequence[Route]:
        return [
            Route(
                method="GET",
                path=f"{APPOINTMENT}/events",
                handler=self.follow_appointment,
                summary="The appointment now and after every change, as server-sent events",
                answers={200: None},
                refuses=(NoSuchAppointment,),
                who=Who.TOKEN,
            )
        ]

    async def close(self, _: web.Application) -> None:
        """End every stream; the client's browser comes back by itself."""
        self.closing.set()

    async def follow_appointment(self, ask: Ask[None, None]) -> web.StreamResponse:
        id_ = AppointmentId(ask.path["appointment"])
        told, ended = await self._look(id_)
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(ask.request)
        try:
            await response.write(told)
            for second in range(1, LONGEST // LOOK_EVERY):
                if ended or await self._is_closing():
                    break
                before = told
                with suppress(*UNREACHABLE):  # look again next second; an error cannot be answered any more
                    told, ended = await self._look(id_)
                if told != before:
                    await response.write(told)
                elif second % ALIVE_EVERY == 0:
                    await response.write(b": still here\n\n")
        except ConnectionError:  # nobody listens any more
            return response
        await response.write_eof()
        return response

    async def _look(self, id_: AppointmentId) -> tuple[bytes, bool]:
        """One event, and whether nothing can follow it."""
        view = views.appointment_view(await self._booking.visits.get(id_), now=self._now())
        shown = view.model_dump_json(exclude_none=True)
        return f"event: appointment\nid: {view.version}\ndata: {shown}\n\n".encode(), view.next == "nothing"

    async def _is_closing(self) -> bool:
        try:
            await asyncio.wait_for(self.closing.wait(), LOOK_EVERY.total_seconds())
        except TimeoutError:
            return False
        return True
