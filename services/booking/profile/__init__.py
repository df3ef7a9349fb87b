"""The document of a practice, and the way between it and the domain."""

from __future__ import annotations

from services.booking.profile.documents import (
    Block,
    DayException,
    Hours,
    Links,
    Load,
    Own,
    Place,
    Practitioner,
    Price,
    Profile,
    Reset,
    Room,
    Service,
    StepTiming,
    Texting,
    Waitlist,
    WeeklyHours,
)
from services.booking.profile.reading import block, described, exception, place, practitioner, read, room, service, week
from services.booking.profile.writing import as_json, as_told, as_toml, with_own, written

__all__ = [
    "Block",
    "DayException",
    "Hours",
    "Links",
    "Load",
    "Own",
    "Place",
    "Practitioner",
    "Price",
    "Profile",
    "Reset",
    "Room",
    "Service",
    "StepTiming",
    "Texting",
    "Waitlist",
    "WeeklyHours",
    "as_json",
    "as_told",
    "as_toml",
    "block",
    "described",
    "exception",
    "place",
    "practitioner",
    "read",
    "room",
    "service",
    "week",
    "with_own",
    "written",
]
