"""The JSON of the desk: a line of time, what did not arrive, what is stopped, how things stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from services.notify.actions.dead_letters import Replayed
from services.notify.actions.timelines import Entry
from services.notify.domain.delivery import Message
from services.notify.domain.leave import Leave
from services.notify.domain.whys import in_words
from services.notify.ports import Backlog, Place, Reply
from services.notify.routes.numbers import SenderState
from services.notify.routes.places import Paged, written
from services.notify.routes.views import MessageView
from shared.httpkit import Payload


class ClientAsked(Paged):
    """The number stands in the body, because addresses end up in logs."""

    phone: str = Field(pattern=r"^\+[1-9]\d{6,14}$", examples=["+15035550142"])


class EntryView(BaseModel):
    """A text to the client, or a text of theirs by what it was taken to mean."""

    kind: Literal["text", "reply"]
    at: datetime
    appointment: str | None = None
    text: MessageView | None = None
    meaning: str | None = None
    has_words: bool | None = None

    @classmethod
    def of(cls, entry: Entry) -> EntryView:
        what, at = entry.what, entry.place[0]
        if isinstance(what, Reply):
            return cls(kind="reply", at=at, meaning=what.heard.meaning.value, has_words=entry.has_words)
        return cls(kind="text", at=at, appointment=what.appointment, text=MessageView.of(what))


class ClientLine(BaseModel):
    entries: list[EntryView]
    next: str | None

    @classmethod
    def of(cls, entries: Sequence[Entry], following: Place | None) -> ClientLine:
        return cls(entries=[EntryView.of(entry) for entry in entries], next=written(following))


class DeadQuery(Paged):
    """`why` as a text has it, for those that ended for that reason only."""

    why: str | None = Field(None, max_length=80)


class DeadView(BaseModel):
    text: MessageView
    appointment: str
    in_words: str
    of_use: bool

    @classmethod
    def of(cls, message: Message, now: datetime) -> DeadView:
        return cls(
            text=MessageView.of(message),
            appointment=message.appointment,
            in_words=in_words(message.why),
            of_use=now < message.not_after,
        )


class DeadPage(BaseModel):
    dead: list[DeadView]
    next: str | None


class ReplayAsked(Payload):
    """`why` as the texts have it."""

    why: str = Field(min_length=1, max_length=80)


class ReplayedView(BaseModel):
    """`more`: there may be others beyond those that were looked at."""

    replayed: int
    stale: int
    more: bool

    @classmethod
    def of(cls, replayed: Replayed) -> ReplayedView:
        return cls(replayed=replayed.replayed, stale=replayed.stale, more=replayed.more)


class PausedTemplate(BaseModel):
    """`waiting` counts texts that were due; it ends at 10000."""

    template: str
    waiting: int


class PausedView(BaseModel):
    paused: list[PausedTemplate]


class PauseAsked(Payload):
    why: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class DeskState(BaseModel):
    """How the installation stands: whether texts leave at all and to whom, by which sender, and what waits."""

    live: bool
    dry_run: bool
    only_to: int | None = Field(description="So many numbers may be texted and no others; left out: all may")
    due: int
    due_since: datetime | None
    unknown: int
    unknown_since: datetime | None
    senders: list[SenderState]

    @classmethod
    def of(cls, leave: Leave, backlog: Backlog, senders: list[SenderState], *, live: bool) -> DeskState:
        return cls(
            live=live,
            dry_run=leave.dry_run,
            only_to=None if leave.only_to is None else len(leave.only_to),
            due=backlog.due,
            due_since=backlog.due_since,
            unknown=backlog.unknown,
            unknown_since=backlog.unknown_since,
            senders=senders,
        )
