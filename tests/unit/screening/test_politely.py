"""Long work leaves room for everybody else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import perf_counter

from services.screening.actions.politely import politely

STEP = 0.001


def work(steps: int) -> Iterator[int | None]:
    """A millisecond each; every tenth finds something."""
    for step in range(steps):
        until = perf_counter() + STEP
        while perf_counter() < until:
            pass
        yield None if step % 10 else step


async def test_others_get_their_turns_between_the_pieces() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(other())
    found = await politely(work(200))
    task.cancel()
    assert found == list(range(0, 200, 10))
    assert turns > 100


async def test_it_ends_when_enough_is_found() -> None:
    steps = work(10_000)
    assert await politely(steps, most=2) == [0, 10]
    assert next(steps) is None
