"""Waiting for a condition with a deadline, instead of sleeping and hoping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeVar

Seen = TypeVar("Seen")


async def until(look: Callable[[], Seen | Awaitable[Seen]], *, within: float = 10.0) -> Seen:
    """Look again and again until something truthy is seen; the last look is in the failure."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        seen: Seen = await found if isawaitable(found) else found  # type: ignore[assignment]  # narrowed by hand
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s; last seen: {seen!r}")
        await asyncio.sleep(0.02)
