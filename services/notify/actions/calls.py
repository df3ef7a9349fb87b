"""Who is to be called: entered by what a client texts, told to the practice, done by a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import structlog
from prometheus_client import Counter

from services.notify.actions.notices import Notices
from services.notify.domain.call import Call, CallWhy
from services.notify.domain.visit import Visit
from services.notify.ports import Place, Reply, Stores
from shared.clock import Clock
from shared.errors import Kind, Refusal

log = structlog.get_logger()
asked = Counter("calls_asked_total", "Texts by which a client is to be called, by why", ["why"])


class CallUnknown(Refusal):
    """The practice has no such entry, or its client was forgotten."""

    slug: ClassVar[str] = "call-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class Calls:
    def __init__(self, stores: Stores, *, notices: Notices, now: Clock) -> None:
        self._stores, self._notices, self._now = stores, notices, now

    async def ask(self, reply: Reply, visit: Visit, why: CallWhy) -> None:
        """Bears repetition: the entry is of this text, and so is what the practice is told."""
        at = reply.received_at
        call = await self._stores.calls.put(
            Call(
                id=reply.sid,
                practice=visit.practice,
                appointment=visit.appointment,
                phone=reply.phone,
                why=why,
                since=at,
                texted_at=at,
            )
        )
        await self._notices.call_asked(call)
        if await self._stores.visits.get(visit.appointment) is None:  # its client was forgotten meanwhile
            await self._stores.calls.forget(visit.practice, (), [visit.appointment])
            await self._stores.messages.forget([visit.appointment])
            return
        asked.labels(why.value).inc()
        log.info("call.asked", id=call.id, appointment=visit.appointment)

    async def page(
        self, practice: str, *, only_open: bool, before: Place | None, limit: int
    ) -> tuple[Sequence[Call], Place | None]:
        found = await self._stores.calls.page(practice, only_open=only_open, before=before, limit=limit + 1)
        shown = found[:limit]
        return shown, (shown[-1].since, shown[-1].id) if len(found) > limit else None

    async def done(self, practice: str, call: str, *, by: str) -> Call:
        done = await self._stores.calls.done(practice, call, by=by, at=self._now())
        if done is None:
            raise CallUnknown("there is no such entry")
        await self._notices.drop_call(done.appointment)
        return done
