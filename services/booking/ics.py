"""Visits as calendar files that calendars update in place (RFC 5545, RFC 5546): one, or all of a practitioner."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from icalendar import Calendar, Event, vCalAddress, vDuration, vText

from services.booking.domain.appointment import BOOKED, Appointment, State
from services.booking.domain.feed import ASKED_AGAIN_AFTER, Feed, called
from services.booking.domain.practice import Practice, Practitioner

PRODUCT: Final = "-//Stillpoint//Booking//EN"


def calendar(appointment: Appointment, practice: Practice) -> str:
    """UTC times; SEQUENCE is the appointment's version; METHOD is CANCEL once the time has been given back."""
    held = appointment.state in BOOKED | {State.HELD, State.ATTENDED, State.MISSED}
    file = _file("PUBLISH" if held else "CANCEL")
    file.add_component(_event(appointment, practice, held=held))
    return bytes(file.to_ical()).decode()


def feed(visits: Iterable[Appointment], practice: Practice, practitioner: Practitioner, terms: Feed) -> str:
    """What was given back is simply absent. The same visits give the same text, whenever they are asked for."""
    file = _file("PUBLISH")
    name = vText(f"{practitioner.name}, {practice.name}")  # neither property is known to be text by itself
    file.add("name", name)
    file.add("x-wr-calname", name)
    file.add("refresh-interval", ASKED_AGAIN_AFTER, parameters={"VALUE": "DURATION"})
    file.add("x-published-ttl", vDuration(ASKED_AGAIN_AFTER))
    for visit in visits:
        file.add_component(_entry(visit, terms))
    return bytes(file.to_ical()).decode()


def _file(method: str) -> Calendar:
    file = Calendar()
    file.add("prodid", PRODUCT)
    file.add("version", "2.0")
    file.add("method", method)
    return file


def _entry(visit: Appointment, terms: Feed) -> Event:
    """Who comes, as briefly as the terms say; nothing else about them."""
    who = "" if visit.client is None else called(visit.client.name, terms.names)
    event = _when(visit)
    event.add("summary", ", ".join(filter(None, (who, visit.offer.service_name if terms.services else ""))))
    event.add("location", visit.offer.place_name)
    event.add("status", _status(visit.state))
    event.add("class", "PRIVATE")
    return event


def _event(appointment: Appointment, practice: Practice, *, held: bool) -> Event:
    offer = appointment.offer
    organizer = vCalAddress(f"tel:{practice.phone}")
    organizer.params["cn"] = vText(practice.name)
    event = _when(appointment)
    event.add("summary", f"{offer.service_name}, {practice.name}")
    event.add("location", f"{offer.place_name}, {offer.place_address}")
    event.add("organizer", organizer)
    event.add("status", _status(appointment.state) if held else "CANCELLED")
    return event


def _when(appointment: Appointment) -> Event:
    """The same UID for ever, and a SEQUENCE that every turn raises: what calendars know a changed visit by."""
    event = Event()
    event.add("uid", f"{appointment.id}@{appointment.practice}.stillpoint")
    event.add("dtstamp", appointment.history[-1].at)
    event.add("sequence", appointment.version)
    event.add("dtstart", appointment.starts_at)
    event.add("dtend", appointment.ends_at)
    return event


def _status(state: State) -> str:
    return "TENTATIVE" if state in {State.REQUESTED, State.IN_REVIEW, State.HELD} else "CONFIRMED"
