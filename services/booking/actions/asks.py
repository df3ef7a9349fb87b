"""Exporting and erasing a client: booking asks every service, does its own part, and keeps the receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.booking.actions.clients import Clients, Family, NoSuchClient
from services.booking.actions.visits import Contended
from services.booking.domain.appointment import Appointment, AppointmentId, Hand
from services.booking.domain.client import (
    Answer,
    AskKind,
    ClientAsk,
    Record,
    Subject,
    answered,
    erasure,
    export,
    forgotten,
    is_open,
    recorded,
)
from services.booking.domain.identity import ask_id
from services.booking.outbox import client_asked
from services.booking.ports import AlreadyAsked, Stores
from shared.clock import Clock
from shared.errors import Kind, Refusal
from shared.events import Envelope
from shared.events.booking import AppointmentEvent

MOST_TRIES = 8
BATCH = 20
MOST_VISITS = 10_000


class HasUpcomingVisits(Refusal):
    """Visits of this client are still to come or to be closed; they are cancelled first. `visits` are their ids."""

    slug = "has-upcoming-visits"
    kind = Kind.CONFLICT


class NoSuchAsk(Refusal):
    """Nothing was asked under this id, or it is no export, or its time is over."""

    slug = "no-such-ask"
    kind = Kind.NOT_FOUND


@dataclass(frozen=True, slots=True)
class Export:
    """Booking's own part of an export."""

    ask: ClientAsk
    records: Sequence[Record]
    visits: Sequence[Appointment]
    more: Sequence[Mapping[str, object]]


class Asks:
    def __init__(self, stores: Stores, clients: Clients, now: Clock) -> None:
        self._stores = stores
        self._asks = stores.asks
        self._clients = clients
        self._now = now

    async def erase(self, practice: str, ref: str, *, key: str, hand: Hand) -> ClientAsk:
        """Ask all services to forget the client. While that is under way, asking again gives the same ask."""
        now = self._now()  # before the visits are read: what is told from now on is not meant
        id_ = ask_id(practice, AskKind.ERASE, ref, key)
        if (earlier := await self._asks.get(practice, id_)) is not None:
            return earlier
        family = await self._family(practice, ref)
        states = await self._stores.histories.states(practice, family.refs)
        standing = sorted(visit for visit, state in states.items() if is_open(state))
        if standing:
            raise HasUpcomingVisits("cancel the client's visits first", visits=standing)
        return await self._begin(erasure(id_, await self._subject(family, states), hand=hand, now=now))

    async def export(self, practice: str, ref: str, *, key: str, hand: Hand) -> ClientAsk:
        """Ask all services to make what they hold of the client ready to be fetched."""
        id_ = ask_id(practice, AskKind.EXPORT, ref, key)
        if (earlier := await self._asks.get(practice, id_)) is not None:
            return earlier
        family = await self._family(practice, ref)
        states = await self._stores.histories.states(practice, family.refs)
        return await self._begin(export(id_, await self._subject(family, states), hand=hand, now=self._now()))

    async def get(self, practice: str, ask: str) -> ClientAsk:
        found = await self._asks.get(practice, ask)
        if found is None or (found.until is not None and found.until <= self._now()):
            raise NoSuchAsk("there is no such ask")
        return found

    async def exported(self, practice: str, ask: str) -> Export:
        """Read as it is now; what was forgotten since is not in it."""
        found = await self.get(practice, ask)
        subject = found.subject
        if found.kind is not AskKind.EXPORT or subject is None:
            raise NoSuchAsk("there is no such export")
        records = [await self._stores.clients.get(practice, ref) for ref in subject.refs]
        visits = await self._stores.histories.newest(practice, subject.refs, before=None, limit=MOST_VISITS)
        more = [told for store in self._stores.of_clients for told in await store.told(subject)]
        return Export(found, [record for record in records if record is not None], visits, more)

    async def answered(self, practice: str, ask: str, answer: Answer) -> bool:
        """Note what a service answered, once; False of an ask that is not there (any more)."""
        for _ in range(MOST_TRIES):
            known = await self._asks.get(practice, ask)
            if known is None:
                return False
            after = answered(known, answer)
            if after is known or await self._asks.save(after):
                return True
        raise Contended("others kept answering the same ask")

    async def has_forgotten(self, visit: AppointmentId) -> bool:
        found = await self._stores.appointments.get(visit)
        return found is not None and found.pseudonym is not None

    async def forget_again(self, heard: Envelope[AppointmentEvent]) -> None:
        """An erasure went by between the two halves of a reaction to this event."""
        client, visit = heard.data.client, heard.data.appointment
        subject = Subject(practice=heard.practice, refs=(client.ref,), phones=(client.phone,), appointments=(visit,))
        for store in self._stores.of_clients:
            await store.forget(subject)

    async def carry_out(self) -> None:
        """Do booking's own part of every erasure that is open; each step may be done any number of times."""
        for ask in await self._asks.open_erasures(BATCH):
            if ask.subject is not None:
                await self._forget(ask, ask.subject)

    async def _family(self, practice: str, ref: str) -> Family:
        """Who only ever waited for a time has no record, and is exported and forgotten all the same."""
        try:
            return await self._clients.family(practice, ref)
        except NoSuchClient:
            waiting = await self._stores.line.of_client(practice, [ref])
            if not waiting:
                raise
            return Family(recorded(waiting[0].client, practice=practice))

    async def _subject(self, family: Family, visits: Mapping[AppointmentId, object]) -> Subject:
        practice = family.speaker.practice
        phones = (*family.phones, *await self._of_guardians(practice, family.refs))
        return Subject(practice=practice, refs=family.refs, phones=phones, appointments=tuple(sorted(visits)))

    async def _of_guardians(self, practice: str, refs: Sequence[str]) -> list[str]:
        """The numbers that the client's texts went to instead; not those of guardians who are clients themselves."""
        visits = await self._stores.histories.newest(practice, refs, before=None, limit=MOST_VISITS)
        clients = [visit.client for visit in visits if visit.client is not None]
        clients += [waiting.client for waiting in await self._stores.line.of_client(practice, refs)]
        numbers = {client.guardian.phone for client in clients if client.guardian is not None}
        return [one for one in sorted(numbers) if await self._stores.clients.of_number(practice, one) is None]

    async def _begin(self, ask: ClientAsk) -> ClientAsk:
        try:
            await self._asks.add(ask, client_asked(ask))
        except AlreadyAsked as there:
            found = await self._asks.get(ask.practice, there.ask)
            return ask if found is None else found
        return ask

    async def _forget(self, ask: ClientAsk, subject: Subject) -> None:
        for visit in subject.appointments:  # first, so that nothing which is heard from now on is told any more
            await self._forget_visit(AppointmentId(visit), ask)
        for store in self._stores.of_clients:
            await store.forget(subject)
        await self._asks.forget_exports(ask.practice, subject.refs)
        await self._stores.clients.forget(ask.practice, subject.refs, asked_at=ask.asked_at)
        records = len(subject.appointments) + len(subject.refs)
        await self.answered(ask.practice, ask.id, Answer("booking", self._now(), records))

    async def _forget_visit(self, visit: AppointmentId, ask: ClientAsk) -> None:
        for _ in range(MOST_TRIES):
            was = await self._stores.appointments.get(visit)
            if was is None:
                return
            after = forgotten(was, ask=ask.id, at=self._now())
            if after is was or await self._stores.appointments.save(after, ()):
                return
        raise Contended("others kept changing this appointment")
