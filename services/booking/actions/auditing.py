"""Telling who changed what, and when: the settings of a practice, and the turns of one visit."""

from __future__ import annotations

from collections.abc import Sequence

from services.booking.domain.audit import Entry
from services.booking.ports import Audit, Changing


class Auditing:
    """`sources` are the aggregates that may have written a change and been killed before they noted it."""

    def __init__(self, audit: Audit, sources: Sequence[Changing]) -> None:
        self._audit = audit
        self._sources = sources

    async def of_practice(self, practice: str, *, before: str | None, limit: int) -> Sequence[Entry]:
        """The newest first, each change once, also the one whose writer did not live to note it."""
        if before is None:
            for source in self._sources:
                for entry in await source.last_changes(practice):
                    await self._audit.note(entry)
        return await self._audit.newest(practice, before=before, limit=limit)
