"""From what booking said to planned texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from services.notify.actions import measures
from services.notify.domain.consent import Entry
from services.notify.domain.plan import plan
from services.notify.domain.practice import Practice
from services.notify.domain.reconcile import reconcile
from services.notify.domain.visit import Visit
from services.notify.ports import Contended, Stores
from shared.clock import Clock

TRIES = 5


class Planning:
    """Keeps the newest truth of every visit, and its texts in step with it."""

    def __init__(self, stores: Stores, *, wake: Callable[[], None], new_code: Callable[[], str], now: Clock) -> None:
        self._stores = stores
        self._wake, self._new_code, self._now = wake, new_code, now

    async def keep_practice(self, practice: Practice) -> None:
        """Texts that are planned already meet the new policy when they are due."""
        await self._stores.practices.keep(practice)

    async def keep_visit(self, visit: Visit, *consents: Entry) -> bool:
        """Plan anew from the newest of what is known; False while the practice is not.

        Whole again after any interruption, because it always ends with the comparison of plan and texts.
        """
        practice = await self._stores.practices.get(visit.practice)
        if practice is None:
            return False
        visit = replace(visit, known_at=self._now())
        newest = await self._stores.visits.keep(visit)
        if newest is not None:
            for consent in consents:
                await self._stores.contacts.enter(visit.practice, visit.phone, consent)
        for _ in range(TRIES):
            if newest is None or (await self._reconciled(newest, practice) and await self._is_known(visit)):
                break
            newest = await self._stores.visits.keep(visit)
        else:
            raise Contended(f"the texts of {visit.appointment}")
        if newest is None:
            await self._forget(visit)
        return True

    async def _is_known(self, visit: Visit) -> bool:
        """Asked last: an erasure that forgets the visit only after this forgets its texts and consent after it too."""
        return await self._stores.visits.get(visit.appointment) is not None

    async def _forget(self, visit: Visit) -> None:
        """The client was forgotten: what came late leaves no more behind than the visit itself."""
        await self._stores.messages.forget([visit.appointment])
        await self._stores.contacts.forget(visit.practice, (), [visit.appointment])

    async def _reconciled(self, visit: Visit, practice: Practice) -> bool:
        now = self._now()
        course = await self._stores.visits.of_courses([visit.seat.course], now) if visit.seat else []
        existing = await self._stores.messages.of(visit.appointment)
        changes = reconcile(existing, plan(visit, practice, course), visit, now=now, new_code=self._new_code)
        saved = await self._stores.messages.save(changes)
        measures.written(existing, saved)
        if any(message.due is not None and message.due <= now for message in saved):
            self._wake()
        return len(saved) == len(changes)
