"""What notify knows of a visit: the facts of the booking events, no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class VisitState(StrEnum):
    REQUESTED = "requested"
    IN_REVIEW = "in_review"
    CONFIRMED = "confirmed"
    ATTENDED = "attended"
    MISSED = "missed"
    DECLINED = "declined"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"


NOT_CONFIRMED = (VisitState.DECLINED, VisitState.LAPSED)


@dataclass(frozen=True, slots=True)
class Seat:
    """The visit's place in a course; the first, index 0, speaks for the whole. No `count` where it is open-ended."""

    course: str
    index: int
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The newest snapshot of one appointment; `phone` is where its texts go, a guardian's if there is one.

    `since` is when the newest turn became true: short notice is counted from it, and what is announced at once is
    due at it; `known_at` is when notify came to know of it. `moved` says that this turn gave the visit another time.
    `zone` is where the visit takes place, `client_zone` where the client sleeps. `replies` and `heard` are notify's
    own: how many replies were passed on, and which inbound texts they were. `check_until` is there while the client is
    asked for the health form once more; `again` says that this turn had come before and had ceased to be true.
    `consented` is to texts about the visit, `wants_offers` to those about further ones; `by_practice` says that the
    practice itself made this turn, and `moved_from` is the start that it took the visit away from. `yes_to` is notify's
    own too: the start to which the client last said C, and `moved_at` when the visit was last moved, which later turns
    leave as it is.
    """

    appointment: str
    practice: str
    version: int
    state: VisitState
    moved: bool
    since: datetime
    starts_at: datetime
    ends_at: datetime
    zone: str
    phone: str
    client_zone: str
    locale: str
    consented: bool
    seat: Seat | None = None
    check_until: datetime | None = None
    again: bool = False
    wants_offers: bool = False
    by_practice: bool = False
    moved_from: datetime | None = None
    known_at: datetime | None = None
    replies: int = 0
    heard: tuple[str, ...] = ()
    yes_to: datetime | None = None
    moved_at: datetime | None = None

    @property
    def said_yes(self) -> bool:
        """The client has said to come at the time that the visit has now."""
        return self.yes_to == self.starts_at

    @property
    def upcoming(self) -> bool:
        """Agreed and not yet over as far as booking has said."""
        return self.state in (VisitState.CONFIRMED, VisitState.IN_REVIEW)
