"""What booking says: a practice changed, and every turn in the life of an appointment."""

from __future__ import annotations

from datetime import time
from typing import ClassVar, Literal

from pydantic import AwareDatetime

from shared.events import Contract, Event


class ServiceFacts(Contract):
    """What hearers need of a service. `screening` names the form, None switches the health check off."""

    id: str
    name: str
    length_minutes: int
    screening: str | None = None


class StepTiming(Contract):
    """When a practice wants a step: so many days or hours from the visit, at this wall time; None is as usual."""

    step: str
    days: int | None = None
    hours: int | None = None
    at: time | None = None


class TextingPolicy(Contract):
    """How a practice texts. `steps` are the optional steps switched on; quiet hours are local wall time.

    A client gets at most `most_a_day` and `most_a_week` texts; `wakes_for_changes` lets news of a visit that the
    practice changes at short notice break the quiet hours.
    """

    steps: tuple[str, ...] = ("prepare", "day_before", "two_hours", "aftercare")
    quiet_from: time = time(21)
    quiet_until: time = time(8)
    timings: tuple[StepTiming, ...] = ()
    most_a_day: int = 2
    most_a_week: int = 5
    wakes_for_changes: bool = False


class PracticeChanged(Event):
    """The whole profile that screening and notify keep their own copy of; subject is the practice.

    `alerts_phone` is where the practice itself wants to be texted when something waits for it. `sites` are the origins
    whose pages may hold the client's pages in a frame; `theme` is the version of booking's stylesheet for them.
    """

    name: ClassVar[str] = "booking.practice.changed.v1"

    display_name: str
    sms_name: str
    country: str
    zone: str
    locale: str
    phone: str
    emergency_number: str
    review_hours: int = 48
    alerts_phone: str | None = None
    sites: tuple[str, ...] | None = None
    theme: str | None = None
    texting: TextingPolicy = TextingPolicy()
    services: tuple[ServiceFacts, ...] = ()


class Consent(Contract):
    """What the client agreed to: `texts` about the visit, `offers` of further visits, under which wording, when."""

    texts: bool
    wording: str
    given_at: AwareDatetime
    offers: Literal[True] | None = None


class Guardian(Contract):
    """Who answers for a client under 18; the texts go there."""

    name: str
    phone: str


class Client(Contract):
    """Who comes. `ref` is stable per practice and number; `phone` is E.164; `zone` is an IANA name."""

    ref: str
    name: str
    phone: str
    locale: str
    zone: str
    consent: Consent
    guardian: Guardian | None = None


class CourseSeat(Contract):
    """The visit's place in a course. The first, index 0, speaks for the whole; no `count` where it is open-ended."""

    course: str
    index: int
    count: int | None = None


class AppointmentEvent(Event):
    """The snapshot every appointment event carries; subject is the appointment, sequence its version.

    Times are UTC instants; `zone` is the IANA zone in which the visit takes place; `ends_at` is exclusive
    and without buffers.
    """

    appointment: str
    state: Literal["requested", "in_review", "confirmed", "attended", "missed", "declined", "lapsed", "cancelled"]
    service: ServiceFacts
    practitioner: str
    practitioner_name: str
    place_name: str
    place_address: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    zone: str
    client: Client
    seat: CourseSeat | None = None


class AppointmentRequested(AppointmentEvent):
    name: ClassVar[str] = "booking.appointment.requested.v1"


class AppointmentConfirmed(AppointmentEvent):
    """`again` after the confirmation that was said before had ceased to be true."""

    name: ClassVar[str] = "booking.appointment.confirmed.v1"

    again: Literal[True] | None = None


class AppointmentInReview(AppointmentEvent):
    """A person decides; the time stays held until `review_until`. `again` after it had been confirmed."""

    name: ClassVar[str] = "booking.appointment.in_review.v1"

    review_until: AwareDatetime
    again: Literal[True] | None = None


class AppointmentMoved(AppointmentEvent):
    """`check_until` while the health check is awaited once more, for the visit at its new time too."""

    name: ClassVar[str] = "booking.appointment.moved.v1"

    moved_from: AwareDatetime
    moved_by: Literal["client", "practice"]
    check_until: AwareDatetime | None = None


class AppointmentCheckAsked(AppointmentEvent):
    """The health check of this visit is wanted (once more): until it is decided the visit is not confirmed.

    The time stays held until `check_until`. `checked` is the newest version of the case that booking had heard of
    then, 0 for none: screening knows by it whether its own newer word is still on the way.
    """

    name: ClassVar[str] = "booking.appointment.check_asked.v1"

    check_until: AwareDatetime
    checked: int


class AppointmentCancelled(AppointmentEvent):
    """`late` is inside the service's cancellation window."""

    name: ClassVar[str] = "booking.appointment.cancelled.v1"

    cancelled_by: Literal["client", "practice"]
    late: bool


class AppointmentDeclined(AppointmentEvent):
    name: ClassVar[str] = "booking.appointment.declined.v1"


class AppointmentLapsed(AppointmentEvent):
    """Nobody decided in time and the time is free again; said only of what had been requested."""

    name: ClassVar[str] = "booking.appointment.lapsed.v1"


class AppointmentAttended(AppointmentEvent):
    """`assumed` when nobody said so and the end had passed long enough."""

    name: ClassVar[str] = "booking.appointment.attended.v1"

    assumed: bool


class AppointmentMissed(AppointmentEvent):
    name: ClassVar[str] = "booking.appointment.missed.v1"


class WaitlistOffered(Event):
    """A freed time is offered to somebody who waits; subject is the offer. Who claims it first has it.

    Said again, it has ended before its time: `expires_at` is when.
    `instant` when claiming confirms it, because a health check that still counts covers that date.
    """

    name: ClassVar[str] = "booking.waitlist.offered.v1"

    offer: str
    service_name: str
    practitioner_name: str
    place_name: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    zone: str
    expires_at: AwareDatetime
    instant: bool
    client: Client


class CodeAsked(Event):
    """A client who is not known yet wants the code that proves their number; subject is the check of that number."""

    name: ClassVar[str] = "booking.number.code_asked.v1"

    check: str
    phone: str
    locale: str
    zone: str
    code: str
    expires_at: AwareDatetime


class ClientMerged(Event):
    """Two records were of one person: what is known of `ref` is known of `into`; subject is `into`."""

    name: ClassVar[str] = "booking.client.merged.v1"

    ref: str
    into: str


class ClientAsk(Event):
    """What is asked of every service about one client; subject is the ask. `appointments` are all of that client's."""

    ask: str
    refs: tuple[str, ...]
    phones: tuple[str, ...]
    appointments: tuple[str, ...]


class ClientEraseAsked(ClientAsk):
    """Forget the client: every hearer erases what it holds and says so."""

    name: ClassVar[str] = "booking.client.erase_asked.v1"


class ClientExportAsked(ClientAsk):
    """Make what is held of the client ready to be fetched: every hearer says when it is."""

    name: ClassVar[str] = "booking.client.export_asked.v1"
