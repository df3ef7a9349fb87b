"""The audit over HTTP: all of it for the practice, and for a client who has seen what they filled in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.screening.actions.auditing import Auditing
from services.screening.domain.audit import Entry
from services.screening.routes.parts import PRIVATE, claim_of
from services.screening.routes.payloads import AccessOut, Shown
from shared.httpkit import ANY_ID, Answer, Ask, Payload, Route, Who


class AuditQuery(Payload):
    """`record` is an appointment, a client or a rule set; `before` the number of the last entry that was seen."""

    record: Annotated[str, Field(pattern=f"^{ANY_ID}$")] | None = None
    before: int | None = Field(None, ge=1, lt=10**10)
    limit: int = Field(50, ge=1, le=200)


class EntryOut(Shown):
    """`digest` is the SHA-256 of the entry with `prev`, the digest of the one before; old and new are versions."""

    seq: int
    id: str
    at: datetime
    what: str
    record: str
    role: str
    who: str
    name: str | None = None
    where: str | None = Field(None, description="network address; of a client the network only")
    old: str | None = None
    new: str | None = None
    result: str
    prev: str
    digest: str


class AuditOut(Shown):
    """The newest first."""

    entries: list[EntryOut]


class AccessesOut(Shown):
    """The latest first."""

    opened: list[AccessOut]


class AuditRoutes:
    def __init__(self, auditing: Auditing) -> None:
        self._auditing = auditing

    async def audit(self, ask: Ask[None, AuditQuery]) -> Answer:
        wanted = ask.query
        found = await self._auditing.newest(
            ask.path["practice"], record=wanted.record, before=wanted.before, limit=wanted.limit
        )
        return Answer(200, AuditOut(entries=[_entry(one) for one in found]), headers=PRIVATE)

    async def access(self, ask: Ask[None, None]) -> Answer:
        claim = claim_of(ask)
        found = await self._auditing.opened(claim.practice, claim.appointment)
        return Answer(200, AccessesOut(opened=accesses(found)), headers=PRIVATE)


def accesses(found: Sequence[Entry]) -> list[AccessOut]:
    return [
        AccessOut(
            appointment=one.fact.record,
            at=one.fact.at,
            by=one.fact.hand.name or one.fact.hand.role.value,
            what=one.fact.deed.value,
        )
        for one in found
    ]


def routes(auditing: Auditing) -> Sequence[Route]:
    to = AuditRoutes(auditing)
    return (
        Route(
            method="GET",
            path="/v1/practices/{practice}/audit",
            handler=to.audit,
            summary="Who read, decided, exported or erased what, the newest first",
            query=AuditQuery,
            answers={200: AuditOut},
            who=Who.OPERATOR,
        ),
        Route(
            method="GET",
            path="/v1/appointments/{appointment}/access",
            handler=to.access,
            summary="Who of the practice has seen what was filled in",
            answers={200: AccessesOut},
            who=Who.TOKEN,
        ),
    )


def _entry(entry: Entry) -> EntryOut:
    fact = entry.fact
    return EntryOut(
        seq=entry.seq,
        id=fact.id,
        at=fact.at,
        what=fact.deed.value,
        record=fact.record,
        role=fact.hand.role.value,
        who=fact.hand.who,
        name=fact.hand.name,
        where=fact.hand.where,
        old=fact.old,
        new=fact.new,
        result=fact.result.value,
        prev=entry.prev,
        digest=entry.digest,
    )
