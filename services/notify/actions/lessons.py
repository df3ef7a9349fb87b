"""What an error code says beyond its own text, whoever hears it: a POST's refusal, a receipt, the provider's list."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from services.notify.domain.consent import Entry, Word
from services.notify.domain.delivery import Message
from services.notify.domain.provider import treatment
from services.notify.ports import Contacts
from shared.clock import Clock

log = structlog.get_logger()

REST = timedelta(minutes=1)


class Lessons:
    """A stop to enter, a sender that must rest, a person to tell."""

    def __init__(self, contacts: Contacts, *, now: Clock) -> None:
        self._contacts, self._now = contacts, now
        self._rests_until: datetime | None = None

    @property
    def resting(self) -> bool:
        return self._rests_until is not None and self._now() < self._rests_until

    async def learn(self, message: Message, code: int) -> None:
        cure, now = treatment(code), self._now()
        if cure.stop:
            source = message.attempt.id if message.attempt else message.id
            stop = Entry(key=f"provider:{source}", word=Word.STOPPED, at=now, source="provider")
            await self._contacts.enter_everywhere(message.to, stop)
        if cure.rest:
            self._rests_until = now + REST
        if cure.alert:
            log.error("text.refused", id=message.id, code=code, why=cure.why)
