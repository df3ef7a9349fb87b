"""A question about availability, and what its answers are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from services.booking.domain.calendar import instant_of
from services.booking.domain.footprint import Footprint
from services.booking.domain.practice import Practice, Service

REACH = timedelta(hours=36)
"""How far from a window's ends a visit may start and still matter.

The longest visit with the longest recovery reaches 16 hours; who has the fewest visits that day is a question about
a whole local day, and the longest of those last 26 hours. Nobody works longer in a row.
"""


class Reason(StrEnum):
    """Why a start is not offered, in the order in which reasons are told."""

    SERVICE = "service"
    EXCEPTION = "exception"
    HOURS = "hours"
    STEP = "step"
    NOTICE = "notice"
    HORIZON = "horizon"
    VISIT = "visit"
    BLOCK = "block"
    CALENDAR = "calendar"
    BUFFER = "buffer"
    LOAD = "load"
    ROOM = "room"


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Taken time of a practitioner, a room, or both: a visit, a block, or an outside calendar's entry by `reason`."""

    practitioner: str | None
    room: str | None
    footprint: Footprint
    reason: Reason = Reason.VISIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Starts in the half-open window are asked for. `practitioner` None means any.

    `busy` holds at least all active visits that start within `REACH` of the window, and whatever else overlaps the
    window widened by `REACH`; more changes nothing. To move a visit, leave it out.
    """

    practice: Practice
    service: Service
    practitioner: str | None
    now: datetime
    starts_from: datetime
    starts_until: datetime
    busy: Sequence[Busy] = ()


Where = tuple[str, str, str | None]
"""Practitioner, place and room of a start."""


class Start(NamedTuple):
    """A start on offer, in minutes since the epoch; a tuple because there are thousands in a list."""

    minute: int
    practitioner: str
    place: str
    room: str | None

    @property
    def starts_at(self) -> datetime:
        return instant_of(self.minute)
