"""Notify: texts about visits, offered times and codes, as booking said; each sent once, and the replies to them."""

from shared.events import booking, notify, screening

OWNS = (
    "asks",
    "audits",
    "calls",
    "contacts",
    "marks",
    "messages",
    "practices",
    "replies",
    "senders",
    "visits",
    "words",
)
SAYS = (notify.ReplyConfirmed, notify.ReplyRescheduleAsked, notify.ClientErased, notify.ClientExported)
HEARS = (
    booking.PracticeChanged,
    booking.AppointmentRequested,
    booking.AppointmentInReview,
    booking.AppointmentConfirmed,
    booking.AppointmentMoved,
    booking.AppointmentCheckAsked,
    booking.AppointmentCancelled,
    booking.AppointmentDeclined,
    booking.AppointmentLapsed,
    booking.AppointmentAttended,
    booking.AppointmentMissed,
    booking.WaitlistOffered,
    booking.CodeAsked,
    booking.ClientEraseAsked,
    booking.ClientExportAsked,
    screening.CaseMessageLeft,
    screening.CaseReviewDue,
)
