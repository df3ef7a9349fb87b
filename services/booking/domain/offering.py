"""From a free start to the offer that an appointment keeps."""

from __future__ import annotations

from datetime import timedelta

from services.booking.domain.appointment import Offer
from services.booking.domain.availability import Start
from services.booking.domain.footprint import need_after
from services.booking.domain.practice import Practice, Service


def offer(practice: Practice, service: Service, start: Start) -> Offer:
    """All that the visit needs to know about its practice, as it stands now."""
    person, place = practice.practitioner(start.practitioner), practice.place(start.place)
    return Offer(
        service=service.id,
        service_name=service.name,
        length=timedelta(minutes=service.length_minutes),
        screening=service.screening,
        practitioner=person.id,
        practitioner_name=person.name,
        room=start.room,
        place=place.id,
        place_name=place.name,
        place_address=place.address,
        zone=place.zone,
        country=practice.country,
        before_minutes=service.buffer_before_minutes,
        after_minutes=need_after(service, person),
        buffers=practice.buffers,
        change_window=timedelta(hours=service.cancellation_window_hours),
        review_for=timedelta(hours=practice.review_hours),
        assume_after=timedelta(minutes=practice.assumed_attendance_minutes),
        audience=service.audience,
        age_from=service.age_from,
        age_until=service.age_until,
        countries=practice.countries,
        verify_number=practice.verify_numbers,
    )
