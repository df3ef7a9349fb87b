"""Waiting for a time: what a client waits for, the offers that a freed time is made into, and how long they last."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, NewType
from zoneinfo import ZoneInfo

from services.booking.domain import calendar
from services.booking.domain.appointment import AppointmentId, Client
from services.booking.domain.identity import appointment_id
from services.booking.domain.practice import Practice, Texting
from shared.errors import Kind, Refusal

WaitingId = NewType("WaitingId", str)
OfferId = NewType("OfferId", str)
FURTHEST: Final = timedelta(days=366)


class AlreadyWaiting(Refusal):
    """This client waits for the same already, with other wishes; that entry has to be left first."""

    slug = "already-waiting"
    kind = Kind.CONFLICT


class NothingToWaitFor(Refusal):
    """The last date has passed, or lies further ahead than anybody plans."""

    slug = "nothing-to-wait-for"
    kind = Kind.INVALID


class OfferExpired(Refusal):
    """The offer was not taken in time, or its client does not wait any more."""

    slug = "offer-expired"
    kind = Kind.CONFLICT


class NoSuchOffer(Refusal):
    """There is no offer of this id."""

    slug = "no-such-offer"
    kind = Kind.NOT_FOUND


class NoSuchWaiting(Refusal):
    """There is no entry of this id in a waitlist."""

    slug = "no-such-waiting"
    kind = Kind.NOT_FOUND


class Wait(StrEnum):
    """How an entry stands: it got a time, its client left, or its last date is over."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    LEFT = "left"
    OVER = "over"


class Standing(StrEnum):
    """How an offer stands; lost when somebody else has the time, withdrawn when its client does not wait any more."""

    OPEN = "open"
    CLAIMED = "claimed"
    EXPIRED = "expired"
    LOST = "lost"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When a visit may begin on such weekdays, 0 = Monday: half-open, in minutes of local wall time from midnight."""

    weekday: int
    starts: int
    ends: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Local dates, both included, and the hours within them; any hour if there are none."""

    first: date
    last: date
    hours: tuple[Hours, ...] = ()

    def holds(self, local: datetime) -> bool:
        minute = local.hour * 60 + local.minute
        return self.first <= local.date() <= self.last and (
            not self.hours
            or any(one.weekday == local.weekday() and one.starts <= minute < one.ends for one in self.hours)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One entry in the line, in which it stands by `since`. `practitioner` None is any; it ends by itself at `until`.

    `asked` is the fingerprint of what it was made with.
    """

    id: WaitingId
    practice: str
    service: str
    practitioner: str | None
    client: Client
    ranges: tuple[Range, ...]
    since: datetime
    until: datetime
    asked: str
    state: Wait = Wait.WAITING

    @property
    def by_text(self) -> bool:
        """Whether offers may be texted; if not, the practice sees them and calls."""
        return self.client.consent.texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """A stretch of a practitioner's time that got free, known by the event that told it."""

    event: str
    practitioner: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A start that one entry is offered: one of its round, in a seat of that round, so that no round has too many.

    `instant` promises that claiming confirms it. `due_at` is when the line moves on, absent once it has.
    """

    id: OfferId
    practice: str
    waiting: WaitingId
    freed: Freed
    round: int
    seat: str
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


def offer_id(event: str, round_: int, waiting: WaitingId) -> OfferId:
    """26 characters of a-z and 2-7: making the same offer again meets the first one."""
    digest = hashlib.sha256("\0".join(("offer", event, str(round_), waiting)).encode()).digest()
    return OfferId(base64.b32encode(digest).decode().lower()[:26])


def fits(ranges: Sequence[Range], starts_at: datetime, zone: ZoneInfo) -> bool:
    """Whether a start lies in any of the ranges, on the clocks of its place."""
    local = starts_at.astimezone(zone)
    return any(one.holds(local) for one in ranges)


def over_at(ranges: Sequence[Range], practice: Practice) -> datetime:
    """When the last of the dates has ended at every place of the practice."""
    after = max(one.last for one in ranges) + timedelta(days=1)
    zones = {practice.zone, *(place.zone for place in practice.places)}
    return calendar.instant_of(max(calendar.day_start(after, ZoneInfo(zone)) for zone in zones))


def check_ranges(until: datetime, now: datetime) -> None:
    """Raises `NothingToWaitFor` for an entry that would end by itself at `until`."""
    if not now < until <= now + FURTHEST:
        raise NothingToWaitFor("the last date has passed or is too far ahead", field="ranges")


def expires_at(now: datetime, *, lasts: timedelta, texting: Texting, zone: ZoneInfo, latest: datetime) -> datetime:
    """Until when an offer made now can be claimed, never beyond `latest`.

    Nobody is woken by an offer: in the client's quiet hours its time begins when they have ended.
    """
    return min(heard_at(now, texting, zone) + lasts, latest)


def heard_at(now: datetime, texting: Texting, zone: ZoneInfo) -> datetime:
    """The instant itself, or the end of the quiet hours that cover it on the client's clock."""
    if not _is_quiet(now, texting, zone):
        return now
    local = now.astimezone(zone)
    day = local.date() if local.time() < texting.quiet_until else local.date() + timedelta(days=1)
    ended = datetime.combine(day, time(texting.quiet_until.hour, texting.quiet_until.minute))
    first = calendar.first_instant(ended, zone)
    return first if first >= now else calendar.last_instant(ended, zone)


def _is_quiet(now: datetime, texting: Texting, zone: ZoneInfo) -> bool:
    at, begins, ends = now.astimezone(zone).time(), texting.quiet_from, texting.quiet_until
    return begins <= at < ends if begins <= ends else at >= begins or at < ends
