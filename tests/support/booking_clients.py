"""The twins of the records of clients, of their visits, and of what is asked about them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.booking.domain.appointment import Appointment, AppointmentId, By, Deed, State
from services.booking.domain.client import AskKind, ClientAsk, Record, folded
from services.booking.ports import AlreadyAsked, Counts
from shared.events import Envelope
from shared.relay import Said


class MemoryClients:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Record] = {}
        self.erased: dict[tuple[str, str], datetime] = {}
        self.said: list[Envelope[Any]] = []

    async def file(self, record: Record) -> None:
        await asyncio.sleep(0)
        key = record.practice, record.ref
        if key in self.erased and record.told_at <= self.erased[key]:
            return
        self.erased.pop(key, None)
        known = self.kept.get(key)
        if known is None:
            self.kept[key] = record
            return
        newest = record if record.told_at > known.told_at else known
        first_seen = min(known.first_seen, record.first_seen)
        self.kept[key] = replace(newest, first_seen=first_seen, merged_into=known.merged_into, turn=known.turn)

    async def get(self, practice: str, ref: str) -> Record | None:
        await asyncio.sleep(0)
        return self.kept.get((practice, ref))

    async def merged_into(self, practice: str, refs: Sequence[str]) -> Sequence[Record]:
        await asyncio.sleep(0)
        return [one for one in self._of(practice) if one.merged_into in refs]

    async def of_number(self, practice: str, phone: str) -> Record | None:
        await asyncio.sleep(0)
        return next((one for one in self._of(practice) if one.phone == phone), None)

    async def listed(self, practice: str, *, named: str, after: tuple[str, str] | None, limit: int) -> Sequence[Record]:
        await asyncio.sleep(0)
        found = sorted((folded(one.name), one.ref) for one in self._of(practice) if one.merged_into is None)
        wanted = [place for place in found if place[0].startswith(named) and (after is None or place > after)]
        return [self.kept[practice, ref] for _, ref in wanted[:limit]]

    async def touch(self, record: Record) -> bool:
        await asyncio.sleep(0)
        return self._turned(record, replace(record, turn=record.turn + 1))

    async def merge(self, record: Record, into: str, said: Said) -> bool:
        await asyncio.sleep(0)
        merged = self._turned(record, replace(record, merged_into=into, turn=record.turn + 1))
        self.said.extend(said if merged else ())
        return merged

    async def forget(self, practice: str, refs: Sequence[str], *, asked_at: datetime) -> None:
        await asyncio.sleep(0)
        for key in ((practice, ref) for ref in refs):
            if key not in self.kept or self.kept[key].told_at <= asked_at:
                self.kept.pop(key, None)
                self.erased[key] = max(asked_at, self.erased.get(key, asked_at))

    def _turned(self, record: Record, after: Record) -> bool:
        known = self.kept.get((record.practice, record.ref))
        if known is None or known.turn != record.turn or known.merged_into is not None:
            return False
        self.kept[record.practice, record.ref] = replace(known, merged_into=after.merged_into, turn=after.turn)
        return True

    def _of(self, practice: str) -> list[Record]:
        return [one for one in self.kept.values() if one.practice == practice]


class MemoryHistories:
    """`kept` are the appointments of their own twin."""

    def __init__(self, kept: Callable[[], Mapping[AppointmentId, Appointment]]) -> None:
        self._kept = kept

    async def counts(self, practice: str, refs: Sequence[str]) -> Counts:
        visits = await self.newest(practice, refs, before=None, limit=1_000)
        attended = [one for one in visits if one.state is State.ATTENDED]
        return Counts(
            visits=len(attended),
            missed=sum(one.state is State.MISSED for one in visits),
            cancelled_late=sum(map(_was_cancelled_late, visits)),
            last_visit=attended[0].starts_at if attended else None,
        )

    async def newest(
        self, practice: str, refs: Sequence[str], *, before: datetime | None, limit: int
    ) -> Sequence[Appointment]:
        await asyncio.sleep(0)
        mine = [one for one in self._kept().values() if one.practice == practice and one.client is not None]
        mine = [one for one in mine if one.client is not None and one.client.ref in refs]
        mine = [one for one in mine if before is None or one.starts_at < before]
        return sorted(mine, key=lambda one: one.starts_at, reverse=True)[:limit]

    async def states(self, practice: str, refs: Sequence[str]) -> Mapping[AppointmentId, State]:
        return {one.id: one.state for one in await self.newest(practice, refs, before=None, limit=1_000)}


class MemoryAsks:
    def __init__(self) -> None:
        self.kept: dict[str, ClientAsk] = {}
        self.said: list[Envelope[Any]] = []

    async def get(self, practice: str, ask: str) -> ClientAsk | None:
        await asyncio.sleep(0)
        found = self.kept.get(ask)
        return found if found is not None and found.practice == practice else None

    async def add(self, ask: ClientAsk, said: Said) -> None:
        await asyncio.sleep(0)
        if ask.id in self.kept:
            raise AlreadyAsked(ask.id)
        for other in self.kept.values():
            if ask.kind is AskKind.ERASE is other.kind and _shared_refs(ask, other):
                raise AlreadyAsked(other.id)
        self.kept[ask.id] = ask
        self.said.extend(said)

    async def save(self, ask: ClientAsk) -> bool:
        await asyncio.sleep(0)
        known = self.kept.get(ask.id)
        if known is None or known.version != ask.version - 1:
            return False
        self.kept[ask.id] = ask
        return True

    async def open_erasures(self, limit: int) -> Sequence[ClientAsk]:
        await asyncio.sleep(0)
        to_do = [one for one in self.kept.values() if one.kind is AskKind.ERASE and "booking" in one.awaits]
        return sorted(to_do, key=lambda one: one.asked_at)[:limit]

    async def forget_exports(self, practice: str, refs: Sequence[str]) -> None:
        await asyncio.sleep(0)
        for one in list(self.kept.values()):
            about = one.subject.refs if one.subject is not None else ()
            if one.kind is AskKind.EXPORT and one.practice == practice and set(refs) & set(about):
                del self.kept[one.id]


def _shared_refs(one: ClientAsk, other: ClientAsk) -> bool:
    if one.subject is None or other.subject is None or one.practice != other.practice:
        return False
    return bool(set(one.subject.refs) & set(other.subject.refs))


def _was_cancelled_late(appointment: Appointment) -> bool:
    last = appointment.history[-1]
    return last.deed is Deed.CANCELLED and last.late and last.by is By.CLIENT
