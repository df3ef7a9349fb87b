"""The document of a practice, one shape for TOML, HTTP and the database."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from services.booking.domain.practice import wall_minutes
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
Colour = Annotated[str, Field(max_length=7)]
WallTime = Annotated[str, AfterValidator(_wall), Field(description="local wall time, 00:00 to 24:00", max_length=5)]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="wall time, 00:00 to 23:59")]
Step = Annotated[str, Field(max_length=40)]
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


class Branding(Payload):
    """How the pages of the practice look; whatever is empty stays as it is on every practice's."""

    accent: Colour = Field("", description="of buttons and links, like #3d6657")
    ground: Colour = Field("", description="of the page")
    dark_accent: Colour = Field("", description="the same for who prefers dark pages; else a lighter accent")
    dark_ground: Colour = ""
    font: Literal["warm", "plain", "serif", "round"] = "warm"
    logo: str = Field("", max_length=68_000, description="a PNG, WebP or SVG file of at most 50,000 bytes, in base64")


class StepTiming(Payload):
    """When an optional text comes instead of at its usual time."""

    step: Step
    days: int | None = Field(None, description="so many days before or after the visit")
    hours: int | None = Field(None, description="so many hours before its start or after its end")
    at: ClockTime | None = Field(None, description="at this wall time of the client")


class Texting(Payload):
    """Either `steps`, the optional texts switched on, or a `preset` of them; without either the gentle one.

    Quiet hours are the client's local wall time.
    """

    preset: Literal["gentle", "full"] | None = Field(None, description="is kept as the steps that it stands for")
    steps: Annotated[tuple[Step, ...], Field(max_length=20)] | None = None
    quiet_from: ClockTime = "21:00"
    quiet_until: ClockTime = "08:00"
    timings: tuple[StepTiming, ...] = Field(default=(), max_length=20)
    most_a_day: int = Field(2, description="texts to one client, news and answers aside")
    most_a_week: int = Field(5, description="the same in seven days")
    wakes_for_changes: bool = Field(False, description="short-notice news may come at night")

    @model_validator(mode="after")
    def _is_one_choice(self) -> Texting:
        if self.preset is not None and self.steps is not None:
            raise ValueError("choose a preset or list the steps, not both")
        return self


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
    screening: Line = Field("cst-core", description=f'form of the health check; "{NO_SCREENING}" for none')
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
    sms_name: Line = Field(description="neutral name in texts, at most 21 plain characters that tell nothing of health")
    country: str = Field(description="two letters, like CH", max_length=2)
    zone: Line = Field(description="IANA zone of the practice itself")
    locale: Line = Field(description="language tag, like en-GB")
    phone: Line = Field(description="international number, like +41440000000")
    emergency_number: Line = Field(description="the local emergency number, like 112")
    alerts_phone: Line = Field("", description="number for texts to the practice when something waits for it")
    links: Links = Links()
    branding: Branding = Branding()
    sites: tuple[Address, ...] = Field(default=(), max_length=20, description="may show the booking pages in a frame")
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


class Own(Payload):
    """What a practice says of itself; whatever is absent or null stays as it is, also inside of a part."""

    name: Line | None = None
    sms_name: Line | None = None
    country: Annotated[str, Field(max_length=2)] | None = None
    zone: Line | None = None
    locale: Line | None = None
    phone: Line | None = None
    emergency_number: Line | None = None
    alerts_phone: Line | None = None
    links: Links | None = None
    branding: Branding | None = None
    sites: Annotated[tuple[Address, ...], Field(max_length=20)] | None = None
    texting: Texting | None = None
    buffers: Literal["larger", "summed"] | None = None
    review_hours: int | None = None
    assumed_attendance_minutes: int | None = None
    countries: Annotated[tuple[str, ...], Field(max_length=60)] | None = None
    verify_numbers: bool | None = None
    waitlist: Waitlist | None = None
