"""The gauges, looked up every few seconds: what is due, what is not known, how the sender stands."""

from __future__ import annotations

from typing import Final

from services.notify.actions import measures
from services.notify.domain.sender import Limits, Standing, refreshed
from services.notify.ports import Stores
from shared.clock import Clock

MOST_COUNTED: Final = 10_000


class Watching:
    def __init__(self, stores: Stores, *, sender: str, limits: Limits, now: Clock) -> None:
        self._stores, self._sender, self._limits, self._now = stores, sender, limits, now

    async def look(self) -> None:
        now = self._now()
        backlog = await self._stores.overview.backlog(now, most=MOST_COUNTED)
        measures.due.set(backlog.due)
        measures.due_oldest.set((now - (backlog.due_since or now)).total_seconds())
        measures.unknown_now.set(backlog.unknown)
        measures.unknown_oldest.set((now - (backlog.unknown_since or now)).total_seconds())
        sender = await self._stores.senders.get(self._sender)
        measures.tokens.set(refreshed(sender, self._limits).tokens or 0.0)
        measures.failures.set(sender.failures)
        for standing in Standing:
            measures.standing.labels(standing.value).set(sender.standing is standing)
