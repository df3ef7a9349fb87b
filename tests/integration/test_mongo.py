"""The database seam on a real server: indexes are made once, a changed one fails loudly, leases have one holder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import SecretStr
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError, OperationFailure, WriteError

from shared import mongo
from shared.mongo import Database
from tests.support.waiting import until

SHORT = timedelta(milliseconds=300)
LONG = timedelta(minutes=1)


@pytest.fixture
async def database(mongo_url: str, database_name: str) -> AsyncIterator[Database]:
    async with mongo.connect(SecretStr(mongo_url), database_name) as opened:
        yield opened


async def test_five_racing_starters_make_one_collection_with_its_index(database: Database) -> None:
    index = IndexModel([("n", ASCENDING)], name="n", unique=True)

    await asyncio.gather(*(mongo.ensure(database["things"], [index], {"required": ["n"]}) for _ in range(5)))

    assert set(await database["things"].index_information()) == {"_id_", "n"}


async def test_a_changed_index_fails_loudly(database: Database) -> None:
    await mongo.ensure(database["things"], [IndexModel([("n", ASCENDING)], name="n")])

    with pytest.raises(OperationFailure):
        await mongo.ensure(database["things"], [IndexModel([("n", ASCENDING)], name="n", unique=True)])


async def test_the_validator_is_applied_and_can_change(database: Database) -> None:
    await mongo.ensure(database["things"], [], {"required": ["n"]})
    await mongo.ensure(database["things"], [], {"required": ["m"]})

    await database["things"].insert_one({"m": 1})
    with pytest.raises(WriteError):
        await database["things"].insert_one({"n": 1})


async def test_a_clash_names_the_index_by_its_fields(database: Database) -> None:
    await mongo.ensure(database["things"], [IndexModel([("p", ASCENDING), ("n", ASCENDING)], unique=True)])
    await database["things"].insert_one({"_id": "a", "p": 1, "n": [1, 2]})

    with pytest.raises(DuplicateKeyError) as by_id:
        await database["things"].insert_one({"_id": "a"})
    with pytest.raises(DuplicateKeyError) as by_fields:
        await database["things"].insert_one({"_id": "b", "p": 1, "n": [2, 3]})

    assert mongo.clashed_index(by_id.value) == "_id"
    assert mongo.clashed_index(by_fields.value) == "p_n"


async def test_a_lease_has_one_holder_and_passes_on_when_it_ends(database: Database) -> None:
    assert await mongo.leased(database, "job", holder="one", term=SHORT)
    assert await mongo.leased(database, "job", holder="one", term=SHORT)
    assert not await mongo.leased(database, "job", holder="two", term=LONG)

    await until(lambda: mongo.leased(database, "job", holder="two", term=LONG))
    assert not await mongo.leased(database, "job", holder="one", term=LONG)


async def test_of_many_who_ask_at_once_one_gets_the_lease(database: Database) -> None:
    answers = await asyncio.gather(
        *(mongo.leased(database, "job", holder=f"h{n}", term=LONG) for n in range(30)), return_exceptions=True
    )

    assert answers.count(True) == 1
    assert answers.count(False) == 29
