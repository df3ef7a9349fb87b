"""The bodies and answers of the routes about clients."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from pydantic import BaseModel, Field, JsonValue

from services.booking.domain.client import AskKind
from services.booking.moments import Instant
from services.booking.routes.payloads import GuardianView, Name, Phone
from shared.httpkit import Payload

LONGEST_PAGE: Final = 200


class ClientsQuery(Payload):
    """By exact number, or all whose name begins so; `after` is the `next` of the page before."""

    phone: Phone | None = None
    name: Name | None = None
    after: str | None = Field(None, max_length=1000)
    limit: int = Field(50, ge=1, le=LONGEST_PAGE)


class HistoryQuery(Payload):
    """`before` is the `next` of the page before."""

    before: Instant | None = None
    limit: int = Field(50, ge=1, le=LONGEST_PAGE)


class MergeBody(Payload):
    into: str = Field(pattern="^[0-9a-f]{20}$", description="reference of the client that stays")


class ClientRecordView(BaseModel):
    """`ref` stands for the number at this practice; `first_seen` is when it asked for a visit first."""

    ref: str
    name: str
    phone: str
    locale: str
    zone: str
    first_seen: datetime
    born: date | None = None
    guardian: GuardianView | None = None
    merged_into: str | None = None


class ClientList(BaseModel):
    clients: list[ClientRecordView]
    next: str | None = Field(None, description="`after` of the next page; absent on the last one")


class VisitLine(BaseModel):
    id: str
    state: str
    service_name: str
    practitioner_name: str
    starts_at: datetime
    ends_at: datetime


class ClientDetail(BaseModel):
    """The record that speaks for the client, those merged into it, and the visits of all of them, latest first."""

    client: ClientRecordView
    merged: list[ClientRecordView]
    visits: int = Field(description="how often the client came")
    missed: int
    cancelled_late: int
    last_visit: datetime | None = None
    history: list[VisitLine]
    next: datetime | None = Field(None, description="`before` of the next page; absent on the last one")


class AnswerView(BaseModel):
    service: str
    at: datetime
    records: int


class AskView(BaseModel):
    """The receipt. It names nobody: of an erasure it is what stays. `parts` are where an export is fetched."""

    id: str
    kind: AskKind
    by: str
    asked_at: datetime
    answers: list[AnswerView]
    awaits: list[str]
    completed_at: datetime | None = None
    until: datetime | None = None
    parts: dict[str, str] | None = None


class ClientExport(BaseModel):
    """All that booking holds of one client."""

    ask: str
    records: list[ClientRecordView]
    visits: list[dict[str, JsonValue]]
    more: list[dict[str, JsonValue]]
