"""A ticker repeats until it is closed, whatever happens in a run."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from shared.ticker import every
from tests.support.waiting import until

OFTEN, SELDOM = timedelta(milliseconds=5), timedelta(hours=1)


async def test_a_run_that_fails_is_not_the_last() -> None:
    runs: list[int] = []

    async def work() -> None:
        runs.append(1)
        raise ValueError("a bug")

    async with every(OFTEN, work, name="fails"):
        await until(lambda: len(runs) >= 3)


async def test_waking_makes_the_next_run_start_now() -> None:
    ran = asyncio.Event()

    async def work() -> None:
        ran.set()

    async with every(SELDOM, work, name="woken") as ticker:
        ticker.wake()
        await asyncio.wait_for(ran.wait(), 5)


async def test_work_that_asks_to_be_run_sooner_is() -> None:
    runs: list[int] = []

    async def work() -> timedelta | None:
        runs.append(1)
        return OFTEN if len(runs) < 3 else None

    async with every(SELDOM, work, name="sooner") as ticker:
        ticker.wake()
        await until(lambda: len(runs) == 3)


async def test_work_that_asks_for_longer_is_run_as_usual() -> None:
    runs: list[int] = []

    async def work() -> timedelta:
        runs.append(1)
        return SELDOM

    async with every(OFTEN, work, name="usual"):
        await until(lambda: len(runs) >= 3)


@pytest.mark.parametrize("turns", range(5))
async def test_it_closes_at_once_even_when_it_was_just_woken(turns: int) -> None:
    async def work() -> None:
        pass

    async with asyncio.timeout(5), every(SELDOM, work, name="closed") as ticker:
        for _ in range(20):
            await asyncio.sleep(0)
        ticker.wake()
        for _ in range(turns):
            await asyncio.sleep(0)
