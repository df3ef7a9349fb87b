"""Which booked visits no longer fit their practice: told after every change of it, and never moved by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from services.booking.domain.appointment import BOOKED, Appointment, Offer
from services.booking.domain.practice import Block, Practice, Practitioner, Service
from services.booking.domain.question import Question, Reason
from services.booking.domain.rules import Rules

NEAR: Final = timedelta(days=3)
"""Further from a visit than this no block on anybody's wall can reach it."""


class Why(StrEnum):
    """Why a visit would not be booked today: its times, or what it needs is gone."""

    PRACTITIONER = "practitioner"
    SERVICE = "service"
    PLACE = "place"
    ROOM = "room"
    EXCEPTION = "exception"
    HOURS = "hours"
    BLOCK = "block"


TIMES: Final = {Reason.EXCEPTION: Why.EXCEPTION, Reason.HOURS: Why.HOURS, Reason.BLOCK: Why.BLOCK}
"""Of the rules of availability those that a change of the profile can turn against what is booked already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """A visit and why it no longer fits."""

    appointment: Appointment
    reasons: tuple[Why, ...]


def outside(practice: Practice, visits: Iterable[Appointment]) -> tuple[Outside, ...]:
    """Those of the booked visits that the practice, as it is now, has no room for."""
    found = ((visit, tuple(_against(practice, visit))) for visit in visits if visit.state in BOOKED)
    return tuple(Outside(appointment=visit, reasons=reasons) for visit, reasons in found if reasons)


def _against(practice: Practice, visit: Appointment) -> Iterator[Why]:
    offer = visit.offer
    person = next((person for person in practice.practitioners if person.id == offer.practitioner), None)
    if person is None:
        yield Why.PRACTITIONER
    if not _is_offered(practice, offer.service, person):
        yield Why.SERVICE
    if offer.place and offer.place not in {place.id for place in practice.places}:
        yield Why.PLACE
    elif person is not None:
        yield from _times(practice, visit, _nearby(person, visit))
    if offer.room is not None and not _has_room(practice, offer):
        yield Why.ROOM


def _is_offered(practice: Practice, service: str, person: Practitioner | None) -> bool:
    known = service in {one.id for one in practice.services}
    return known and (person is None or service in person.services)


def _has_room(practice: Practice, offer: Offer) -> bool:
    return any(room.id == offer.room and offer.place in {"", room.place} for room in practice.rooms)


def _times(practice: Practice, visit: Appointment, person: Practitioner) -> Sequence[Why]:
    """What the rules of availability say against the visit, as long as it was booked.

    Of a visit that was taken before its place was kept, what the best of the practitioner's places says.
    """
    asked = Question(
        practice=practice,
        service=_as_booked(visit),
        practitioner=person.id,
        now=visit.starts_at,
        starts_from=visit.starts_at,
        starts_until=visit.starts_at + timedelta(minutes=1),
    )
    places = (practice.place(place) for place in person.places if visit.offer.place in {"", place})
    verdicts = (
        [TIMES[reason] for reason in Rules(asked, person, place).against(visit.starts_at) if reason in TIMES]
        for place in places
    )
    return min(verdicts, key=len, default=[Why.HOURS])


def _as_booked(visit: Appointment) -> Service:
    offer = visit.offer
    length = round(offer.length.total_seconds() / 60)
    return Service(id=offer.service, name=offer.service_name, length_minutes=length, screening=None)


def _nearby(person: Practitioner, visit: Appointment) -> Practitioner:
    """The same with only those blocks that can matter: there may be a thousand, and as many visits."""
    return replace(person, blocks=tuple(block for block in person.blocks if _is_near(block, visit)))


def _is_near(block: Block, visit: Appointment) -> bool:
    starts_at, ends_at = (at.replace(tzinfo=None) for at in (visit.starts_at, visit.ends_at))
    return block.starts_at.replace(tzinfo=None) < ends_at + NEAR and starts_at - NEAR < block.ends_at.replace(
        tzinfo=None
    )
