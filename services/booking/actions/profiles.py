"""Keeping the profiles of practices."""

from __future__ import annotations

from services.booking.domain.practice import Practice
from services.booking.domain.practice_check import check
from services.booking.domain.refusals import NoSuchPractice
from services.booking.outbox import practice_changed
from services.booking.ports import Kept, Practices
from shared.clock import Clock
from shared.errors import Kind, Refusal


class ChangedMeanwhile(Refusal):
    """Somebody else changed the same thing at the same moment; nothing of this change was kept."""

    slug = "changed-meanwhile"
    kind = Kind.CONFLICT


class Profiles:
    def __init__(self, practices: Practices, now: Clock) -> None:
        self._practices = practices
        self._now = now

    async def put(self, practice: Practice) -> Kept:
        """Replace the whole profile. The same profile once more changes nothing and says nothing."""
        check(practice)
        stored = await self._practices.get(practice.id)
        if stored is not None and stored.practice == practice:
            return stored
        kept = Kept(practice, 1 if stored is None else stored.version + 1)
        said = practice_changed(practice, version=kept.version, at=self._now())
        if not await self._practices.put(kept, (said,)):
            raise ChangedMeanwhile(f"the profile of {practice.id!r} was changed meanwhile; load it again")
        return kept

    async def get(self, practice: str) -> Kept:
        kept = await self._practices.get(practice)
        if kept is None:
            raise NoSuchPractice(f"there is no practice {practice!r}")
        return kept
