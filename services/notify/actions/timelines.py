"""All that passed between a practice and one number, in one line of time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.notify.domain.delivery import Message
from services.notify.domain.reply import Meaning
from services.notify.ports import Place, Reply, Stores

# These count for every practice, whoever they were said to.
FOR_ALL: Final = frozenset({Meaning.STOP, Meaning.START})


@dataclass(frozen=True, slots=True)
class Entry:
    """A text to the client, or a reply by what it meant; `has_words` where its words are kept for the desk."""

    what: Message | Reply
    has_words: bool = False

    @property
    def place(self) -> Place:
        if isinstance(self.what, Reply):
            return self.what.received_at, self.what.sid
        return self.what.at, self.what.id


class Timelines:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def page(
        self, practice: str, phone: str, *, before: Place | None, limit: int
    ) -> tuple[Sequence[Entry], Place | None]:
        """Newest first, and where the next page begins. A page may be shorter: what was said to others is left out."""
        texts, replies = await asyncio.gather(
            self._stores.overview.line(practice, phone, before=before, limit=limit + 1),
            self._stores.replies.line(phone, before=before, limit=limit + 1),
        )
        found = [*map(Entry, texts), *map(Entry, replies)]
        found.sort(key=lambda entry: entry.place, reverse=True)
        shown, more = found[:limit], len(found) > limit
        theirs = await asyncio.gather(*(self._is_of(practice, entry.what) for entry in shown))
        kept = [entry for entry, is_theirs in zip(shown, theirs, strict=True) if is_theirs]
        return await self._worded(practice, kept), shown[-1].place if more else None

    async def _worded(self, practice: str, entries: Sequence[Entry]) -> Sequence[Entry]:
        sids = [entry.what.sid for entry in entries if isinstance(entry.what, Reply)]
        held = await self._stores.inbox.held(practice, sids) if sids else frozenset[str]()
        return [replace(e, has_words=isinstance(e.what, Reply) and e.what.sid in held) for e in entries]

    async def _is_of(self, practice: str, what: Message | Reply) -> bool:
        """A reply is to whoever texted last: one number may know several practices, and all of them share a sender."""
        if isinstance(what, Message) or what.heard.meaning in FOR_ALL:
            return True
        return await self._last_to(what.phone, what.received_at) == practice

    async def _last_to(self, phone: str, at: datetime) -> str | None:
        last = await self._stores.messages.last_sent(phone, at)
        return last.practice if last is not None else None
