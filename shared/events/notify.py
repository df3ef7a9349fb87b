"""What notify says: what a client answered to a text about a visit."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime

from shared.events import Event


class Reply(Event):
    """Subject and `appointment` are the appointment the reply is about; sequence counts its replies."""

    appointment: str
    received_at: AwareDatetime


class ReplyConfirmed(Reply):
    """The client answered C: they will come."""

    name: ClassVar[str] = "notify.reply.confirmed.v1"


class ReplyRescheduleAsked(Reply):
    """The client answered R and was sent the link to move the visit."""

    name: ClassVar[str] = "notify.reply.reschedule_asked.v1"
