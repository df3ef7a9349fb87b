"""One text: an immutable record, replaced at every change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Status(StrEnum):
    """Twilio's names; the order of the outbound ones is the order in which a text passes them."""

    SCHEDULED = "scheduled"
    ACCEPTED = "accepted"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"
    RECEIVED = "received"


FINAL = frozenset({Status.DELIVERED, Status.UNDELIVERED, Status.FAILED, Status.CANCELED, Status.RECEIVED})


class Direction(StrEnum):
    INBOUND = "inbound"
    API = "outbound-api"
    REPLY = "outbound-reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`sender` is empty while a Messaging Service has not picked one; `send_at` is set for a scheduled text only.

    `listed_at` is set where a fault keeps a text out of the list until then.
    """

    sid: str
    direction: Direction
    to: str
    sender: str | None
    body: str
    status: Status
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    send_at: datetime | None = None
    service: str | None = None
    callback: str | None = None
    valid_for: timedelta = timedelta(hours=10)
    error_code: int | None = None
    media: int = 0
    listed_at: datetime | None = None

    @property
    def phone(self) -> str:
        """The number of the person, on whichever side of the text they are."""
        return (self.sender or "") if self.direction is Direction.INBOUND else self.to
