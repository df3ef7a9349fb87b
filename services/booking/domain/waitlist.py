"""Waiting for a time: who waits for what, until when, and when they may be spoken to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, NewType
from zoneinfo import ZoneInfo

from services.booking.domain import calendar
from services.booking.domain.appointment import Client
from services.booking.domain.practice import Practice
from services.booking.domain.texting import Texting
from shared.errors import Kind, Refusal

WaitingId = NewType("WaitingId", str)
FURTHEST: Final = timedelta(days=366)


class AlreadyWaiting(Refusal):
    """This client waits for the same already, with other wishes; that entry has to be left first."""

    slug = "already-waiting"
    kind = Kind.CONFLICT


class NothingToWaitFor(Refusal):
    """The last date has passed, or lies further ahead than anybody plans."""

    slug = "nothing-to-wait-for"
    kind = Kind.INVALID


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
