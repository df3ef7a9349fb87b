"""Beginning a practice: the operator's key proves the right to, and the practice has an owner who can sign in."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace

from services.booking.actions.limits import Limits
from services.booking.actions.profiles import ChangedMeanwhile, Profiles
from services.booking.actions.team import Newcomer, Team
from services.booking.domain.appointment import Hand
from services.booking.domain.practice import Practice
from services.booking.domain.team import LoginTaken, check_login
from shared.errors import Kind, Refusal


class WrongOperatorKey(Refusal):
    """Not the operator's key of this installation."""

    slug, kind = "wrong-operator-key", Kind.UNAUTHENTICATED


class PracticeTaken(Refusal):
    """Another practice has this id already."""

    slug, kind = "practice-taken", Kind.CONFLICT


class HasOwner(Refusal):
    """Somebody signs in to this practice already, and lets in the others."""

    slug, kind = "has-owner", Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Beginning:
    profiles: Profiles
    team: Team
    limits: Limits
    operator_key: str = field(repr=False)

    async def begin(self, key: str, practice: Practice, owner: Newcomer, password: str, *, hand: Hand) -> None:
        """The same once more, after an answer that was lost, changes nothing.

        Raises `PracticeTaken` with nothing kept, and `LoginTaken` when the practice is there and `own` is to follow.
        """
        await self._prove(key, hand)
        try:
            await self.profiles.put(practice, hand=hand, version=0)
        except ChangedMeanwhile as taken:
            kept = (await self.profiles.get(practice.id)).practice
            if kept != practice:
                raise PracticeTaken("there is a practice of this id already", field="id") from taken
        await self._let_in(practice.id, owner, password)

    async def own(self, key: str, practice: str, owner: Newcomer, password: str, *, hand: Hand) -> None:
        """The owner of a practice that was begun and that nobody signs in to yet; its one person is who they are."""
        await self._prove(key, hand)
        people = (await self.profiles.get(practice)).practice.practitioners
        is_one = len(people) == 1
        await self._let_in(practice, replace(owner, practitioner=people[0].id if is_one else None), password)

    async def _prove(self, key: str, hand: Hand) -> None:
        """Counted before it is looked at, so that a guess costs its turn whether or not it was right."""
        await self.limits.set_up(hand)
        if not hmac.compare_digest(key.strip().encode(), self.operator_key.encode()):
            raise WrongOperatorKey("not the operator's key", field="key")

    async def _let_in(self, practice: str, owner: Newcomer, password: str) -> None:
        """Whoever is in already by this login is let in by their password, and nobody beside them."""
        users = await self.team.of(practice)
        if check_login(owner.login) in {user.login for user in users}:
            return
        if users:
            raise HasOwner("somebody signs in to this practice already")
        try:
            await self.team.add(practice, owner, password)
        except LoginTaken:
            if check_login(owner.login) not in {user.login for user in await self.team.of(practice)}:
                raise
