"""Forgetting what has been kept for long enough, and keeping what a legal hold says must stay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import ClassVar, Final

import structlog
from prometheus_client import Counter

from services.screening import confidential
from services.screening.actions.casework import Casework
from services.screening.actions.clients import Clients
from services.screening.domain.audit import Deed, Hand, Role
from services.screening.domain.case import Case
from services.screening.domain.retention import Kept, Terms, kept
from services.screening.ports import Forgotten, Hold, Holds, KeyOwner, Merges
from shared.errors import Kind, Refusal

log = structlog.get_logger()
forgotten = Counter("screening_cases_forgotten_total", "Cases forgotten because their term was over", ["kept"])

TIME: Final = Hand(role=Role.SERVICE, who="time")
BATCH: Final = 100
SHORTEST_REASON: Final = 10


class HoldUnknown(Refusal):
    """Nothing of this client is held."""

    slug: ClassVar[str] = "hold-unknown"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class ReasonTooShort(Refusal):
    """A legal hold without its written reason."""

    slug: ClassVar[str] = "reason-too-short"
    kind: ClassVar[Kind] = Kind.INVALID


class Retention:
    def __init__(self, casework: Casework, clients: Clients, *, holds: Holds, merges: Merges, terms: Terms) -> None:
        self._casework = casework
        self._clients = clients
        self._holds, self._merges, self._terms = holds, merges, terms

    async def hold(self, practice: str, client: str, *, reason: str, hand: Hand) -> Hold:
        """Nothing of the client is forgotten from now on; held already, it stays as it is. Raises `ReasonTooShort`."""
        if len("".join(reason.split())) < SHORTEST_REASON:
            raise ReasonTooShort(f"a reason of at least {SHORTEST_REASON} characters is needed")
        owner = KeyOwner(practice=practice, subject=f"hold:{client}")
        sealed = await confidential.seal_words(self._casework.vault, owner, reason)
        by = hand.name or hand.who
        placed = await self._holds.place(
            Hold(practice=practice, client=client, by=by, at=self._casework.now(), sealed=sealed)
        )
        await self._note(Deed.HOLD, practice, client, hand)
        return placed

    async def release(self, practice: str, client: str, *, hand: Hand) -> None:
        """What was to be erased meanwhile is erased at the next round. Noted before it ends. Raises `HoldUnknown`."""
        if not await self._holds.any_of(practice, [client]):
            raise HoldUnknown("nothing of this client is held")
        await self._note(Deed.RELEASE, practice, client, hand)
        await self._holds.lift(practice, client)
        await self._casework.vault.forget(practice, f"hold:{client}")

    async def held(self, practice: str) -> Sequence[tuple[Hold, str]]:
        """Every hold with its reason, the oldest first; empty where it was placed while another one just ended."""
        return [(one, await self._reason(one)) for one in await self._holds.of(practice)]

    async def _reason(self, hold: Hold) -> str:
        try:
            return await confidential.words_of(self._casework.vault, hold.sealed)
        except Forgotten:
            return ""

    async def until(self, case: Case) -> date | None:
        """The last day on which this case is kept, as far as is known now; None while a legal hold lies on it."""
        term = kept(case)
        if term is None:
            return None
        why, since = term
        if case.client is not None:
            refs = await self._merges.family(case.practice, case.client)
            if await self._holds.any_of(case.practice, refs):
                return None
            if why is Kept.VISITED:
                since = max(since, await self._last_visit(case.practice, refs) or since)
        return self._terms.until(why, since)

    async def carry_out(self) -> None:
        """One round: erasures that waited for a hold to end, then whatever has been kept for long enough."""
        await self._clients.erase_open()
        for why, before in self._terms.cutoffs(self._casework.now().date()).items():
            await self._forget_old(why, before)

    async def _forget_old(self, why: Kept, before: date) -> None:
        after: tuple[date, str] | None = None
        while old := await self._casework.cases.kept_before(why, before, after=after, limit=BATCH):
            for case in old:
                if not await self._must_stay(case, why, before):
                    once = f"{case.id}:{case.version}"
                    await self._note(Deed.RETENTION, case.practice, case.id, TIME, once=once)
                    await self._clients.let_go(case, hand=TIME)
                    forgotten.labels(why.value).inc()
            term = kept(old[-1])
            if term is None or len(old) < BATCH:
                return
            after = term[1], old[-1].id

    async def _note(self, deed: Deed, practice: str, record: str, hand: Hand, *, once: str | None = None) -> None:
        noting = self._casework.auditing
        await noting.note(noting.fact(deed, practice=practice, record=record, hand=hand, once=once))

    async def _must_stay(self, case: Case, why: Kept, before: date) -> bool:
        """Held; or a visit of a client who has come again since, whose term counts from the last one.

        Or changed since it was found, as by a request that comes late: then it is looked at in the next round.
        """
        standing = await self._casework.cases.find(case.id)
        if standing is None or standing.version != case.version:
            return True
        if case.client is None:
            return False
        refs = await self._merges.family(case.practice, case.client)
        if await self._holds.any_of(case.practice, refs):
            return True
        if why is not Kept.VISITED:
            return False
        last = await self._last_visit(case.practice, refs)
        if last is None or last < before:
            return False
        await self._casework.change(case, lambda one: one.kept_with(last))
        return True

    async def _last_visit(self, practice: str, refs: Sequence[str]) -> date | None:
        newest = await self._casework.cases.last_attended(practice, refs)
        return None if newest is None or newest.starts_at is None else newest.starts_at.date()
