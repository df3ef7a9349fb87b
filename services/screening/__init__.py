"""Screening: the health check of an appointment, decided by rules where they are certain and by a person elsewhere."""

from shared.events import booking, screening

OWNS = ("cases", "practices")
SAYS = (screening.CaseDecided,)
HEARS = (
    booking.PracticeChanged,
    booking.AppointmentRequested,
    booking.AppointmentMoved,
    booking.AppointmentCancelled,
    booking.AppointmentLapsed,
)
