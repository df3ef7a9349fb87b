"""Why a time cannot be had, and the refusal for each reason availability gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from services.booking.domain.availability import Reason
from shared.errors import Kind, Refusal


class SlotTaken(Refusal):
    """Somebody else has this time, or its room, or too little is left between visits."""

    slug = "slot-taken"
    kind = Kind.CONFLICT


class OutsideHours(Refusal):
    """Nobody works then, or the start is not one of those that are offered."""

    slug = "outside-hours"
    kind = Kind.CONFLICT


class TooShortNotice(Refusal):
    """The practice wants to know earlier, or the time has passed."""

    slug = "too-short-notice"
    kind = Kind.CONFLICT


class TooFarAhead(Refusal):
    """The practice does not take bookings for that date yet."""

    slug = "too-far-ahead"
    kind = Kind.CONFLICT


class NotOffered(Refusal):
    """The practitioner does not offer this service."""

    slug = "not-offered"
    kind = Kind.CONFLICT


class NoSuchPractice(Refusal):
    """No practice of this id has been loaded."""

    slug = "no-such-practice"
    kind = Kind.NOT_FOUND


class NoSuchService(Refusal):
    """The practice has no service of this id."""

    slug = "no-such-service"
    kind = Kind.INVALID


class NoSuchPractitioner(Refusal):
    """The practice has no practitioner of this id."""

    slug = "no-such-practitioner"
    kind = Kind.INVALID


class NoSuchAppointment(Refusal):
    """There is no appointment of this id."""

    slug = "no-such-appointment"
    kind = Kind.NOT_FOUND


class KeyReused(Refusal):
    """The Idempotency-Key was used before, with another body."""

    slug = "idempotency-key-reused"
    kind = Kind.INVALID


TOLD: Final[Mapping[Reason, type[Refusal]]] = {
    Reason.SERVICE: NotOffered,
    Reason.EXCEPTION: OutsideHours,
    Reason.HOURS: OutsideHours,
    Reason.STEP: OutsideHours,
    Reason.NOTICE: TooShortNotice,
    Reason.HORIZON: TooFarAhead,
    Reason.VISIT: SlotTaken,
    Reason.BLOCK: OutsideHours,
    Reason.CALENDAR: OutsideHours,
    Reason.BUFFER: SlotTaken,
    Reason.LOAD: SlotTaken,
    Reason.ROOM: SlotTaken,
}
"""A block or an entry elsewhere is told as closed: why somebody is away is nobody's business.

A practitioner's limit is reached by visits that others have taken, so it is told as taken.
"""

_WORDS: Final[Mapping[type[Refusal], str]] = {
    NotOffered: "this service is not offered by whom was asked for",
    OutsideHours: "no visit starts at this time",
    TooShortNotice: "this time is too soon to be booked",
    TooFarAhead: "this date cannot be booked yet",
    SlotTaken: "this time has been taken",
}


def refused(reasons: Iterable[tuple[Reason, ...]]) -> Refusal:
    """What to tell whoever asked, when every practitioner asked has reasons: those of the one who came closest."""
    closest = min(
        (why for why in reasons if why), key=lambda why: (Reason.SERVICE in why, len(why)), default=(Reason.VISIT,)
    )
    kind = TOLD[closest[0]]
    return kind(_WORDS[kind])
