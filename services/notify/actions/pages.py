"""Where the link in a text leads, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from services.notify.domain.delivery import Message
from services.notify.domain.notice import NoticeKind
from services.notify.ports import Stores
from shared.clock import Clock
from shared.errors import Kind, Refusal

# A link goes on working for some days after the visit, for the notes that came with it.
LINK_OUTLIVES = timedelta(hours=72)
LEADS_TO = {NoticeKind.OFFER: "offer", NoticeKind.MESSAGE_LEFT: "visit"}


class LinkExpired(Refusal):
    """No text carried this link, or its visit or offer is long over."""

    slug: ClassVar[str] = "link-expired"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where a link leads, and until when: to booking's page of a `visit` or an `offer`."""

    leads_to: str
    id: str
    practice: str
    expires_at: datetime


class Pages:
    def __init__(self, stores: Stores, now: Clock) -> None:
        self._stores, self._now = stores, now

    async def page(self, code: str) -> Page:
        message = await self._stores.messages.by_code(code)
        page = await self._page(message) if message is not None else None
        if page is None or page.expires_at <= self._now():
            raise LinkExpired("the link has expired")
        return page

    async def _page(self, message: Message) -> Page | None:
        """A text with a code leads nowhere; the page of an offer tells for some days that it is over."""
        leads_to = "visit" if message.notice is None else LEADS_TO.get(message.notice.kind)
        over = message.notice.expires_at if message.notice else await self._end(message.appointment)
        if leads_to is None or over is None:
            return None
        return Page(
            leads_to=leads_to, id=message.appointment, practice=message.practice, expires_at=over + LINK_OUTLIVES
        )

    async def _end(self, appointment: str) -> datetime | None:
        visit = await self._stores.visits.get(appointment)
        return visit.ends_at if visit is not None else None
