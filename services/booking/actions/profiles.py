"""Keeping the profiles of practices: load, change, check the whole, save; and say which visits no longer fit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.booking import profile
from services.booking.domain.appointment import Hand
from services.booking.domain.audit import Entry
from services.booking.domain.differences import differences
from services.booking.domain.outside import Outside, outside
from services.booking.domain.practice import Practice
from services.booking.domain.practice_check import FURTHEST_DAYS, check
from services.booking.domain.refusals import NoSuchPractice
from services.booking.outbox import practice_changed
from services.booking.ports import Appointments, Audit, Kept, Practices
from shared.clock import Clock
from shared.errors import Kind, Refusal

MOST_TRIES: Final = 8
BATCH: Final = 20
FURTHEST: Final = timedelta(days=FURTHEST_DAYS + 2)
"""No visit is booked further ahead than this."""


class ChangedMeanwhile(Refusal):
    """Somebody else changed the same thing before or at the same moment; nothing of this change was kept."""

    slug = "changed-meanwhile"
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Edited:
    """A practice after a change, and the booked visits that it has no room for; none of them is moved."""

    kept: Kept
    outside: Sequence[Outside]


class Profiles:
    def __init__(self, practices: Practices, appointments: Appointments, audit: Audit, now: Clock) -> None:
        self._practices = practices
        self._appointments = appointments
        self._audit = audit
        self._now = now

    async def get(self, practice: str) -> Kept:
        kept = await self._practices.get(practice)
        if kept is None:
            raise NoSuchPractice(f"there is no practice {practice!r}")
        return kept

    async def put(self, practice: Practice, *, hand: Hand, version: int | None = None) -> Edited:
        """Replace the whole profile, or begin one. The same once more changes nothing and says nothing.

        `version` is the one that is to be replaced, None for whichever stands.
        """
        kept = await self._saved(await self._practices.get(practice.id), practice, version, hand)
        if kept is None:
            raise _changed_meanwhile(practice.id)
        return await self._edited(kept)

    async def edit(
        self, practice: str, change: Callable[[Practice], Practice], *, hand: Hand, version: int | None = None
    ) -> Edited:
        """Change a part. Whatever is wrong with the whole afterwards is raised, and nothing is kept.

        Without a `version` a change that somebody else made at the same moment stays, and this one comes on top.
        """
        for _ in range(MOST_TRIES):
            stored = await self.get(practice)
            kept = await self._saved(stored, change(stored.practice), version, hand)
            if kept is not None:
                return await self._edited(kept)
        raise _changed_meanwhile(practice)

    async def _saved(self, stored: Kept | None, wanted: Practice, version: int | None, hand: Hand) -> Kept | None:
        """What is kept now; None if somebody else was faster."""
        if version is not None and version != (0 if stored is None else stored.version):
            raise _changed_meanwhile(wanted.id)
        check(wanted)
        if stored is not None and stored.practice == wanted:
            return stored
        entry = self._entry(stored, wanted, hand)
        kept = Kept(wanted, 1 if stored is None else stored.version + 1, entry)
        said = practice_changed(wanted, version=kept.version, at=entry.at)
        if stored is not None and stored.changed is not None:
            # Whoever made that change may have been killed before they noted it, and now it is overwritten.
            await self._audit.note(stored.changed)
        if not await self._practices.put(kept, (said,)):
            return None
        await self._audit.note(entry)
        return kept

    def _entry(self, stored: Kept | None, wanted: Practice, hand: Hand) -> Entry:
        """A new practice has no changes: all of it is new."""
        version = 1 if stored is None else stored.version + 1
        changes = () if stored is None else differences(profile.as_told(stored.practice), profile.as_told(wanted))
        return Entry(
            id=f"practice-{version:08d}",
            practice=wanted.id,
            subject="practice",
            deed="begun" if stored is None else "changed",
            who=hand.who,
            where=hand.where,
            at=self._now(),
            changes=changes,
        )

    async def _edited(self, kept: Kept) -> Edited:
        now = self._now()
        upcoming = await self._appointments.agenda(kept.practice.id, now, now + FURTHEST)
        found: list[Outside] = []
        for first in range(0, len(upcoming), BATCH):
            found += outside(kept.practice, upcoming[first : first + BATCH])
            await asyncio.sleep(0)  # hundreds of visits take a while, and others ask for free times meanwhile
        return Edited(kept, tuple(found))


def _changed_meanwhile(practice: str) -> ChangedMeanwhile:
    return ChangedMeanwhile(f"the profile of {practice!r} was changed meanwhile; load it again")
