"""Who is to be called, and what clients texted in their own words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel

from services.notify.actions.calls import Calls, CallUnknown
from services.notify.actions.inbox import Inbox, WordsUnknown
from services.notify.domain.call import Call
from services.notify.ports import Words
from services.notify.routes import places
from services.notify.routes.hand import hand_of
from shared.httpkit import Answer, Ask, Route, Who

PRACTICE = "/v1/practices/{practice}"
SECRET = {"Cache-Control": "no-store"}


class CallQuery(places.Paged):
    """`open` for those that nobody has called yet."""

    open: bool = True


class CallView(BaseModel):
    """`why` is asked or worried; the number is whole, because somebody has to dial it."""

    id: str
    appointment: str
    phone: str
    why: str
    since: datetime
    texted_at: datetime
    done_at: datetime | None
    done_by: str | None

    @classmethod
    def of(cls, call: Call) -> CallView:
        return cls.model_validate(call, from_attributes=True)


class CallPage(BaseModel):
    calls: list[CallView]
    next: str | None


class WordsView(BaseModel):
    """A text in a client's own words, which are kept for 30 days; they are absent if sealed under another key."""

    sid: str
    appointment: str
    from_ends_in: str
    received_at: datetime
    worried: bool
    words: str | None
    read_at: datetime | None
    read_by: str | None

    @classmethod
    def of(cls, kept: Words, words: str | None) -> WordsView:
        return cls(
            sid=kept.sid,
            appointment=kept.appointment,
            from_ends_in=kept.phone[-4:],
            received_at=kept.received_at,
            worried=kept.worried,
            words=words,
            read_at=kept.read_at,
            read_by=kept.read_by,
        )


class InboxPage(BaseModel):
    texts: list[WordsView]
    next: str | None


@dataclass(frozen=True, slots=True)
class Callers:
    calls: Calls
    inbox: Inbox

    def routes(self) -> list[Route]:
        return [*self._calls(), *self._inbox()]

    def _calls(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path=PRACTICE + "/calls",
                handler=self.to_call,
                summary="Clients who asked to be called or texted something worrying, newest first",
                query=CallQuery,
                answers={200: CallPage},
                who=Who.OPERATOR,
            ),
            Route(
                method="POST",
                path=PRACTICE + "/calls/{call}/done",
                handler=self.called,
                summary="The client was called; whoever says so first is named",
                answers={200: CallView},
                refuses=(CallUnknown,),
                who=Who.OPERATOR,
            ),
        ]

    def _inbox(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path=PRACTICE + "/inbox",
                handler=self.texts,
                summary="What clients texted in their own words in the last 30 days, newest first",
                query=places.Paged,
                answers={200: InboxPage},
                who=Who.OPERATOR,
            ),
            Route(
                method="POST",
                path=PRACTICE + "/inbox/{sid}/read",
                handler=self.read,
                summary="Somebody has read this text; whoever says so first is named",
                answers={204: None},
                refuses=(WordsUnknown,),
                who=Who.OPERATOR,
            ),
        ]

    async def to_call(self, ask: Ask[None, CallQuery]) -> Answer:
        query = ask.query
        found, following = await self.calls.page(
            ask.path["practice"], only_open=query.open, before=places.read(query.before), limit=query.limit
        )
        shown = [CallView.of(call) for call in found]
        return Answer(200, CallPage(calls=shown, next=places.written(following)), headers=SECRET)

    async def called(self, ask: Ask[None, None]) -> Answer:
        done = await self.calls.done(ask.path["practice"], ask.path["call"], by=hand_of(ask))
        return Answer(200, CallView.of(done), headers=SECRET)

    async def texts(self, ask: Ask[None, places.Paged]) -> Answer:
        found, following = await self.inbox.page(
            ask.path["practice"], before=places.read(ask.query.before), limit=ask.query.limit
        )
        shown = [WordsView.of(kept, words) for kept, words in found]
        return Answer(200, InboxPage(texts=shown, next=places.written(following)), headers=SECRET)

    async def read(self, ask: Ask[None, None]) -> Answer:
        await self.inbox.mark_read(ask.path["practice"], ask.path["sid"], by=hand_of(ask))
        return Answer(204)
