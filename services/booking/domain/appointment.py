"""One appointment as a value: what was taken, by whom, in which state, and what it claims and when it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NewType
from zoneinfo import ZoneInfo

from services.booking.domain.calendar import minute_of
from services.booking.domain.footprint import Footprint, cells
from services.booking.domain.policy import CHECK_BEFORE
from services.booking.domain.practice import Audience, Buffers

AppointmentId = NewType("AppointmentId", str)


class State(StrEnum):
    HELD = "held"
    REQUESTED = "requested"
    IN_REVIEW = "in_review"
    CONFIRMED = "confirmed"
    ATTENDED = "attended"
    MISSED = "missed"
    DECLINED = "declined"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"


class Deed(StrEnum):
    """What happened in a turn.

    `RECHECKED` is a new clearance of what was confirmed, `POSTPONED` one that ends before the visit: its health check
    is asked for once more when the visit is near, and that is `CHECK_ASKED`. `VOIDED` is of a visit that has begun,
    for the sake of others that count on its clearance.
    """

    HELD = "held"
    REQUESTED = "requested"
    REVIEWED = "reviewed"
    CONFIRMED = "confirmed"
    RECHECKED = "rechecked"
    POSTPONED = "postponed"
    VOIDED = "voided"
    CHECK_ASKED = "check_asked"
    DECLINED = "declined"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"
    MOVED = "moved"
    RENEWED = "renewed"
    ATTENDED = "attended"
    MISSED = "missed"
    SAID_YES = "said_yes"
    ASKED_TO_MOVE = "asked_to_move"
    FORGOTTEN = "forgotten"


class By(StrEnum):
    """Whose turn it was; `RULES` is the health check's decision or the passing of time."""

    CLIENT = "client"
    PRACTICE = "practice"
    RULES = "rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Whose hand took a turn: `who` names a key or what was heard, `where` is the network address it came from."""

    by: By
    who: str
    where: str | None = None


TIME = Hand(by=By.RULES, who="time")

PENDING = frozenset({State.HELD, State.REQUESTED, State.IN_REVIEW})
ACTIVE = PENDING | {State.CONFIRMED}
OWNS_CELLS = ACTIVE | {State.ATTENDED, State.MISSED}
BOOKED = ACTIVE - {State.HELD}
BESIDE = frozenset({Deed.MOVED, Deed.SAID_YES, Deed.ASKED_TO_MOVE})
"""Deeds that change nothing in what a visit waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What was taken, as it stood at that moment: a later change of the practice never alters a booked visit.

    `screening` names the form; None means that the service has no health check. Numbers without a country
    code are numbers of `country`, and only those of `countries` are taken, of `country` alone if there are none.
    `assume_after` the end, silence means that the visit took place. `verify_number` asks for a proof of the number.
    `place` is an id, empty in what was taken before it was kept.
    """

    service: str
    service_name: str
    length: timedelta
    screening: str | None
    practitioner: str
    practitioner_name: str
    room: str | None
    place_name: str
    place_address: str
    zone: str
    country: str
    before_minutes: int
    after_minutes: int
    buffers: Buffers
    change_window: timedelta
    review_for: timedelta
    assume_after: timedelta
    audience: Audience = Audience.ALL
    age_from: int | None = None
    age_until: int | None = None
    countries: tuple[str, ...] = ()
    verify_number: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """To which texts the client agreed, in which wording, when; `offers` of further visits are marketing."""

    texts: bool
    wording: str
    given_at: datetime
    offers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardian:
    name: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who comes. `ref` is stable per practice and number; `phone` is E.164; `zone` an IANA name; `born` if told."""

    ref: str
    name: str
    phone: str
    locale: str
    zone: str
    consent: Consent
    guardian: Guardian | None = None
    born: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """The place of a visit in a course; the first of them, 0, speaks for all. An open-ended course has no `count`."""

    course: str
    index: int
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a turn changed, as text; None is nothing."""

    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One entry of the history. `event` is the id of the event that brought it, where one did.

    `who`, `where` and `changes` are what the audit shows; `domain/audit.py` writes them when the turn is saved.
    """

    deed: Deed
    by: By
    at: datetime
    version: int
    moved_from: datetime | None = None
    late: bool = False
    assumed: bool = False
    event: str | None = None
    who: str = ""
    where: str | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """The aggregate. Times are UTC; `ends_at` is exclusive and without buffers.

    `held_until` is when the time is given back unless something happens: the request, the answers, the
    review. `cleared_until` is the last local day on which the health check's clearance counts, `checked` the newest
    version of its case that was obeyed, 0 for none. `pseudonym` stands for a client who was forgotten.
    """

    id: AppointmentId
    practice: str
    offer: Offer
    starts_at: datetime
    state: State
    version: int
    held_until: datetime | None
    asked: str
    requested_with: str | None = None
    client: Client | None = None
    cleared_until: date | None = None
    checked: int = 0
    seat: Seat | None = None
    pseudonym: str | None = None
    history: tuple[Turn, ...] = ()

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + self.offer.length

    @property
    def follows(self) -> bool:
        """True of every visit of a course but the first, whose health check they follow."""
        return self.seat is not None and self.seat.index > 0

    @property
    def cells(self) -> tuple[str, ...]:
        """Empty when the time has been given back."""
        if self.state not in OWNS_CELLS:
            return ()
        resources = (self.offer.practitioner, self.offer.room)
        return cells(self.footprint, (resource for resource in resources if resource is not None))

    @property
    def footprint(self) -> Footprint:
        """What the visit blocks, under the policy it was booked with."""
        return Footprint(
            starts=minute_of(self.starts_at),
            ends=minute_of(self.ends_at),
            before=self.offer.before_minutes,
            after=self.offer.after_minutes,
            buffers=self.offer.buffers,
        )

    @property
    def due_at(self) -> datetime | None:
        """When time itself takes the next turn: the time is given back, the check asked for, or attendance assumed."""
        if self.state is State.CONFIRMED:
            return self.ends_at + self.offer.assume_after
        return self.starts_at - CHECK_BEFORE if self.is_postponed else self.held_until

    @property
    def is_postponed(self) -> bool:
        """No clearance reaches the visit, and its health check is not asked for before the visit is near."""
        return self.state is State.REQUESTED and self.held_until is None

    @property
    def was_asked_again(self) -> bool:
        """Its health check was asked for once more; of a later visit of a course, for the first time."""
        return any(turn.deed is Deed.CHECK_ASKED for turn in self.history)

    @property
    def is_asked_again(self) -> bool:
        """The same, and the answer is still awaited."""
        newest = next((turn.deed for turn in reversed(self.history) if turn.deed not in BESIDE), None)
        return self.state is State.REQUESTED and newest is Deed.CHECK_ASKED

    def is_reached(self, cleared_until: date | None) -> bool:
        """A clearance counts on its last day too, on the calendar of the place."""
        return cleared_until is None or self.starts_at.astimezone(ZoneInfo(self.offer.zone)).date() <= cleared_until

    @property
    def asked_for_in(self) -> int | None:
        """The version in which the client made themselves known, by asking or by being confirmed at once."""
        asked = (turn.version for turn in self.history if turn.deed in {Deed.REQUESTED, Deed.CONFIRMED})
        return next(asked, None)

    def is_expired(self, now: datetime) -> bool:
        """A hold that nobody requested in time, whether or not it has been swept already."""
        return self.state is State.HELD and self.is_overdue(now)

    def is_overdue(self, now: datetime) -> bool:
        return self.state in PENDING and self.held_until is not None and self.held_until <= now

    def state_at(self, now: datetime) -> State:
        """The state as a reader has to see it: an expired hold has lapsed, swept or not."""
        return State.LAPSED if self.is_expired(now) else self.state
