"""What the provider reports about a text it took."""

from __future__ import annotations

from datetime import datetime

import structlog

from services.notify.actions import measures
from services.notify.actions.lessons import Lessons
from services.notify.domain.turns import Pace, after_receipt, is_failure
from services.notify.ports import Contended, Stores
from shared.clock import Clock

log = structlog.get_logger()
TRIES = 8


class Receipts:
    def __init__(self, stores: Stores, *, pace: Pace, lessons: Lessons, now: Clock) -> None:
        self._stores, self._pace, self._lessons, self._now = stores, pace, lessons, now

    async def take(
        self,
        code: str,
        attempt: str,
        *,
        sid: str,
        status: str,
        error_code: int | None,
        reported_at: datetime | None = None,
    ) -> None:
        """Receipts come late, twice and in any order; one that names nothing we sent changes nothing."""
        for _ in range(TRIES):
            message = await self._stores.messages.by_code(code)
            if message is None:
                return
            now = self._now()
            after = after_receipt(
                message, attempt=attempt, sid=sid, status=status, error_code=error_code, at=now, pace=self._pace
            )
            if after == message:
                return
            if is_failure(status) and after.state is not message.state:
                await self._lessons.learn(message, error_code or 0)
            if saved := await self._stores.messages.save([after]):
                measures.changed(message, saved[0])
                measures.heard(saved[0], now, reported_at)
                if after.duplicates > message.duplicates:
                    log.error("text.duplicate", id=message.id, sid=sid)
                return
        raise Contended(f"the text {code}")
