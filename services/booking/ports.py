"""What the actions need from outside: where practices and appointments are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.booking.domain.appointment import Appointment, AppointmentId
from services.booking.domain.audit import Entry
from services.booking.domain.availability import Busy
from services.booking.domain.key import Key
from services.booking.domain.practice import Practice
from shared.relay import Said


@dataclass(frozen=True, slots=True)
class Kept:
    """A practice, the version it was stored as, and the change that made it so; stored in one write."""

    practice: Practice
    version: int
    changed: Entry | None = None


class AlreadyMade(Exception):
    """An appointment of this id exists: our own earlier attempt under the same key."""


class Changing(Protocol):
    """An aggregate whose changes are audited."""

    async def last_changes(self, practice: str) -> Sequence[Entry]:
        """What its documents say was changed last, noted or not."""
        ...


class Practices(Changing, Protocol):
    async def get(self, practice: str) -> Kept | None: ...

    async def put(self, kept: Kept, said: Said) -> bool:
        """Replace version `kept.version - 1`, or begin with 1; False if somebody else was faster."""
        ...


class Appointments(Protocol):
    """State, cells and announcement are always one write."""

    async def get(self, appointment: AppointmentId) -> Appointment | None: ...

    async def add(self, held: Appointment, said: Said) -> None:
        """Raises `AlreadyMade`, or `SlotTaken` when anybody owns one of the cells."""
        ...

    async def save(self, turned: Appointment, said: Said) -> bool:
        """Replace version `turned.version - 1`; False if somebody else was faster. Raises `SlotTaken`."""
        ...

    async def busy(
        self, practice: str, starts_from: datetime, starts_until: datetime, *, now: datetime, but: AppointmentId | None
    ) -> Sequence[Busy]:
        """Everything that owns cells and starts in the half-open window, expired holds and `but` left out."""
        ...

    async def in_the_way(self, wanted: Appointment, now: datetime) -> Sequence[Appointment]:
        """What is overdue and still owns cells that `wanted` needs."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[Appointment]:
        """Those on which time has a turn to take, longest due first."""
        ...

    async def agenda(self, practice: str, starts_from: datetime, starts_until: datetime) -> Sequence[Appointment]:
        """What owns cells and starts in the half-open window, in order."""
        ...


class Audit(Protocol):
    """Every change of a setting, once. An aggregate keeps its last change in its own document and notes it here
    after its write and again before its next one, so that a crash in between forgets nothing."""

    async def note(self, entry: Entry) -> None:
        """Keep it, unless an entry of its practice and id is there already."""
        ...

    async def newest(self, practice: str, *, before: str | None, limit: int) -> Sequence[Entry]:
        """The newest first; `before` is the id of the last one that was seen."""
        ...


class Keys(Changing, Protocol):
    """The keys of the API."""

    async def get(self, key: str) -> Key | None: ...

    async def add(self, key: Key) -> None: ...

    async def of(self, practice: str) -> Sequence[Key]:
        """The newest first; those revoked long ago are gone."""
        ...

    async def revoke(self, revoked: Key) -> bool:
        """False if somebody else was faster."""
        ...

    async def used(self, uses: Mapping[str, datetime]) -> None:
        """When each was used last; an earlier time than the one that is kept changes nothing."""
        ...


class Belonging(Protocol):
    async def practice_of(self, subject: str, id_: str) -> str | None:
        """Whose it is; `subject` is what an address calls it: appointment, course, offer or waiting."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Everything that booking keeps."""

    practices: Practices
    appointments: Appointments
    audit: Audit
    keys: Keys
    belonging: Belonging
