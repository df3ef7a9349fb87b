"""What screening needs of the outside: cases, its copy of the practices, and a vault for what is private."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from services.screening.domain.audit import Entry, Fact, Head
from services.screening.domain.case import Case
from services.screening.domain.draft import Draft, Edition
from services.screening.domain.history import History
from services.screening.domain.retention import Kept
from shared.errors import Kind, Refusal
from shared.events import Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What screening keeps of a practice; `forms` maps each screened service to the form it asks for.

    `own` are the editions that the practice itself published, by the name of the form that each stands for. `sites` may
    hold the pages in a frame; `theme` is the version of booking's stylesheet for the practice, empty if it has none.
    """

    practice: str
    version: int
    zone: str
    locale: str
    emergency_number: str
    review_for: timedelta
    forms: dict[str, str]
    sites: tuple[str, ...] = ()
    theme: str = ""
    own: Mapping[str, Edition] = field(default_factory=dict)


class PracticeUnknown(Refusal):
    """Booking has not said anything about this practice (yet)."""

    slug: ClassVar[str] = "practice-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class Attachments(Protocol):
    """Files that clients added to their cases, sealed, in pieces."""

    async def put(self, attachment: str, appointment: str, pieces: Sequence[bytes], *, at: datetime) -> None:
        """It is loose until it is bound: no case is known to name it."""
        ...

    async def get(self, attachment: str, appointment: str) -> Sequence[bytes] | None: ...

    async def bind(self, attachment: str) -> None: ...

    async def drop(self, attachment: str) -> None: ...

    async def forget(self, appointment: str) -> None:
        """All files of that appointment."""
        ...

    async def loose(self, before: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        """Ids with their appointments of what has been loose since then, the oldest first."""
        ...


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
    refs: tuple[str, ...] = ()
    until: datetime | None = None
    done_at: datetime | None = None

    def finished(self, at: datetime) -> Asked:
        forgets = self.kind is AskKind.ERASE
        appointments, refs = ((), ()) if forgets else (self.appointments, self.refs)
        return replace(self, appointments=appointments, refs=refs, done_at=at)


class Cases(Protocol):
    """One document per appointment. `save` writes state and announcement together or not at all."""

    async def find(self, appointment: str) -> Case | None: ...

    async def save(self, before: Case, after: Case, said: Sequence[Envelope[Any]], trail: Sequence[Fact] = ()) -> bool:
        """False if somebody else changed or made the case since `before` was read; nothing is written then."""
        ...

    async def in_review(self, practice: str, *, after: tuple[datetime, str] | None, limit: int) -> list[Case]:
        """Those that wait for a person, the oldest deadline first; after that deadline and id if given."""
        ...

    async def flagged(self, practice: str, *, since: datetime, limit: int) -> list[Case]:
        """Those with a flag (`standing.flags`) whose visit is not before then, the next visit first."""
        ...

    async def to_remind(self, at: datetime, *, limit: int) -> list[Case]:
        """Those whose practice is to be reminded by then, the earliest first."""
        ...

    async def overdue(self, at: datetime, *, limit: int) -> int:
        """How many wait for a person longer than they were told; counted up to the limit."""
        ...

    async def of_clients(self, practice: str, refs: Sequence[str], *, limit: int) -> list[Case]:
        """Those of any of these references, the latest visit first."""
        ...

    async def by_visit(
        self, practice: str, *, before: tuple[datetime, str] | None, since: datetime | None, limit: int
    ) -> list[Case]:
        """By the time of the visit, the latest first: those before that time and id, none before `since`."""
        ...

    async def last_attended(self, practice: str, refs: Sequence[str]) -> Case | None:
        """The latest visit of these references that took place."""
        ...

    async def kept_before(self, why: Kept, before: date, *, after: tuple[date, str] | None, limit: int) -> list[Case]:
        """Those kept for that reason since an earlier date; the oldest first, after that date and id if given."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A legal hold on all that is kept of one client. `sealed` holds the written reason."""

    practice: str
    client: str
    by: str
    at: datetime
    sealed: bytes


class Holds(Protocol):
    async def place(self, hold: Hold) -> Hold:
        """The one that was there, if there was one."""
        ...

    async def lift(self, practice: str, client: str) -> bool:
        """False if there was none."""
        ...

    async def of(self, practice: str) -> Sequence[Hold]:
        """The oldest first."""
        ...

    async def any_of(self, practice: str, refs: Sequence[str]) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What changed in one case and is not in the audit yet."""

    case: str
    practice: str
    facts: tuple[Fact, ...]


class Trails(Protocol):
    """The trails that changes leave in cases, until they are taken over to the audit."""

    async def waiting(self, *, limit: int) -> Sequence[Trail]:
        """The oldest first."""
        ...

    async def of(self, record: str) -> Trail | None: ...

    async def moved(self, trails: Sequence[Trail]) -> None:
        """These are in the audit now."""
        ...


class Audit(Protocol):
    """A chain of entries for each practice, to which can only be added."""

    async def append(self, practice: str, facts: Sequence[Fact]) -> None:
        """In this order, each id once, however often and by however many at the same time."""
        ...

    async def newest(self, practice: str, *, record: str | None, before: int | None, limit: int) -> Sequence[Entry]:
        """The newest first; `before` is the number of the last entry that was seen."""
        ...

    async def keep_heads(self) -> None:
        """Note elsewhere how far each chain goes."""
        ...

    def practices(self) -> AsyncIterator[str]:
        """Those that have a chain."""
        ...

    async def forget_before(self, practice: str, before: datetime) -> Head | None:
        """Take away what is older, from the first entry on, and say what the chain begins after; None if nothing was.

        The newest entry stays, and so does all of a chain whose head is not noted yet.
        """
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


class Histories(Protocol):
    """One document for each client who has something to be remembered of, or was merged or erased."""

    async def find(self, practice: str, ref: str) -> History | None: ...

    async def save(self, before: History, after: History) -> bool:
        """False if somebody else changed or made it since `before` was read; nothing is written then."""
        ...


class Asks(Protocol):
    """What was asked about a client."""

    async def get(self, ask: str) -> Asked | None: ...

    async def begin(self, ask: Asked) -> Asked:
        """The one that was there, if there was one."""
        ...

    async def done(self, ask: Asked, said: Sequence[Envelope[Any]]) -> bool:
        """Write the receipt with what it says, once; False if it was there."""
        ...

    async def open_erasures(self, *, limit: int) -> Sequence[Asked]:
        """Those that were begun and are not done, the oldest first."""
        ...

    async def forget_exports(self, appointments: Sequence[str]) -> None: ...


class Practices(Protocol):
    """The newest profile of each practice wins, in whatever order they come."""

    async def find(self, practice: str) -> Profile | None: ...

    async def keep(self, profile: Profile) -> None: ...


class Editions(Protocol):
    """Drafts, and what was published of them. Content lies under its digest, so that none is ever written over."""

    async def draft(self, practice: str, form: str) -> Draft | None: ...

    async def save(self, before: Draft, after: Draft) -> bool:
        """False if somebody else changed or made it since `before` was read; nothing is written then."""
        ...

    async def drop(self, draft: Draft) -> bool:
        """False if it is no longer this one."""
        ...

    async def in_test(self, *, after: str, limit: int) -> Sequence[Draft]:
        """Those that could have been published, in the order of practice and form, after `practice/form`."""
        ...

    async def keep(self, practice: str, digest: str, content: str) -> None: ...

    async def content(self, practice: str, digest: str) -> str | None: ...

    async def publish(self, edition: Edition, *, instead_of: Edition | None) -> bool:
        """In one write: it is the one that counts, and all that it forces. False if another one counts by now."""
        ...

    async def published(self, practice: str) -> Sequence[Edition]:
        """All that ever were, the oldest first; of each form the last one counts."""
        ...


class Rescreens(Protocol):
    """Which editions and rule sets of the library void what was cleared before them, and how far that is done."""

    async def forced(self, *, limit: int) -> Sequence[Edition]:
        """Those that are not done."""
        ...

    async def done(self, edition: Edition) -> None: ...

    async def release(self, ruleset: str, *, at: datetime) -> datetime | None:
        """When this rule set of the library was first seen, at the latest now; None if it is done."""
        ...

    async def release_done(self, ruleset: str) -> None: ...

    async def practices(self, *, after: str, limit: int) -> Sequence[Profile]:
        """In the order of their names."""
        ...


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
