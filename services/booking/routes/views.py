"""How appointments, times and practices are told to whoever asks over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from services.booking import profile
from services.booking.domain.appointment import ACTIVE, BOOKED, Appointment, Deed, State
from services.booking.domain.policy import is_late
from services.booking.domain.practice import Practice
from services.booking.routes.payloads import (
    Agenda,
    AgendaDay,
    AgendaEntry,
    AppointmentView,
    ClientView,
    PracticeView,
    PractitionerView,
    ServiceView,
)

NEXT: Final[Mapping[State, Literal["request", "answer", "wait", "come"]]] = {
    State.HELD: "request",
    State.REQUESTED: "answer",
    State.IN_REVIEW: "wait",
    State.CONFIRMED: "come",
}


def appointment_view(appointment: Appointment, *, now: datetime, token: str | None = None) -> AppointmentView:
    offer, state = appointment.offer, appointment.state_at(now)
    late = is_late(appointment.starts_at, offer.change_window, now)
    begun = now >= appointment.starts_at
    last = appointment.history[-1]
    return AppointmentView(
        id=appointment.id,
        practice=appointment.practice,
        state=state,
        next="wait" if appointment.is_postponed else NEXT.get(state, "nothing"),
        version=appointment.version,
        service=ServiceView(
            id=offer.service,
            name=offer.service_name,
            length_minutes=round(offer.length.total_seconds() / 60),
            screening=offer.screening,
        ),
        practitioner=offer.practitioner,
        practitioner_name=offer.practitioner_name,
        place_name=offer.place_name,
        place_address=offer.place_address,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        zone=offer.zone,
        held_until=appointment.held_until,
        check="later" if appointment.is_postponed else "again" if appointment.is_asked_again else None,
        check_from=appointment.due_at if appointment.is_postponed else None,
        may_renew=state is State.HELD
        and appointment.seat is None
        and all(turn.deed is not Deed.RENEWED for turn in appointment.history),
        may_move=state in BOOKED and not late,
        may_cancel=state in ACTIVE and not begun,
        cancels_late=state in BOOKED and late,
        cancelled_by=last.by.value if last.deed is Deed.CANCELLED and last.by.value != "rules" else None,
        token=token,
    )


def agenda_view(appointments: Sequence[Appointment], zone: ZoneInfo, *, now: datetime) -> Agenda:
    days: dict[date, list[AgendaEntry]] = {}
    for appointment in appointments:
        day = appointment.starts_at.astimezone(zone).date()
        days.setdefault(day, []).append(_agenda_entry(appointment, now))
    return Agenda(zone=zone.key, days=[AgendaDay(date=day, visits=visits) for day, visits in days.items()])


def practice_view(practice: Practice) -> PracticeView:
    document = profile.written(practice)
    people = [
        PractitionerView.model_validate(
            {name: getattr(person, name) for name in PractitionerView.model_fields} | {"services": [*person.services]}
        )
        for person in document.practitioners
    ]
    return PracticeView(
        id=document.id,
        name=document.name,
        country=document.country,
        zone=document.zone,
        locale=document.locale,
        phone=document.phone,
        emergency_number=document.emergency_number,
        links=document.links,
        places=list(document.places),
        services=list(document.services),
        practitioners=people,
    )


def _agenda_entry(appointment: Appointment, now: datetime) -> AgendaEntry:
    client = appointment.client
    deeds = {turn.deed for turn in appointment.history}
    return AgendaEntry(
        appointment=appointment_view(appointment, now=now),
        room=appointment.offer.room,
        client=None if client is None else ClientView.model_validate(client, from_attributes=True),
        said_yes=Deed.SAID_YES in deeds,
        asked_to_move=Deed.ASKED_TO_MOVE in deeds,
    )
