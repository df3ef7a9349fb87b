"""What screening needs of the outside: cases, its copy of the practices, and a vault for what is private."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from services.screening.domain.case import Case
from shared.errors import Kind, Refusal
from shared.events import Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What screening keeps of a practice; `forms` maps each screened service to the form it asks for."""

    practice: str
    version: int
    zone: str
    locale: str
    emergency_number: str
    review_for: timedelta
    forms: dict[str, str]


class PracticeUnknown(Refusal):
    """Booking has not said anything about this practice (yet)."""

    slug: ClassVar[str] = "practice-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class AskKind(StrEnum):
    ERASE = "erase"
    EXPORT = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What booking asked about one client, and the receipt of it. An export may be fetched `until` then.

    `records` were there when it was begun. An erasure that is done no longer knows its appointments.
    """

    id: str
    practice: str
    kind: AskKind
    appointments: tuple[str, ...]
    records: int
    begun_at: datetime
    until: datetime | None = None
    done_at: datetime | None = None

    def finished(self, at: datetime) -> Asked:
        appointments = () if self.kind is AskKind.ERASE else self.appointments
        return replace(self, appointments=appointments, done_at=at)


class Cases(Protocol):
    """One document per appointment. `save` writes state and announcement together or not at all."""

    async def find(self, appointment: str) -> Case | None: ...

    async def save(self, before: Case, after: Case, said: Sequence[Envelope[Any]]) -> bool:
        """False if somebody else changed or made the case since `before` was read; nothing is written then."""
        ...

    async def in_review(self, practice: str, *, limit: int) -> list[Case]:
        """Those that wait for a person, the oldest deadline first."""
        ...

    async def of_clients(self, practice: str, refs: Sequence[str], *, limit: int) -> list[Case]:
        """Those of any of these references, the latest visit first."""
        ...


class Merges(Protocol):
    """Which references of clients are of one person."""

    async def join(self, practice: str, ref: str, into: str, *, at: datetime) -> None:
        """In whatever order it is heard, and however often; never of a client who was forgotten since."""
        ...

    async def family(self, practice: str, ref: str) -> Sequence[str]:
        """All references of the same client, itself among them."""
        ...

    async def forget(self, practice: str, refs: Sequence[str], *, at: datetime) -> None: ...


class Asks(Protocol):
    """What was asked about a client."""

    async def get(self, ask: str) -> Asked | None: ...

    async def begin(self, ask: Asked) -> Asked:
        """The one that was there, if there was one."""
        ...

    async def done(self, ask: Asked, said: Sequence[Envelope[Any]]) -> bool:
        """Write the receipt with what it says, once; False if it was there."""
        ...

    async def forget_exports(self, appointments: Sequence[str]) -> None: ...


class Practices(Protocol):
    """The newest profile of each practice wins, in whatever order they come."""

    async def find(self, practice: str) -> Profile | None: ...

    async def keep(self, profile: Profile) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOwner:
    """Whose key it is: `subject` is an appointment's id, or a client's reference behind a prefix."""

    practice: str
    subject: str

    @classmethod
    def of_case(cls, case: Case) -> KeyOwner:
        return cls(practice=case.practice, subject=case.id)

    @classmethod
    def of_client(cls, practice: str, ref: str) -> KeyOwner:
        return cls(practice=practice, subject=f"client:{ref}")


class Forgotten(Refusal):
    """The key of what was to be opened is gone for good, because its client was forgotten."""

    slug: ClassVar[str] = "forgotten"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class Locked(Refusal):
    """The master key over what was to be opened is not at hand: lost, not configured, or its server does not answer."""

    slug: ClassVar[str] = "vault-locked"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class Damaged(Exception):
    """What was sealed does not open although its key does; says nothing of what it holds."""


class Vault(Protocol):
    """Seals under one key per owner. Deleting that key forgets all that was sealed under it."""

    async def seal(self, owner: KeyOwner, secret: bytes) -> bytes:
        """Raises `Locked`."""
        ...

    async def unseal(self, sealed: bytes) -> bytes:
        """Raises `Forgotten`, `Locked` and `Damaged`."""
        ...

    async def forget(self, practice: str, subject: str) -> None:
        """Delete the key of that owner, if there is one."""
        ...
