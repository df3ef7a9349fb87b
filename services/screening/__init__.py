"""Screening: the health check of an appointment, decided by rules where they are certain and by a person elsewhere."""

from shared.events import booking, screening

OWNS = (
    "asks",
    "attachments",
    "audit",
    "cases",
    "drafts",
    "editions",
    "histories",
    "holds",
    "merges",
    "practices",
    "releases",
)
SAYS = (
    screening.CaseDecided,
    screening.CaseVoided,
    screening.CaseReviewDue,
    screening.CaseMessageLeft,
    screening.ClientErased,
    screening.ClientExported,
)
HEARS = (
    booking.PracticeChanged,
    booking.AppointmentRequested,
    booking.AppointmentCheckAsked,
    booking.AppointmentMoved,
    booking.AppointmentCancelled,
    booking.AppointmentDeclined,
    booking.AppointmentLapsed,
    booking.AppointmentAttended,
    booking.AppointmentMissed,
    booking.ClientMerged,
    booking.ClientEraseAsked,
    booking.ClientExportAsked,
)
