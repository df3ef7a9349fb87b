"""Lets time take its turns only while the others can be heard, and not right after they could not.

While the broker or the database was away, answers and decisions piled up that were given in time; they are read
before anybody's request or review is said to have lapsed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from shared.mongo import UNREACHABLE


class Patience:
    """A task for a ticker: runs `work` once everything has been there for `grace` on end."""

    def __init__(self, work: Callable[[], Awaitable[None]], *, hears: Callable[[], bool], grace: timedelta) -> None:
        self._work = work
        self._hears = hears
        self._grace = grace.total_seconds()
        self._since: float | None = None

    async def run(self) -> None:
        now = asyncio.get_running_loop().time()
        if not self._hears():
            self._since = None
            return
        self._since = now if self._since is None else self._since
        if now - self._since < self._grace:
            return
        try:
            await self._work()
        except UNREACHABLE:
            self._since = None
            raise
