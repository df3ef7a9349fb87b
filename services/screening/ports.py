"""What screening needs of the outside: cases, its copy of the practices, and a vault for what is private."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
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


class Cases(Protocol):
    """One document per appointment. `save` writes state and announcement together or not at all."""

    async def find(self, appointment: str) -> Case | None: ...

    async def save(self, before: Case, after: Case, said: Sequence[Envelope[Any]]) -> bool:
        """False if somebody else changed or made the case since `before` was read; nothing is written then."""
        ...

    async def in_review(self, practice: str, *, limit: int) -> list[Case]:
        """Those that wait for a person, the oldest deadline first."""
        ...


class Practices(Protocol):
    """The newest profile of each practice wins, in whatever order they come."""

    async def find(self, practice: str) -> Profile | None: ...

    async def keep(self, profile: Profile) -> None: ...


class Vault(Protocol):
    """Seals under one key per case. Deleting that key forgets all that was sealed under it."""

    async def seal(self, case: Case, secret: bytes) -> bytes: ...

    async def unseal(self, sealed: bytes) -> bytes: ...
