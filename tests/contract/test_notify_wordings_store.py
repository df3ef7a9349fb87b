"""What a practice's desk sets for itself: kept beside what booking tells, and never lost to another edit at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from services.notify import library
from services.notify.actions.wordings import ChangedMeanwhile, Wordings
from services.notify.domain.practice import Practice, Worded
from services.notify.ports import Stores
from services.notify.store import MongoPractices
from shared import mongo
from shared.clock import utc_now
from shared.mongo import Database
from tests.support.notify import Clock, link_of, practice, twins

AT = datetime(2027, 6, 9, 18, 0, tzinfo=UTC)
TEXTS = library.load()


@pytest.fixture
async def database(mongo_url: str, database_name: str) -> AsyncIterator[Database]:
    async with mongo.connect(SecretStr(mongo_url), database_name) as one:
        yield one


@pytest.fixture(params=["twin", "real"])
async def stores(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Stores]:
    async with AsyncExitStack() as opened:
        kept = twins(utc_now)
        if request.param == "real":
            database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
            kept = replace(kept, practices=await MongoPractices.open(database))
        yield kept


def worded(known: Practice, words: str = "own") -> Practice:
    by = {"en/booked": Worded("Kim", AT)}
    return replace(known, wordings={"en/booked": words}, worded=by, paused=frozenset({"rebook"}))


async def test_what_a_desk_sets_is_read_back_and_outlives_a_newer_profile(stores: Stores) -> None:
    await stores.practices.keep(practice())

    assert await stores.practices.edit(worded(practice()))
    assert await stores.practices.get("still-waters") == replace(worded(practice()), edits=1)

    newer = practice(version=2, sms_name="New name")
    await stores.practices.keep(newer)
    assert await stores.practices.get("still-waters") == replace(worded(newer), edits=1)


async def test_an_edit_of_what_was_read_too_early_or_is_not_there_changes_nothing(stores: Stores) -> None:
    assert not await stores.practices.edit(worded(practice()))
    assert await stores.practices.get("still-waters") is None

    await stores.practices.keep(practice())
    assert await stores.practices.edit(worded(practice(), "first"))
    assert not await stores.practices.edit(worded(practice(), "late"))
    known = await stores.practices.get("still-waters")
    assert known is not None
    assert known.wordings == {"en/booked": "first"}


async def test_of_edits_at_once_that_rely_on_one_count_exactly_one_is_kept(stores: Stores) -> None:
    for n in range(20):
        house = replace(practice(), id=f"house-{n}")
        await stores.practices.keep(house)
        edits = (stores.practices.edit(worded(house, f"words {m}")) for m in range(8))

        kept = await asyncio.gather(*edits)

        known = await stores.practices.get(house.id)
        assert known is not None
        assert (kept.count(True), known.edits) == (1, 1)
        assert known.wordings == {"en/booked": f"words {kept.index(True)}"}


async def test_edits_at_once_of_different_texts_are_all_kept_and_a_late_one_is_told_so(stores: Stores) -> None:
    await stores.practices.keep(practice())
    wordings = Wordings(stores, texts=TEXTS, link=link_of, now=Clock(AT))
    names = ("booked", "moved", "day_before")
    words = "{practice}: {date} {link} STOP to opt out."

    await asyncio.gather(*(wordings.put("still-waters", "en", n, words, edits=None, by=n) for n in names))
    relying = [wordings.put("still-waters", "en", n, words + "!", edits=3, by=n) for n in names]
    told = await asyncio.gather(*relying, return_exceptions=True)

    known = await wordings.practice("still-waters")
    assert sorted(known.wordings) == sorted(f"en/{name}" for name in names)
    assert {key: one.by for key, one in known.worded.items()} == {f"en/{name}": name for name in names}
    assert [isinstance(one, ChangedMeanwhile) for one in told].count(True) == 2
    assert known.edits == 4


async def test_a_practice_that_an_older_release_kept_can_be_edited(database: Database) -> None:
    practices = await MongoPractices.open(database)
    await practices.keep(practice())
    await database["practices"].update_one({}, {"$unset": {"edits": 1, "wordings": 1, "worded": 1, "paused": 1}})

    assert await practices.edit(worded(practice()))
    assert not await practices.edit(worded(practice()))
    assert await practices.get("still-waters") == replace(worded(practice()), edits=1)
