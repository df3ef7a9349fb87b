"""A freed time and the offers that are made of it: to whom, of which start, until when, and what became of them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType
from zoneinfo import ZoneInfo

from services.booking.domain.appointment import AppointmentId, Offer
from services.booking.domain.identity import appointment_id
from services.booking.domain.practice import Practice
from services.booking.domain.refusals import SlotTaken
from services.booking.domain.waitlist import Waiting, WaitingId, heard_at
from shared.errors import Kind, Refusal

OfferId = NewType("OfferId", str)


class OfferExpired(Refusal):
    """The offer was not taken in time, or its client does not wait any more."""

    slug = "offer-expired"
    kind = Kind.CONFLICT


class NoSuchOffer(Refusal):
    """There is no offer of this id."""

    slug = "no-such-offer"
    kind = Kind.NOT_FOUND


class Standing(StrEnum):
    """How an offer stands; lost when somebody else has the time, withdrawn when its client does not wait any more."""

    OPEN = "open"
    CLAIMED = "claimed"
    EXPIRED = "expired"
    LOST = "lost"
    WITHDRAWN = "withdrawn"


UNCLAIMED: Final = frozenset(Standing) - {Standing.CLAIMED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """A stretch of a practitioner's time that got free, known by the event that told it."""

    event: str
    practitioner: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Where an offer belongs: rounds follow each other, and each has so many seats and no more."""

    freed: Freed
    round: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A start that one entry is offered, as it was named then.

    `instant` promises that claiming confirms it. `due_at` is when the line moves on, absent once it has.
    """

    id: OfferId
    practice: str
    waiting: WaitingId
    seat: Seat
    service: str
    service_name: str
    practitioner: str
    practitioner_name: str
    place_name: str
    place_address: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    made_at: datetime
    expires_at: datetime
    instant: bool
    state: Standing = Standing.OPEN
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """Under which its time is held, so that claiming twice is claiming once."""
        return f"offer {self.id}"

    @property
    def appointment(self) -> AppointmentId:
        """The visit that claiming it makes."""
        return appointment_id(self.practice, self.key)

    def is_open(self, now: datetime) -> bool:
        return self.state is Standing.OPEN and now < self.expires_at

    def check_open(self, now: datetime) -> None:
        """Raises why it cannot be claimed any more."""
        if self.state is Standing.LOST:
            raise SlotTaken("this time has been taken")
        if not self.is_open(now):
            raise OfferExpired("this offer has ended")


def made(
    waiting: Waiting, terms: Offer, starts_at: datetime, *, seat: Seat, practice: Practice, now: datetime
) -> Offered | None:
    """The offer of a start; None if it would be over before the client can be told, or told too late to be booked.

    Nobody is woken by it: in the client's quiet hours its time begins when they have ended.
    """
    notice = timedelta(minutes=practice.service(terms.service).notice_minutes)
    heard = heard_at(now, practice.texting, ZoneInfo(waiting.client.zone))
    expires_at = min(heard + timedelta(minutes=practice.waitlist.offer_minutes), starts_at - notice)
    if expires_at <= heard:
        return None
    return Offered(
        id=offer_id(seat, waiting.id),
        practice=practice.id,
        waiting=waiting.id,
        seat=seat,
        service=terms.service,
        service_name=terms.service_name,
        practitioner=terms.practitioner,
        practitioner_name=terms.practitioner_name,
        place_name=terms.place_name,
        place_address=terms.place_address,
        starts_at=starts_at,
        ends_at=starts_at + terms.length,
        zone=terms.zone,
        made_at=now,
        expires_at=expires_at,
        instant=terms.screening is None,
        due_at=expires_at,
    )


def offer_id(seat: Seat, waiting: WaitingId) -> OfferId:
    """26 characters of a-z and 2-7: making the same offer again meets the first one."""
    digest = hashlib.sha256("\0".join(("offer", seat.freed.event, str(seat.round), waiting)).encode()).digest()
    return OfferId(base64.b32encode(digest).decode().lower()[:26])
