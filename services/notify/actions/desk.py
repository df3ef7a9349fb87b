"""What the desk sees and does: the plan before it is real, each text and its history; cancel, retry and resend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from services.notify.actions import measures
from services.notify.domain.again import NotToBeResent, resent
from services.notify.domain.delivery import NOT_BEGUN, Message, State, original, turned
from services.notify.domain.frame import Planned
from services.notify.domain.notice import NoticeKind
from services.notify.domain.plan import plan
from services.notify.domain.practice import Practice
from services.notify.domain.text import Size, size
from services.notify.domain.visit import Visit, VisitState
from services.notify.ports import Contended, Stores, Texts
from shared.clock import Clock
from shared.errors import Kind, Refusal

DESK = "desk:"
AGAIN = frozenset({State.FAILED, State.UNDELIVERED, State.SKIPPED, State.CANCELLED, State.DEAD})
TRIES = 8


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


@dataclass(frozen=True, slots=True)
class Preview:
    """One text of a plan as the client would read it."""

    planned: Planned
    body: str
    size: Size


class Desk:
    """`by` is whose hand it is; with a `practice`, a text of another one is not found."""

    def __init__(
        self,
        stores: Stores,
        *,
        texts: Texts,
        link: Callable[[str], str],
        wake: Callable[[], None],
        new_code: Callable[[], str],
        now: Clock,
    ) -> None:
        self._stores, self._texts = stores, texts
        self._link, self._wake, self._new_code, self._now = link, wake, new_code, now

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

    async def timeline(self, appointment: str, practice: str | None = None) -> Sequence[Message]:
        found = await self._stores.messages.of(appointment)
        return [text for text in found if practice in (None, text.practice)]

    async def cancel(self, id: str, *, by: str, practice: str | None = None) -> Message:  # noqa: A002  the field's name
        def cancelled(message: Message) -> Message:
            if message.state not in NOT_BEGUN:
                raise MessageBegun(f"the text is {message.state.value}")
            return turned(message, State.CANCELLED, self._now(), f"{DESK}{by}")

        return await self._written(id, practice, cancelled)

    async def retry(self, id: str, *, by: str, practice: str | None = None) -> Message:  # noqa: A002  the field's name
        """Due at once; the last look before sending still judges whether it is true and of use."""
        saved = await self._written(id, practice, lambda message: tried_again(message, self._now(), by=by))
        self._wake()
        return saved

    async def resend(self, id: str, *, by: str, practice: str | None = None) -> Message:  # noqa: A002  the field's name
        """The same words once more, though they were sent; two desks at the same moment make one copy."""
        first = await self._message(original(id), practice)
        beside = await self._stores.messages.of(first.appointment)
        copy = resent(first, beside, at=self._now(), code=self._new_code(), why=f"{DESK}{by}")
        saved = await self._stores.messages.save([copy])
        if not saved:
            raise NotToBeResent("somebody else has just sent it again")
        self._wake()
        return saved[0]

    async def _message(self, id: str, practice: str | None) -> Message:  # noqa: A002  the field's own name
        message = await self._stores.messages.get(id)
        if message is None or practice not in (None, message.practice):
            raise MessageUnknown(f"{id} is not a text")
        return message

    async def _written(
        self,
        id: str,  # noqa: A002  the field's own name
        practice: str | None,
        change: Callable[[Message], Message],
    ) -> Message:
        """Read anew where a worker was faster: what it made of the text decides whether this may still be done."""
        for _ in range(TRIES):
            message = await self._message(id, practice)
            if saved := await self._stores.messages.save([change(message)]):
                measures.changed(message, saved[0])
                return saved[0]
        raise Contended(id)


def tried_again(message: Message, at: datetime, *, by: str) -> Message:
    if message.state not in AGAIN:
        raise MessageBegun(f"the text is {message.state.value}")
    if message.notice is not None and message.notice.kind is NoticeKind.CODE:
        raise CodeForgotten("the code is no longer known; the client can ask for another one")
    return turned(message, State.PLANNED, at, f"{DESK}{by}", due=at, tries=0, looks=0, sid=None, aside=None)
