"""Notify: every text about a visit, planned from what booking said, sent once, and the replies that come back."""

from shared.events import booking, notify

OWNS = ("contacts", "messages", "practices", "replies", "visits")
SAYS = (notify.ReplyConfirmed, notify.ReplyRescheduleAsked)
HEARS = (
    booking.PracticeChanged,
    booking.AppointmentInReview,
    booking.AppointmentConfirmed,
    booking.AppointmentMoved,
    booking.AppointmentCancelled,
    booking.AppointmentDeclined,
    booking.AppointmentLapsed,
    booking.AppointmentAttended,
    booking.AppointmentMissed,
)
