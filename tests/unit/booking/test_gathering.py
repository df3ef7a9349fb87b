"""Asked at nearly the same time is asked at once, and one that fails takes nobody with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from services.booking.store.gathering import Gathering


class Doubling:
    def __init__(self, *, fails: int = 0) -> None:
        self.trips: list[list[int]] = []
        self.fails = fails

    async def __call__(self, numbers: Sequence[int]) -> Sequence[int]:
        self.trips.append(list(numbers))
        if len(self.trips) <= self.fails:
            raise ConnectionError("away")
        return [2 * number for number in numbers]


async def test_everybody_gets_their_own_answer_from_few_trips() -> None:
    doubling = Doubling()
    doubled = Gathering(doubling)

    assert await asyncio.gather(*(doubled(n) for n in range(20))) == [2 * n for n in range(20)]
    assert len(doubling.trips) <= 2


async def test_a_trip_that_fails_fails_for_who_began_it_alone() -> None:
    doubling = Doubling(fails=1)
    doubled = Gathering(doubling)

    first, *rest = await asyncio.gather(*(doubled(n) for n in range(5)), return_exceptions=True)

    assert isinstance(first, ConnectionError)
    assert rest == [2, 4, 6, 8]


async def test_who_goes_away_holds_nobody_up() -> None:
    doubled = Gathering(Doubling())
    gone = asyncio.create_task(doubled(1))
    stays = asyncio.create_task(doubled(2))
    await asyncio.sleep(0)
    gone.cancel()

    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await asyncio.wait_for(stays, 2) == 4
    assert await asyncio.wait_for(doubled(3), 2) == 6
