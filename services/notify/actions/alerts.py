"""News that did not reach a client: the practice is texted, because somebody has to call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from prometheus_client import Counter

from services.notify.actions.notices import Notices
from services.notify.domain.delivery import Message, State
from services.notify.domain.frame import Rank
from services.notify.domain.steps import STEPS
from services.notify.domain.truth import BAD_NUMBER, PAUSED
from services.notify.ports import Stores
from shared.clock import Clock

lost = Counter("texts_news_lost_total", "News of a visit that did not reach its client while it was of use", ["step"])

NEWS = frozenset(step.name for step in STEPS if step.rank is Rank.NEWS)
LOST = frozenset({State.FAILED, State.UNDELIVERED, State.DEAD})


class Alerts:
    """Told before the end of the text is written: a worker that is killed in between does both again."""

    def __init__(self, stores: Stores, *, new_code: Callable[[], str], now: Clock) -> None:
        # Nobody needs to be woken for these: they go with the next round.
        self._notices = Notices(stores, wake=lambda: None, new_code=new_code, now=now)
        self._now = now

    async def look(self, ending: Sequence[Message]) -> None:
        """What of these is news that did not arrive is told, at most once a day for a visit."""
        now = self._now()
        for message in ending:
            if is_lost(message, now):
                lost.labels(message.step).inc()
                await self._notices.undelivered(message.appointment, now)


def is_lost(message: Message, now: datetime) -> bool:
    """It will not arrive, it said something new of a visit, and it would still have been of use."""
    ended = message.state in LOST or (message.state is State.SKIPPED and message.why in (BAD_NUMBER, PAUSED))
    return ended and message.step in NEWS and message.notice is None and now < message.not_after
