"""The twins of the keys of the API, and of what belongs to whom."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.booking.domain.audit import Entry
from services.booking.domain.key import Key


class MemoryKeys:
    def __init__(self) -> None:
        self.kept: dict[str, Key] = {}

    async def get(self, key: str) -> Key | None:
        await asyncio.sleep(0)
        return self.kept.get(key)

    async def add(self, key: Key) -> None:
        await asyncio.sleep(0)
        self.kept[key.id] = key

    async def of(self, practice: str) -> Sequence[Key]:
        await asyncio.sleep(0)
        found = [key for key in self.kept.values() if key.practice == practice]
        return sorted(found, key=lambda key: key.made_at, reverse=True)

    async def revoke(self, revoked: Key) -> bool:
        await asyncio.sleep(0)
        key = self.kept[revoked.id]
        if key.revoked_at is not None:
            return False
        self.kept[key.id] = replace(key, revoked_at=revoked.revoked_at, changed=revoked.changed)
        return True

    async def used(self, uses: Mapping[str, datetime]) -> None:
        await asyncio.sleep(0)
        for id_, at in uses.items():
            key = self.kept[id_]
            self.kept[id_] = replace(key, used_at=at if key.used_at is None else max(at, key.used_at))

    async def last_changes(self, practice: str) -> Sequence[Entry]:
        return [key.changed for key in await self.of(practice) if key.changed is not None]


class MemoryBelonging:
    """`kept` names the practice of each thing by its kind and id."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    async def practice_of(self, subject: str, id_: str) -> str | None:
        await asyncio.sleep(0)
        return self.kept.get((subject, id_))
