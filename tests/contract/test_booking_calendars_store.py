"""What the store of outside calendars promises, asked of the twin and of the real one alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from services.booking.domain import imported
from services.booking.domain.imported import Imported
from services.booking.ports import Calendars
from services.booking.store import MongoCalendars
from shared import mongo
from tests.support.booking import HOUR, NOW
from tests.support.booking_calendars import MemoryCalendars

MINUTE = timedelta(minutes=1)
NEW = Imported(id="one", practice="still-water", practitioner="ana", tried_at=NOW)
READ = imported.read(NEW, ((100, 160), (200, 230)), skipped=1, tag='"one"', until=NOW + 9 * HOUR, at=NOW + HOUR)


@pytest.fixture(params=["twin", "real"])
async def calendars(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Calendars]:
    if request.param == "twin":
        yield MemoryCalendars()
        return
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        yield await MongoCalendars.open(database)


@pytest.mark.parametrize("state", [NEW, READ, imported.failed(NEW, "too-slow", NOW), imported.failed(READ, "x", NOW)])
async def test_a_state_is_found_as_it_was_put(calendars: Calendars, state: Imported) -> None:
    await calendars.put(replace(state, id="other"))
    await calendars.put(state)
    assert await calendars.states(["one", "two"]) == {"one": state}
    assert await calendars.states([]) == {}


async def test_what_is_put_later_counts(calendars: Calendars) -> None:
    later = imported.read(READ, ((500, 560),), skipped=0, tag=None, until=NOW + 9 * HOUR, at=NOW + 2 * HOUR)
    failed = imported.failed(later, "too-slow", NOW + 3 * HOUR)
    for state in (NEW, READ, later, failed, imported.unchanged(failed, NOW + 4 * HOUR)):
        await calendars.put(state)
        assert await calendars.states(["one"]) == {"one": state}


async def test_another_process_sees_what_this_one_put(mongo_url: str, database_name: str) -> None:
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        mine, other = await MongoCalendars.open(database), await MongoCalendars.open(database)
        for state in (READ, imported.unchanged(READ, NOW + 2 * HOUR), imported.failed(READ, "x", NOW)):
            await mine.put(state)
            assert await other.states(["one"]) == await mine.states(["one"]) == {"one": state}


async def test_one_process_reads_at_a_time(mongo_url: str, database_name: str) -> None:
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        mine, other = await MongoCalendars.open(database), await MongoCalendars.open(database)
        assert [await one.lease(MINUTE) for one in (mine, other, mine)] == [True, False, True]
