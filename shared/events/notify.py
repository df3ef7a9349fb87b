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


class ClientErased(Event):
    """Nothing is left of the client but what the law asks for; subject and `ask` are booking's ask."""

    name: ClassVar[str] = "notify.client.erased.v1"

    ask: str
    records: int


class ClientExported(Event):
    """The texts and consents of the client can be fetched under the ask; `records` says how many there are."""

    name: ClassVar[str] = "notify.client.exported.v1"

    ask: str
    records: int
