"""One visit as a calendar file that calendars update in place (RFC 5545, RFC 5546)."""

from __future__ import annotations

from typing import Final

from icalendar import Calendar, Event, vCalAddress, vText

from services.booking.domain.appointment import BOOKED, Appointment, State
from services.booking.domain.practice import Practice

PRODUCT: Final = "-//Stillpoint//Booking//EN"


def calendar(appointment: Appointment, practice: Practice) -> str:
    """UTC times; SEQUENCE is the appointment's version; METHOD is CANCEL once the time has been given back."""
    held = appointment.state in BOOKED | {State.HELD, State.ATTENDED, State.MISSED}
    file = Calendar()
    file.add("prodid", PRODUCT)
    file.add("version", "2.0")
    file.add("method", "PUBLISH" if held else "CANCEL")
    file.add_component(_event(appointment, practice, held=held))
    return bytes(file.to_ical()).decode()


def _event(appointment: Appointment, practice: Practice, *, held: bool) -> Event:
    offer, last = appointment.offer, appointment.history[-1]
    organizer = vCalAddress(f"tel:{practice.phone}")
    organizer.params["cn"] = vText(practice.name)
    event = Event()
    event.add("uid", f"{appointment.id}@{appointment.practice}.stillpoint")
    event.add("dtstamp", last.at)
    event.add("sequence", appointment.version)
    event.add("dtstart", appointment.starts_at)
    event.add("dtend", appointment.ends_at)
    event.add("summary", f"{offer.service_name}, {practice.name}")
    event.add("location", f"{offer.place_name}, {offer.place_address}")
    event.add("organizer", organizer)
    event.add("status", _status(appointment.state) if held else "CANCELLED")
    return event


def _status(state: State) -> str:
    return "TENTATIVE" if state in {State.REQUESTED, State.IN_REVIEW, State.HELD} else "CONFIRMED"
