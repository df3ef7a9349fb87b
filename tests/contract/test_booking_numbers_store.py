"""What the store of proofs promises, asked of the twin and of the real one alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from services.booking.domain import proof
from services.booking.domain.client import Subject
from services.booking.domain.identity import client_ref
from services.booking.domain.proof import Proof
from services.booking.outbox import code_asked
from services.booking.ports import Numbers
from services.booking.store import MongoNumbers
from shared import mongo
from shared.bus import Bus
from shared.relay import Relay
from tests.support.booking import MINUTE, NOW
from tests.support.booking_numbers import MemoryNumbers

UNKNOWN = Proof(id="5f2a" * 5, practice="still-water")


@pytest.fixture(params=["twin", "real"])
async def numbers(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Numbers]:
    if request.param == "twin":
        yield MemoryNumbers()
        return
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        yield await MongoNumbers.open(database, Relay(Bus(SecretStr("amqp://nobody"), "booking", 1)))


async def test_a_proof_is_read_as_it_was_saved_in_each_of_its_states(numbers: Numbers) -> None:
    asked = proof.ask(UNKNOWN, hashed="code", now=NOW)
    tried = proof.show(asked, hashed="wrong", now=NOW)
    again = proof.ask(tried, hashed="new", now=NOW + MINUTE)
    proven = proof.show(again, hashed="new", now=NOW + MINUTE)

    assert await numbers.get(UNKNOWN.id) is None
    for state in (asked, tried, again, proven):
        assert await numbers.save(state, ())
        assert await numbers.get(UNKNOWN.id) == state


async def test_of_many_who_save_the_same_version_one_does(numbers: Numbers) -> None:
    first = [proof.ask(UNKNOWN, hashed=str(n), now=NOW) for n in range(10)]
    assert sum(await asyncio.gather(*(numbers.save(one, ()) for one in first))) == 1

    second = [proof.ask(first[0], hashed=str(n), now=NOW + MINUTE) for n in range(10)]
    assert sum(await asyncio.gather(*(numbers.save(one, ()) for one in second))) == 1
    assert not await numbers.save(first[0], ())


async def test_a_code_and_the_text_that_brings_it_are_one_write(mongo_url: str, database_name: str) -> None:
    asked = proof.ask(UNKNOWN, hashed="code", now=NOW)
    said = code_asked(asked, phone="+41791234567", code="042042", locale="en", zone="Europe/Zurich", at=NOW)
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        store = await MongoNumbers.open(database, Relay(Bus(SecretStr("amqp://nobody"), "booking", 1)))
        await store.save(asked, (said,))

        document = await database["numbers"].find_one({"_id": UNKNOWN.id})

    assert document is not None
    assert [entry["id"] for entry in document["outbox"]] == [said.id]
    assert (document["hashed"], document["forget_from"]) == ("code", NOW)


async def test_what_was_proven_is_kept_and_what_was_not_is_forgotten_after_a_day(
    mongo_url: str, database_name: str
) -> None:
    asked = proof.ask(UNKNOWN, hashed="code", now=NOW)
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        store = await MongoNumbers.open(database, Relay(Bus(SecretStr("amqp://nobody"), "booking", 1)))
        for state in (asked, proof.show(asked, hashed="code", now=NOW)):
            await store.save(state, ())
        document = await database["numbers"].find_one({"_id": UNKNOWN.id})
        indexes = await database["numbers"].index_information()

    assert document is not None
    assert "forget_from" not in document
    assert "hashed" not in document
    assert indexes["forget"]["expireAfterSeconds"] == timedelta(days=1).total_seconds()


async def test_the_proof_of_a_guardians_number_goes_with_the_child(numbers: Numbers) -> None:
    of_guardian = replace(UNKNOWN, id=client_ref("still-water", "+41791234599"))
    await numbers.save(proof.ask(of_guardian, hashed="code", now=NOW), ())
    await numbers.forget(Subject(practice="still-water", refs=("0" * 20,), phones=("+41791234599",), appointments=()))
    assert await numbers.get(of_guardian.id) is None


async def test_a_proof_is_told_of_and_forgotten_with_its_client(numbers: Numbers) -> None:
    await numbers.save(proof.ask(UNKNOWN, hashed="code", now=NOW), ())
    subject = Subject(practice="still-water", refs=(UNKNOWN.id, "0" * 20), phones=(), appointments=())
    assert await numbers.told(subject) == [{"codes_asked_at": [NOW.isoformat()], "proven": False}]

    for _ in range(2):
        await numbers.forget(subject)
    assert await numbers.get(UNKNOWN.id) is None
    assert await numbers.told(subject) == []
