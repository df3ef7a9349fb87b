"""What a change says: the latest turn of an appointment, or the whole profile of a practice, as events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final, Literal

from services.booking.domain import branding
from services.booking.domain.appointment import Appointment, Client, Deed, Turn
from services.booking.domain.client import AskKind, ClientAsk
from services.booking.domain.freed import Offered
from services.booking.domain.practice import Practice
from services.booking.domain.proof import PAUSE, Proof
from shared import telemetry
from shared.events import Envelope, booking, envelope
from shared.relay import Said


def announce(turned: Appointment) -> Said:
    """The event of the latest turn. A hold says nothing, nor does its end: nobody was told of it.

    A course is asked for by its first visit alone.
    """
    turn = turned.history[-1]
    say = FACTS.get(turn.deed)
    if say is None or turned.client is None or (turn.deed is Deed.REQUESTED and turned.follows):
        return ()
    said = envelope(
        say(turned, turn, _snapshot(turned, turned.client)),
        subject=turned.id,
        practice=turned.practice,
        sequence=turned.version,
        at=turn.at,
        traceparent=telemetry.current_trace(),
    )
    return (said,)


def practice_changed(practice: Practice, *, version: int, at: datetime) -> Envelope[booking.PracticeChanged]:
    texting = practice.texting
    fact = booking.PracticeChanged(
        display_name=practice.name,
        sms_name=practice.sms_name,
        country=practice.country,
        zone=practice.zone,
        locale=practice.locale,
        phone=practice.phone,
        emergency_number=practice.emergency_number,
        alerts_phone=practice.alerts_phone or None,
        sites=practice.sites or None,
        theme=branding.version(practice.branding) or None,
        review_hours=practice.review_hours,
        texting=booking.TextingPolicy(**asdict(texting)),
        services=tuple(
            booking.ServiceFacts(
                id=service.id, name=service.name, length_minutes=service.length_minutes, screening=service.screening
            )
            for service in practice.services
        ),
    )
    trace = telemetry.current_trace()
    return envelope(fact, subject=practice.id, practice=practice.id, sequence=version, at=at, traceparent=trace)


def code_asked(
    proof: Proof, *, phone: str, code: str, locale: str, zone: str, at: datetime
) -> Envelope[booking.CodeAsked]:
    """The only place where a code stands in clear; it leaves the database when it has been published.

    The sequence counts pauses between codes since 1970, not versions: a proof that nobody completed is forgotten, and
    the next code for that number must not be taken for the first one, which was sent long ago.
    """
    fact = booking.CodeAsked(
        check=proof.id, phone=phone, locale=locale, zone=zone, code=code, expires_at=proof.expires_at or at
    )
    trace, sequence = telemetry.current_trace(), int(at.timestamp() // PAUSE.total_seconds())
    return envelope(fact, subject=proof.id, practice=proof.practice, sequence=sequence, at=at, traceparent=trace)


def client_merged(practice: str, ref: str, *, into: str, sequence: int, at: datetime) -> Envelope[booking.ClientMerged]:
    """`sequence` counts what was merged into that record."""
    fact = booking.ClientMerged(ref=ref, into=into)
    trace = telemetry.current_trace()
    return envelope(fact, subject=into, practice=practice, sequence=sequence, at=at, traceparent=trace)


ASKED: Final[Mapping[AskKind, type[booking.ClientAsk]]] = {
    AskKind.ERASE: booking.ClientEraseAsked,
    AskKind.EXPORT: booking.ClientExportAsked,
}


def client_asked(ask: ClientAsk) -> Said:
    """What the first write of an ask says."""
    subject = ask.subject
    if subject is None:
        return ()
    fact = ASKED[ask.kind](
        ask=ask.id, refs=subject.refs, phones=subject.phones, appointments=tuple(map(str, subject.appointments))
    )
    trace = telemetry.current_trace()
    said = envelope(fact, subject=ask.id, practice=ask.practice, sequence=1, at=ask.asked_at, traceparent=trace)
    return (said,)


def waitlist_offered(offered: Offered, client: Client) -> Said:
    """The offer of a freed time, for its client to be texted."""
    return _offered(offered, client, sequence=1, at=offered.made_at)


def waitlist_ended(offered: Offered, client: Client, at: datetime) -> Said:
    """The same offer once more, over as it is said: a text that waits for the morning must not go out any more."""
    return _offered(replace(offered, expires_at=min(at, offered.expires_at)), client, sequence=2, at=at)


def _offered(offered: Offered, client: Client, *, sequence: int, at: datetime) -> Said:
    fact = booking.WaitlistOffered(
        offer=offered.id,
        service_name=offered.service_name,
        practitioner_name=offered.practitioner_name,
        place_name=offered.place_name,
        starts_at=offered.starts_at,
        ends_at=offered.ends_at,
        zone=offered.zone,
        expires_at=offered.expires_at,
        instant=offered.instant,
        client=_client(client),
    )
    trace = telemetry.current_trace()
    said = envelope(fact, subject=offered.id, practice=offered.practice, sequence=sequence, at=at, traceparent=trace)
    return (said,)


Snapshot = dict[str, Any]
"""Keyword arguments that every appointment event takes; pydantic checks them."""


def _moved(turned: Appointment, turn: Turn, snapshot: Snapshot) -> booking.AppointmentEvent:
    until = turned.held_until if turned.is_asked_again else None
    return booking.AppointmentMoved(**snapshot, moved_from=turn.moved_from, moved_by=turn.by.value, check_until=until)


def _confirmed(turned: Appointment, _: Turn, snapshot: Snapshot) -> booking.AppointmentEvent:
    return booking.AppointmentConfirmed(**snapshot, again=_again(turned))


def _in_review(turned: Appointment, _: Turn, snapshot: Snapshot) -> booking.AppointmentEvent:
    return booking.AppointmentInReview(**snapshot, review_until=turned.held_until, again=_again(turned))


def _again(turned: Appointment) -> Literal[True] | None:
    """Of a later visit of a course only if its own check was asked for; else the first one's texts speak for it."""
    told = any(turn.deed is Deed.CONFIRMED for turn in turned.history[:-1])
    return True if (turned.was_asked_again if turned.follows else told) else None


def _check_asked(turned: Appointment, _: Turn, snapshot: Snapshot) -> booking.AppointmentEvent:
    return booking.AppointmentCheckAsked(**snapshot, check_until=turned.held_until, checked=turned.checked)


def _cancelled(_: Appointment, turn: Turn, snapshot: Snapshot) -> booking.AppointmentEvent:
    return booking.AppointmentCancelled(**snapshot, cancelled_by=turn.by.value, late=turn.late)


def _attended(_: Appointment, turn: Turn, snapshot: Snapshot) -> booking.AppointmentEvent:
    return booking.AppointmentAttended(**snapshot, assumed=turn.assumed)


FACTS: Final[Mapping[Deed, Callable[[Appointment, Turn, Snapshot], booking.AppointmentEvent]]] = {
    Deed.REQUESTED: lambda _, __, snapshot: booking.AppointmentRequested(**snapshot),
    Deed.CONFIRMED: _confirmed,
    Deed.REVIEWED: _in_review,
    Deed.CHECK_ASKED: _check_asked,
    Deed.MOVED: _moved,
    Deed.CANCELLED: _cancelled,
    Deed.DECLINED: lambda _, __, snapshot: booking.AppointmentDeclined(**snapshot),
    Deed.LAPSED: lambda _, __, snapshot: booking.AppointmentLapsed(**snapshot),
    Deed.ATTENDED: _attended,
    Deed.MISSED: lambda _, __, snapshot: booking.AppointmentMissed(**snapshot),
}


def _snapshot(appointment: Appointment, client: Client) -> Snapshot:
    offer = appointment.offer
    return {
        "appointment": appointment.id,
        "state": appointment.state.value,
        "service": booking.ServiceFacts(
            id=offer.service,
            name=offer.service_name,
            length_minutes=round(offer.length.total_seconds() / 60),
            screening=offer.screening,
        ),
        "practitioner": offer.practitioner,
        "practitioner_name": offer.practitioner_name,
        "place_name": offer.place_name,
        "place_address": offer.place_address,
        "starts_at": appointment.starts_at,
        "ends_at": appointment.ends_at,
        "zone": offer.zone,
        "client": _client(client),
        "seat": None if appointment.seat is None else booking.CourseSeat(**asdict(appointment.seat)),
    }


def _client(client: Client) -> booking.Client:
    consent, guardian = client.consent, client.guardian
    return booking.Client(
        ref=client.ref,
        name=client.name,
        phone=client.phone,
        locale=client.locale,
        zone=client.zone,
        consent=booking.Consent(
            texts=consent.texts, wording=consent.wording, given_at=consent.given_at, offers=consent.offers or None
        ),
        guardian=None if guardian is None else booking.Guardian(name=guardian.name, phone=guardian.phone),
    )
