"""The clients of a practice: filed by what was announced of their visits, found, and merged where two are one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.booking.actions.visits import Contended
from services.booking.domain.appointment import Appointment
from services.booking.domain.client import Record, folded, record_of
from services.booking.domain.refusals import NoSuchPractice
from services.booking.outbox import client_merged
from services.booking.phone import ANYWHERE, mobile
from services.booking.ports import Counts, Stores
from shared.clock import Clock
from shared.errors import Kind, Refusal
from shared.events import Envelope
from shared.events.booking import AppointmentEvent

MOST_TRIES = 8


class NoSuchClient(Refusal):
    """The practice has no client of this reference, or has forgotten them."""

    slug = "no-such-client"
    kind = Kind.NOT_FOUND


class MergedAlready(Refusal):
    """The record is a part of another one; that one can be merged."""

    slug = "merged-already"
    kind = Kind.CONFLICT


class SameClient(Refusal):
    """Merging these would make a circle: they are one client already."""

    slug = "same-client"
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Family:
    """All records of one client; `speaker` is the one that the others were merged into."""

    speaker: Record
    others: Sequence[Record] = ()

    @property
    def records(self) -> tuple[Record, ...]:
        return self.speaker, *self.others

    @property
    def refs(self) -> tuple[str, ...]:
        return tuple(record.ref for record in self.records)

    @property
    def phones(self) -> tuple[str, ...]:
        return tuple(record.phone for record in self.records)


class Clients:
    def __init__(self, stores: Stores, now: Clock) -> None:
        self._stores = stores
        self._clients = stores.clients
        self._now = now

    async def file(self, heard: Envelope[AppointmentEvent], visit: Appointment) -> None:
        """Once for each visit. Believes it rather than the event, which may know a client who was forgotten."""
        record = record_of(visit)
        if record is not None and heard.sequence == visit.asked_for_in:
            await self._clients.file(record)

    async def of_number(self, practice: str, phone: str) -> Sequence[Record]:
        """The client of this number, as it may be dialled in the practice's country; nobody or one."""
        kept = await self._stores.practices.get(practice)
        if kept is None:
            raise NoSuchPractice(f"there is no practice {practice!r}")
        number = mobile(phone, country=kept.practice.country, countries=ANYWHERE, field="phone")
        found = await self._clients.of_number(practice, number)
        return [] if found is None else [await self._speaker(found)]

    async def listed(self, practice: str, *, name: str, after: tuple[str, str] | None, limit: int) -> Sequence[Record]:
        return await self._clients.listed(practice, named=folded(name), after=after, limit=limit)

    async def family(self, practice: str, ref: str) -> Family:
        """Whichever of its records is asked for."""
        record = await self._clients.get(practice, ref)
        if record is None:
            raise NoSuchClient("the practice has no such client")
        speaker = await self._speaker(record)
        others: list[Record] = []
        found: Sequence[Record] = (speaker,)
        while found := await self._clients.merged_into(practice, [one.ref for one in found]):
            others += found
        return Family(speaker, tuple(sorted(others, key=lambda one: one.first_seen)))

    async def refs(self, practice: str, ref: str) -> tuple[str, ...]:
        """All references of one client, whichever is asked for; of a stranger, the one that is asked for."""
        try:
            return (await self.family(practice, ref)).refs
        except NoSuchClient:
            return (ref,)

    async def counts(self, family: Family) -> Counts:
        return await self._stores.histories.counts(family.speaker.practice, family.refs)

    async def visits(self, family: Family, *, before: datetime | None, limit: int) -> Sequence[Appointment]:
        return await self._stores.histories.newest(family.speaker.practice, family.refs, before=before, limit=limit)

    async def merge(self, practice: str, ref: str, into: str) -> Family:
        """Let the client `into` speak for this one too. Asked again, it changes nothing.

        Each merger counts both records on before it writes, so of several at once that would close a circle one at
        least finds its own record changed and looks again; in the order of references, so that not all of them do.
        """
        for _ in range(MOST_TRIES):
            record = await self._clients.get(practice, ref)
            if record is None:
                raise NoSuchClient("the practice has no such client")
            speaker = (await self.family(practice, into)).speaker
            if record.merged_into is not None:
                if (await self._speaker(record)).ref != speaker.ref:
                    raise MergedAlready("the record is a part of another one", into=record.merged_into)
                return await self.family(practice, ref)
            if speaker.ref == ref:
                raise SameClient("these records are one client already")
            if not await self._counted_on(record, speaker):
                continue
            said = client_merged(practice, ref, into=speaker.ref, sequence=speaker.turn + 1, at=self._now())
            if await self._clients.merge(replace(record, turn=record.turn + 1), speaker.ref, (said,)):
                return await self.family(practice, ref)
        raise Contended("others kept changing these clients")

    async def _counted_on(self, *records: Record) -> bool:
        for record in sorted(records, key=lambda one: one.ref):
            if not await self._clients.touch(record):
                return False
        return True

    async def _speaker(self, record: Record) -> Record:
        """The record at the end of the chain; one whose speaker was forgotten meanwhile speaks for itself."""
        while record.merged_into is not None:
            following = await self._clients.get(record.practice, record.merged_into)
            if following is None:
                return record
            record = following
        return record
