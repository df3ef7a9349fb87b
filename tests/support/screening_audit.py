"""Twins of the audit's ports."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from itertools import takewhile

from services.screening.actions.auditing import Auditing
from services.screening.domain.audit import Entry, Fact, Head, chained, once
from services.screening.ports import Audit, Trail, Trails

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


class AuditTwin:
    """Chains in memory; `heads` is what was noted elsewhere of them."""

    def __init__(self) -> None:
        self.chains: defaultdict[str, list[Entry]] = defaultdict(list)
        self.heads: dict[str, Head] = {}

    async def append(self, practice: str, facts: Sequence[Fact]) -> None:
        await asyncio.sleep(0)
        chain = self.chains[practice]
        known = {entry.fact.id for entry in chain}
        new = [fact for fact in once(facts) if fact.id not in known]
        chain += chained(chain[-1].head if chain else Head(), new)

    async def newest(self, practice: str, *, record: str | None, before: int | None, limit: int) -> Sequence[Entry]:
        wanted = [one for one in self.chains[practice] if record in (None, one.fact.record)]
        return [one for one in reversed(wanted) if before is None or one.seq < before][:limit]

    async def keep_heads(self) -> None:
        for practice, chain in self.chains.items():
            if chain:
                self.heads[practice] = chain[-1].head

    async def practices(self) -> AsyncIterator[str]:
        for practice in sorted(self.chains):
            yield practice

    async def forget_before(self, practice: str, before: datetime) -> Head | None:
        chain = self.chains[practice]
        old = list(takewhile(lambda one: one.fact.at < before, chain[:-1]))
        if not old or practice not in self.heads:
            return None
        self.chains[practice] = chain[len(old) :]
        return old[-1].head


class Full(Exception):
    """Nothing can be noted any more."""


class FullAudit(AuditTwin):
    """Takes no entry."""

    async def append(self, practice: str, facts: Sequence[Fact]) -> None:
        raise Full(practice, facts)


class TrailTwin:
    """The trails of the cases in this mapping."""

    def __init__(self, practice: str, trails: dict[str, list[Fact]]) -> None:
        self._practice = practice
        self._trails = trails

    async def waiting(self, *, limit: int) -> Sequence[Trail]:
        oldest = sorted((case for case, facts in self._trails.items() if facts), key=self._since)
        return [self._trail(case) for case in oldest[:limit]]

    async def of(self, record: str) -> Trail | None:
        return self._trail(record) if self._trails.get(record) else None

    async def moved(self, trails: Sequence[Trail]) -> None:
        gone = {fact.id for trail in trails for fact in trail.facts}
        for trail in trails:
            self._trails[trail.case] = [one for one in self._trails[trail.case] if one.id not in gone]

    def _since(self, case: str) -> datetime:
        return min(fact.at for fact in self._trails[case])

    def _trail(self, case: str) -> Trail:
        return Trail(case=case, practice=self._practice, facts=tuple(self._trails[case]))


def an_audit(
    audit: Audit | None = None, trails: Trails | None = None, *, now: datetime = NOW, practice: str = "still-waters"
) -> Auditing:
    """On twins; each thing that is noted has a number for a name."""
    numbers = itertools.count(1)
    return Auditing(
        audit or AuditTwin(), trails or TrailTwin(practice, {}), now=lambda: now, ids=lambda: f"n{next(numbers)}"
    )
