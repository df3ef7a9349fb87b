"""What the actions need from outside: where practices and appointments are kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from services.booking.domain.appointment import Appointment, AppointmentId, State
from services.booking.domain.audit import Entry
from services.booking.domain.availability import Busy
from services.booking.domain.client import ClientAsk, Record, Subject
from services.booking.domain.feed import Feed
from services.booking.domain.freed import Offered, OfferId, Standing
from services.booking.domain.imported import Imported
from services.booking.domain.key import Key
from services.booking.domain.practice import Practice
from services.booking.domain.proof import Proof
from services.booking.domain.team import Session, User
from services.booking.domain.waitlist import Wait, Waiting, WaitingId
from services.booking.domain.webhook import Delivery, DeliveryState, Endpoint
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

    async def with_calendars(self) -> Sequence[Kept]:
        """Those with a practitioner who names an outside calendar."""
        ...


class Calendars(Protocol):
    """What outside calendars said when they were read last."""

    async def lease(self, term: timedelta) -> bool:
        """Whether it is this process that reads them for so long from now."""
        ...

    async def states(self, ids: Sequence[str]) -> Mapping[str, Imported]:
        """By id; those never tried are absent."""
        ...

    async def put(self, imported: Imported) -> None: ...


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

    async def has_attended(self, practice: str, ref: str) -> bool:
        """Whether this client was ever there."""
        ...

    async def coming(self, practice: str, ref: str, *, now: datetime, most: int) -> int:
        """How many visits of this client are asked for or booked and have not begun; counts up to `most`."""
        ...

    async def agenda(
        self, practice: str, starts_from: datetime, starts_until: datetime, *, practitioner: str | None = None
    ) -> Sequence[Appointment]:
        """What owns cells and starts in the half-open window, in order; of everybody, or of one practitioner."""
        ...

    async def of_course(self, course: str) -> Sequence[Appointment]:
        """Every visit of a course that is kept, whatever became of it, by its place."""
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


class Numbers(Protocol):
    """The proofs of numbers."""

    async def get(self, proof: str) -> Proof | None: ...

    async def save(self, proof: Proof, said: Said) -> bool:
        """Replace version `proof.version - 1`, or begin with 1; False if somebody else was faster."""
        ...


class Feeds(Changing, Protocol):
    """The private calendar addresses, one for each practitioner."""

    async def get(self, practice: str, practitioner: str) -> Feed | None: ...

    async def known_by(self, digest: str) -> Feed | None: ...

    async def put(self, feed: Feed) -> None:
        """In place of the one that the practitioner had."""
        ...

    async def revoke(self, revoked: Feed, *, was: str) -> bool:
        """False if the address is not the one of digest `was` any more."""
        ...


class Webhooks(Changing, Protocol):
    """Where practices are told; those that were removed are found no more."""

    async def get(self, endpoint: str) -> Endpoint | None: ...

    async def of(self, practice: str) -> Sequence[Endpoint]:
        """The oldest first."""
        ...

    async def add(self, endpoint: Endpoint) -> None: ...

    async def save(self, changed: Endpoint) -> bool:
        """Replace version `changed.version - 1`; False if somebody else was faster."""
        ...

    async def remove(self, removed: Endpoint, *, at: datetime) -> bool:
        """As `save`, for the last time."""
        ...


class OfClients(Protocol):
    """A further store that holds something of clients, and gives it out or forgets it, as often as it is asked."""

    async def told(self, subject: Subject) -> Sequence[Mapping[str, object]]:
        """All of it, as it can be written in JSON."""
        ...

    async def forget(self, subject: Subject) -> None: ...


class Deliveries(OfClients, Protocol):
    """What the webhooks are owed, for 30 days."""

    async def add(self, owed: Sequence[Delivery]) -> None:
        """Those of a known id are owed already and stay as they are."""
        ...

    async def next_owed(self, now: datetime, *, after: str) -> str | None:
        """The next endpoint in order of ids that something is due for."""
        ...

    async def claim(self, endpoint: str, now: datetime, *, until: datetime) -> Delivery | None:
        """The one longest due, with a new fence, due again at `until` unless it is settled before."""
        ...

    async def settle(self, tried: Delivery) -> bool:
        """False if somebody has claimed it since, or wants it sent once more."""
        ...

    async def give_up(self, endpoint: str, problem: str) -> None:
        """Everything that is still owed to this endpoint has failed."""
        ...

    async def page(
        self, endpoint: str, *, state: DeliveryState | None, before: str | None, limit: int
    ) -> Sequence[Delivery]:
        """The newest first; `before` is the id of the last one that was seen."""
        ...

    async def replay(self, endpoint: str, delivery: str, now: datetime) -> Delivery | None:
        """Owed once more from now on; None if there is none of this id."""
        ...

    async def replay_since(self, endpoint: str, since: datetime, states: Sequence[DeliveryState], now: datetime) -> int:
        """How many are owed once more."""
        ...


class Belonging(Protocol):
    async def practice_of(self, subject: str, id_: str) -> str | None:
        """Whose it is; `subject` is what an address calls it: appointment, course, offer or waiting."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of a client's visits, and when the last of them was."""

    visits: int = 0
    missed: int = 0
    cancelled_late: int = 0
    last_visit: datetime | None = None


class Clients(Protocol):
    """The records of clients: one for each practice and number."""

    async def file(self, record: Record) -> None:
        """What is told later wins, in whatever order it comes; what was told before an erasure is not kept."""
        ...

    async def get(self, practice: str, ref: str) -> Record | None:
        """None of a client who was forgotten."""
        ...

    async def merged_into(self, practice: str, refs: Sequence[str]) -> Sequence[Record]:
        """The records that name one of these as the one that speaks for them."""
        ...

    async def of_number(self, practice: str, phone: str) -> Record | None: ...

    async def listed(self, practice: str, *, named: str, after: tuple[str, str] | None, limit: int) -> Sequence[Record]:
        """Those that speak for themselves, whose folded name begins so, by folded name and reference; `after` one."""
        ...

    async def touch(self, record: Record) -> bool:
        """Count `turn` on by one; False if it has gone on already, or if another record speaks for this one."""
        ...

    async def merge(self, record: Record, into: str, said: Said) -> bool:
        """Let `into` speak for it, with what is said; False if its `turn` went on, or another one speaks for it."""
        ...

    async def forget(self, practice: str, refs: Sequence[str], *, asked_at: datetime) -> None:
        """Leave nothing of what was told by then but that it was erased, so that late news cannot bring it back."""
        ...


class Histories(Protocol):
    """The visits of one client, whatever became of them."""

    async def counts(self, practice: str, refs: Sequence[str]) -> Counts: ...

    async def newest(
        self, practice: str, refs: Sequence[str], *, before: datetime | None, limit: int
    ) -> Sequence[Appointment]:
        """Those that start before then, the latest first."""
        ...

    async def states(self, practice: str, refs: Sequence[str]) -> Mapping[AppointmentId, State]:
        """All of them."""
        ...


class AlreadyAsked(Exception):
    """An ask of this id, or an unfinished erasure of the same client, is there; `ask` is its id."""

    def __init__(self, ask: str) -> None:
        super().__init__(ask)
        self.ask = ask


class Asks(Protocol):
    """What was asked of all services about one client."""

    async def get(self, practice: str, ask: str) -> ClientAsk | None: ...

    async def add(self, ask: ClientAsk, said: Said) -> None:
        """Raises `AlreadyAsked`."""
        ...

    async def save(self, ask: ClientAsk) -> bool:
        """Replace version `ask.version - 1`; False if somebody else was faster."""
        ...

    async def open_erasures(self, limit: int) -> Sequence[ClientAsk]:
        """Those in which booking's own part is still to be done."""
        ...

    async def forget_exports(self, practice: str, refs: Sequence[str]) -> None: ...


class Line(Protocol):
    """Who waits for a time; one open entry for a client's number, service and practitioner."""

    async def get(self, waiting: WaitingId) -> Waiting | None: ...

    async def add(self, waiting: Waiting) -> Waiting:
        """Keep it; or what is there already, of this id or open for the same."""
        ...

    async def of_client(self, practice: str, refs: Sequence[str]) -> Sequence[Waiting]:
        """Every entry of this client, open or not."""
        ...

    async def end(self, waiting: WaitingId, state: Wait, at: datetime) -> bool:
        """False if it has ended already."""
        ...

    async def end_over(self, now: datetime) -> None:
        """End all whose last date has passed by now."""
        ...

    async def listed(self, practice: str, *, after: WaitingId | None, limit: int) -> Sequence[Waiting]:
        """Those who wait, the oldest first; `after` one."""
        ...

    async def who_could(self, wanted: Could, *, after: Waiting | None, limit: int) -> Sequence[Waiting]:
        """Those for whom a freed time may be, the oldest first; `after` one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Could:
    """For whom a freed time may be: who waits for this practitioner or any, one of the services, on dates like these.

    Both dates are included; whether the hours fit is asked later.
    """

    practice: str
    practitioner: str
    services: tuple[str, ...]
    first: date
    last: date


class Added(StrEnum):
    """What became of an offer that was to be made."""

    MADE = "made"
    SEAT_TAKEN = "seat_taken"
    HAS_ONE = "has_one"


class Offers(Protocol):
    """The offers of freed times. State and announcement are one write."""

    async def get(self, offer: OfferId) -> Offered | None: ...

    async def add(self, offered: Offered, said: Said) -> Added:
        """`HAS_ONE` if it was made before, or its entry has an open one."""
        ...

    async def turn(
        self, offer: OfferId, to: Standing, *, of: Collection[Standing], due_at: datetime | None = None, said: Said = ()
    ) -> bool:
        """False if it stands like none `of` those."""
        ...

    async def moved_on(self, offers: Sequence[OfferId]) -> None:
        """The line has moved on after these: they are due no more, unless they are open."""
        ...

    async def of_event(self, practice: str, event: str) -> Sequence[Offered]:
        """All that were made of what got free by it."""
        ...

    async def open_of(self, waiting: Sequence[WaitingId]) -> Sequence[Offered]: ...

    async def starting(self, practice: str, starts_from: datetime, starts_until: datetime) -> Sequence[Offered]:
        """However they stand, with a start in the half-open window."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[Offered]:
        """Longest due first."""
        ...


class Users(Protocol):
    async def get(self, user: str) -> User | None: ...

    async def by_login(self, login: str) -> User | None: ...

    async def of(self, practice: str) -> Sequence[User]:
        """In order of their names."""
        ...

    async def add(self, user: User) -> bool:
        """False if somebody signs in by this login already."""
        ...

    async def put(self, user: User) -> bool:
        """Replace version `user.version - 1`; False if somebody else was faster."""
        ...


class Sessions(Protocol):
    async def get(self, session: str) -> Session | None: ...

    async def add(self, session: Session) -> None: ...

    async def seen(self, session: str, at: datetime) -> None: ...

    async def of(self, user: str) -> Sequence[Session]:
        """The one seen last first."""
        ...

    async def end(self, user: str, session: str) -> bool:
        """False if this user has no such session."""
        ...


class Passwords(Protocol):
    async def digest(self, password: str) -> str: ...

    async def fits(self, digest: str, password: str) -> bool:
        """Takes as long for a digest that is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Everything that booking keeps. What is `of_clients` is exported and erased with them."""

    practices: Practices
    appointments: Appointments
    calendars: Calendars
    audit: Audit
    keys: Keys
    belonging: Belonging
    feeds: Feeds
    webhooks: Webhooks
    deliveries: Deliveries
    numbers: Numbers
    clients: Clients
    histories: Histories
    asks: Asks
    line: Line
    offers: Offers
    users: Users
    sessions: Sessions
    of_clients: Sequence[OfClients] = ()
