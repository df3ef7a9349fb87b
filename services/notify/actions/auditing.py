"""Once a day: what the provider says it sent, beside what we say we posted, by their SIDs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import structlog
from prometheus_client import Counter

from services.notify.domain.audit import EXAMPLES, Audit, Difference, Listed, compared, span
from services.notify.ports import Audits, GatewayDown, Register
from shared.clock import Clock

log = structlog.get_logger()
found = Counter("texts_audited_total", "What the audit of a day found of the texts that the provider lists", ["found"])

# A day is looked at when whatever was sent in it has its end; one that could not be, on the next two days.
SETTLED: Final = timedelta(hours=4)
LOOKS_BACK: Final = 3
LEASE: Final = timedelta(minutes=30)
WITHIN: Final = timedelta(minutes=20)
MOST_TEXTS: Final = 1_000_000
MOST_ASKED: Final = 500
KEPT_SHOWN: Final = 31


class Auditing:
    """One of any number of replicas does a day; the others find it done."""

    def __init__(self, audits: Audits, register: Register, *, now: Clock) -> None:
        self._audits, self._register, self._now = audits, register, now

    async def look(self) -> None:
        today = (self._now() - SETTLED).date()
        for ago in range(LOOKS_BACK, 0, -1):
            day = today - timedelta(days=ago)
            if await self._audits.claim(day, LEASE):
                try:
                    await self.audit(day)
                except (GatewayDown, TimeoutError) as error:
                    log.warning("texts.not_audited", day=day.isoformat(), why=repr(error))
                    return

    async def audit(self, day: date) -> Audit:
        """Of any day, again if it was done before. Raises `GatewayDown`, and `TimeoutError` if it takes too long."""
        async with asyncio.timeout(WITHIN.total_seconds()):
            audit = await self._audited(day)
        await self._audits.keep(audit)
        _tell(audit)
        return audit

    async def kept(self) -> Sequence[Audit]:
        return await self._audits.newest(KEPT_SHOWN)

    async def _audited(self, day: date) -> Audit:
        since, until = span(day)
        listed: list[Listed] = []
        async for page in self._register.listed(day):
            listed += page
            if len(listed) >= MOST_TEXTS:
                break
        # A text that was replayed since is found by its last POST.
        posted = await self._audits.posted(since, max(until, self._now()), MOST_TEXTS)
        difference = compared(day, listed, posted)
        missing = [sid for sid in difference.unseen[:MOST_ASKED] if await self._register.fetch(sid) is None]
        strangers = [text.sid for text in difference.strangers]
        erased = await self._audits.erased(sorted({text.to for text in difference.strangers}), since)
        known = [text.sid for text in difference.strangers if text.to in erased]
        return Audit(
            day=day,
            done_at=self._now(),
            listed=len(listed),
            posted=len(posted),
            duplicates=len(difference.doubled),
            strangers=len(strangers) - len(known),
            missing=len(missing),
            forgotten=len(known),
            whole=max(len(listed), len(posted)) < MOST_TEXTS and len(difference.unseen) <= MOST_ASKED,
            examples=_examples(difference, set(known), missing),
        )


def _examples(difference: Difference, known: set[str], missing: Sequence[str]) -> tuple[str, ...]:
    told = [f"duplicate {text}" for text in difference.doubled]
    told += [f"stranger {text.sid}" for text in difference.strangers if text.sid not in known]
    told += [f"missing {sid}" for sid in missing]
    return tuple(told[:EXAMPLES])


def _tell(audit: Audit) -> None:
    for what in ("listed", "duplicates", "strangers", "missing"):
        found.labels(what).inc(getattr(audit, what))
    tell = log.info if audit.is_clean else log.error
    tell(
        "texts.audited",
        day=audit.day.isoformat(),
        listed=audit.listed,
        posted=audit.posted,
        duplicates=audit.duplicates,
        strangers=audit.strangers,
        missing=audit.missing,
        whole=audit.whole,
        examples=audit.examples,
    )
