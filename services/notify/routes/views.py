"""The JSON that notify gives."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from services.notify.actions.clients import Export
from services.notify.actions.desk import Preview
from services.notify.domain.delivery import Message
from services.notify.domain.notice import NoticeKind


class PlannedText(BaseModel):
    """One text: when, as the client's clock shows it, in which words and at what cost."""

    step: str
    template: str
    due: datetime
    local_time: str
    useful_until: datetime
    body: str
    encoding: str
    units: int
    segments: int

    @classmethod
    def of(cls, preview: Preview, zone: str) -> PlannedText:
        planned = preview.planned
        return cls(
            step=planned.step,
            template=planned.template,
            due=planned.due,
            local_time=planned.due.astimezone(ZoneInfo(zone)).strftime("%a %Y-%m-%d %H:%M"),
            useful_until=planned.not_after,
            body=preview.body,
            encoding=preview.size.encoding,
            units=preview.size.units,
            segments=preview.size.segments,
        )


class PlanAnswer(BaseModel):
    texts: list[PlannedText]


class TurnView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    state: str
    at: datetime
    why: str | None


class MessageView(BaseModel):
    """One text and its history; of the number only the end is shown, and of a text with a code no words."""

    id: str
    step: str
    state: str
    why: str | None
    planned_for: datetime
    due: datetime | None
    useful_until: datetime
    to_ends_in: str
    body: str | None
    sid: str | None
    tries: int
    duplicates: int
    turns: list[TurnView]

    @classmethod
    def of(cls, message: Message) -> MessageView:
        return cls(
            id=message.id,
            step=message.step,
            state=message.state.value,
            why=message.why,
            planned_for=message.planned_for,
            due=message.due,
            useful_until=message.not_after,
            to_ends_in=message.to[-4:],
            body=None if message.notice is not None and message.notice.kind is NoticeKind.CODE else message.body,
            sid=message.sid,
            tries=message.tries,
            duplicates=message.duplicates,
            turns=[TurnView(state=t.state.value, at=t.at, why=t.why) for t in message.turns],
        )


class Timeline(BaseModel):
    messages: list[MessageView]


class TextSent(BaseModel):
    """One text, to its whole number and in its words, and what became of it."""

    step: str
    to: str
    body: str | None
    state: str
    planned_for: datetime
    sent_at: datetime | None
    appointment: str
    turns: list[TurnView]


class VisitKept(BaseModel):
    appointment: str
    state: str
    starts_at: datetime
    ends_at: datetime
    phone: str
    locale: str
    client_zone: str
    consented: bool


class ConsentKept(BaseModel):
    """One word about texts: consented, withheld, stopped or started; `purpose` of the first two is care or offers."""

    phone: str
    word: str
    purpose: str
    at: datetime
    source: str
    wording: str | None


class ReplyKept(BaseModel):
    """What a text of the client was taken to mean."""

    phone: str
    meaning: str
    received_at: datetime


class CallKept(BaseModel):
    appointment: str
    phone: str
    why: str
    since: datetime
    done_at: datetime | None


class WordsKept(BaseModel):
    """A text in the client's own words, of the last 30 days; without them if they were sealed under another key."""

    appointment: str
    phone: str
    received_at: datetime
    words: str | None


class ExportAnswer(BaseModel):
    """All that notify holds of one client."""

    ask: str
    visits: list[VisitKept]
    texts: list[TextSent]
    consents: list[ConsentKept]
    replies: list[ReplyKept]
    calls: list[CallKept]
    words: list[WordsKept]

    @classmethod
    def of(cls, ask: str, export: Export) -> ExportAnswer:
        return cls(
            ask=ask,
            visits=[VisitKept.model_validate(one, from_attributes=True) for one in export.visits],
            texts=[TextSent.model_validate(one, from_attributes=True) for one in export.texts],
            consents=[
                ConsentKept(
                    phone=phone,
                    word=one.word.value,
                    purpose=one.purpose.value,
                    at=one.at,
                    source=one.source,
                    wording=one.wording,
                )
                for phone, ledger in export.ledgers.items()
                for one in ledger
            ],
            replies=[
                ReplyKept(phone=one.phone, meaning=one.heard.meaning.value, received_at=one.received_at)
                for one in export.replies
            ],
            calls=[CallKept.model_validate(one, from_attributes=True) for one in export.calls],
            words=[
                WordsKept(appointment=one.appointment, phone=one.phone, received_at=one.received_at, words=words)
                for one, words in export.words
            ],
        )
