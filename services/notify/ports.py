"""What the actions need from outside: where notify keeps its facts, the provider that carries texts, the wording."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from services.notify.domain.audit import Audit, Listed, Posted
from services.notify.domain.call import Call
from services.notify.domain.consent import Entry
from services.notify.domain.delivery import Message
from services.notify.domain.mark import Mark
from services.notify.domain.notice import Notice
from services.notify.domain.practice import Practice
from services.notify.domain.provider import Found, Outcome
from services.notify.domain.reply import Heard
from services.notify.domain.sender import Limits, Pause, Sender, Want
from services.notify.domain.text import Size
from services.notify.domain.traffic import Sent
from services.notify.domain.visit import Visit
from shared.relay import Said


class Contended(Exception):
    """Somebody else kept writing the same document; the work is to be begun again."""


class GatewayDown(Exception):
    """The provider could not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One inbound text, by what it meant. `sealed` are its words if a person has to read them, until it is done."""

    sid: str
    phone: str
    heard: Heard
    opt_out_type: str | None
    received_at: datetime
    sealed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a client texted in own words, sealed under the name of its SID; they may tell about health."""

    sid: str
    practice: str
    appointment: str
    phone: str
    worried: bool
    received_at: datetime
    sealed: bytes = field(repr=False)
    read_at: datetime | None = None
    read_by: str | None = None


class AskKind(StrEnum):
    ERASE = "erase"
    EXPORT = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAsk:
    """What booking asked about one client, and the receipt of it, which is kept `until` then.

    `records` were there when it was begun. An erasure that is done no longer knows its appointments.
    """

    id: str
    practice: str
    kind: AskKind
    appointments: tuple[str, ...]
    records: int
    begun_at: datetime
    until: datetime
    done_at: datetime | None = None

    def finished(self, at: datetime) -> ClientAsk:
        appointments = () if self.kind is AskKind.ERASE else self.appointments
        return replace(self, appointments=appointments, done_at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One POST: the receipt's address holds opaque ids only."""

    to: str
    body: str
    receipt_url: str
    validity: timedelta


class Practices(Protocol):
    async def get(self, practice: str) -> Practice | None: ...

    async def many(self, practices: Sequence[str]) -> Mapping[str, Practice]: ...

    async def keep(self, practice: Practice) -> None:
        """Unless the same or a newer version is there."""
        ...

    async def edit(self, practice: Practice) -> bool:
        """Write what its desk has set, if nothing was set since it was read with these `edits`; else False."""
        ...

    async def note_planned(self, practice: Practice) -> bool:
        """That all its texts follow this policy; False if there is a newer version by now."""
        ...

    async def pause(self, practice: str, template: str) -> None:
        """Texts of this template wait until the desk lets them go."""
        ...


class Visits(Protocol):
    async def get(self, appointment: str) -> Visit | None: ...

    async def many(self, appointments: Sequence[str]) -> Mapping[str, Visit]: ...

    async def of_courses(self, courses: Sequence[str], now: datetime) -> Sequence[Visit]:
        """The first visits of these courses and those that are not over, in any state."""
        ...

    async def of_practice(self, practice: str, after: Place, limit: int) -> Sequence[Visit]:
        """In any state, in order of their ends and ids; those that come after that end and id."""
        ...

    async def keep(self, visit: Visit) -> Visit | None:
        """Unless the same or a newer version is there; what is there afterwards, with what notify itself knows.

        None of a visit whose client was forgotten: nothing of it is kept.
        """
        ...

    async def forget(self, practice: str, appointments: Sequence[str]) -> None:
        """Leave nothing but that they were forgotten, also of those that were never heard of."""
        ...

    async def upcoming(self, phone: str, now: datetime) -> Sequence[Visit]:
        """The visits of this number that are agreed or in review and not over, the next one first."""
        ...

    async def of_numbers(
        self, phones: Sequence[str], ends_after: datetime, ends_before: datetime | None = None
    ) -> Sequence[Visit]:
        """All visits of these numbers, at any practice and in any state, that end between these."""
        ...

    async def note_reply(self, visit: Visit, said: Said) -> bool:
        """Write `replies` and `heard` with what is said; False if another reply was faster."""
        ...


class Contacts(Protocol):
    async def ledgers(self, numbers: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[Entry, ...]]:
        """By practice and number, with what the number said to all; one that nothing is known of has no key."""
        ...

    async def of_number(self, phone: str) -> Sequence[Entry]:
        """What this number has said to any practice and to all of them."""
        ...

    async def enter(self, practice: str, phone: str, entry: Entry) -> None:
        """Append, unless an entry of that key is there."""
        ...

    async def enter_everywhere(self, phone: str, entry: Entry) -> None:
        """Append for every practice, also those that do not know this number yet: all of them share one sender.

        Kept under a name that only a key makes of the number, and for good.
        """
        ...

    async def forget(self, practice: str, phones: Sequence[str], appointments: Sequence[str]) -> None:
        """What anybody said about these visits, and these numbers about waiting."""
        ...


class Messages(Protocol):
    """Every write names the fence it read; what somebody else has written meanwhile is not overwritten."""

    async def get(self, id: str) -> Message | None: ...  # noqa: A002  the field's own name

    async def by_code(self, code: str) -> Message | None: ...

    async def of(self, appointment: str) -> Sequence[Message]:
        """All texts of one visit, offer or check of a number, in order of time."""
        ...

    async def of_visits(self, appointments: Sequence[str]) -> Mapping[str, Sequence[Message]]:
        """All texts of each of these; one that has none has no key."""
        ...

    async def last_sent(self, phone: str, before: datetime) -> Message | None:
        """The text to this number that was begun last before then."""
        ...

    async def counted(self, phones: Sequence[str], since: datetime) -> Mapping[tuple[str, str], Sequence[Sent]]:
        """By practice and number, the texts about visits that were begun since then and did or may arrive."""
        ...

    async def standing(self, appointments: Sequence[str]) -> Set[str]:
        """The ids of these visits' texts that were not given up and did not fail."""
        ...

    async def save(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Write them in one go, those with fence 0 as new; the ones that were written, with their new fence.

        What is claimed or sending is its worker's as long as the claim said, by the store's clock.
        """
        ...

    async def claim(
        self, now: datetime, *, limit: int, lease: timedelta, hasty_first: bool = False
    ) -> Sequence[Message]:
        """Take planned texts that are due, longest due first; nobody else is given them while the lease runs.

        With `hasty_first` those of more haste go before, however long others are due. Empty only if none is due.
        """
        ...

    async def forget(self, appointments: Sequence[str]) -> None: ...

    async def forget_notices(self, practice: str, phones: Sequence[str]) -> None:
        """Texts to these numbers that belong to no visit."""
        ...

    async def next_due(self, after: datetime) -> datetime | None:
        """When the first of the texts that are planned after then is due."""
        ...

    async def to_look_up(self, now: datetime, limit: int) -> Sequence[Message]:
        """Texts of unknown outcome, then those without their receipts, whose time to ask the provider has come."""
        ...

    async def lapsed(self, limit: int) -> Sequence[Message]:
        """Texts whose worker let its lease run out."""
        ...


Place = tuple[datetime, str]
"""Where a page of a line of time ended: the time and the id of its last entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What is due now and since when, and what has an unknown outcome and since when; counted up to a limit."""

    due: int
    due_since: datetime | None
    unknown: int
    unknown_since: datetime | None


class Overview(Protocol):
    """What the desk and the gauges read of the texts; `before` leaves out that place and what is newer."""

    async def line(self, practice: str, phone: str, *, before: Place | None, limit: int) -> Sequence[Message]:
        """The practice's texts to this number, newest first."""
        ...

    async def dead(
        self, practice: str, *, since: datetime, before: Place | None, limit: int, why: str | None = None
    ) -> Sequence[Message]:
        """Texts that did not arrive, newest first; without what was put aside, and without codes and
        answers, which are of use at their minute only."""
        ...

    async def begun(self, practice: str, *, since: datetime, limit: int) -> Sequence[Message]:
        """Texts that were posted since then, newest first."""
        ...

    async def waiting(self, practice: str, *, most: int) -> Mapping[str, int]:
        """By template, the texts that were due and wait because it is paused."""
        ...

    async def backlog(self, now: datetime, *, most: int) -> Backlog: ...


class Replies(Protocol):
    async def add(self, reply: Reply) -> bool:
        """False if it is there already."""
        ...

    async def done(self, sid: str) -> None:
        """Its words are gone from here."""
        ...

    async def undone(self, before: datetime, limit: int) -> Sequence[Reply]:
        """Those received before then that were never finished."""
        ...

    async def of(self, phones: Sequence[str]) -> Sequence[Reply]:
        """Those of these numbers, in order of time."""
        ...

    async def line(self, phone: str, *, before: Place | None, limit: int) -> Sequence[Reply]:
        """Those of this number, newest first, without that place and what is newer."""
        ...

    async def forget(self, phones: Sequence[str], sids: Sequence[str]) -> None: ...


class Asks(Protocol):
    """What was asked about a client."""

    async def get(self, ask: str) -> ClientAsk | None: ...

    async def begin(self, ask: ClientAsk, phones: Sequence[str]) -> ClientAsk:
        """The one that was there, if there was one. Of the numbers it keeps what a key makes of them."""
        ...

    async def done(self, ask: ClientAsk, said: Said) -> bool:
        """Write the receipt with what it says, once; False if it was there."""
        ...

    async def forget_exports(self, appointments: Sequence[str]) -> None: ...

    async def has_erased(self, practice: str, phone: str, since: datetime) -> bool:
        """Whether the practice has had this number forgotten since then."""
        ...


class Senders(Protocol):
    """What all workers share of a sender; all of it goes by the store's clock."""

    async def get(self, name: str) -> Sender:
        """As it stands at this moment; one that nobody has used yet is open and full."""
        ...

    async def all(self) -> Sequence[Sender]: ...

    async def take(self, name: str, wants: Sequence[Want], limits: Limits) -> tuple[Sender, Sequence[bool]]:
        """Which of these texts may go, as `domain.sender.take`, and the sender afterwards; in one write."""
        ...

    async def unanswered(self, name: str, posts: int) -> None:
        """So many POSTs came to nothing that is known."""
        ...

    async def answered(self, name: str) -> None: ...

    async def probe(self, name: str) -> bool:
        """After a break: whether it is this worker that tries with one text."""
        ...

    async def unprobe(self, name: str) -> None:
        """There was nothing to try with."""
        ...

    async def rest(self, name: str, term: timedelta, why: str) -> None: ...

    async def pause(self, name: str, pause: Pause, *, begun_at: datetime | None = None) -> bool:
        """False if it is paused already, or was let go on after `begun_at`."""
        ...

    async def resume(self, name: str, *, by: str, at: datetime) -> None:
        """Out of a pause, a rest and a break."""
        ...


class Marks(Protocol):
    """Numbers that take no texts, by practice."""

    async def of(self, numbers: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Mark]:
        """By practice and number; one that nothing is known of has no key."""
        ...

    async def put(self, phone: str, mark: Mark) -> None: ...

    async def of_practice(self, practice: str, limit: int) -> Sequence[Mark]:
        """Newest first."""
        ...

    async def clear(self, practice: str, appointment: str) -> bool:
        """The number by which this visit's text failed may be texted again; False if there was none."""
        ...

    async def forget(self, practice: str, phones: Sequence[str], appointments: Sequence[str]) -> None: ...


class Calls(Protocol):
    """Who is to be called."""

    async def get(self, practice: str, call: str) -> Call | None: ...

    async def put(self, call: Call) -> Call:
        """The entry that is there afterwards: this one, its own of before, or the visit's open one with this added."""
        ...

    async def done(self, practice: str, call: str, *, by: str, at: datetime) -> Call | None:
        """Once; whoever was first stays named. None if the practice has no such entry."""
        ...

    async def page(self, practice: str, *, only_open: bool, before: Place | None, limit: int) -> Sequence[Call]:
        """Newest first."""
        ...

    async def of(self, appointments: Sequence[str]) -> Sequence[Call]: ...

    async def forget(self, practice: str, phones: Sequence[str], appointments: Sequence[str]) -> None: ...


class Inbox(Protocol):
    """What clients texted in their own words, for a while."""

    async def add(self, words: Words) -> None:
        """Once."""
        ...

    async def page(self, practice: str, *, before: Place | None, limit: int) -> Sequence[Words]:
        """Newest first."""
        ...

    async def held(self, practice: str, sids: Sequence[str]) -> Set[str]:
        """Of these texts, those whose words the practice has."""
        ...

    async def mark_read(self, practice: str, sid: str, *, by: str, at: datetime) -> bool:
        """Once; whoever was first stays named. False if the practice has no such text."""
        ...

    async def of(self, appointments: Sequence[str]) -> Sequence[Words]: ...

    async def forget(self, practice: str, phones: Sequence[str], appointments: Sequence[str]) -> None: ...


class Audits(Protocol):
    """What the audit of each day found, and what it needs to know of our texts."""

    async def claim(self, day: date, lease: timedelta) -> bool:
        """Whether this day is to be done by whoever asks: not done, and nobody else is at it."""
        ...

    async def keep(self, audit: Audit) -> None: ...

    async def newest(self, limit: int) -> Sequence[Audit]: ...

    async def posted(self, since: datetime, until: datetime, most: int) -> Sequence[Posted]:
        """The texts whose last POST was in this span, in any order."""
        ...

    async def erased(self, phones: Sequence[str], since: datetime) -> Set[str]:
        """Of these numbers, those that a practice has had forgotten since then."""
        ...


class Register(Protocol):
    """The provider's own record. Every call may raise `GatewayDown`."""

    def listed(self, day: date) -> AsyncIterator[Sequence[Listed]]:
        """What it sent for our sender on this day by Greenwich, page by page."""
        ...

    async def fetch(self, sid: str) -> Listed | None:
        """One text, whatever became of it; None if there is none of this name."""
        ...


class Sealer(Protocol):
    def seal(self, words: str, name: str) -> bytes: ...

    def read(self, sealed: bytes, name: str) -> str | None:
        """None for what was sealed under another key: it must not hide what can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Everything that notify keeps."""

    practices: Practices
    visits: Visits
    contacts: Contacts
    messages: Messages
    overview: Overview
    replies: Replies
    asks: Asks
    senders: Senders
    marks: Marks
    calls: Calls
    inbox: Inbox
    audits: Audits


class Gateway(Protocol):
    async def send(self, text: Outgoing) -> Outcome:
        """One POST, never repeated here."""
        ...

    async def find(self, to: str, body: str, not_these: Set[str]) -> Found | None:
        """A text to this number with exactly these words, whose SID is another. Raises `GatewayDown`.

        The words are unique by their link or code, so no clock has to agree with the provider's.
        """
        ...


class Texts(Protocol):
    @property
    def texts(self) -> Mapping[str, Mapping[str, str]]:
        """The built-in words by language and template."""
        ...

    def judge(self, language: str, template: str, words: str) -> Size:
        """What these words cost at their longest; raises what forbids them in place of the built-in ones."""
        ...

    def render(self, template: str, about: Visit | Notice, practice: Practice, link: str) -> str: ...
