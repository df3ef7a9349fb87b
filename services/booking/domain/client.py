"""A client as one practice knows them, and what is asked of every service about one of them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from services.booking.domain.appointment import ACTIVE, Appointment, By, Client, Deed, Guardian, Hand, State, Turn
from services.booking.domain.identity import client_ref

SERVICES: Final = ("booking", "screening", "notify")
EXPORT_KEPT: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One number at one practice. What was told last counts: `told_at` is when the client told it.

    `merged_into` names the record that speaks for this one; `turn` counts the mergers that it had a part in.
    """

    practice: str
    ref: str
    name: str
    phone: str
    locale: str
    zone: str
    told_at: datetime
    first_seen: datetime
    guardian: Guardian | None = None
    born: date | None = None
    merged_into: str | None = None
    turn: int = 0


def record_of(appointment: Appointment) -> Record | None:
    """What this visit tells about its client; None of a mere hold, or once the client was forgotten."""
    return None if appointment.client is None else recorded(appointment.client, practice=appointment.practice)


def recorded(client: Client, *, practice: str) -> Record:
    """A client as they were told with their consent."""
    return Record(
        practice=practice,
        ref=client.ref,
        name=client.name,
        phone=client.phone,
        locale=client.locale,
        zone=client.zone,
        told_at=client.consent.given_at,
        first_seen=client.consent.given_at,
        guardian=client.guardian,
        born=client.born,
    )


def folded(name: str) -> str:
    """As names are compared: without case, composed, with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def forgotten(appointment: Appointment, *, ask: str, at: datetime) -> Appointment:
    """The visit without its client: times and states stay, under a name that leads to nobody."""
    if appointment.client is None:
        return appointment
    version = appointment.version + 1
    turn = Turn(deed=Deed.FORGOTTEN, by=By.PRACTICE, at=at, version=version, who="erasure")
    history = (*(replace(one, where=None) for one in appointment.history), turn)
    return replace(appointment, client=None, requested_with=None, pseudonym=ask, version=version, history=history)


def is_open(state: State) -> bool:
    """Whether something is still to happen: what is open is cancelled before its client can be forgotten."""
    return state in ACTIVE


class AskKind(StrEnum):
    ERASE = "erase"
    EXPORT = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom it is about: all references and numbers of one client, guardians' too, and all of their visits."""

    practice: str
    refs: tuple[str, ...]
    phones: tuple[str, ...]
    appointments: tuple[str, ...]

    @property
    def proofs(self) -> tuple[str, ...]:
        """What the proofs of their numbers are kept under, a guardian's among them."""
        return tuple({*self.refs, *(client_ref(self.practice, phone) for phone in self.phones)})


@dataclass(frozen=True, slots=True)
class Answer:
    """When a service had done its part, and how many records that was."""

    service: str
    at: datetime
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAsk:
    """One ask of all services, and its receipt. An export can be fetched `until` then.

    `subject` is gone once an erasure is complete: the receipt says that somebody was forgotten, not who.
    """

    id: str
    practice: str
    kind: AskKind
    by: str
    asked_at: datetime
    subject: Subject | None
    version: int = 1
    until: datetime | None = None
    answers: tuple[Answer, ...] = ()
    completed_at: datetime | None = None

    @property
    def awaits(self) -> tuple[str, ...]:
        given = {answer.service for answer in self.answers}
        return tuple(service for service in SERVICES if service not in given)


def erasure(id_: str, subject: Subject, *, hand: Hand, now: datetime) -> ClientAsk:
    return ClientAsk(id=id_, practice=subject.practice, kind=AskKind.ERASE, by=hand.who, asked_at=now, subject=subject)


def export(id_: str, subject: Subject, *, hand: Hand, now: datetime) -> ClientAsk:
    """Booking's own part is ready at once: it is read when it is fetched."""
    own = Answer("booking", now, len(subject.appointments) + len(subject.refs))
    return ClientAsk(
        id=id_,
        practice=subject.practice,
        kind=AskKind.EXPORT,
        by=hand.who,
        asked_at=now,
        subject=subject,
        until=now + EXPORT_KEPT,
        answers=(own,),
    )


def answered(ask: ClientAsk, answer: Answer) -> ClientAsk:
    """The same ask if that service has answered before; the last answer completes it."""
    if answer.service not in ask.awaits:
        return ask
    after = replace(ask, version=ask.version + 1, answers=(*ask.answers, answer))
    if after.awaits:
        return after
    subject = None if ask.kind is AskKind.ERASE else ask.subject
    return replace(after, completed_at=answer.at, subject=subject)
