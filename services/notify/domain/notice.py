"""What a text tells that belongs to no visit: a time that is offered, a code that proves a number."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class NoticeKind(StrEnum):
    """Also the step and the template of its text."""

    OFFER = "offer"
    CODE = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The facts of one such text, which carries them itself: nothing can change them, so nothing else keeps them.

    `zone` is whose clock its times are told by, `client_zone` where the client sleeps; `starts_at` is of the offered
    time. `code` is gone as soon as nothing more is to be done about the text.
    """

    kind: NoticeKind
    locale: str
    zone: str
    client_zone: str
    expires_at: datetime
    consented: bool = False
    starts_at: datetime | None = None
    code: str | None = field(default=None, repr=False)

    @property
    def asked_for(self) -> bool:
        """The client waits for it at this minute: it needs no consent, and no morning."""
        return self.kind is NoticeKind.CODE

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
