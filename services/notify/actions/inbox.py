"""What clients text in their own words: kept sealed for the desk, opened there and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from prometheus_client import Counter

from services.notify.domain.visit import Visit
from services.notify.ports import Place, Reply, Sealer, Stores, Words
from shared.clock import Clock
from shared.errors import Kind, Refusal

kept = Counter("words_kept_total", "Texts in a client's own words that were kept for the desk")


class WordsUnknown(Refusal):
    """The practice has no such text, its time is over, or its client was forgotten."""

    slug: ClassVar[str] = "words-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class Inbox:
    def __init__(self, stores: Stores, *, seal: Sealer, now: Clock) -> None:
        self._stores, self._seal, self._now = stores, seal, now

    async def keep(self, reply: Reply, visit: Visit) -> None:
        """Bears repetition. The seal is made for the SID, so it can be handed on without being opened."""
        if reply.sealed is None:
            return
        words = Words(
            sid=reply.sid,
            practice=visit.practice,
            appointment=visit.appointment,
            phone=reply.phone,
            worried=reply.heard.worried,
            received_at=reply.received_at,
            sealed=reply.sealed,
        )
        await self._stores.inbox.add(words)
        if await self._stores.visits.get(visit.appointment) is None:  # its client was forgotten meanwhile
            await self._stores.inbox.forget(visit.practice, (), [visit.appointment])
            return
        kept.inc()

    async def page(
        self, practice: str, *, before: Place | None, limit: int
    ) -> tuple[Sequence[tuple[Words, str | None]], Place | None]:
        """Each with what it says, or None if that was sealed under another key."""
        found = await self._stores.inbox.page(practice, before=before, limit=limit + 1)
        shown = found[:limit]
        opened = [(words, self._seal.read(words.sealed, words.sid)) for words in shown]
        return opened, (shown[-1].received_at, shown[-1].sid) if len(found) > limit else None

    async def mark_read(self, practice: str, sid: str, *, by: str) -> None:
        if not await self._stores.inbox.mark_read(practice, sid, by=by, at=self._now()):
            raise WordsUnknown("there is no such text")
