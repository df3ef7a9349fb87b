"""The private calendar address of a practitioner: whose visits, how much of the clients' names, and how far."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from services.booking.domain.audit import Entry
from shared.errors import Kind, Refusal

BACK: Final = timedelta(days=30)
AHEAD: Final = timedelta(days=180)
ASKED_AGAIN_AFTER: Final = timedelta(minutes=15)


class Names(StrEnum):
    """How clients are called in a calendar that others may see over somebody's shoulder."""

    INITIALS = "initials"
    FULL = "full"


class NoSuchFeed(Refusal):
    """No practitioner has this calendar address, or not any more."""

    slug = "no-such-feed"
    kind = Kind.NOT_FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """`digest` is all that is kept of the address; None once it is revoked. `changed` is for the audit."""

    practice: str
    practitioner: str
    names: Names
    services: bool
    digest: str | None
    changed: Entry | None = None


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def window(now: datetime) -> tuple[datetime, datetime]:
    """Whole days of UTC, half-open, so that the calendar stays the same through the day."""
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    return today - BACK, today + AHEAD


def called(name: str, names: Names) -> str:
    """`Anne-Marie du Pont` is `A. d. P.` by initials."""
    return name if names is Names.FULL else " ".join(f"{word[0]}." for word in name.split())
