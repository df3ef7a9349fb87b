"""Nothing lapses while the others cannot be heard, nor before what they said meanwhile was read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pymongo.errors import AutoReconnect

from services.booking.patience import Patience
from tests.support.waiting import until


class Bus:
    def __init__(self) -> None:
        self.ready = True


async def test_nothing_is_done_while_the_broker_is_away() -> None:
    done: list[int] = []
    bus = Bus()
    patience = Patience(lambda: _note(done), hears=lambda: bus.ready, grace=timedelta(0))

    bus.ready = False
    await patience.run()
    assert done == []

    bus.ready = True
    await patience.run()
    assert done == [1]


async def test_after_an_outage_there_is_a_grace() -> None:
    done: list[int] = []
    bus = Bus()
    patience = Patience(lambda: _note(done), hears=lambda: bus.ready, grace=timedelta(milliseconds=100))

    await patience.run()
    assert done == []

    async def done_in_the_end() -> bool:
        await patience.run()
        return bool(done)

    await until(done_in_the_end)
    bus.ready = False
    await patience.run()
    bus.ready = True
    before = len(done)
    await patience.run()
    assert len(done) == before


async def test_a_database_that_was_away_begins_the_grace_anew() -> None:
    done: list[int] = []

    async def fails() -> None:
        done.append(1)
        raise AutoReconnect("away")

    patience = Patience(fails, hears=lambda: True, grace=timedelta(0))

    with pytest.raises(AutoReconnect):
        await patience.run()
    assert patience._since is None


async def _note(done: list[int]) -> None:
    done.append(1)
