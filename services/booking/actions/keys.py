"""Making, listing and revoking the keys of a practice, and letting their holders in."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.booking.domain.appointment import Hand
from services.booking.domain.audit import Entry
from services.booking.domain.key import (
    HOLDER,
    ID_BYTES,
    SECRET_BYTES,
    EndsTooLate,
    Key,
    NoSuchKey,
    OutOfReach,
    Scope,
    ScopeMissing,
    check_gift,
    digest,
    id_of,
    written,
)
from services.booking.domain.refusals import NoSuchPractice
from services.booking.ports import Stores
from shared.clock import Clock

Randomness = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A key as it is asked for."""

    name: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None = None


class Keys:
    """Every key is read from the database when it is shown, so that revoking it takes effect at once."""

    def __init__(self, stores: Stores, now: Clock, randomness: Randomness = secrets.token_bytes) -> None:
        self._stores = stores
        self._keys = stores.keys
        self._now = now
        self._randomness = randomness
        self._uses: dict[str, datetime] = {}

    async def make(self, practice: str, wish: Wish, *, hand: Hand) -> tuple[Key, str]:
        """The key, and what its holder has to show, which nobody can be told again."""
        now = self._now()
        if wish.expires_at is not None and wish.expires_at <= now:
            raise EndsTooLate("a key has to end in the future", field="expires_at")
        if await self._stores.practices.get(practice) is None:
            raise NoSuchPractice(f"there is no practice {practice!r}")
        if hand.who.startswith(HOLDER):
            check_gift(await self._get(practice, hand.who.removeprefix(HOLDER)), wish.scopes, wish.expires_at)
        shown = written(self._randomness(ID_BYTES), self._randomness(SECRET_BYTES))
        key = Key(
            id=str(id_of(shown)),
            practice=practice,
            name=wish.name,
            scopes=wish.scopes,
            digest=digest(shown),
            made_by=hand.who,
            made_at=now,
            expires_at=wish.expires_at,
        )
        made = replace(key, changed=_entry(key, "made", hand, now))
        await self._keys.add(made)
        await self._note(made)
        return made, shown

    async def of(self, practice: str) -> Sequence[Key]:
        return await self._keys.of(practice)

    async def revoke(self, practice: str, id_: str, *, hand: Hand) -> Key:
        """What is revoked already stays as it is."""
        key = await self._get(practice, id_)
        await self._note(key)
        if key.revoked_at is not None:
            return key
        now = self._now()
        revoked = replace(key, revoked_at=now, changed=_entry(key, "revoked", hand, now))
        if not await self._keys.revoke(revoked):
            return await self._get(practice, id_)
        await self._note(revoked)
        return revoked

    async def holder(self, shown: str, *, scope: str, practice: str | None, subjects: Mapping[str, str]) -> str | None:
        """Who shows this key; None if it is no good. Raises if it does not open this scope, or not this practice.

        `subjects` are the ids in the address, such as an appointment's, that have to be of the key's own practice.
        """
        id_ = id_of(shown)
        key = None if id_ is None else await self._keys.get(id_)
        if key is None or not key.is_proven_by(shown, self._now()):
            return None
        if scope not in key.scopes:
            raise ScopeMissing(f"this key does not have the scope {scope}", scope=scope)
        if not await self._reaches(key, practice, subjects):
            raise OutOfReach("nothing of this address is within the reach of this key")
        self._uses[key.id] = self._now()
        return key.holder

    async def note_uses(self) -> None:
        """Write when each key was used last; away from the requests that use them."""
        uses, self._uses = self._uses, {}
        if uses:
            await self._keys.used(uses)

    async def _reaches(self, key: Key, practice: str | None, subjects: Mapping[str, str]) -> bool:
        if practice is None and not subjects:
            return False
        if practice not in {None, key.practice}:
            return False
        owners = [await self._stores.belonging.practice_of(subject, id_) for subject, id_ in subjects.items()]
        return all(owner == key.practice for owner in owners)

    async def _get(self, practice: str, id_: str) -> Key:
        key = await self._keys.get(id_)
        if key is None or key.practice != practice:
            raise NoSuchKey("there is no such key")
        return key

    async def _note(self, key: Key) -> None:
        if key.changed is not None:
            await self._stores.audit.note(key.changed)


def _entry(key: Key, deed: str, hand: Hand, at: datetime) -> Entry:
    return Entry(
        id=f"key:{key.id}:{deed}",
        practice=key.practice,
        subject=f"key:{key.id}",
        deed=deed,
        who=hand.who,
        where=hand.where,
        at=at,
    )
