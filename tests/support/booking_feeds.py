"""The twin of the practitioners' calendar addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.booking.domain.audit import Entry
from services.booking.domain.feed import Feed


class MemoryFeeds:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Feed] = {}

    async def get(self, practice: str, practitioner: str) -> Feed | None:
        await asyncio.sleep(0)
        return self.kept.get((practice, practitioner))

    async def known_by(self, digest: str) -> Feed | None:
        await asyncio.sleep(0)
        return next((feed for feed in self.kept.values() if feed.digest == digest), None)

    async def put(self, feed: Feed) -> None:
        await asyncio.sleep(0)
        self.kept[feed.practice, feed.practitioner] = feed

    async def revoke(self, revoked: Feed, *, was: str) -> bool:
        await asyncio.sleep(0)
        if self.kept[revoked.practice, revoked.practitioner].digest != was:
            return False
        self.kept[revoked.practice, revoked.practitioner] = revoked
        return True

    async def last_changes(self, practice: str) -> Sequence[Entry]:
        await asyncio.sleep(0)
        ours = [feed for feed in self.kept.values() if feed.practice == practice]
        return [feed.changed for feed in ours if feed.changed is not None]
