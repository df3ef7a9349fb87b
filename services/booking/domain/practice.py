"""The profile of a practice: who works where and when, what is offered, and under which policies."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from services.booking.domain.branding import Branding
from services.booking.domain.texting import Texting

RASTER_MINUTES = 5
"""Lengths, buffers, steps and hours are multiples of this, so that visits fill whole cells of the unique index."""
LONGEST_VISIT_MINUTES = 480
LONGEST_BUFFER_MINUTES = 120
DAY_MINUTES = 1440


class Buffers(StrEnum):
    """What two neighbouring visits need between them: the larger of the two needs, or both."""

    LARGER = "larger"
    SUMMED = "summed"


class Audience(StrEnum):
    """For whom a service is; who has attended a visit before is a returning client."""

    ALL = "all"
    NEW = "new"
    RETURNING = "returning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """`minor_units` of an ISO 4217 currency: cents, pence, yen."""

    minor_units: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Public addresses of the practice; empty when there is none."""

    website: str = ""
    privacy: str = ""
    directions: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where visits take place; `zone` is the IANA zone of all hours kept there."""

    id: str
    name: str
    address: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    id: str
    place: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A half-open range of local wall time at a place, in minutes from midnight; `ends` may be 1440 (24:00)."""

    place: str
    starts: int
    ends: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyHours(Hours):
    """Hours of every such weekday, 0 = Monday."""

    weekday: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayException:
    """Replaces all weekly hours of one local date, at every place; no hours means closed."""

    day: date
    hours: tuple[Hours, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Time off, half-open. Aware ends are instants; naive ends are wall time in the practice's zone."""

    starts_at: datetime
    ends_at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """After a visit of the service the practitioner needs so many minutes before the next one begins."""

    service: str
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much a practitioner takes on: at most so many visits in a row, None for no limit.

    Visits are in a row while less than `pause_minutes` lie between one's end and the next one's start.
    """

    most_in_a_row: int | None = None
    pause_minutes: int = 30
    resets: tuple[Reset, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistPolicy:
    """To how many waiting clients a freed time is offered at once, and for how long before it goes to the next."""

    batch: int = 1
    offer_minutes: int = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Practitioner:
    """`services` are the ids of what this person offers; `calendars` are addresses of outside ones."""

    id: str
    name: str
    services: tuple[str, ...]
    hours: tuple[WeeklyHours, ...]
    profession: str = ""
    licence_type: str = ""
    licence_number: str = ""
    exceptions: tuple[DayException, ...] = ()
    blocks: tuple[Block, ...] = ()
    load: Load = field(default_factory=Load)
    calendars: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    alerts_phone: str = ""

    @property
    def places(self) -> tuple[str, ...]:
        """Ids of the places where there are ever hours, sorted."""
        exceptional = (hours.place for exception in self.exceptions for hours in exception.hours)
        return tuple(sorted({*(hours.place for hours in self.hours), *exceptional}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`screening` names the form of the health check, None switches it off; the horizon is in local dates.

    Ages are in whole years on the day of the visit, both bounds included; None is no bound. The visits of a course lie
    `course_days_from` to `course_days_until` local dates apart.
    """

    id: str
    name: str
    length_minutes: int = 60
    price: Price | None = None
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    needs_room: bool = False
    step_minutes: int = 15
    notice_minutes: int = 0
    horizon_days: int = 90
    cancellation_window_hours: int = 24
    screening: str | None = "cst-core"
    preparation: str = ""
    aftercare: str = ""
    audience: Audience = Audience.ALL
    age_from: int | None = None
    age_until: int | None = None
    course_days_from: int = 5
    course_days_until: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """`sms_name` is the neutral name in texts; `zone` is the practice's own, places may lie in others.

    `alerts_phone` is where the practice itself is texted when something waits for it; empty if nowhere.
    Mobile numbers of `countries` are taken, of the practice's own country if there are none. `verify_numbers` asks a
    client whose number has not been seen before for a code that was sent there. `sites` are the origins whose pages may
    hold those of booking in a frame.
    """

    id: str
    name: str
    sms_name: str
    country: str
    zone: str
    locale: str
    phone: str
    emergency_number: str
    alerts_phone: str = ""
    links: Links = field(default_factory=Links)
    branding: Branding = field(default_factory=Branding)
    sites: tuple[str, ...] = ()
    texting: Texting = field(default_factory=Texting)
    buffers: Buffers = Buffers.LARGER
    review_hours: int = 48
    assumed_attendance_minutes: int = 30
    countries: tuple[str, ...] = ()
    verify_numbers: bool = False
    waitlist: WaitlistPolicy = field(default_factory=WaitlistPolicy)
    places: tuple[Place, ...] = ()
    rooms: tuple[Room, ...] = ()
    practitioners: tuple[Practitioner, ...] = ()
    services: tuple[Service, ...] = ()

    def place(self, place: str) -> Place:
        """Raises KeyError for an unknown id, as do its sisters."""
        return _by_id(self.places, place)

    def room(self, room: str) -> Room:
        return _by_id(self.rooms, room)

    def practitioner(self, practitioner: str) -> Practitioner:
        return _by_id(self.practitioners, practitioner)

    def service(self, service: str) -> Service:
        return _by_id(self.services, service)

    def who_offers(self, service: str) -> tuple[Practitioner, ...]:
        """Everyone who offers the service, by name."""
        offering = (person for person in self.practitioners if service in person.services)
        return tuple(sorted(offering, key=lambda person: (person.name, person.id)))

    def rooms_at(self, place: str) -> tuple[Room, ...]:
        """The rooms of a place, by id."""
        return tuple(sorted((room for room in self.rooms if room.place == place), key=lambda room: room.id))


def wall_minutes(text: str) -> int:
    """Minutes from midnight of "HH:MM", "24:00" included; ValueError otherwise."""
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", text):
        raise ValueError(f"{text!r} is not a time of day like 09:30 or 24:00")
    return int(text[:2]) * 60 + int(text[3:])


def wall_text(minutes: int) -> str:
    """The opposite of `wall_minutes`."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


One = TypeVar("One", Place, Room, Practitioner, Service)


def _by_id(among: tuple[One, ...], wanted: str) -> One:
    for one in among:
        if one.id == wanted:
            return one
    raise KeyError(wanted)
