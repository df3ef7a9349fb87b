"""The JSON that notify's operator API takes and gives."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.notify.actions.clients import Export
from services.notify.actions.desk import Preview
from services.notify.domain.delivery import Message
from services.notify.domain.notice import NoticeKind
from services.notify.domain.quiet import Quiet
from services.notify.domain.visit import Practice, Seat, Visit, VisitState
from shared.httpkit import Payload


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not an IANA zone")
    return name


def _near_our_time(at: datetime) -> datetime:
    if not 2000 <= at.year < 2200:
        raise ValueError("not in this or the next century")
    return at


def _wall_clock(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError("quiet hours go by the client's clock and name no zone")
    return at.replace(second=0, microsecond=0)


Instant = Annotated[AwareDatetime, AfterValidator(_near_our_time)]
WallClock = Annotated[time, AfterValidator(_wall_clock)]
Zone = Annotated[str, Field(max_length=60, examples=["America/New_York"]), AfterValidator(_known_zone)]
OptionalStep = Literal["prepare", "day_before", "two_hours", "aftercare"]


class SeatToPlan(Payload):
    """The visit's place in a course; index 0 speaks for the whole. Without `count` the course has no end."""

    index: int = Field(ge=0, le=999)
    count: int | None = Field(None, ge=2, le=99)

    @model_validator(mode="after")
    def _is_one_of_them(self) -> SeatToPlan:
        if self.count is not None and self.index >= self.count:
            raise ValueError("index counts from 0 and must be below count")
        return self


class VisitToPlan(Payload):
    """A visit that may be made up: booked at `booked_at`, held in `zone` by a client who lives in `client_zone`."""

    booked_at: Instant
    starts_at: Instant
    ends_at: Instant
    zone: Zone
    client_zone: Zone
    locale: str = Field("en", pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}$")
    seat: SeatToPlan | None = None

    @model_validator(mode="after")
    def _in_order(self) -> VisitToPlan:
        if not self.booked_at < self.starts_at < self.ends_at:
            raise ValueError("booked_at, starts_at and ends_at must follow each other")
        return self


class TextingSettings(Payload):
    """What to try instead of the practice's own settings; whatever is left out stays as the practice has it."""

    sms_name: str | None = Field(None, min_length=1, max_length=60)
    phone: str | None = Field(None, pattern=r"^\+[1-9]\d{6,14}$")
    steps: tuple[OptionalStep, ...] | None = None
    quiet_from: WallClock | None = None
    quiet_until: WallClock | None = None


class PlanRequest(Payload):
    visit: VisitToPlan
    settings: TextingSettings = TextingSettings()

    def practice(self, known: Practice) -> Practice:
        tried = self.settings
        return Practice(
            id=known.id,
            version=known.version,
            sms_name=tried.sms_name or known.sms_name,
            locale=known.locale,
            phone=tried.phone or known.phone,
            steps=known.steps if tried.steps is None else frozenset(tried.steps),
            quiet=Quiet(
                known.quiet.from_ if tried.quiet_from is None else tried.quiet_from,
                known.quiet.until if tried.quiet_until is None else tried.quiet_until,
            ),
        )

    def to_visit(self, practice: str) -> Visit:
        return Visit(
            appointment="a" * 26,
            practice=practice,
            version=1,
            state=VisitState.CONFIRMED,
            moved=False,
            since=self.visit.booked_at,
            starts_at=self.visit.starts_at,
            ends_at=self.visit.ends_at,
            zone=self.visit.zone,
            phone="",
            client_zone=self.visit.client_zone,
            locale=self.visit.locale,
            consented=True,
            seat=Seat("planned", self.visit.seat.index, self.visit.seat.count) if self.visit.seat else None,
        )


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
    """One word about texts: consented, withheld, stopped or started."""

    phone: str
    word: str
    at: datetime
    source: str
    wording: str | None


class ReplyKept(BaseModel):
    """What a text of the client was taken to mean; its words were never kept."""

    phone: str
    meaning: str
    received_at: datetime


class ExportAnswer(BaseModel):
    """All that notify holds of one client."""

    ask: str
    visits: list[VisitKept]
    texts: list[TextSent]
    consents: list[ConsentKept]
    replies: list[ReplyKept]

    @classmethod
    def of(cls, ask: str, export: Export) -> ExportAnswer:
        return cls(
            ask=ask,
            visits=[VisitKept.model_validate(one, from_attributes=True) for one in export.visits],
            texts=[TextSent.model_validate(one, from_attributes=True) for one in export.texts],
            consents=[
                ConsentKept(phone=phone, word=one.word.value, at=one.at, source=one.source, wording=one.wording)
                for phone, ledger in export.ledgers.items()
                for one in ledger
            ],
            replies=[
                ReplyKept(phone=one.phone, meaning=one.heard.meaning.value, received_at=one.received_at)
                for one in export.replies
            ],
        )
