"""The line to the provider: how many texts may go out by it now, which of a group, and what their POSTs say of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from prometheus_client import Counter, Gauge

from services.notify.domain.delivery import Message, State, turned
from services.notify.domain.haste import haste
from services.notify.domain.provider import Accepted, NotCreated, Outcome, Refused, Unknown
from services.notify.domain.sender import Limits, Sender, Standing, Want, refreshed, room
from services.notify.domain.text import size
from services.notify.ports import Senders
from shared.clock import Clock

log = structlog.get_logger()
flowing = Gauge("texts_sender_open", "1 while texts may leave by the sender, 0 while it rests or is stopped")
spent = Gauge("texts_segments_spent", "Segments of the account's day that are spent, where there is a daily budget")
held_back = Counter("texts_held_back_total", "Texts put back because the sender may take no more, by why", ["why"])

SLOW_DOWN: Final = "slow_down"
# Neither of these says that the provider does not answer.
NO_ROOM, OVER_BUDGET, HELD_BACK = "no_room", "over_budget", "held_back"
NO_FAILURES: Final = frozenset({SLOW_DOWN, HELD_BACK, "held_up"})
NEXT_BUDGET: Final = timedelta(minutes=15)


class Line:
    """One worker's hold of the sender that all of them share. `at_once` is how many POSTs it makes side by side."""

    def __init__(self, senders: Senders, sender: str, *, limits: Limits, at_once: int, now: Clock) -> None:
        self._senders, self._name, self._limits, self._now = senders, sender, limits, now
        self._most, self.at_once = at_once, at_once
        self._known = Sender(name=sender)
        self._probing = self._is_dry = False

    @property
    def flows(self) -> bool:
        """May more of what was claimed go out?"""
        return self._known.standing is Standing.OPEN and not self._is_dry

    @property
    def closed(self) -> bool:
        """May not even what was begun go out?"""
        return self._known.standing not in (Standing.OPEN, Standing.HALF_OPEN)

    @property
    def is_narrow(self) -> bool:
        """Whether what is due may have to wait in line, so that it matters who goes first."""
        return self._limits.any or self.at_once < self._most

    async def room(self, most: int) -> int:
        """How many texts are worth claiming now; a single one to try with after a break."""
        await self._look()
        self._is_dry = False
        if self._known.standing is Standing.HALF_OPEN:
            is_mine = await self._senders.probe(self._name)
            self._probing = self._probing or is_mine  # a trial that is under way is still ours
            return 1 if is_mine else 0
        return room(self._known, self._limits, most)

    async def fitted(self, claimed: Sequence[Message], decided: Sequence[Message]) -> list[Message]:
        """Those that are to be posted and have no room are put back as they were claimed, and no try is counted.

        They come with what is in haste first, and so they are served.
        """
        begun = [at for at, message in enumerate(decided) if message.state is State.SENDING]
        if not begun or not self._limits.any:
            return list(decided)
        wants = {at: Want(size(decided[at].body or "").segments, haste(decided[at]) is not None) for at in begun}
        self._known, granted = await self._senders.take(self._name, [wants[at] for at in begun], self._limits)
        now, fitted = self._now(), list(decided)
        for at, goes in zip(begun, granted, strict=True):
            if not goes:
                fitted[at] = self._put_back(claimed[at], wants[at], now)
        return fitted

    async def heard(self, outcomes: Sequence[Outcome]) -> None:
        """Half as many at once when told to slow down, one more after each group that went well."""
        slow = any(isinstance(one, NotCreated) and one.why == SLOW_DOWN for one in outcomes)
        bad = sum(isinstance(one, NotCreated | Unknown) and one.why not in NO_FAILURES for one in outcomes)
        good = sum(isinstance(one, Accepted | Refused) for one in outcomes)
        if slow:
            self.at_once = max(self.at_once // 2, 1)
        elif outcomes and good == len(outcomes):
            self.at_once = min(self.at_once + 1, self._most)
        if good and self._known.has_failed:
            await self._senders.answered(self._name)
        elif bad and not good:
            await self._senders.unanswered(self._name, bad)
        elif self._probing and not good:
            await self._senders.unprobe(self._name)
        self._probing = False
        if self._known.has_failed or not all(isinstance(one, Accepted) for one in outcomes):
            await self._look()

    async def idle(self) -> None:
        """Nothing was due: what there was to try with is left to others."""
        if self._probing:
            await self._senders.unprobe(self._name)
            self._probing = False

    async def _look(self) -> None:
        before, self._known = self._known.standing, await self._senders.get(self._name)
        after = self._known.standing
        flowing.set(after is Standing.OPEN)
        spent.set(refreshed(self._known, self._limits).spent)
        if after is not before:
            log.warning("sender.standing", sender=self._name, was=before.value, now=after.value)

    def _put_back(self, message: Message, want: Want, now: datetime) -> Message:
        """Where the bucket is empty: due as before, so that it stays the longest due. Where the day is spent: later."""
        share = self._limits.per_day if want.first else self._limits.ordinary
        if self._limits.per_day and self._known.spent + want.segments > share:
            held_back.labels(OVER_BUDGET).inc()
            return turned(message, State.PLANNED, now, OVER_BUDGET, due=now + NEXT_BUDGET)
        self._is_dry = True
        held_back.labels(NO_ROOM).inc()
        return turned(message, State.PLANNED, now, NO_ROOM, due=message.due)
