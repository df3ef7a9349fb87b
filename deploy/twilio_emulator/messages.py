"""The texts the emulator knows: one immutable record each, replaced at every change, and who has opted out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from deploy.twilio_emulator.journal import Journal


class Status(StrEnum):
    """Twilio's names; the order of the outbound ones is the order in which a text passes them."""

    SCHEDULED = "scheduled"
    ACCEPTED = "accepted"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"
    RECEIVED = "received"


FINAL = frozenset({Status.DELIVERED, Status.UNDELIVERED, Status.FAILED, Status.CANCELED, Status.RECEIVED})


class Direction(StrEnum):
    INBOUND = "inbound"
    API = "outbound-api"
    REPLY = "outbound-reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`sender` is empty while a Messaging Service has not picked one; `send_at` is set for a scheduled text only.

    `listed_at` is set where a fault keeps a text out of the list until then.
    """

    sid: str
    direction: Direction
    to: str
    sender: str | None
    body: str
    status: Status
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    send_at: datetime | None = None
    service: str | None = None
    callback: str | None = None
    valid_for: timedelta = timedelta(hours=10)
    error_code: int | None = None
    media: int = 0
    listed_at: datetime | None = None

    @property
    def phone(self) -> str:
        """The number of the person, on whichever side of the text they are."""
        return (self.sender or "") if self.direction is Direction.INBOUND else self.to


class Messages:
    """Texts in the order they were made, kept in a journal where a folder is given."""

    def __init__(self, folder: Path | None = None) -> None:
        self.version = 0
        self.opted_out: set[str] = set()
        self._texts: dict[str, Message] = {}
        self._by_phone: dict[str, dict[str, None]] = {}
        self._changed = asyncio.Event()
        self._closed = False
        self._journal = Journal(folder / "messages.jsonl", Message) if folder else None
        if self._journal:
            self._recall(self._journal)

    def __iter__(self) -> Iterator[Message]:
        """Newest first, as Twilio lists them."""
        return reversed(self._texts.values())

    def __len__(self) -> int:
        return len(self._texts)

    def get(self, sid: str) -> Message | None:
        return self._texts.get(sid)

    def with_phone(self, phone: str) -> list[Message]:
        """The conversation with one phone, newest first."""
        return [self._texts[sid] for sid in reversed(self._by_phone.get(phone, {}))]

    def phones(self) -> list[str]:
        """Every phone texts were exchanged with, the latest conversation first."""
        return sorted(self._by_phone, key=lambda phone: self.with_phone(phone)[0].created_at, reverse=True)

    def put(self, message: Message) -> Message:
        self._remember(message)
        self._said({"text": message})
        return message

    def change(self, sid: str, *, at: datetime, **changes: Any) -> Message | None:
        """The text with the changes made, or None where it is gone or has reached its end."""
        known = self._texts.get(sid)
        if known is None or (known.status in FINAL and "status" in changes):
            return None
        return self.put(replace(known, updated_at=at, **changes))

    def delete(self, sid: str) -> None:
        self._forget(sid)
        self._said({"deleted": sid})

    def opt(self, phone: str, *, out: bool) -> None:
        (self.opted_out.add if out else self.opted_out.discard)(phone)
        self._said({"opted_out" if out else "opted_in": phone})

    def clear(self) -> None:
        self._texts.clear()
        self._by_phone.clear()
        self.opted_out.clear()
        if self._journal:
            self._journal.rewrite([])
        self._said(None)

    async def changed_since(self, version: int, *, within: float) -> int:
        """The present version, as soon as it is another one, the time is over or the emulator ends."""
        try:
            async with asyncio.timeout(within):
                while self.version == version and not self._closed:
                    await self._changed.wait()
        except TimeoutError:
            pass
        return self.version

    def close(self) -> None:
        self._closed = True
        self._changed.set()
        if self._journal:
            self._journal.close()

    def _remember(self, message: Message) -> None:
        self._texts[message.sid] = message
        self._by_phone.setdefault(message.phone, {})[message.sid] = None

    def _forget(self, sid: str) -> None:
        gone = self._texts.pop(sid)
        del self._by_phone[gone.phone][sid]
        if not self._by_phone[gone.phone]:
            del self._by_phone[gone.phone]

    def _said(self, entry: dict[str, Any] | None) -> None:
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()
        if self._journal and entry is not None:
            self._journal.append(entry)

    def _recall(self, journal: Journal) -> None:
        for what, value in journal.entries():
            match what:
                case "text":
                    self._remember(value)
                case "deleted":
                    self._forget(value)
                case _:
                    (self.opted_out.add if what == "opted_out" else self.opted_out.discard)(value)
        journal.rewrite([{"text": text} for text in self._texts.values()])
        for phone in self.opted_out:
            journal.append({"opted_out": phone})
