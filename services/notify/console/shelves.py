"""The texts in the order in which a client gets them, for whoever looks for one among all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

SHELVES: Final[Mapping[str, Sequence[str]]] = {
    "before": (
        "received",
        "booked",
        "booked_prepare",
        "booked_today",
        "booked_again",
        "booked_course",
        "booked_upkeep",
        "prepare",
        "check",
        "two_days",
        "day_before",
        "day_before_prepare",
        "two_hours",
    ),
    "changes": ("moved", "cancelled", "cancelled_course", "cancelled_moved", "call_us", "message_left", "offer"),
    "after": ("aftercare", "check_in", "rebook"),
    "answers": ("reschedule", "offer_link", "auto", "unclear", "help", "stopped", "code"),
    "practice": ("review_due", "call_asked", "undelivered"),
}
