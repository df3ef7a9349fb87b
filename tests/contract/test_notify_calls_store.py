"""Who is to be called, and what clients texted in their own words: asked of the twins and of the real stores alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from services.notify.domain.call import Call, CallWhy
from services.notify.domain.reply import Heard, Meaning
from services.notify.ports import Reply, Stores, Words
from services.notify.store import MongoCalls, MongoOverview, MongoReplies, MongoWords
from shared import mongo
from shared.clock import utc_now
from tests.support.notify import APPOINTMENT, PHONE, twins

AT = datetime(2027, 6, 9, 18, 0, tzinfo=UTC)
HOUSE = "still-waters"


@pytest.fixture(params=["twin", "real"])
async def stores(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Stores]:
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        kept = twins(utc_now)
        if request.param == "real":
            kept = replace(kept, calls=await MongoCalls.open(database), inbox=await MongoWords.open(database))
            kept = replace(kept, overview=await MongoOverview.open(database))
        yield kept


def call(n: int, why: CallWhy = CallWhy.ASKED, appointment: str = APPOINTMENT) -> Call:
    at = AT + timedelta(minutes=n)
    return Call(id=f"SM{n}", practice=HOUSE, appointment=appointment, phone=PHONE, why=why, since=at, texted_at=at)


def words(n: int) -> Words:
    at = AT + timedelta(minutes=n)
    sealed = b"\x01\x02"
    return Words(
        sid=f"SM{n}", practice=HOUSE, appointment=APPOINTMENT, phone=PHONE, worried=False, received_at=at, sealed=sealed
    )


async def test_of_many_texts_at_once_one_entry_is_open_and_knows_the_worst_and_the_last(stores: Stores) -> None:
    asked = [call(n, CallWhy.WORRIED if n == 3 else CallWhy.ASKED) for n in range(12)]
    await asyncio.gather(*(stores.calls.put(one) for one in asked))

    [left] = await stores.calls.page(HOUSE, only_open=True, before=None, limit=20)
    assert (left.why, left.texted_at) == (CallWhy.WORRIED, asked[-1].texted_at)


async def test_what_was_done_stays_done_when_its_text_is_heard_again_and_the_next_opens_anew(stores: Stores) -> None:
    await stores.calls.put(call(1))
    await stores.calls.done(HOUSE, "SM1", by="ana", at=AT)
    done = await stores.calls.done(HOUSE, "SM1", by="bob", at=AT)
    assert done is not None
    assert (done.done_by, done.is_open) == ("ana", False)

    assert not (await stores.calls.put(call(1))).is_open
    assert await stores.calls.page(HOUSE, only_open=True, before=None, limit=9) == []
    assert (await stores.calls.put(call(2))).id == "SM2"
    assert [one.id for one in await stores.calls.page(HOUSE, only_open=False, before=None, limit=9)] == ["SM2", "SM1"]
    assert await stores.calls.done("elsewhere", "SM2", by="eve", at=AT) is None


async def test_words_are_kept_once_paged_newest_first_and_read_once(stores: Stores) -> None:
    for n in (1, 2, 3, 3):
        await stores.inbox.add(words(n))

    first = await stores.inbox.page(HOUSE, before=None, limit=2)
    rest = await stores.inbox.page(HOUSE, before=(first[-1].received_at, first[-1].sid), limit=2)
    assert [one.sid for one in (*first, *rest)] == ["SM3", "SM2", "SM1"]
    assert rest == [words(1)]
    assert await stores.inbox.mark_read(HOUSE, "SM1", by="ana", at=AT)
    assert await stores.inbox.mark_read(HOUSE, "SM1", by="bob", at=AT)
    assert not await stores.inbox.mark_read("elsewhere", "SM1", by="eve", at=AT)
    assert [one.read_by for one in await stores.inbox.of([APPOINTMENT])] == ["ana", None, None]


@pytest.mark.parametrize(("phones", "appointments"), [([PHONE], []), ([], [APPOINTMENT])])
async def test_by_number_or_by_visit_all_is_forgotten(
    stores: Stores, phones: list[str], appointments: list[str]
) -> None:
    await stores.calls.put(call(1))
    await stores.inbox.add(words(1))

    await stores.calls.forget(HOUSE, phones, appointments)
    await stores.inbox.forget(HOUSE, phones, appointments)

    assert await stores.calls.of([APPOINTMENT]) == []
    assert await stores.inbox.of([APPOINTMENT]) == []


async def test_the_database_itself_forgets_words_after_thirty_days_and_calls_after_ninety(
    mongo_url: str, database_name: str
) -> None:
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        await MongoWords.open(database)
        await MongoCalls.open(database)
        kept = {name: (await database[name].index_information())["expire"] for name in ("words", "calls")}

    assert {name: (index["key"], index["expireAfterSeconds"]) for name, index in kept.items()} == {
        "words": ([("received_at", 1)], 30 * 24 * 3600),
        "calls": ([("since", 1)], 90 * 24 * 3600),
    }


async def test_of_a_reply_that_is_done_no_words_are_left(mongo_url: str, database_name: str) -> None:
    """Until then they ride along sealed, so that a kill loses none."""
    heard = Heard(Meaning.UNCLEAR, by_keyword=False)
    reply = Reply(sid="SM1", phone=PHONE, heard=heard, opt_out_type=None, received_at=AT, sealed=b"\x01\x02")
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        replies = await MongoReplies.open(database)
        assert await replies.add(reply)
        assert await replies.undone(AT + timedelta(minutes=1), 5) == [reply]

        await replies.done("SM1")

        assert "sealed" not in (await database["replies"].find_one({"_id": "SM1"}) or {"sealed": "it is gone"})
        assert await replies.undone(AT + timedelta(minutes=1), 5) == []
