"""Notify's twins: every port in memory, and builders of its facts."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import fields, replace
from datetime import UTC, datetime, time, timedelta
from functools import cache, partial
from typing import Any

from pymongo.errors import BulkWriteError

from services.notify import library
from services.notify.actions.alerts import Alerts
from services.notify.actions.calls import Calls
from services.notify.actions.clients import Clients
from services.notify.actions.dead_letters import DeadLetters
from services.notify.actions.desk import Desk
from services.notify.actions.inbox import Inbox
from services.notify.actions.ledgers import Ledgers
from services.notify.actions.lessons import Lessons
from services.notify.actions.line import Line
from services.notify.actions.notices import Notices
from services.notify.actions.pages import Pages
from services.notify.actions.pauses import Pauses
from services.notify.actions.planning import Planning
from services.notify.actions.posting import Addresses, Habits
from services.notify.actions.receipts import Receipts
from services.notify.actions.replies import Inbound, Listening
from services.notify.actions.sending import Sending
from services.notify.actions.timelines import Timelines
from services.notify.actions.watching import Watching
from services.notify.actions.wordings import Wordings
from services.notify.documents import OWN_OF_PRACTICE
from services.notify.domain import sender
from services.notify.domain.call import Call, CallWhy
from services.notify.domain.consent import Entry, Word
from services.notify.domain.delivery import DEAD_ENDS, ON_ITS_WAY, Message, State
from services.notify.domain.frame import Planned
from services.notify.domain.haste import Haste, haste
from services.notify.domain.leave import Leave
from services.notify.domain.mark import Mark
from services.notify.domain.notice import Asked, Notice, NoticeKind
from services.notify.domain.plan import plan
from services.notify.domain.practice import Practice
from services.notify.domain.provider import Accepted, Found, Outcome, Unknown
from services.notify.domain.quiet import Quiet
from services.notify.domain.sender import Limits, Pause, Sender, Want
from services.notify.domain.traffic import Sent
from services.notify.domain.truth import PAUSED
from services.notify.domain.visit import Seat, Visit, VisitState
from services.notify.ports import AskKind, Backlog, ClientAsk, Gateway, GatewayDown, Outgoing, Place, Reply, Stores
from services.notify.ports import Words as KeptWords
from services.notify.sealing import Seal
from shared.events import Envelope
from shared.relay import Said
from tests.support.notify_audits import Audits

APPOINTMENT = "abcdefghijklmnopqrstuvwxyz"
PHONE = "+15035550142"
SENDER = "+15005550006"
NEW_YORK = "America/New_York"
WORDS_KEY = b"words-" + b"w" * 32
# Every text is tried out while they are loaded: once is enough.
LIBRARY = cache(library.load)
ALL_STEPS = frozenset({"prepare", "day_before", "two_hours", "aftercare"})
FULL = ALL_STEPS | {"received", "two_days", "check_in", "rebook"}
# A Wednesday in summer, 10:00 in New York.
STARTS = datetime(2027, 6, 16, 14, 0, tzinfo=UTC)


def practice(
    *,
    id: str = "still-waters",  # noqa: A002  the field's own name
    version: int = 1,
    sms_name: str = "Still Waters",
    locale: str = "en-US",
    phone: str = "+15035550100",
    steps: frozenset[str] = ALL_STEPS,
    quiet: Quiet = Quiet(time(21), time(8)),  # noqa: B008  frozen
    **changes: Any,
) -> Practice:
    return Practice(
        id=id, version=version, sms_name=sms_name, locale=locale, phone=phone, steps=steps, quiet=quiet, **changes
    )


def visit(
    *,
    appointment: str = APPOINTMENT,
    version: int = 3,
    state: VisitState = VisitState.CONFIRMED,
    moved: bool = False,
    notice: timedelta = timedelta(days=7),
    starts_at: datetime = STARTS,
    length: timedelta = timedelta(hours=1),
    since: datetime | None = None,
    zone: str = NEW_YORK,
    client_zone: str = NEW_YORK,
    phone: str = PHONE,
    consented: bool = True,
    seat: Seat | None = None,
    check_until: datetime | None = None,
    again: bool = False,
    known_at: datetime | None = None,
    replies: int = 0,
    heard: tuple[str, ...] = (),
    **changes: Any,
) -> Visit:
    return Visit(
        appointment=appointment,
        practice="still-waters",
        version=version,
        state=state,
        moved=moved,
        since=since or starts_at - notice,
        starts_at=starts_at,
        ends_at=starts_at + length,
        zone=zone,
        phone=phone,
        client_zone=client_zone,
        locale="en-US",
        consented=consented,
        seat=seat,
        check_until=check_until,
        again=again,
        known_at=known_at,
        replies=replies,
        heard=heard,
        **changes,
    )


# A Wednesday afternoon in New York, for two hours.
OFFERED_AT = datetime(2027, 6, 9, 18, 0, tzinfo=UTC)
OFFER, CHECK = "o" * 26, "k" * 26


def offer(**changes: Any) -> Asked:
    facts: dict[str, Any] = {
        "kind": NoticeKind.OFFER,
        "locale": "en-US",
        "zone": NEW_YORK,
        "client_zone": NEW_YORK,
        "expires_at": OFFERED_AT + timedelta(hours=2),
        "consented": True,
        "starts_at": STARTS,
    }
    return _asked(OFFER, facts, changes)


def code(**changes: Any) -> Asked:
    facts: dict[str, Any] = {
        "kind": NoticeKind.CODE,
        "locale": "en-US",
        "zone": NEW_YORK,
        "client_zone": NEW_YORK,
        "expires_at": OFFERED_AT + timedelta(minutes=10),
        "code": "482913",
    }
    return _asked(CHECK, facts, changes)


def _asked(about: str, facts: dict[str, Any], changes: dict[str, Any]) -> Asked:
    """`changes` are of the asking where they bear its names, else of the notice."""
    asked: dict[str, Any] = {"id": about, "count": 1, "practice": "still-waters", "phone": PHONE, "at": OFFERED_AT}
    own = {name: value for name, value in changes.items() if name in asked}
    told = {name: value for name, value in changes.items() if name not in asked}
    return Asked(notice=Notice(**(facts | told)), **(asked | own))


def steps(visit: Visit, policy: Practice | None = None) -> dict[str, Planned]:
    return {text.step: text for text in plan(visit, policy or practice())}


def message(text: Planned, of: Visit, *, code: str = "Ab3dEf9h", state: State = State.PLANNED) -> Message:
    return Message(
        id=text.id,
        practice=of.practice,
        appointment=of.appointment,
        step=text.step,
        template=text.template,
        code=code,
        to=of.phone,
        version=of.version,
        state=state,
        planned_for=text.due,
        due=text.due,
        not_after=text.not_after,
        validity=text.validity,
    )


class Practices:
    def __init__(self) -> None:
        self._kept: dict[str, Practice] = {}

    async def get(self, practice: str) -> Practice | None:
        return self._kept.get(practice)

    async def many(self, practices: Sequence[str]) -> Mapping[str, Practice]:
        return {name: self._kept[name] for name in practices if name in self._kept}

    async def keep(self, practice: Practice) -> None:
        known = self._kept.get(practice.id)
        if known is None:
            self._kept[practice.id] = practice
        elif known.version < practice.version:
            own = {name: getattr(known, name) for name in OWN_OF_PRACTICE}
            self._kept[practice.id] = replace(practice, **own)

    async def edit(self, practice: Practice) -> bool:
        known = self._kept.get(practice.id)
        if known is None or known.edits != practice.edits:
            return False
        own = {"wordings": practice.wordings, "worded": practice.worded, "paused": practice.paused}
        self._kept[practice.id] = replace(known, **own, edits=known.edits + 1)  # type: ignore[arg-type]  # of three types
        return True

    async def note_planned(self, practice: Practice) -> bool:
        known = self._kept.get(practice.id)
        if known is None or known.version != practice.version:
            return False
        self._kept[practice.id] = replace(known, planned_under=practice.policy)
        return True

    async def pause(self, practice: str, template: str) -> None:
        known = self._kept.get(practice)
        if known is not None and template not in known.paused:
            self._kept[practice] = replace(known, paused=known.paused | {template}, edits=known.edits + 1)


class Visits:
    """`said` is what the real store's relay would publish."""

    def __init__(self) -> None:
        self._kept: dict[str, Visit] = {}
        self.forgotten: dict[str, str] = {}
        self.said: list[Envelope[Any]] = []

    async def forget(self, practice: str, appointments: Sequence[str]) -> None:
        self.forgotten |= dict.fromkeys(appointments, practice)
        for appointment in appointments:
            self._kept.pop(appointment, None)

    async def get(self, appointment: str) -> Visit | None:
        return self._kept.get(appointment)

    async def many(self, appointments: Sequence[str]) -> Mapping[str, Visit]:
        return {name: self._kept[name] for name in appointments if name in self._kept}

    async def of_courses(self, courses: Sequence[str], now: datetime) -> Sequence[Visit]:
        seated = [(v, v.seat) for v in self._kept.values() if v.seat is not None and v.seat.course in courses]
        return [v for v, seat in seated if v.ends_at > now or seat.index == 0]

    async def keep(self, visit: Visit) -> Visit | None:
        if visit.appointment in self.forgotten:
            return None
        known = self._kept.get(visit.appointment)
        if known is None or known.version < visit.version:
            own = {"replies": known.replies, "heard": known.heard} if known else {"replies": 0, "heard": ()}
            own["yes_to"] = known.yes_to if known else None  # type: ignore[assignment]  # fields of three types
            own["moved_at"] = visit.moved_at or (known.moved_at if known else None)  # type: ignore[assignment]  # the same
            self._kept[visit.appointment] = replace(visit, **own)  # type: ignore[arg-type]  # fields of three types
        return self._kept[visit.appointment]

    async def upcoming(self, phone: str, now: datetime) -> Sequence[Visit]:
        mine = [v for v in self._kept.values() if v.phone == phone and v.upcoming and v.ends_at > now]
        return sorted(mine, key=lambda v: v.ends_at)[:10]

    async def of_numbers(
        self, phones: Sequence[str], ends_after: datetime, ends_before: datetime | None = None
    ) -> Sequence[Visit]:
        later = [v for v in self._kept.values() if v.phone in phones and v.ends_at > ends_after]
        return [v for v in later if ends_before is None or v.ends_at < ends_before]

    async def of_practice(self, practice: str, after: Place, limit: int) -> Sequence[Visit]:
        mine = sorted((v.ends_at, v.appointment) for v in self._kept.values() if v.practice == practice)
        return [self._kept[name] for ends_at, name in mine if (ends_at, name) > after][:limit]

    async def note_reply(self, visit: Visit, said: Said) -> bool:
        known = self._kept.get(visit.appointment)
        if known is None or known.replies != visit.replies - 1:
            return False
        self._kept[visit.appointment] = replace(known, replies=visit.replies, heard=visit.heard, yes_to=visit.yes_to)
        self.said.extend(said)
        return True


class Contacts:
    def __init__(self) -> None:
        self._ledgers: dict[tuple[str, str], tuple[Entry, ...]] = {}

    async def ledgers(self, numbers: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[Entry, ...]]:
        joined = {n: self._ledgers.get(n, ()) + self._ledgers.get(("*", n[1]), ()) for n in numbers}
        return {number: ledger for number, ledger in joined.items() if ledger}

    async def of_number(self, phone: str) -> Sequence[Entry]:
        return [entry for (_, number), ledger in self._ledgers.items() if number == phone for entry in ledger]

    async def enter(self, practice: str, phone: str, entry: Entry) -> None:
        ledger = self._ledgers.setdefault((practice, phone), ())
        if entry.key not in {known.key for known in ledger}:
            self._ledgers[practice, phone] = (*ledger, entry)

    async def enter_everywhere(self, phone: str, entry: Entry) -> None:
        await self.enter("*", phone, entry)

    async def forget(self, practice: str, phones: Sequence[str], appointments: Sequence[str]) -> None:
        about = tuple(f"visit:{appointment}:" for appointment in appointments)
        for (house, phone), ledger in list(self._ledgers.items()):
            gone = (*about, "waitlist:") if phone in phones else about
            left = tuple(entry for entry in ledger if house != practice or not entry.key.startswith(gone))
            self._ledgers[house, phone] = left
            if not left:
                del self._ledgers[house, phone]


class Messages:
    """`clock` is the server's: leases run by it."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: dict[str, Message] = {}
        self._until: dict[str, datetime] = {}

    @property
    def kept(self) -> Mapping[str, Message]:
        return self._kept

    async def get(self, id: str) -> Message | None:  # noqa: A002  the field's own name
        return self._kept.get(id)

    async def by_code(self, code: str) -> Message | None:
        return next((m for m in self._kept.values() if m.code == code), None)

    async def of(self, appointment: str) -> Sequence[Message]:
        mine = [m for m in self._kept.values() if m.appointment == appointment]
        return sorted(mine, key=lambda m: m.planned_for)

    async def of_visits(self, appointments: Sequence[str]) -> Mapping[str, Sequence[Message]]:
        found: dict[str, list[Message]] = {}
        for one in self._kept.values():
            if one.appointment in appointments:
                found.setdefault(one.appointment, []).append(one)
        return found

    async def last_sent(self, phone: str, before: datetime) -> Message | None:
        sent = [(m.sent_at, m.id) for m in self._kept.values() if m.to == phone and m.sent_at and m.sent_at < before]
        return self._kept[max(sent)[1]] if sent else None

    async def counted(self, phones: Sequence[str], since: datetime) -> Mapping[tuple[str, str], Sequence[Sent]]:
        found: dict[tuple[str, str], list[Sent]] = {}
        for m in self._kept.values():
            if m.state in (State.SKIPPED, State.CANCELLED, State.FAILED, State.UNDELIVERED):
                continue
            if m.to in phones and m.sent_at and m.sent_at >= since and m.notice is None and m.asked_at is None:
                found.setdefault((m.practice, m.to), []).append(Sent(m.id, m.step, m.appointment, m.sent_at))
        return found

    async def standing(self, appointments: Sequence[str]) -> Set[str]:
        over = {State.SKIPPED, State.CANCELLED, *DEAD_ENDS}
        return {m.id for m in self._kept.values() if m.appointment in appointments and m.state not in over}

    async def save(self, messages: Sequence[Message]) -> Sequence[Message]:
        written = []
        for message in messages:
            known = self._kept.get(message.id)
            if (known.fence if known else 0) != message.fence:
                continue
            if any(m.code == message.code and m.id != message.id for m in self._kept.values()):
                raise BulkWriteError({"writeErrors": [{"code": 11000, "keyPattern": {"code": 1}}]})
            self._keep(replace(message, fence=message.fence + 1))
            written.append(self._kept[message.id])
        return written

    async def forget(self, appointments: Sequence[str]) -> None:
        self._drop([m.id for m in self._kept.values() if m.appointment in appointments])

    async def forget_notices(self, practice: str, phones: Sequence[str]) -> None:
        told = [m for m in self._kept.values() if m.notice is not None and m.practice == practice]
        self._drop([m.id for m in told if m.to in phones])

    def _drop(self, ids: Sequence[str]) -> None:
        for id_ in ids:
            del self._kept[id_]
            self._until.pop(id_, None)

    async def claim(
        self, now: datetime, *, limit: int, lease: timedelta, hasty_first: bool = False
    ) -> Sequence[Message]:
        due = [m for m in self._in(State.PLANNED) if m.due is not None and m.due <= now]
        if hasty_first:
            due.sort(key=lambda m: len(Haste) if (of := haste(m)) is None else of)
        due = due[:limit]
        for message in due:
            self._keep(replace(message, state=State.CLAIMED, fence=message.fence + 1), lease)
        return [self._kept[message.id] for message in due]

    async def next_due(self, after: datetime) -> datetime | None:
        return min((m.due for m in self._in(State.PLANNED) if m.due is not None and m.due > after), default=None)

    async def to_look_up(self, now: datetime, limit: int) -> Sequence[Message]:
        return [m for s in (State.UNKNOWN, *ON_ITS_WAY) for m in self._in(s) if m.due is not None and m.due <= now][
            :limit
        ]

    async def lapsed(self, limit: int) -> Sequence[Message]:
        return [self._kept[id_] for id_, until in self._until.items() if until < self._clock()][:limit]

    def _in(self, state: State) -> list[Message]:
        return sorted(
            (m for m in self._kept.values() if m.state is state), key=lambda m: (m.due is None, m.due or m.planned_for)
        )

    def _keep(self, message: Message, lease: timedelta | None = None) -> None:
        self._kept[message.id] = message
        if lease is not None:
            self._until[message.id] = self._clock() + lease
        elif message.state not in (State.CLAIMED, State.SENDING):
            self._until.pop(message.id, None)


class Overview:
    """`messages` are the twin's own."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    async def line(self, practice: str, phone: str, *, before: Place | None, limit: int) -> Sequence[Message]:
        return self._page([m for m in self._all if (m.practice, m.to) == (practice, phone)], before, limit)

    async def dead(
        self, practice: str, *, since: datetime, before: Place | None, limit: int, why: str | None = None
    ) -> Sequence[Message]:
        dead = [m for m in self._all if m.practice == practice and m.state in DEAD_ENDS and m.at >= since]
        of_use = [m for m in dead if m.asked_at is None and not (m.notice and m.notice.kind is NoticeKind.CODE)]
        return self._page([m for m in of_use if m.aside is None and why in (None, m.why)], before, limit)

    async def begun(self, practice: str, *, since: datetime, limit: int) -> Sequence[Message]:
        sent = [(m.sent_at, m) for m in self._all if m.practice == practice and m.sent_at and m.sent_at >= since]
        return [m for _, m in sorted(sent, key=lambda one: one[0], reverse=True)][:limit]

    async def waiting(self, practice: str, *, most: int) -> Mapping[str, int]:
        paused = [m for m in self._all if m.practice == practice and m.state is State.PLANNED and m.why == PAUSED]
        return Counter(m.template for m in paused[:most])

    async def backlog(self, now: datetime, *, most: int) -> Backlog:
        due = [m.due for m in self._all if m.state is State.PLANNED and m.due is not None and m.due <= now]
        unknown = [m.sent_at for m in self._all if m.state is State.UNKNOWN and m.due is not None]
        return Backlog(
            due=min(len(due), most),
            due_since=min(due, default=None),
            unknown=min(len(unknown), most),
            unknown_since=min((at for at in unknown if at is not None), default=None),
        )

    @property
    def _all(self) -> Sequence[Message]:
        return list(self._messages.kept.values())

    @staticmethod
    def _page(texts: Sequence[Message], before: Place | None, limit: int) -> Sequence[Message]:
        older = [m for m in texts if before is None or (m.at, m.id) < before]
        return sorted(older, key=lambda m: (m.at, m.id), reverse=True)[:limit]


class Replies:
    def __init__(self) -> None:
        self._kept: dict[str, Reply] = {}
        self._undone: set[str] = set()

    async def add(self, reply: Reply) -> bool:
        if reply.sid in self._kept:
            return False
        self._kept[reply.sid] = reply
        self._undone.add(reply.sid)
        return True

    async def done(self, sid: str) -> None:
        self._undone.discard(sid)
        if sid in self._kept:
            self._kept[sid] = replace(self._kept[sid], sealed=None)

    async def undone(self, before: datetime, limit: int) -> Sequence[Reply]:
        return [self._kept[sid] for sid in sorted(self._undone) if self._kept[sid].received_at < before][:limit]

    async def line(self, phone: str, *, before: Place | None, limit: int) -> Sequence[Reply]:
        theirs = [r for r in self._kept.values() if r.phone == phone]
        older = [r for r in theirs if before is None or (r.received_at, r.sid) < before]
        return sorted(older, key=lambda r: (r.received_at, r.sid), reverse=True)[:limit]

    async def of(self, phones: Sequence[str]) -> Sequence[Reply]:
        theirs = [reply for reply in self._kept.values() if reply.phone in phones]
        return sorted(theirs, key=lambda reply: reply.received_at)

    async def forget(self, phones: Sequence[str], sids: Sequence[str]) -> None:
        for sid in [sid for sid, reply in self._kept.items() if reply.phone in phones or sid in sids]:
            del self._kept[sid]
            self._undone.discard(sid)


class Asks:
    """Numbers are hidden here too, in a way."""

    def __init__(self) -> None:
        self.kept: dict[str, ClientAsk] = {}
        self.said: list[Envelope[Any]] = []
        self._numbers: dict[str, frozenset[int]] = {}

    async def get(self, ask: str) -> ClientAsk | None:
        return self.kept.get(ask)

    async def begin(self, ask: ClientAsk, phones: Sequence[str]) -> ClientAsk:
        if ask.id not in self.kept and ask.kind is AskKind.ERASE:
            self._numbers[ask.id] = frozenset(map(hash, phones))
        return self.kept.setdefault(ask.id, ask)

    async def done(self, ask: ClientAsk, said: Said) -> bool:
        if self.kept[ask.id].done_at is not None:
            return False
        self.kept[ask.id] = ask
        self.said.extend(said)
        return True

    async def forget_exports(self, appointments: Sequence[str]) -> None:
        for one in list(self.kept.values()):
            if one.kind is AskKind.EXPORT and set(appointments) & set(one.appointments):
                del self.kept[one.id]

    async def has_erased(self, practice: str, phone: str, since: datetime) -> bool:
        about = [self.kept[ask] for ask, numbers in self._numbers.items() if hash(phone) in numbers]
        return any(one.practice == practice and one.begun_at >= since for one in about)


class Senders:
    """`clock` is the server's."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: dict[str, Sender] = {}

    async def get(self, name: str) -> Sender:
        return self._now(name)

    async def all(self) -> Sequence[Sender]:
        return [self._now(name) for name in sorted(self._kept)]

    async def take(self, name: str, wants: Sequence[Want], limits: Limits) -> tuple[Sender, Sequence[bool]]:
        self._kept[name], granted = sender.take(self._now(name), wants, limits)
        return self._kept[name], granted

    async def unanswered(self, name: str, posts: int) -> None:
        self._kept[name] = sender.unanswered(self._now(name), posts)

    async def answered(self, name: str) -> None:
        self._kept[name] = sender.answered(self._now(name))

    async def probe(self, name: str) -> bool:
        known = self._now(name)
        taken = known.probe_until is not None and known.at <= known.probe_until
        if taken or known.shut_until is None or known.at < known.shut_until:
            return False
        self._kept[name] = replace(known, probe_until=known.at + sender.PROBE)
        return True

    async def unprobe(self, name: str) -> None:
        if name in self._kept:
            self._kept[name] = replace(self._kept[name], probe_until=None)

    async def rest(self, name: str, term: timedelta, why: str) -> None:
        known = self._now(name)
        until = max(known.rests_until or known.at, known.at + term)
        self._kept[name] = replace(known, rests_until=until, rests_why=why)

    async def pause(self, name: str, pause: Pause, *, begun_at: datetime | None = None) -> bool:
        known = self._now(name)
        is_late = begun_at is not None and known.resumed_at is not None and known.resumed_at >= begun_at
        if known.paused is not None or is_late:
            return False
        self._kept[name] = replace(known, paused=pause)
        return True

    async def resume(self, name: str, *, by: str, at: datetime) -> None:
        free = replace(sender.answered(self._now(name)), paused=None, rests_until=None, rests_why=None)
        self._kept[name] = replace(free, resumed_by=by, resumed_at=at)

    def _now(self, name: str) -> Sender:
        return replace(self._kept.get(name, Sender(name=name)), at=self._clock())


class Marks:
    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Mark] = {}

    async def of(self, numbers: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Mark]:
        return {number: self._kept[number] for number in numbers if number in self._kept}

    async def put(self, phone: str, mark: Mark) -> None:
        self._kept[mark.practice, phone] = mark

    async def of_practice(self, practice: str, limit: int) -> Sequence[Mark]:
        mine = [mark for mark in self._kept.values() if mark.practice == practice]
        return sorted(mine, key=lambda mark: mark.at, reverse=True)[:limit]

    async def clear(self, practice: str, appointment: str) -> bool:
        found = [n for n, mark in self._kept.items() if (mark.practice, mark.appointment) == (practice, appointment)]
        for number in found:
            del self._kept[number]
        return bool(found)

    async def forget(self, practice: str, phones: Sequence[str], appointments: Sequence[str]) -> None:
        for phone in phones:
            self._kept.pop((practice, phone), None)
        for appointment in appointments:
            await self.clear(practice, appointment)


class CallList:
    def __init__(self) -> None:
        self._kept: dict[str, Call] = {}

    async def get(self, practice: str, call: str) -> Call | None:
        found = self._kept.get(call)
        return found if found is not None and found.practice == practice else None

    async def put(self, call: Call) -> Call:
        if call.id in self._kept:
            return self._kept[call.id]
        known = next((c for c in self._kept.values() if c.appointment == call.appointment and c.is_open), None)
        if known is not None:
            worse = CallWhy.WORRIED if CallWhy.WORRIED in (known.why, call.why) else known.why
            call = replace(known, why=worse, texted_at=max(known.texted_at, call.texted_at))
        self._kept[call.id] = call
        return call

    async def done(self, practice: str, call: str, *, by: str, at: datetime) -> Call | None:
        found = await self.get(practice, call)
        if found is not None and found.is_open:
            self._kept[call] = replace(found, done_at=at, done_by=by)
        return await self.get(practice, call)

    async def page(self, practice: str, *, only_open: bool, before: Place | None, limit: int) -> Sequence[Call]:
        mine = [c for c in self._kept.values() if c.practice == practice and (c.is_open or not only_open)]
        older = [c for c in mine if before is None or (c.since, c.id) < before]
        return sorted(older, key=lambda c: (c.since, c.id), reverse=True)[:limit]

    async def of(self, appointments: Sequence[str]) -> Sequence[Call]:
        return sorted((c for c in self._kept.values() if c.appointment in appointments), key=lambda c: c.since)

    async def forget(self, practice: str, phones: Sequence[str], appointments: Sequence[str]) -> None:
        for call in list(self._kept.values()):
            if (call.practice == practice and call.phone in phones) or call.appointment in appointments:
                del self._kept[call.id]


class Words:
    def __init__(self) -> None:
        self._kept: dict[str, KeptWords] = {}

    async def add(self, words: KeptWords) -> None:
        self._kept.setdefault(words.sid, words)

    async def page(self, practice: str, *, before: Place | None, limit: int) -> Sequence[KeptWords]:
        mine = [w for w in self._kept.values() if w.practice == practice]
        older = [w for w in mine if before is None or (w.received_at, w.sid) < before]
        return sorted(older, key=lambda w: (w.received_at, w.sid), reverse=True)[:limit]

    async def held(self, practice: str, sids: Sequence[str]) -> Set[str]:
        return {sid for sid in sids if sid in self._kept and self._kept[sid].practice == practice}

    async def mark_read(self, practice: str, sid: str, *, by: str, at: datetime) -> bool:
        found = self._kept.get(sid)
        if found is None or found.practice != practice:
            return False
        if found.read_at is None:
            self._kept[sid] = replace(found, read_at=at, read_by=by)
        return True

    async def of(self, appointments: Sequence[str]) -> Sequence[KeptWords]:
        return sorted((w for w in self._kept.values() if w.appointment in appointments), key=lambda w: w.received_at)

    async def forget(self, practice: str, phones: Sequence[str], appointments: Sequence[str]) -> None:
        for words in list(self._kept.values()):
            if (words.practice == practice and words.phone in phones) or words.appointment in appointments:
                del self._kept[words.sid]


class Phone:
    """The provider's twin, and the client's phone: what arrived, whatever the service was told about it.

    `answers` is used up by one per POST; without one, a text is accepted. A text that arrived is listed.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.answers: list[Callable[[], Outcome]] = []
        self.arrives = True
        self.down = False
        self.posts: list[Outgoing] = []
        self.arrived: list[tuple[Outgoing, Found]] = []

    async def send(self, text: Outgoing) -> Outcome:
        self.posts.append(text)
        outcome = self.answers.pop(0)() if self.answers else Accepted("")
        if isinstance(outcome, (Accepted, Unknown)) and self.arrives:
            sid = f"SM{len(self.arrived):032d}"
            self.arrived.append((text, Found(sid, "queued", None, self._clock())))
            return Accepted(sid) if isinstance(outcome, Accepted) else outcome
        return outcome

    async def find(self, to: str, body: str, not_these: Set[str]) -> Found | None:
        if self.down:
            raise GatewayDown
        mine = [f for text, f in self.arrived if text.to == to and text.body == body]
        listed = [f for f in mine if f.sid not in not_these]
        return listed[-1] if listed else None

    @property
    def bodies(self) -> list[str]:
        return [text.body for text, _ in self.arrived]


def twins(clock: Callable[[], datetime]) -> Stores:
    messages = Messages(clock)
    return Stores(
        practices=Practices(),
        visits=Visits(),
        contacts=Contacts(),
        messages=messages,
        overview=Overview(messages),
        replies=Replies(),
        asks=Asks(),
        senders=Senders(clock),
        marks=Marks(),
        calls=CallList(),
        inbox=Words(),
        audits=Audits(clock, lambda: list(messages.kept.values())),
    )


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, by: timedelta) -> None:
        self.at += by


class Killed(BaseException):
    """The process is gone; nothing may catch this."""


class Mortal:
    """Stands before a port and ends the process before or after the call of a given number."""

    def __init__(self, port: object, life: Life) -> None:
        self._port, self._life = port, life

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._port, name)

        async def mortal(*args: object, **kwargs: object) -> object:
            self._life.before()
            result = await call(*args, **kwargs)
            self._life.after()
            return result

        return mortal


class Life:
    """`dies_at` counts halves of calls: the first call dies before at 0, after at 1; None lives for ever."""

    def __init__(self, dies_at: int | None) -> None:
        self.halves, self._dies_at = 0, dies_at

    def before(self) -> None:
        self._pass()

    def after(self) -> None:
        self._pass()

    def _pass(self) -> None:
        self.halves += 1
        if self.halves - 1 == self._dies_at:
            raise Killed


class Worker:
    """One running notify over the given stores and provider, wired as `app.build` does it."""

    def __init__(
        self,
        stores: Stores,
        gateway: Gateway,
        now: Callable[[], datetime],
        *,
        habits: Habits | None = None,
        provider_answers: bool = True,
        limits: Limits = Limits(),  # noqa: B008  frozen
        leave: Leave = Leave(),  # noqa: B008  frozen
        words_key: bytes = WORDS_KEY,
    ) -> None:
        texts, addresses = LIBRARY(), Addresses(link=link_of, receipt=receipt_at)
        self.stores = stores
        self.woken = 0
        codes = partial(secrets.token_hex, 4)
        alerts = Alerts(stores, new_code=codes, now=now)
        lessons = Lessons(stores, sender=SENDER, alerts=alerts, now=now)
        self.sending = Sending(
            stores,
            gateway=gateway,
            texts=texts,
            addresses=addresses,
            habits=habits or Habits(),
            lessons=lessons,
            alerts=alerts,
            line=Line(stores.senders, SENDER, limits=limits, at_once=(habits or Habits()).at_once, now=now),
            leave=leave,
            new_attempt=partial(secrets.token_hex, 16),
            now=now,
        )
        self.planning = Planning(stores, wake=self._wake, new_code=codes, now=now)
        self.notices = Notices(stores, wake=self._wake, new_code=codes, now=now)
        self.receipts = Receipts(stores, pace=(habits or Habits()).pace, lessons=lessons, now=now)
        self.seal = Seal(words_key)
        self.calls = Calls(stores, notices=self.notices, now=now)
        self.inbox = Inbox(stores, seal=self.seal, now=now)
        self.listening = Listening(
            stores,
            seal=self.seal,
            calls=self.calls,
            inbox=self.inbox,
            provider_answers=provider_answers,
            wake=self._wake,
            new_code=codes,
            now=now,
        )
        self.clients = Clients(stores, seal=self.seal, now=now)
        self.ledgers = Ledgers(stores, now)
        self.wordings = Wordings(stores, texts=texts, link=link_of, now=now)
        self.desk = Desk(stores, texts=texts, link=link_of, wake=self._wake, new_code=codes, now=now)
        self.pages = Pages(stores, now)
        self.timelines = Timelines(stores)
        self.dead_letters = DeadLetters(stores, wake=self._wake, now=now)
        self.pauses = Pauses(
            stores, templates=frozenset(texts.texts["en"]), sender=SENDER, leave=leave, wake=self._wake, now=now
        )
        self.watching = Watching(stores, sender=SENDER, limits=limits, now=now)

    def _wake(self) -> None:
        self.woken += 1

    async def told(self, asked: Asked) -> bool:
        word = Word.CONSENTED if asked.notice.consented else Word.WITHHELD
        given = Entry(key="waitlist:1", word=word, at=asked.at, source="booking", wording="v1")
        return await self.notices.tell(asked, given if asked.notice.kind is NoticeKind.OFFER else None)

    async def hears(self, of: Visit) -> bool:
        word = Word.CONSENTED if of.consented else Word.WITHHELD
        entry = Entry(key=f"visit:{of.appointment}:1", word=word, at=of.since, source="booking", wording="v1")
        return await self.planning.keep_visit(of, entry)


def receipt_at(code: str, attempt: str) -> str:
    """Where nobody listens: the receipts of these tests are handed over by hand."""
    return f"http://127.0.0.1:9/status/{code}/{attempt}"


def link_of(code: str) -> str:
    return f"https://still.example/n/{code}"


def mortal(stores: Stores, life: Life) -> Stores:
    kept = {field.name: getattr(stores, field.name) for field in fields(stores)}
    return Stores(**{name: Mortal(port, life) for name, port in kept.items()})


def inbound(body: str, *, sid: str = "SMin1", phone: str = PHONE, opt_out_type: str | None = None) -> Inbound:
    return Inbound(sid=sid, phone=phone, body=body, opt_out_type=opt_out_type)
