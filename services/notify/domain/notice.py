"""What a text tells that is no turn of a visit: an offered time, a code, a word left for the client or the practice."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.notify.domain.visit import VisitState


class NoticeKind(StrEnum):
    """Also the step and the template of its text."""

    OFFER = "offer"
    CODE = "code"
    MESSAGE_LEFT = "message_left"
    REVIEW_DUE = "review_due"
    UNDELIVERED = "undelivered"
    CALL_ASKED = "call_asked"


# While a visit is in one of these states somebody at the practice may still be awaited.
AWAITED = frozenset({VisitState.IN_REVIEW, VisitState.DECLINED})
# The health check of such a visit is closed, and there is nothing left to be read there.
OVER = frozenset({VisitState.CANCELLED, VisitState.LAPSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The facts of one such text, which carries them itself: nothing can change them, so nothing else keeps them.

    `zone` is whose clock its times are told by, `client_zone` where the client sleeps; `starts_at` is of the offered
    time. `code` is gone as soon as nothing more is to be done about the text. What is `urgent` waits for no morning.
    """

    kind: NoticeKind
    locale: str
    zone: str
    client_zone: str
    expires_at: datetime
    consented: bool = False
    starts_at: datetime | None = None
    code: str | None = field(default=None, repr=False)
    urgent: bool = False

    @property
    def asked_for(self) -> bool:
        """The client waits for it at this minute: it needs no consent, and no morning."""
        return self.kind is NoticeKind.CODE

    @property
    def wakes(self) -> bool:
        return self.asked_for or self.urgent

    @property
    def not_after(self) -> datetime:
        return self.expires_at if self.starts_at is None else min(self.expires_at, self.starts_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A notice as booking asked for it: `id` is the offer's or the check's, `count` tells its askings apart."""

    id: str
    count: int
    practice: str
    phone: str
    at: datetime
    notice: Notice
