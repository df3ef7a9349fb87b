"""The document of a practice, one shape for TOML, HTTP and the database, and its mapping to the domain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date, time
from itertools import groupby
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from services.booking.domain import practice as domain
from services.booking.domain.practice import wall_minutes, wall_text
from services.booking.domain.practice_check import check
from services.booking.moments import Moment
from shared.httpkit import Payload

NO_SCREENING: Final = "off"
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _wall(text: str) -> str:
    wall_minutes(text)
    return text


Id = Annotated[str, Field(description="lower-case letters, digits and hyphens", max_length=40)]
Line = Annotated[str, Field(max_length=200)]
Address = Annotated[str, Field(max_length=500)]
Prose = Annotated[str, Field(max_length=4000)]
WallTime = Annotated[str, AfterValidator(_wall), Field(description="local wall time, 00:00 to 24:00", max_length=5)]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="wall time, 00:00 to 23:59")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Few = Field(default=(), max_length=100)
Many = Field(default=(), max_length=1000)


class Price(Payload):
    minor_units: int = Field(description="cents, pence, yen")
    currency: str = Field(description="three letters, like CHF", max_length=3)


class Links(Payload):
    website: Address = ""
    privacy: Address = ""
    directions: Address = ""


class Texting(Payload):
    """`steps` are the optional texts switched on; quiet hours are the client's local wall time."""

    steps: tuple[Annotated[str, Field(max_length=40)], ...] = Field(default=domain.Texting().steps, max_length=20)
    quiet_from: ClockTime = "21:00"
    quiet_until: ClockTime = "08:00"


class Waitlist(Payload):
    """To how many waiting clients a freed time is offered at once, and for how long before it goes to the next."""

    batch: int = 1
    offer_minutes: int = 120


class Place(Payload):
    id: Id
    name: Line
    address: Line
    zone: Line = Field(description="IANA zone of all hours kept here")


class Room(Payload):
    id: Id
    place: Id
    name: Line = ""


class Service(Payload):
    id: Id
    name: Line
    length_minutes: int = 60
    price: Price | None = None
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    needs_room: bool = False
    step_minutes: int = Field(15, description="raster of the offered starts, counted from where the hours begin")
    notice_minutes: int = Field(0, description="how long before its start a time can still be booked")
    horizon_days: int = Field(90, description="how many dates ahead can be booked")
    cancellation_window_hours: int = Field(24, description="inside it a client cancels late and no longer moves")
    screening: Line = Field("cst-core", description=f'rule set of the health check; "{NO_SCREENING}" for none')
    preparation: Prose = ""
    aftercare: Prose = ""
    audience: Literal["all", "new", "returning"] = Field("all", description="returning clients have attended before")
    age_from: int | None = Field(None, description="youngest, in whole years on the day of the visit")
    age_until: int | None = Field(None, description="oldest, in whole years on the day of the visit")
    course_days_from: int = Field(5, description="the visits of a course lie at least so many days apart")
    course_days_until: int = Field(10, description="and at most so many")


class Hours(Payload):
    """Half-open: a visit may end exactly at `ends`."""

    place: Id
    starts: WallTime
    ends: WallTime


class WeeklyHours(Hours):
    days: tuple[Weekday, ...] = Field(min_length=1, max_length=7)


class DayException(Payload):
    """Replaces all hours of one date; no hours means closed."""

    day: date
    hours: tuple[Hours, ...] = Few
    note: Line = ""


class Block(Payload):
    """Time off. With an offset both ends are instants; without, wall time in the practice's zone."""

    starts_at: Moment
    ends_at: Moment
    note: Line = ""


class Reset(Payload):
    """After a visit of the service the practitioner needs so many minutes before the next one."""

    service: Id
    minutes: int


class Load(Payload):
    """At most so many visits in a row, with less than the pause between them."""

    most_in_a_row: int | None = None
    pause_minutes: int = 30
    resets: tuple[Reset, ...] = Few


class Practitioner(Payload):
    id: Id
    name: Line
    profession: Line = ""
    licence_type: Line = ""
    licence_number: Line = ""
    services: tuple[Id, ...] = Few
    hours: tuple[WeeklyHours, ...] = Few
    exceptions: tuple[DayException, ...] = Many
    blocks: tuple[Block, ...] = Many
    load: Load = Load()
    calendars: tuple[Address, ...] = Field(
        default=(), max_length=10, description="ICS addresses; busy there, busy here"
    )
    directories: tuple[Address, ...] = Field(default=(), max_length=10, description="pages in public directories")
    alerts_phone: Line = Field("", description="number for texts to the practitioner")


class Profile(Payload):
    """A whole practice."""

    id: Id
    name: Line
    sms_name: Line = Field(description="neutral name in texts, at most 21 plain characters")
    country: str = Field(description="two letters, like CH", max_length=2)
    zone: Line = Field(description="IANA zone of the practice itself")
    locale: Line = Field(description="language tag, like en-GB")
    phone: Line = Field(description="international number, like +41440000000")
    emergency_number: Line = Field(description="the local emergency number, like 112")
    links: Links = Links()
    texting: Texting = Texting()
    buffers: Literal["larger", "summed"] = Field("larger", description="what two neighbouring visits need between them")
    review_hours: int = Field(48, description="how long a time stays held while a person looks at the health check")
    assumed_attendance_minutes: int = Field(30, description="how long after its end a visit counts as attended")
    countries: tuple[str, ...] = Field(default=(), max_length=60, description="whose mobile numbers are taken")
    verify_numbers: bool = Field(False, description="send a code to a number that was not seen before")
    waitlist: Waitlist = Waitlist()
    places: tuple[Place, ...] = Few
    rooms: tuple[Room, ...] = Few
    services: tuple[Service, ...] = Few
    practitioners: tuple[Practitioner, ...] = Few


def read(document: Profile) -> domain.Practice:
    """The practice that the document describes; raises `InvalidPractice` naming the fields that break a rule."""
    practice = described(document)
    check(practice)
    return practice


def described(document: Profile) -> domain.Practice:
    """The same, unchecked: what was stored under the rules of its day is still a practice today."""
    return domain.Practice(
        **_fields(document)
        | {
            "links": domain.Links(**_fields(document.links)),
            "texting": _texting(document.texting),
            "buffers": domain.Buffers(document.buffers),
            "waitlist": domain.WaitlistPolicy(**_fields(document.waitlist)),
            "places": tuple(place(one) for one in document.places),
            "rooms": tuple(room(one) for one in document.rooms),
            "services": tuple(service(one) for one in document.services),
            "practitioners": tuple(practitioner(one) for one in document.practitioners),
        }
    )


def written(practice: domain.Practice) -> Profile:
    """The opposite of `read`: what is read from it again is equal to `practice`."""
    return Profile.model_validate(
        asdict(practice)
        | {
            "texting": _written_texting(practice.texting),
            "services": [asdict(service) | _screening(service) for service in practice.services],
            "practitioners": [_written_person(person) for person in practice.practitioners],
        }
    )


Fields = dict[str, Any]
"""Keyword arguments of a domain class that has the same fields as its document."""


def _fields(document: Payload) -> Fields:
    return dict(document)


def _texting(texting: Texting) -> domain.Texting:
    quiet_from, quiet_until = time.fromisoformat(texting.quiet_from), time.fromisoformat(texting.quiet_until)
    return domain.Texting(steps=texting.steps, quiet_from=quiet_from, quiet_until=quiet_until)


def _written_texting(texting: domain.Texting) -> Fields:
    return {
        "steps": texting.steps,
        "quiet_from": f"{texting.quiet_from:%H:%M}",
        "quiet_until": f"{texting.quiet_until:%H:%M}",
    }


def place(document: Place) -> domain.Place:
    return domain.Place(**_fields(document))


def room(document: Room) -> domain.Room:
    return domain.Room(**_fields(document))


def service(document: Service) -> domain.Service:
    price = None if document.price is None else domain.Price(**_fields(document.price))
    screening = None if document.screening == NO_SCREENING else document.screening
    return domain.Service(
        **_fields(document) | {"price": price, "screening": screening, "audience": domain.Audience(document.audience)}
    )


def _screening(service: domain.Service) -> Fields:
    return {"screening": NO_SCREENING if service.screening is None else service.screening}


def practitioner(document: Practitioner) -> domain.Practitioner:
    return domain.Practitioner(
        **_fields(document)
        | {
            "hours": week(document.hours),
            "exceptions": tuple(exception(one) for one in document.exceptions),
            "blocks": tuple(block(one) for one in document.blocks),
            "load": _load(document.load),
        }
    )


def week(documents: Iterable[WeeklyHours]) -> tuple[domain.WeeklyHours, ...]:
    """One entry for each weekday and range, in order."""
    hours = (weekly for grouped in documents for weekly in _weekly(grouped))
    return tuple(sorted(hours, key=lambda weekly: (weekly.weekday, weekly.starts, weekly.ends, weekly.place)))


def exception(document: DayException) -> domain.DayException:
    hours = tuple(_hours(one) for one in document.hours)
    return domain.DayException(day=document.day, hours=hours, note=document.note)


def block(document: Block) -> domain.Block:
    return domain.Block(**_fields(document))


def _load(load: Load) -> domain.Load:
    resets = tuple(domain.Reset(**_fields(reset)) for reset in load.resets)
    return domain.Load(**_fields(load) | {"resets": resets})


def _hours(hours: Hours) -> domain.Hours:
    return domain.Hours(place=hours.place, starts=wall_minutes(hours.starts), ends=wall_minutes(hours.ends))


def _weekly(hours: WeeklyHours) -> Iterator[domain.WeeklyHours]:
    for day in hours.days:
        once = _hours(hours)
        yield domain.WeeklyHours(weekday=WEEKDAYS.index(day), place=once.place, starts=once.starts, ends=once.ends)


def _written_person(person: domain.Practitioner) -> Fields:
    exceptions = [
        {"day": one.day, "hours": [_written_hours(hours) for hours in one.hours], "note": one.note}
        for one in person.exceptions
    ]
    return asdict(person) | {"hours": list(_written_week(person.hours)), "exceptions": exceptions}


def _written_hours(hours: domain.Hours) -> Fields:
    return {"place": hours.place, "starts": wall_text(hours.starts), "ends": wall_text(hours.ends)}


def _written_week(week: Iterable[domain.WeeklyHours]) -> Iterator[Fields]:
    """Weekdays with the same hours become one entry."""

    def span(hours: domain.WeeklyHours) -> tuple[str, int, int]:
        return hours.place, hours.starts, hours.ends

    for _, same in groupby(sorted(week, key=lambda hours: (*span(hours), hours.weekday)), key=span):
        hours = list(same)
        yield _written_hours(hours[0]) | {"days": [WEEKDAYS[one.weekday] for one in hours]}
