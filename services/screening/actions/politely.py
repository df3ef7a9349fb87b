"""Long work in short pieces, so that nobody else's request waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final, TypeVar

AT_ONCE: Final = 0.005  # seconds of work, and then as long for everybody else
Found = TypeVar("Found")


async def politely(steps: Iterable[Found | None], *, most: int | None = None) -> list[Found]:
    """All that is not None, or the first `most` of it. A step is to take a few milliseconds at most."""
    clock = asyncio.get_running_loop().time
    found: list[Found] = []
    begun = clock()
    for step in steps:
        if step is not None:
            found.append(step)
        if most is not None and len(found) >= most:
            break
        if clock() - begun > AT_ONCE:
            await asyncio.sleep(AT_ONCE)
            begun = clock()
    return found
