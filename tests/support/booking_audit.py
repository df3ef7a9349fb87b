"""The twin of the audit of settings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.booking.domain.audit import Entry


class MemoryAudit:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Entry] = {}

    async def note(self, entry: Entry) -> None:
        await asyncio.sleep(0)
        self.kept.setdefault((entry.practice, entry.id), entry)

    async def newest(self, practice: str, *, before: str | None, limit: int) -> Sequence[Entry]:
        await asyncio.sleep(0)
        of_practice = [one for one in self.kept.values() if one.practice == practice]
        newest = sorted(of_practice, key=lambda one: (one.at, one.id), reverse=True)
        if before is None:
            return newest[:limit]
        seen = [one.id for one in newest]
        return newest[seen.index(before) + 1 :][:limit] if before in seen else ()
