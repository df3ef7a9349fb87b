"""What screening holds of one client: handed out, forgotten, or found under the name of a merged record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final

from services.screening import outbox
from services.screening.actions.casework import Casework, Opened
from services.screening.actions.histories import Memory
from services.screening.domain.audit import Deed, Entry, Hand
from services.screening.domain.case import Case
from services.screening.domain.history import Lasting
from services.screening.ports import Asked, AskKind, Asks, Holds, Merges, Profile
from shared.errors import Kind, Refusal

EXPORT_KEPT: Final = timedelta(days=7)
MOST_EARLIER: Final = 50
MOST_OPEN: Final = 1_000


class ExportUnknown(Refusal):
    """Booking asked for no such export (yet), its time is over, or its client was forgotten."""

    slug: ClassVar[str] = "export-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class Clients:
    def __init__(self, casework: Casework, *, merges: Merges, asks: Asks, holds: Holds, memory: Memory) -> None:
        self._casework, self._memory = casework, memory
        self._merges, self._asks, self._holds = merges, asks, holds

    @property
    def now(self) -> datetime:
        return self._casework.now()

    async def merge(self, practice: str, ref: str, into: str, *, at: datetime) -> None:
        await self._merges.join(practice, ref, into, at=at)
        await self._memory.merge(practice, ref, into, at=at)

    async def earlier(self, appointment: str) -> Sequence[Case]:
        """The other cases of the same client, under whichever of their names, the latest visit first."""
        case = await self._casework.find(appointment)
        if case.client is None:
            return []
        refs = await self._merges.family(case.practice, case.client)
        found = await self._casework.cases.of_clients(case.practice, refs, limit=MOST_EARLIER + 1)
        return [one for one in found if one.id != appointment][:MOST_EARLIER]

    async def erase(
        self, ask: str, practice: str, *, appointments: Sequence[str], refs: Sequence[str], at: datetime
    ) -> None:
        """Forget the cases and everything that names the client, and then say so, once; a legal hold makes it wait.

        Killed at any point, all of it may be done again: the count was taken first, each case is closed and emptied
        before its key goes, so that answers which come late find it closed, and the receipt comes last.
        """
        begun = await self._begun(ask, AskKind.ERASE, practice, appointments, refs)
        if begun.done_at is None and not await self._holds.any_of(practice, refs):
            await self._erase(begun, at=at)

    async def erase_open(self) -> None:
        """What was asked while a legal hold lay on it, as soon as none does, and what a killed process left."""
        for ask in await self._asks.open_erasures(limit=MOST_OPEN):
            if not await self._holds.any_of(ask.practice, ask.refs):
                await self._erase(ask, at=ask.begun_at)

    async def _erase(self, begun: Asked, *, at: datetime) -> None:
        practice, appointments, refs = begun.practice, begun.appointments, begun.refs
        for appointment in appointments:
            await self._casework.forget(appointment, practice)
        await self._memory.forget(practice, refs, at=at)
        await self._merges.forget(practice, refs, at=at)
        await self._asks.forget_exports(appointments)
        await self._say(begun)

    async def let_go(self, case: Case, *, hand: Hand) -> None:
        """One case that was kept long enough; what it said of its client first, which names it by its client.

        Nobody asks for this again, and what is empty is found no more: so its key and files go before it is emptied.
        """
        await self._memory.let_go(case)
        await self._casework.shred(case.id, case.practice, hand=hand, once=f"{case.id}:{case.version}")
        await self._casework.change(case, Case.let_go, hand=hand)

    async def prepare_export(self, ask: str, practice: str, *, appointments: Sequence[str]) -> None:
        """Note whose health checks may be fetched under this ask, and say how many there are; once."""
        begun = await self._begun(ask, AskKind.EXPORT, practice, appointments)
        if begun.done_at is None:
            await self._say(begun)

    async def exported(self, ask: str, practice: str, hand: Hand) -> Sequence[Opened]:
        """Opened as they are now, for the eyes of that hand; nothing is opened unless it is noted."""
        asked = await self._asks.get(ask)
        if asked is None or asked.practice != practice or asked.until is None or asked.until <= self._casework.now():
            raise ExportUnknown("there is no such export")
        found = [await self._casework.cases.find(appointment) for appointment in asked.appointments]
        theirs = [one for one in found if one is not None and not one.is_empty]
        await self._note_exported(theirs, hand)
        return [await self._casework.open(one.id) for one in theirs]

    async def exported_case(self, appointment: str, hand: Hand) -> Opened:
        """One case, to be taken elsewhere; nothing is opened unless it is noted. Raises `CaseUnknown`."""
        await self._note_exported([await self._casework.find(appointment)], hand)
        return await self._casework.open(appointment)

    async def profile(self, practice: str) -> Profile:
        """Raises `PracticeUnknown`."""
        return await self._casework.profile(practice)

    async def remembered(self, opened: Sequence[Opened]) -> Sequence[Lasting]:
        """What is kept of the client beyond these cases, under whichever of their names."""
        return await self._memory.of(one.case for one in opened)

    async def seen(self, opened: Sequence[Opened]) -> Sequence[Entry]:
        """Who of the practice has seen these, case by case."""
        noting = self._casework.auditing
        return [entry for one in opened for entry in await noting.opened(one.case.practice, one.case.id)]

    async def _note_exported(self, cases: Sequence[Case], hand: Hand) -> None:
        noting = self._casework.auditing
        exported = [
            noting.fact(
                Deed.EXPORT, practice=one.practice, record=one.id, hand=hand, old=str(one.version), new=str(one.version)
            )
            for one in cases
        ]
        await noting.note(*exported)

    async def _begun(
        self, ask: str, kind: AskKind, practice: str, appointments: Sequence[str], refs: Sequence[str] = ()
    ) -> Asked:
        known = await self._asks.get(ask)
        if known is not None:
            return known
        found = [await self._casework.cases.find(appointment) for appointment in appointments]
        now = self._casework.now()
        return await self._asks.begin(
            Asked(
                id=ask,
                practice=practice,
                kind=kind,
                appointments=tuple(appointments),
                refs=tuple(refs),
                records=sum(one is not None and not one.is_empty for one in found),
                begun_at=now,
                until=now + EXPORT_KEPT if kind is AskKind.EXPORT else None,
            )
        )

    async def _say(self, begun: Asked) -> None:
        done = begun.finished(self._casework.now())
        await self._asks.done(done, outbox.answered(done))
