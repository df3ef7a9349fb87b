"""Texts that did not arrive: what there is, and another try of those that are still of use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from services.notify.actions.desk import TRIES, MessageBegun, MessageUnknown, tried_again
from services.notify.domain.delivery import DEAD_ENDS, Message
from services.notify.ports import Contended, Place, Stores
from shared.clock import Clock

# Of older ones nobody wants to know: their visits are over.
SHOWN: Final = timedelta(days=30)
AT_ONCE: Final = 100
MOST: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """`stale` ones were left alone; `more` tells that as many as are looked at in one go were looked at."""

    replayed: int
    stale: int
    more: bool


class DeadLetters:
    def __init__(self, stores: Stores, *, wake: Callable[[], None], now: Clock) -> None:
        self._stores, self._wake, self._now = stores, wake, now

    async def page(
        self, practice: str, *, why: str | None, before: Place | None, limit: int
    ) -> tuple[Sequence[Message], Place | None]:
        since = self._now() - SHOWN
        found = await self._stores.overview.dead(practice, since=since, before=before, limit=limit + 1, why=why)
        shown = found[:limit]
        return shown, (shown[-1].at, shown[-1].id) if len(found) > limit else None

    async def put_aside(self, practice: str, text: str, *, by: str) -> None:
        """Listed here no more; its visit still shows it, and it may still be sent from there."""
        for _ in range(TRIES):
            message = await self._stores.messages.get(text)
            if message is None or message.practice != practice:
                raise MessageUnknown(f"{text} is not a text")
            if message.state not in DEAD_ENDS:
                raise MessageBegun(f"the text is {message.state.value}")
            if message.aside is not None or await self._stores.messages.save([replace(message, aside=by)]):
                return
        raise Contended(text)

    async def replay(self, practice: str, *, why: str, by: str) -> Replayed:
        """All that ended for this reason and are of use; each is judged anew before it goes, as any text is."""
        replayed = stale = seen = 0
        before: Place | None = None
        while seen < MOST:
            found, before = await self.page(practice, why=why, before=before, limit=AT_ONCE)
            now = self._now()
            of_use = [text for text in found if now < text.not_after]
            seen, stale = seen + len(found), stale + len(found) - len(of_use)
            replayed += len(await self._stores.messages.save([tried_again(text, now, by=by) for text in of_use]))
            if before is None:
                break
        if replayed:
            self._wake()
        return Replayed(replayed=replayed, stale=stale, more=before is not None)
