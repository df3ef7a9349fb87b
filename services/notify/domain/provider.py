"""What a POST may come to, and what the provider lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has the text and named it."""

    sid: str
    status: str = "queued"


@dataclass(frozen=True, slots=True)
class NotCreated:
    """It surely never got there: no connection, or told to slow down."""

    why: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may or may not have got there."""

    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider said no, with its error code (0 if it gave none)."""

    code: int


Outcome = Accepted | NotCreated | Unknown | Refused


@dataclass(frozen=True, slots=True)
class Found:
    """A text that the provider lists."""

    sid: str
    status: str
    error_code: int | None
    created_at: datetime
