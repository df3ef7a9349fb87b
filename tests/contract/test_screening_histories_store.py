"""What the store of histories promises, asked of the twin and of the real one alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from pydantic import SecretStr
from pymongo.errors import WriteError

from services.screening.domain.history import Declined, History
from services.screening.ports import Histories
from services.screening.store import MongoHistories
from shared import mongo
from shared.mongo import Database
from tests.support import screening as twin
from tests.support.screening import APPOINTMENT, NOW, PRACTICE

REF, OTHER_REF = "c" * 20, "d" * 20
EMPTY = History(practice=PRACTICE, ref=REF)
DECLINED = Declined(appointment=APPOINTMENT, at=NOW)


@pytest.fixture
async def database(mongo_url: str, fresh_database: Callable[[], str]) -> AsyncIterator[Database]:
    async with mongo.connect(SecretStr(mongo_url), fresh_database()) as database:
        yield database


@pytest.fixture
async def real(database: Database) -> Histories:
    return await MongoHistories.open(database)


@pytest.fixture(params=["twin", "real"])
def histories(request: pytest.FixtureRequest) -> Histories:
    if request.param == "twin":
        return twin.HistoryTwin()
    found: Histories = request.getfixturevalue("real")
    return found


async def test_a_history_is_found_as_it_was_saved_at_every_turn_of_its_life(histories: Histories) -> None:
    history = EMPTY
    for turn in (
        lambda one: one.knowing(b"sealed"),
        lambda one: one.knowing(one.sealed, DECLINED),
        lambda one: one.knowing(b"other", Declined(appointment="b" * 26, at=NOW + timedelta(hours=3))),
        lambda one: one.merged(OTHER_REF),
        lambda one: one.forgotten(NOW),
        lambda one: one.knowing(b"anew"),
    ):
        after = turn(history)
        assert await histories.save(history, after)
        assert await histories.find(PRACTICE, REF) == after
        history = after
    assert history.version == 6


async def test_nothing_is_found_of_another_client_or_practice(histories: Histories) -> None:
    assert await histories.save(EMPTY, EMPTY.knowing(b"sealed"))
    assert await histories.find(PRACTICE, OTHER_REF) is None
    assert await histories.find("elsewhere", REF) is None


async def test_of_many_writes_at_once_on_the_same_version_one_is_taken(histories: Histories) -> None:
    for before in (EMPTY, EMPTY.knowing(b"0")):
        afters = [before.knowing(f"{number}-{before.version}".encode()) for number in range(8)]
        taken = await asyncio.gather(*(histories.save(before, after) for after in afters))
        assert sum(taken) == 1
        kept = await histories.find(PRACTICE, REF)
        assert kept == afters[taken.index(True)]


async def test_what_was_erased_leaves_the_database_after_90_days_and_nothing_else_does(database: Database) -> None:
    await MongoHistories.open(database)
    indexes = await database["histories"].index_information()
    assert indexes["forget"]["expireAfterSeconds"] == 90 * 24 * 3600
    assert indexes["forget"]["partialFilterExpression"] == {"erased_at": {"$exists": True}}
    histories = await MongoHistories.open(database)
    erased = EMPTY.forgotten(NOW)
    await histories.save(EMPTY, erased)
    await histories.save(erased, erased.knowing(b"anew"))
    found = await database["histories"].find_one({"_id": f"{PRACTICE}/{REF}"})
    assert found is not None
    assert "erased_at" not in found


async def test_what_is_not_sealed_is_refused_by_the_database(database: Database) -> None:
    await MongoHistories.open(database)
    with pytest.raises(WriteError):
        await database["histories"].insert_one(
            {"_id": "x", "practice": PRACTICE, "ref": REF, "version": 1, "sealed": "q_aneurysm"}
        )
