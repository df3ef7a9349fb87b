"""Keeping up with the outside calendars that practitioners name: read in the background, never while somebody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.booking.domain.imported import Imported, Source, begun, sources
from services.booking.domain.policy import Policy
from services.booking.domain.refusals import NoSuchPractice
from services.booking.ports import Stores
from shared.clock import Clock

AT_ONCE: Final = 4
LEASE: Final = timedelta(minutes=1)
"""The next replica goes on so long after the one that read was gone. Should two ever read at once, nothing is lost."""

Reading = Callable[[Source, Imported, datetime], Awaitable[Imported]]
"""The next state of a calendar; whatever is wrong with it or its server is in there, never raised."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A calendar that a profile names; `state` is None until it was tried for the first time."""

    source: Source
    state: Imported | None
    stale: bool


class Calendars:
    def __init__(self, stores: Stores, policy: Policy, now: Clock) -> None:
        self._stores = stores
        self._policy = policy
        self._now = now

    async def followed(self, practice: str) -> list[Followed]:
        """Every calendar of the profile, in its order."""
        kept = await self._stores.practices.get(practice)
        if kept is None:
            raise NoSuchPractice(f"there is no practice {practice!r}")
        named = list(sources(kept.practice))
        states = await self._stores.calendars.states([source.id for source in named]) if named else {}
        return [self._followed(source, states.get(source.id)) for source in named]

    async def refresh(self, read: Reading, *, every: timedelta) -> None:
        """Read whatever was not tried for so long; one replica does it for all."""
        if not await self._stores.calendars.lease(LEASE):
            return
        now = self._now()
        named = [source for kept in await self._stores.practices.with_calendars() for source in sources(kept.practice)]
        states = await self._stores.calendars.states([source.id for source in named]) if named else {}
        turn = asyncio.Semaphore(AT_ONCE)

        async def follow(source: Source, was: Imported) -> None:
            async with turn:
                await self._stores.calendars.put(await read(source, was, self._now()))

        async with asyncio.TaskGroup() as following:
            for source in named:
                was = states.get(source.id)
                if was is None or was.tried_at <= now - every:
                    following.create_task(follow(source, was or begun(source, now)))

    def _followed(self, source: Source, state: Imported | None) -> Followed:
        stale = state is None or state.is_stale(self._now(), self._policy.calendars_count_for)
        return Followed(source, state, stale)
