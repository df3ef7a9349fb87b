"""What the desk sees and does: the plan before it is real, each text and its history, cancel and retry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from services.notify.domain.delivery import NOT_BEGUN, Message, State, turned
from services.notify.domain.frame import Planned
from services.notify.domain.notice import NoticeKind
from services.notify.domain.plan import plan
from services.notify.domain.practice import Practice
from services.notify.domain.text import Size, size
from services.notify.domain.visit import Visit, VisitState
from services.notify.ports import Contended, Stores, Texts
from shared.clock import Clock
from shared.errors import Kind, Refusal

AGAIN = frozenset({State.FAILED, State.UNDELIVERED, State.SKIPPED, State.CANCELLED, State.DEAD})
# A link goes on working for some days after the visit, for the notes that came with it.
LINK_OUTLIVES = timedelta(hours=72)
LEADS_TO = {NoticeKind.OFFER: "offer", NoticeKind.MESSAGE_LEFT: "visit"}


class MessageUnknown(Refusal):
    """No text has this id."""

    slug: ClassVar[str] = "message-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class MessageBegun(Refusal):
    """The text is being sent, or was; or it is already planned."""

    slug: ClassVar[str] = "message-begun"
    kind: ClassVar[Kind] = Kind.CONFLICT


class CodeForgotten(Refusal):
    """The text told a code, which is kept no longer than its sending needs it."""

    slug: ClassVar[str] = "code-forgotten"
    kind: ClassVar[Kind] = Kind.CONFLICT


class PracticeUnknown(Refusal):
    """Booking has not told of this practice."""

    slug: ClassVar[str] = "practice-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class LinkExpired(Refusal):
    """No text carried this link, or its visit or offer is long over."""

    slug: ClassVar[str] = "link-expired"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


@dataclass(frozen=True, slots=True)
class Preview:
    """One text of a plan as the client would read it."""

    planned: Planned
    body: str
    size: Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where a link leads, and until when: to booking's page of a `visit` or an `offer`."""

    leads_to: str
    id: str
    practice: str
    expires_at: datetime


class Desk:
    def __init__(
        self, stores: Stores, *, texts: Texts, link: Callable[[str], str], wake: Callable[[], None], now: Clock
    ) -> None:
        self._stores, self._texts = stores, texts
        self._link, self._wake, self._now = link, wake, now

    async def practice(self, practice: str) -> Practice:
        known = await self._stores.practices.get(practice)
        if known is None:
            raise PracticeUnknown(f"{practice} is not known to notify")
        return known

    def preview(self, visit: Visit, practice: Practice) -> Sequence[Preview]:
        """Every text of a visit that is confirmed now and will be attended; stores nothing."""
        attended = replace(visit, state=VisitState.ATTENDED, since=visit.ends_at)
        planned = [*plan(visit, practice), *plan(attended, practice)]
        bodies = [self._texts.render(text.template, visit, practice, self._link("0" * 8)) for text in planned]
        return [Preview(text, body, size(body)) for text, body in zip(planned, bodies, strict=True)]

    async def timeline(self, appointment: str) -> Sequence[Message]:
        return await self._stores.messages.of(appointment)

    async def cancel(self, id: str) -> Message:  # noqa: A002  the field's own name
        message = await self._message(id)
        if message.state not in NOT_BEGUN:
            raise MessageBegun(f"the text is {message.state.value}")
        return await self._saved(turned(message, State.CANCELLED, self._now(), "operator"))

    async def retry(self, id: str) -> Message:  # noqa: A002  the field's own name
        """Due at once; the last look before sending still judges whether it is true and of use."""
        message = await self._message(id)
        if message.state not in AGAIN:
            raise MessageBegun(f"the text is {message.state.value}")
        if message.notice is not None and message.notice.kind is NoticeKind.CODE:
            raise CodeForgotten("the code is no longer known; the client can ask for another one")
        now = self._now()
        again = turned(message, State.PLANNED, now, "operator", due=now, tries=0, looks=0, sid=None)
        saved = await self._saved(again)
        self._wake()
        return saved

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

    async def _message(self, id: str) -> Message:  # noqa: A002  the field's own name
        message = await self._stores.messages.get(id)
        if message is None:
            raise MessageUnknown(f"{id} is not a text")
        return message

    async def _saved(self, message: Message) -> Message:
        saved = await self._stores.messages.save([message])
        if not saved:
            raise Contended(message.id)
        return saved[0]
