"""The POST to a practice's own system, over the guarded way out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from services.booking.actions.posting import Post
from services.booking.domain.webhook import Outcome, retry_after
from services.booking.outward import NotReached, Outward
from shared.clock import Clock

WITHIN: Final = timedelta(seconds=15)
MOST_BYTES: Final = 4_096
"""Of an answer that nobody reads."""


def poster(outward: Outward, now: Clock) -> Post:
    async def post(url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        try:
            answered = await outward.post(url, body, headers, within=WITHIN, most=MOST_BYTES)
        except NotReached as error:
            return Outcome(problem=error.failure.value)
        return Outcome(status=answered.status, retry_after=retry_after(answered.headers.get("Retry-After"), now()))

    return post
