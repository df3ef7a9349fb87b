"""The waitlist's twins: who waits and what they are offered, in memory, and entries to put in line."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.booking.domain.client import Subject
from services.booking.domain.freed import Offered, OfferId, Standing
from services.booking.domain.waitlist import Wait, Waiting, WaitingId
from services.booking.ports import Added, Could
from services.booking.store.waitlist_documents import told
from shared.events import Envelope
from shared.relay import Said


class MemoryLine:
    """Gives way once before each operation, as a network would, and is atomic within it."""

    def __init__(self, offers: MemoryOffers) -> None:
        self.kept: dict[WaitingId, Waiting] = {}
        self.ended: dict[WaitingId, datetime] = {}
        self._offers = offers

    async def get(self, waiting: WaitingId) -> Waiting | None:
        await asyncio.sleep(0)
        return self.kept.get(waiting)

    async def add(self, waiting: Waiting) -> Waiting:
        await asyncio.sleep(0)
        if waiting.id in self.kept:
            return self.kept[waiting.id]
        same = [one for one in self._waiting(waiting.practice) if _wish(one) == _wish(waiting)]
        if same:
            return same[0]
        self.kept[waiting.id] = waiting
        return waiting

    async def of_client(self, practice: str, refs: Sequence[str]) -> Sequence[Waiting]:
        await asyncio.sleep(0)
        return [one for one in self.kept.values() if one.practice == practice and one.client.ref in refs]

    async def end(self, waiting: WaitingId, state: Wait, at: datetime) -> bool:
        await asyncio.sleep(0)
        found = self.kept.get(waiting)
        if found is None or found.state is not Wait.WAITING:
            return False
        self.kept[waiting], self.ended[waiting] = replace(found, state=state), at
        return True

    async def end_over(self, now: datetime) -> None:
        for one in list(self.kept.values()):
            if one.until <= now:
                await self.end(one.id, Wait.OVER, now)

    async def listed(self, practice: str, *, after: WaitingId | None, limit: int) -> Sequence[Waiting]:
        await asyncio.sleep(0)
        return _behind(self._waiting(practice), None if after is None else self.kept.get(after))[:limit]

    async def who_could(self, wanted: Could, *, after: Waiting | None, limit: int) -> Sequence[Waiting]:
        await asyncio.sleep(0)
        could = [
            one
            for one in self._waiting(wanted.practice)
            if one.practitioner in {None, wanted.practitioner} and one.service in wanted.services
            if min(each.first for each in one.ranges) <= wanted.last
            if max(each.last for each in one.ranges) >= wanted.first
        ]
        return _behind(could, after)[:limit]

    async def told(self, subject: Subject) -> Sequence[Mapping[str, object]]:
        return [told(one) for one in self._of(subject)]

    async def forget(self, subject: Subject) -> None:
        for one in self._of(subject):
            del self.kept[one.id]
            self._offers.forget(one.id)

    def _of(self, subject: Subject) -> list[Waiting]:
        return [
            one for one in self.kept.values() if one.practice == subject.practice and one.client.ref in subject.refs
        ]

    def _waiting(self, practice: str) -> list[Waiting]:
        open_ = (one for one in self.kept.values() if one.practice == practice and one.state is Wait.WAITING)
        return sorted(open_, key=_place)


class MemoryOffers:
    """As its sister."""

    def __init__(self) -> None:
        self.kept: dict[OfferId, Offered] = {}
        self.said: list[Envelope[Any]] = []

    async def get(self, offer: OfferId) -> Offered | None:
        await asyncio.sleep(0)
        return self.kept.get(offer)

    async def add(self, offered: Offered, said: Said) -> Added:
        await asyncio.sleep(0)
        if offered.id in self.kept:
            return Added.HAS_ONE
        for one in self.kept.values():
            if one.waiting == offered.waiting and one.state is Standing.OPEN:
                return Added.HAS_ONE
            if one.seat == offered.seat:
                return Added.SEAT_TAKEN
        self.kept[offered.id] = offered
        self.said.extend(said)
        return Added.MADE

    async def turn(
        self, offer: OfferId, to: Standing, *, of: Collection[Standing], due_at: datetime | None = None, said: Said = ()
    ) -> bool:
        await asyncio.sleep(0)
        found = self.kept.get(offer)
        if found is None or found.state not in of:
            return False
        self.kept[offer] = replace(found, state=to, due_at=due_at)
        self.said.extend(said)
        return True

    async def moved_on(self, offers: Sequence[OfferId]) -> None:
        await asyncio.sleep(0)
        for id_ in offers:
            if (found := self.kept.get(id_)) is not None and found.state is not Standing.OPEN:
                self.kept[id_] = replace(found, due_at=None)

    async def of_event(self, practice: str, event: str) -> Sequence[Offered]:
        await asyncio.sleep(0)
        return [one for one in self.kept.values() if one.practice == practice and one.seat.freed.event == event]

    async def open_of(self, waiting: Sequence[WaitingId]) -> Sequence[Offered]:
        await asyncio.sleep(0)
        return [one for one in self.kept.values() if one.waiting in waiting and one.state is Standing.OPEN]

    async def starting(self, practice: str, starts_from: datetime, starts_until: datetime) -> Sequence[Offered]:
        await asyncio.sleep(0)
        here = (one for one in self.kept.values() if one.practice == practice)
        return [one for one in here if starts_from <= one.starts_at < starts_until]

    async def due(self, now: datetime, limit: int) -> Sequence[Offered]:
        await asyncio.sleep(0)
        due = [(one.due_at, one) for one in self.kept.values() if one.due_at is not None and one.due_at <= now]
        return [one for _, one in sorted(due, key=lambda pair: pair[0])][:limit]

    def forget(self, waiting: WaitingId) -> None:
        self.kept = {id_: one for id_, one in self.kept.items() if one.waiting != waiting}


def _wish(one: Waiting) -> tuple[str, str, str | None]:
    return one.client.ref, one.service, one.practitioner


def _place(one: Waiting) -> tuple[datetime, str]:
    return one.since, one.id


def _behind(line: list[Waiting], last: Waiting | None) -> list[Waiting]:
    return line if last is None else [one for one in line if _place(one) > _place(last)]
