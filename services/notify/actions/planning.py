"""From what booking said to planned texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.notify.actions import measures
from services.notify.domain.consent import Entry
from services.notify.domain.delivery import Message
from services.notify.domain.plan import plan
from services.notify.domain.practice import Practice
from services.notify.domain.reconcile import reconcile, still_to_come
from services.notify.domain.traffic import LOOKS_BACK
from services.notify.domain.visit import Visit
from services.notify.ports import Contended, Place, Stores
from shared.clock import Clock

TRIES = 5
PAGE = 200


class Planning:
    """Keeps the newest truth of every visit, and its texts in step with it."""

    def __init__(self, stores: Stores, *, wake: Callable[[], None], new_code: Callable[[], str], now: Clock) -> None:
        self._stores = stores
        self._wake, self._new_code, self._now = wake, new_code, now

    async def keep_practice(self, practice: Practice) -> None:
        """Plan what is still to come anew where the policy changed.

        Whole again after any interruption: until all of it is done, the practice is not noted as planned under it.
        """
        await self._stores.practices.keep(practice)
        while True:
            known = await self._stores.practices.get(practice.id)
            if known is None or known.planned_under == known.policy:
                return
            await self._plan_anew(known)
            if await self._stores.practices.note_planned(known):
                return

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
            if newest is None:
                break
            settled = await self._reconciled(newest, practice) and await self._is_known(visit)
            under, practice = practice, await self._stores.practices.get(visit.practice) or practice
            if settled and under.policy == practice.policy:
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
        return await self._saved(existing, changes, now)

    async def _saved(self, existing: Sequence[Message], changes: Sequence[Message], now: datetime) -> bool:
        saved = await self._stores.messages.save(changes)
        measures.written(existing, saved)
        if any(message.due is not None and message.due <= now for message in saved):
            self._wake()
        return len(saved) == len(changes)

    async def _plan_anew(self, practice: Practice) -> None:
        """Visits that come up meanwhile are planned under the newest policy by whoever hears of them."""
        place: Place = (self._now() - LOOKS_BACK, "")
        while page := await self._stores.visits.of_practice(practice.id, place, PAGE):
            for _ in range(TRIES):
                if await self._page_reconciled(page, practice):
                    break
            else:
                raise Contended(f"the texts of {practice.id}")
            place = (page[-1].ends_at, page[-1].appointment)

    async def _page_reconciled(self, page: Sequence[Visit], practice: Practice) -> bool:
        now, names = self._now(), [visit.appointment for visit in page]
        existing, courses = await self._stores.messages.of_visits(names), await self._courses(page, now)
        changes: list[Message] = []
        for visit in page:
            known = existing.get(visit.appointment, ())
            texts = plan(visit, practice, courses.get(visit.seat.course, ()) if visit.seat else ())
            wanted = still_to_come(texts, known, now)
            changes += reconcile(known, wanted, visit, now=now, new_code=self._new_code)
        saved = await self._saved([text for texts in existing.values() for text in texts], changes, now)
        forgotten = set(names) - (await self._stores.visits.many(names)).keys()
        if forgotten:
            await self._stores.messages.forget(sorted(forgotten))
        return saved

    async def _courses(self, page: Sequence[Visit], now: datetime) -> Mapping[str, Sequence[Visit]]:
        courses: dict[str, list[Visit]] = {visit.seat.course: [] for visit in page if visit.seat is not None}
        for visit in await self._stores.visits.of_courses(sorted(courses), now):
            if visit.seat is not None:
                courses[visit.seat.course].append(visit)
        return courses
