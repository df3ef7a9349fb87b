"""What is kept of the audits and what they read of the texts: asked of the twin and of the real store alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import SecretStr

from services.notify.app import open_stores
from services.notify.domain.audit import Audit, Posted
from services.notify.domain.delivery import Attempt, Message, State
from services.notify.ports import AskKind, ClientAsk, Stores
from shared import mongo
from shared.bus import Bus
from shared.clock import utc_now
from shared.mongo import Database
from shared.relay import Relay
from tests.support.notify import PHONE, message, practice, steps, twins, visit
from tests.support.waiting import until

DAY = date(2027, 6, 8)
NOON = datetime(2027, 6, 8, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def database(mongo_url: str, database_name: str) -> AsyncIterator[Database]:
    async with mongo.connect(SecretStr(mongo_url), database_name) as opened:
        yield opened


async def real(database: Database) -> Stores:
    """Nothing is published here: the bus is never connected."""
    return await open_stores(database, Relay(Bus(SecretStr("amqp://nobody"), "notify", 1)), b"k" * 32)


@pytest.fixture(params=["twin", "real"])
async def stores(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Stores]:
    async with AsyncExitStack():
        kept = twins(utc_now) if request.param == "twin" else await real(database)
        await kept.practices.keep(practice())
        yield kept


def audit(day: date = DAY) -> Audit:
    return Audit(
        day=day,
        done_at=NOON,
        listed=3,
        posted=4,
        duplicates=1,
        strangers=2,
        missing=0,
        forgotten=1,
        whole=False,
        examples=("duplicate a", "stranger SM9"),
    )


def text(name: str, at: datetime, *sids: str | None, doubled: int = 0) -> Message:
    base = message(steps(visit())["day_before"], visit(), code=name)
    attempts = tuple(Attempt(f"{n:032d}", at, sid) for n, sid in enumerate(sids))
    return replace(base, id=name, state=State.ACCEPTED, sent_at=at, attempts=attempts, duplicates=doubled)


async def test_a_day_is_given_to_one_of_many_until_its_lease_runs_out(stores: Stores) -> None:
    given = await asyncio.gather(*(stores.audits.claim(DAY, HOUR) for _ in range(20)))
    assert sum(given) == 1

    short = date(2027, 6, 9)
    assert await stores.audits.claim(short, timedelta(milliseconds=50))
    await until(lambda: stores.audits.claim(short, HOUR))
    assert not await stores.audits.claim(short, HOUR)


async def test_a_day_that_is_done_is_given_to_nobody(stores: Stores) -> None:
    assert await stores.audits.claim(DAY, timedelta(0))
    await stores.audits.keep(audit())

    assert not await stores.audits.claim(DAY, HOUR)


async def test_what_was_found_is_read_back_newest_day_first(stores: Stores) -> None:
    days = [DAY + timedelta(days=n) for n in (0, 2, 1)]
    for day in days:
        await stores.audits.keep(audit(day))
    await stores.audits.claim(DAY + timedelta(days=9), HOUR)

    assert await stores.audits.newest(2) == [audit(days[1]), audit(days[2])]


async def test_what_was_posted_is_read_by_its_span_with_the_sids_that_are_known(stores: Stores) -> None:
    other = replace(text("e", NOON, "SM5"), practice="others")
    await stores.practices.keep(practice(id="others"))
    await stores.messages.save(
        [
            text("a", NOON - HOUR, "SM1"),
            text("b", NOON, "SM2", None, "SM3", doubled=1),
            text("c", NOON + HOUR, "SM4"),
            replace(text("d", NOON), state=State.PLANNED, sent_at=None, attempts=()),
            other,
        ]
    )

    posted = await stores.audits.posted(NOON, NOON + HOUR, 10)

    assert sorted(posted, key=lambda one: one.id) == [Posted("b", NOON, ("SM2", "SM3"), 1), Posted("e", NOON, ("SM5",))]
    assert len(await stores.audits.posted(NOON, NOON + HOUR, 1)) == 1


async def test_numbers_of_clients_who_were_forgotten_since_are_told(database: Database) -> None:
    stores = await real(database)
    await stores.practices.keep(practice())
    asked = {"practice": practice().id, "appointments": (), "records": 0, "until": utc_now() + HOUR}
    await stores.asks.begin(ClientAsk(id="1", kind=AskKind.ERASE, begun_at=NOON, **asked), [PHONE])  # type: ignore[arg-type]  # by name

    assert await stores.audits.erased([PHONE, "+15035550199"], NOON) == {PHONE}
    assert await stores.audits.erased([PHONE], NOON + HOUR) == set()
    assert await stores.audits.erased([], NOON) == set()


async def test_what_was_posted_and_forgotten_is_found_by_index(database: Database) -> None:
    stores = await real(database)
    await stores.practices.keep(practice())
    await stores.messages.save([text(f"{n:03d}", NOON + n * HOUR, f"SM{n}") for n in range(200)])
    await database.command("profile", 2)
    await stores.audits.posted(NOON, NOON + 3 * HOUR, 100)
    await stores.audits.erased([PHONE], NOON)
    await database.command("profile", 0)

    asked = [entry async for entry in database["system.profile"].find({"op": "query"})]
    seen = {entry["ns"].partition(".")[2]: entry for entry in asked}
    assert {"messages", "asks"} <= set(seen)
    assert seen["messages"]["docsExamined"] == 3
    assert "IXSCAN" in seen["messages"]["planSummary"]
    assert "COLLSCAN" not in seen["asks"]["planSummary"]
