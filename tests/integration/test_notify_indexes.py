"""What a round of sending asks of the database is answered from an index, however much is planned and was sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from services.notify import documents
from services.notify.actions.posting import Habits
from services.notify.app import open_stores
from services.notify.domain.delivery import Message, State
from services.notify.domain.visit import Visit
from services.notify.ports import Stores
from shared import mongo
from shared.bus import Bus
from shared.mongo import Database
from shared.relay import Relay
from tests.support.notify import STARTS, Clock, Phone, Worker, message, practice, steps, visit

SENT, AHEAD, DUE, SHARED = 2_000, 2_000, 40, 2_000
SINCE = STARTS - timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Years:
    """A collection with a past, a future and a present."""

    database: Database
    stores: Stores
    phone: Phone
    worker: Worker
    clock: Clock

    async def looked_at(self) -> list[dict[str, Any]]:
        """Every query since profiling began, with what the server looked at for it."""
        await self.database.command("profile", 0)
        profile = self.database["system.profile"].find({"ns": {"$ne": f"{self.database.name}.system.profile"}})
        return [entry async for entry in profile if entry["op"] in {"query", "update", "command", "getmore"}]


@pytest.fixture
async def years(mongo_url: str, database_name: str) -> AsyncIterator[Years]:
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        stores = await open_stores(database, Relay(Bus(SecretStr("amqp://nobody"), "notify", 1)), b"k" * 32)
        await stores.practices.keep(practice())
        visits = [_visit(n) for n in range(DUE)]
        texts = [_booked(of, n) for n, of in enumerate(visits)]
        texts += [_sent(_booked(_visit(DUE + n), DUE + n)) for n in range(SENT)]
        texts += [_ahead(_booked(_visit(DUE + SENT + n), DUE + SENT + n)) for n in range(AHEAD)]
        kept = [{**documents.of_visit(of), "replies": 0, "heard": [], "outbox": []} for of in visits]
        await database["visits"].insert_many(kept)
        await database["messages"].insert_many([documents.of_message(text) for text in texts])
        clock = Clock(SINCE + timedelta(minutes=1))
        phone = Phone(clock)
        worker = Worker(stores, phone, clock, habits=Habits(batch=DUE // 2, at_once=DUE))
        yield Years(database, stores, phone, worker, clock)


def _visit(number: int) -> Visit:
    return visit(appointment=f"{number:026d}", since=SINCE, phone=f"+1503555{number:04d}")


def _booked(of: Visit, number: int) -> Message:
    return replace(message(steps(of)["booked"], of, code=f"{number:08d}"), fence=1)


def _sent(text: Message) -> Message:
    earlier = text.planned_for - timedelta(days=30)
    return replace(text, state=State.DELIVERED, due=None, planned_for=earlier, sent_at=earlier)


def _this_week(text: Message, number: int) -> Message:
    return replace(_sent(text), code=f"t{number:07d}", sent_at=steps(_visit(number))["prepare"].due - timedelta(days=3))


def _ahead(text: Message) -> Message:
    later = text.planned_for + timedelta(days=30)
    return replace(text, planned_for=later, due=later, not_after=later + timedelta(days=1))


async def test_a_round_looks_at_what_is_due_and_at_nothing_else(years: Years) -> None:
    await years.database.command("profile", 2)

    await years.worker.sending.send_due()

    assert len(years.phone.posts) == DUE
    queries = await years.looked_at()
    assert {query["ns"].partition(".")[2] for query in queries} >= {"messages", "visits", "practices", "contacts"}
    for query in queries:
        assert "COLLSCAN" not in str(query.get("planSummary")), query
        assert query.get("docsExamined", 0) <= DUE, query
        assert query.get("keysExamined", 0) <= 3 * DUE, query


async def test_what_else_a_client_gets_is_asked_of_that_client_alone(years: Years) -> None:
    """Every client has another visit and a text of this week, so that all that can be asked is asked."""
    visits = [_visit(n) for n in range(DUE)]
    others = [replace(of, appointment=f"o{of.appointment[1:]}") for of in visits]
    kept = [{**documents.of_visit(of), "replies": 0, "heard": [], "outbox": []} for of in others]
    await years.database["visits"].insert_many(kept)
    texts = [replace(message(steps(of)["prepare"], of, code=f"p{n:07d}"), fence=1) for n, of in enumerate(visits)]
    earlier = [_this_week(_booked(of, DUE + n), n) for n, of in enumerate(others)]
    await years.database["messages"].insert_many([documents.of_message(text) for text in [*texts, *earlier]])
    years.clock.at = texts[0].planned_for
    await years.database.command("profile", 2)

    await years.worker.sending.send_due()

    assert {text.receipt_url.split("/")[-2] for text in years.phone.posts} >= {text.code for text in texts}
    for query in await years.looked_at():
        assert "COLLSCAN" not in str(query.get("planSummary")), query
        assert query.get("docsExamined", 0) <= 4 * DUE, query


async def test_on_a_narrow_line_what_is_in_haste_is_found_without_a_look_at_the_backlog(years: Years) -> None:
    waits = [replace(_booked(_visit(n), n), id=f"w{n}", code=f"w{n:07d}", step="day_before") for n in range(SENT)]
    await years.database["messages"].insert_many([documents.of_message(text) for text in waits])
    await years.database.command("profile", 2)

    claimed = await years.stores.messages.claim(years.clock(), limit=3, lease=timedelta(minutes=1), hasty_first=True)

    assert [text.step for text in claimed] == ["booked"] * 3
    for query in await years.looked_at():
        assert query.get("docsExamined", 0) <= 3, query
        assert query.get("keysExamined", 0) <= 9, query


async def test_a_round_with_nothing_due_asks_little(years: Years) -> None:
    await years.worker.sending.send_due()
    await years.database.command("profile", 2)

    wait = await years.worker.sending.send_due()

    assert wait is not None
    assert wait > timedelta(days=29)
    queries = await years.looked_at()
    assert len(queries) <= 8
    for query in queries:
        assert query.get("docsExamined", 0) <= 2, query
        assert query.get("keysExamined", 0) <= DUE, query


async def test_what_is_done_is_in_no_index_of_what_is_awaited(years: Years) -> None:
    await years.worker.sending.send_due()
    awaited = await years.database["messages"].count_documents({"due": {"$exists": True}})

    plan = {"find": "messages", "filter": {"due": {"$exists": True}}, "hint": "due"}
    told = await years.database.command({"explain": plan, "verbosity": "executionStats"})

    assert awaited == AHEAD + DUE  # those that were sent now wait for their receipts
    assert told["executionStats"]["totalKeysExamined"] <= awaited + 1


async def test_two_workers_share_two_thousand_due_texts_and_each_is_posted_once(years: Years) -> None:
    visits = [replace(_visit(n), appointment=f"w{n:025d}") for n in range(SHARED)]
    kept = [{**documents.of_visit(of), "replies": 0, "heard": [], "outbox": []} for of in visits]
    await years.database["visits"].insert_many(kept)
    texts = [replace(_booked(of, n), code=f"w{n:07d}") for n, of in enumerate(visits)]
    await years.database["messages"].insert_many([documents.of_message(text) for text in texts])
    clock = Clock(SINCE + timedelta(minutes=1))
    phones = [Phone(clock), Phone(clock)]
    workers = [Worker(years.stores, phone, clock) for phone in phones]

    await asyncio.gather(*(worker.sending.send_due() for worker in workers))

    links = Counter(text.receipt_url.split("/")[-2] for phone in phones for text in phone.posts)
    assert len(links) == SHARED + DUE
    assert set(links.values()) == {1}
    assert min(len(phone.posts) for phone in phones) > SHARED // 10  # both of them had their share
    left = {"state": {"$in": ["planned", "claimed", "sending", "unknown"]}, "due": {"$lte": clock()}}
    assert await years.database["messages"].count_documents(left) == 0


async def test_planning_anew_goes_through_the_visits_of_the_practice_once_and_sorts_nothing(years: Years) -> None:
    others = [replace(_visit(DUE + n), practice="elsewhere") for n in range(SHARED)]
    kept = [{**documents.of_visit(of), "replies": 0, "heard": [], "outbox": []} for of in others]
    await years.database["visits"].insert_many(kept)
    await years.database.command("profile", 2)

    await years.worker.planning.keep_practice(practice(version=2, steps=frozenset({"day_before"})))

    for query in await years.looked_at():
        assert "COLLSCAN" not in str(query.get("planSummary")), query
        assert not query.get("hasSortStage"), query
        assert query.get("docsExamined", 0) <= 2 * DUE, query
