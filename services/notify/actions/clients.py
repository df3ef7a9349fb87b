"""What notify holds of one client: handed out, or forgotten but for what keeps a STOP honoured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from services.notify import outbox
from services.notify.domain.call import Call
from services.notify.domain.consent import Entry
from services.notify.domain.delivery import Message
from services.notify.domain.visit import Visit
from services.notify.ports import AskKind, ClientAsk, Reply, Sealer, Stores, Words
from shared.clock import Clock
from shared.errors import Kind, Refusal

EXPORT_KEPT: Final = timedelta(days=7)
# By then every event that was on its way has arrived.
ERASURE_KEPT: Final = timedelta(days=90)
KEPT: Final = {AskKind.EXPORT: EXPORT_KEPT, AskKind.ERASE: ERASURE_KEPT}


class ExportUnknown(Refusal):
    """Booking asked for no such export (yet), its time is over, or its client was forgotten."""

    slug: ClassVar[str] = "export-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """All that there is of one client; a ledger for each number that was texted."""

    visits: Sequence[Visit]
    texts: Sequence[Message]
    ledgers: dict[str, Sequence[Entry]]
    replies: Sequence[Reply]
    calls: Sequence[Call] = ()
    words: Sequence[tuple[Words, str | None]] = ()


class Clients:
    def __init__(self, stores: Stores, *, seal: Sealer, now: Clock) -> None:
        self._stores, self._seal, self._now = stores, seal, now

    async def erase(self, ask: str, practice: str, *, appointments: Sequence[str], phones: Sequence[str]) -> None:
        """Forget visits, texts, replies and consents, and then say so, once. A STOP outlives it under a keyed name.

        Killed at any point, all of it may be done again: the count was taken first, what leads to the replies goes
        after them, and the receipt comes last.
        """
        stores = self._stores
        begun = await self._begun(ask, AskKind.ERASE, practice, appointments, phones)
        if begun.done_at is not None:
            return
        visits = (await stores.visits.many(appointments)).values()
        await stores.replies.forget(phones, [sid for visit in visits for sid in visit.heard])
        await stores.visits.forget(practice, appointments)
        await stores.messages.forget(appointments)
        await stores.messages.forget_notices(practice, phones)
        await stores.contacts.forget(practice, phones, appointments)
        await stores.marks.forget(practice, phones, appointments)
        await stores.calls.forget(practice, phones, appointments)
        await stores.inbox.forget(practice, phones, appointments)
        await stores.asks.forget_exports(appointments)
        await self._say(begun)

    async def prepare_export(self, ask: str, practice: str, *, appointments: Sequence[str]) -> None:
        """Note whose texts may be fetched under this ask, and say how many records there are; once."""
        begun = await self._begun(ask, AskKind.EXPORT, practice, appointments, ())
        if begun.done_at is None:
            await self._say(begun)

    async def exported(self, ask: str, practice: str) -> Export:
        """Read as it is now."""
        asked = await self._stores.asks.get(ask)
        gone = asked is None or asked.practice != practice or asked.until <= self._now()
        if asked is None or gone or asked.kind is not AskKind.EXPORT:
            raise ExportUnknown("there is no such export")
        visits = list((await self._stores.visits.many(asked.appointments)).values())
        phones = sorted({visit.phone for visit in visits})
        ledgers = await self._stores.contacts.ledgers([(practice, phone) for phone in phones])
        words = await self._stores.inbox.of(asked.appointments)
        return Export(
            visits=visits,
            texts=await self._texts(asked.appointments),
            ledgers={phone: ledger for (_, phone), ledger in ledgers.items()},
            replies=await self._stores.replies.of(phones),
            calls=await self._stores.calls.of(asked.appointments),
            words=[(one, self._seal.read(one.sealed, one.sid)) for one in words],
        )

    async def _begun(
        self, ask: str, kind: AskKind, practice: str, appointments: Sequence[str], phones: Sequence[str]
    ) -> ClientAsk:
        known = await self._stores.asks.get(ask)
        if known is not None:
            return known
        records = len(await self._stores.visits.many(appointments)) + len(await self._texts(appointments))
        now = self._now()
        asked = ClientAsk(
            id=ask,
            practice=practice,
            kind=kind,
            appointments=tuple(appointments),
            records=records,
            begun_at=now,
            until=now + KEPT[kind],
        )
        return await self._stores.asks.begin(asked, phones)

    async def _texts(self, appointments: Sequence[str]) -> list[Message]:
        return [text for appointment in appointments for text in await self._stores.messages.of(appointment)]

    async def _say(self, begun: ClientAsk) -> None:
        done = begun.finished(self._now())
        await self._stores.asks.done(done, outbox.answered(done))
