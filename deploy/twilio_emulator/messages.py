"""The texts the emulator knows, by phone and in order, and who has opted out; kept in a journal if wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.twilio_emulator.journal import Journal
from deploy.twilio_emulator.message import FINAL, Message


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
        return sorted(self._by_phone, key=lambda phone: self.latest(phone).created_at, reverse=True)

    def latest(self, phone: str) -> Message:
        return self._texts[next(reversed(self._by_phone[phone]))]

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
