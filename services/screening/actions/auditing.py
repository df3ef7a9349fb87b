"""Noting who did what and who read what, and telling it to those who may ask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from services.screening.domain.audit import Deed, Entry, Fact, Hand, Result, Role
from services.screening.ports import Audit, Trail, Trails
from shared.clock import Clock

AT_ONCE: Final = 200
YEAR: Final = timedelta(days=366)
TIME: Final = Hand(role=Role.SERVICE, who="time")
OPENS: Final = frozenset(
    {Deed.VIEW, Deed.DECIDE, Deed.MORE_INFO, Deed.APPROVE_REFUSED, Deed.CORRECT, Deed.ATTACH, Deed.EXPORT}
)
"""What nobody can do without reading what the client filled in."""
MOST_TOLD: Final = 500


class Auditing:
    """`ids` makes a name for what is noted each time that it happens."""

    def __init__(self, audit: Audit, trails: Trails, *, now: Clock, ids: Callable[[], str]) -> None:
        self._audit, self._trails = audit, trails
        self._now, self._ids = now, ids

    def fact(
        self,
        deed: Deed,
        *,
        practice: str,
        record: str,
        hand: Hand,
        once: str | None = None,
        old: str | None = None,
        new: str | None = None,
        result: Result = Result.DONE,
    ) -> Fact:
        """`once` names what is one deed however often it is noted; without it each time is another one."""
        return Fact(
            id=f"{deed}:{once or self._ids()}",
            practice=practice,
            at=self._now(),
            deed=deed,
            record=record,
            hand=hand,
            old=old,
            new=new,
            result=result,
        )

    async def note(self, *facts: Fact) -> None:
        """Returns when all of them are in the chains of their practices; whoever hands out answers waits for it."""
        by_practice: defaultdict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            by_practice[fact.practice].append(fact)
        for practice, theirs in by_practice.items():
            await self._audit.append(practice, theirs)

    async def move(self) -> None:
        """Take what waits in cases over to the chains; killed anywhere, all of it may be done again, by anybody."""
        while trails := await self._trails.waiting(limit=AT_ONCE):
            await self._take_over(trails)
            if len(trails) < AT_ONCE:
                break
        await self._audit.keep_heads()

    async def let_go(self, *, years: int) -> None:
        """What was noted so many years ago is no longer kept; that it went is noted."""
        before = self._now() - years * YEAR
        async for practice in self._audit.practices():
            base = await self._audit.forget_before(practice, before)
            if base is not None:
                once, upto = f"audit:{base.seq}", str(base.seq)
                gone = self.fact(Deed.RETENTION, practice=practice, record="audit", hand=TIME, once=once, new=upto)
                await self.note(gone)

    async def newest(self, practice: str, *, record: str | None, before: int | None, limit: int) -> Sequence[Entry]:
        """The newest first, also what has not been taken over yet."""
        if before is None:
            await (self.move() if record is None else self._take_over_of(record))
        return await self._audit.newest(practice, record=record, before=before, limit=limit)

    async def opened(self, practice: str, record: str) -> Sequence[Entry]:
        """Who of the practice has seen the answers of this record, the latest first."""
        found = await self.newest(practice, record=record, before=None, limit=MOST_TOLD)
        return [one for one in found if one.fact.deed in OPENS and one.fact.hand.role is Role.STAFF]

    async def _take_over_of(self, record: str) -> None:
        trail = await self._trails.of(record)
        if trail is not None:
            await self._take_over([trail])

    async def _take_over(self, trails: Sequence[Trail]) -> None:
        await self.note(*(fact for trail in trails for fact in trail.facts))
        await self._trails.moved(trails)
