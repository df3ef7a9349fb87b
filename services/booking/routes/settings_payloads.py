"""What the routes of a practice's settings take and answer."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from services.booking import profile
from services.booking.actions.profiles import Edited
from services.booking.domain.outside import Why
from shared.httpkit import Payload


class HoursBody(Payload):
    """All weekly hours of a practitioner; nobody works by the week if there are none."""

    hours: tuple[profile.WeeklyHours, ...] = Field(max_length=100)


class ExceptionBody(Payload):
    """Replaces all hours of the date; no hours means closed."""

    hours: tuple[profile.Hours, ...] = Field(default=(), max_length=100)
    note: str = Field("", max_length=200)


class BlockView(profile.Block):
    id: str


class Blocks(BaseModel):
    blocks: list[BlockView]


class OutsideView(BaseModel):
    """A booked visit that the practice, as it is now, has no room for. It stands until somebody moves or cancels it."""

    appointment: str
    starts_at: datetime
    practitioner: str
    reasons: list[Why]


class Stored(BaseModel):
    """The version that stands now, and the upcoming visits that fall outside of it."""

    id: str
    version: int
    outside: list[OutsideView] = Field(default_factory=list)


class StoredBlock(Stored):
    block: str = Field(description="what the block is addressed by")


def stored(edited: Edited) -> Stored:
    found = [
        OutsideView(
            appointment=one.appointment.id,
            starts_at=one.appointment.starts_at,
            practitioner=one.appointment.offer.practitioner,
            reasons=list(one.reasons),
        )
        for one in edited.outside
    ]
    return Stored(id=edited.kept.practice.id, version=edited.kept.version, outside=found)
