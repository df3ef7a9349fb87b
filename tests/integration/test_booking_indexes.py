"""What booking asks of its database is answered from an index, whatever has piled up over the years."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo.errors import OperationFailure

from services.booking import documents
from services.booking.domain import turns
from services.booking.domain.appointment import Appointment, By
from services.booking.store import MongoAppointments
from shared import mongo
from shared.bus import Bus
from shared.mongo import Database
from shared.relay import Relay
from tests.support.booking import HOUR, NOW, POLICY, TEN, a_hold, a_visit

PAST = 3_000


@pytest.fixture
async def years(mongo_url: str, database_name: str) -> AsyncIterator[tuple[Database, MongoAppointments]]:
    """Thousands of past visits, attended and cancelled, and two that stand tomorrow."""
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        relay = Relay(Bus(SecretStr("amqp://nobody"), "booking", 1))
        store = await MongoAppointments.open(database, relay)
        await database["appointments"].insert_many([documents.document(_past(n)) for n in range(PAST)])
        await store.add(a_hold(TEN, key="one"), ())
        await store.add(a_hold(TEN + 2 * HOUR, key="two"), ())
        yield database, store


def _past(number: int) -> Appointment:
    starts_at = NOW - timedelta(hours=2 * (number + 2))
    visit = a_visit(starts_at - timedelta(days=2), key=f"past {number}", starts_at=starts_at)
    if number % 3 == 0:
        return turns.cancel(visit, by=By.PRACTICE, now=starts_at - HOUR)
    return turns.attend(visit, now=starts_at + HOUR)


async def looked_at(database: Database) -> list[dict[str, Any]]:
    """Every query on appointments since profiling began, with what the server looked at for it."""
    await database.command("profile", 0)
    profile = database["system.profile"].find({"ns": f"{database.name}.appointments"})
    return [entry async for entry in profile if entry["op"] in {"query", "update", "command"}]


async def test_no_question_looks_at_the_past(years: tuple[Database, MongoAppointments]) -> None:
    database, store = years
    await database.command("profile", 2)
    later = a_hold(TEN + HOUR, key="wanted", now=NOW + HOUR)
    await store.get(later.id)
    busy = await store.busy("still-water", TEN - HOUR, TEN + 24 * HOUR, now=NOW, but=None)
    in_the_way = await store.in_the_way(later, NOW + HOUR)
    due = await store.due(NOW + HOUR, 100)
    agenda = await store.agenda("still-water", TEN - HOUR, TEN + 24 * HOUR)
    await store.save(turns.cancel(a_hold(TEN, key="one"), by=By.CLIENT, now=NOW), ())
    assert [len(found) for found in (busy, in_the_way, due, agenda)] == [2, 2, 2, 2]
    queries = await looked_at(database)
    assert len(queries) == 6
    for query in queries:
        assert "COLLSCAN" not in str(query.get("planSummary")), query
        assert query["docsExamined"] <= 2, query
        assert query["keysExamined"] <= 60, query


async def test_an_appointment_with_an_empty_list_of_cells_is_refused_by_the_database(
    years: tuple[Database, MongoAppointments],
) -> None:
    database, _ = years
    with pytest.raises(OperationFailure):
        await database["appointments"].update_one({"state": "cancelled"}, {"$set": {"cells": []}})


async def test_what_is_asked_of_a_client_looks_at_that_client_only(years: tuple[Database, MongoAppointments]) -> None:
    database, store = years
    known = a_visit().client
    assert known is not None
    await store.add(a_hold(TEN + 4 * HOUR, key="three"), ())
    booked = turns.request(a_hold(TEN + 4 * HOUR, key="three"), known, asked="a", now=NOW, policy=POLICY)
    assert await store.save(booked, ())
    await database.command("profile", 2)
    answers = (
        await store.has_attended("still-water", known.ref),
        await store.has_attended("still-water", "f" * 20),
        await store.coming("still-water", known.ref, now=NOW, most=3),
        await store.coming("still-water", "f" * 20, now=NOW, most=3),
    )
    missed = {"practice": "still-water", "client.ref": known.ref, "state": "missed"}
    late = {"practice": "still-water", "client.ref": known.ref, "state": "cancelled", "cancelled_late": True}
    counts = [await database["appointments"].count_documents(one) for one in (missed, late)]

    assert answers == (True, False, 1, 0)
    assert counts == [0, 0]
    for query in await looked_at(database):
        assert query["docsExamined"] <= 1, query
        assert query["keysExamined"] <= 10, query
