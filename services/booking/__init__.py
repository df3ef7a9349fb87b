"""Booking: who works when, which times are free, and the life of every appointment from the hold to the visit."""

from shared.events import booking, notify, screening

OWNS = (
    "appointments",
    "asks",
    "audit",
    "calendars",
    "clients",
    "deliveries",
    "feeds",
    "keys",
    "numbers",
    "offers",
    "practices",
    "sessions",
    "users",
    "waiting",
    "webhooks",
)
SAYS = (
    booking.PracticeChanged,
    booking.AppointmentRequested,
    booking.AppointmentConfirmed,
    booking.AppointmentInReview,
    booking.AppointmentMoved,
    booking.AppointmentCheckAsked,
    booking.AppointmentCancelled,
    booking.AppointmentDeclined,
    booking.AppointmentLapsed,
    booking.AppointmentAttended,
    booking.AppointmentMissed,
    booking.WaitlistOffered,
    booking.CodeAsked,
    booking.ClientMerged,
    booking.ClientEraseAsked,
    booking.ClientExportAsked,
)
OWN = tuple(event for event in SAYS if issubclass(event, booking.AppointmentEvent))
HEARS = (
    screening.CaseDecided,
    screening.CaseVoided,
    screening.ClientErased,
    screening.ClientExported,
    notify.ReplyConfirmed,
    notify.ReplyRescheduleAsked,
    notify.ClientErased,
    notify.ClientExported,
    *OWN,
)
