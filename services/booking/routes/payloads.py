"""The bodies and answers of booking's HTTP interface."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, Field

from services.booking import profile
from services.booking.domain.appointment import State
from services.booking.moments import FIRST_YEAR, LAST_YEAR, Instant
from shared.httpkit import Payload

FIRST_BORN: Final = 1900
_ZONES: Final = frozenset(available_timezones())


def _zone(name: str) -> str:
    if name not in _ZONES:
        raise ValueError("not an IANA time zone like Europe/Zurich")
    return name


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("empty, or more than one printable line")
    return text.strip()


def _near(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"not in the years {FIRST_YEAR} to {LAST_YEAR}")
    return day


def _living(day: date) -> date:
    if not FIRST_BORN <= day.year <= LAST_YEAR:
        raise ValueError(f"not in the years {FIRST_BORN} to {LAST_YEAR}")
    return day


Id = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,39}$")]
Zone = Annotated[str, AfterValidator(_zone), Field(max_length=60, description="IANA time zone")]
Name = Annotated[str, AfterValidator(_one_line), Field(min_length=1, max_length=120)]
Phone = Annotated[
    str, Field(min_length=4, max_length=40, description="mobile number, international or as dialled in the country")
]
Locale = Annotated[str, Field(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", description="language tag, like en-GB")]
Day = Annotated[date, AfterValidator(_near)]
BirthDate = Annotated[date, AfterValidator(_living)]
Code = Annotated[str, Field(pattern="^[0-9]{6}$")]


class AgendaQuery(Payload):
    """Dates in the practice's zone; `from` is today if absent."""

    from_: Day | None = Field(None, alias="from")
    days: int = Field(1, ge=1, le=92)


class HoldBody(Payload):
    service: Id
    starts_at: Instant
    practitioner: Id | None = Field(None, description="any, if absent")


class GuardianBody(Payload):
    name: Name
    phone: Phone


class ClientBody(Payload):
    name: Name
    phone: Phone
    locale: Locale
    zone: Zone
    guardian: GuardianBody | None = Field(None, description="for a client under 18; the texts go there")
    born: BirthDate | None = Field(None, description="needed where the service is for certain ages")


class ConsentBody(Payload):
    """To which texts the client agreed, and the wording that was shown."""

    texts: bool
    wording: str = Field(min_length=1, max_length=2000)
    offers: bool = Field(False, description="whether the client also agreed to be texted offers of further visits")


class RequestBody(Payload):
    client: ClientBody
    consent: ConsentBody
    code: Code | None = Field(None, description="that was texted to the number, where it has to be proven")


class MoveBody(Payload):
    starts_at: Instant
    practitioner: Id | None = Field(None, description="the same as before, if absent")


class ServiceView(BaseModel):
    id: str
    name: str
    length_minutes: int
    screening: str | None = Field(None, description="form of the health check; absent if there is none")


class AppointmentView(BaseModel):
    """`next` is what has to happen: request, answer the health check, wait, come; or nothing any more.

    `check` is there while the health check is wanted once more: `again` by `held_until`, or `later`, from `check_from`.
    """

    id: str
    practice: str
    state: State
    next: Literal["request", "answer", "wait", "come", "nothing"]
    version: int
    service: ServiceView
    practitioner: str
    practitioner_name: str
    place_name: str
    place_address: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    held_until: datetime | None = None
    check: Literal["again", "later"] | None = None
    check_from: datetime | None = None
    may_renew: bool = Field(description="the hold can be given as long again, once")
    may_move: bool
    may_cancel: bool
    cancels_late: bool = Field(description="cancelling now would be inside the practice's window")
    cancelled_by: Literal["client", "practice"] | None = None
    token: str | None = Field(None, description="the bearer token for this appointment; only on hold and move")


class GuardianView(BaseModel):
    name: str
    phone: str


class ClientView(BaseModel):
    ref: str
    name: str
    phone: str
    locale: str
    zone: str
    guardian: GuardianView | None = None


class AgendaEntry(BaseModel):
    appointment: AppointmentView
    room: str | None = None
    client: ClientView | None = None
    said_yes: bool = Field(description="the client answered the reminder: they come")
    asked_to_move: bool


class AgendaDay(BaseModel):
    date: date
    visits: list[AgendaEntry]


class Agenda(BaseModel):
    zone: str
    days: list[AgendaDay]


class PractitionerView(BaseModel):
    id: str
    name: str
    profession: str
    licence_type: str
    licence_number: str
    services: list[str]


class PracticeView(BaseModel):
    """What everybody may know of a practice."""

    id: str
    name: str
    country: str
    zone: str
    locale: str
    phone: str
    emergency_number: str
    links: profile.Links
    places: list[profile.Place]
    services: list[profile.Service]
    practitioners: list[PractitionerView]
