"""Screening: the health check of an appointment, decided by rules where they are certain and by a person elsewhere."""

from shared.events import booking, screening

OWNS = ("asks", "cases", "merges", "practices")
SAYS = (screening.CaseDecided, screening.ClientErased, screening.ClientExported)
HEARS = (
    booking.PracticeChanged,
    booking.AppointmentRequested,
    booking.AppointmentMoved,
    booking.AppointmentCancelled,
    booking.AppointmentLapsed,
    booking.ClientMerged,
    booking.ClientEraseAsked,
    booking.ClientExportAsked,
)
