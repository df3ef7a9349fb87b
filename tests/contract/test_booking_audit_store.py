"""What the store of the audit promises, asked of the twin and of the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import SecretStr

from services.booking.domain.appointment import Change
from services.booking.domain.audit import Entry
from services.booking.outbox import practice_changed
from services.booking.ports import Audit, Kept, Practices
from services.booking.store import MongoAudit, MongoPractices
from services.booking.store.audit import document
from shared import mongo
from shared.bus import Bus
from shared.relay import Relay
from tests.support.booking import MINUTE, NOW, MemoryPractices, a_house
from tests.support.booking_audit import MemoryAudit

CHANGES = (Change(field="name", old='"Still"', new=None), Change(field="rooms[heron]", old=None, new='{"id":"heron"}'))


@dataclass(frozen=True, slots=True)
class Stores:
    audit: Audit
    practices: Practices


@pytest.fixture(params=["twin", "real"])
async def stores(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Stores]:
    if request.param == "twin":
        yield Stores(MemoryAudit(), MemoryPractices())
        return
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        relay = Relay(Bus(SecretStr("amqp://nobody"), "booking", 1))
        yield Stores(await MongoAudit.open(database), await MongoPractices.open(database, relay))


def an_entry(version: int, practice: str = "still-water", *, after: int | None = None) -> Entry:
    return Entry(
        id=f"practice-{version:08d}",
        practice=practice,
        subject="practice",
        deed="changed",
        who="operator",
        where=None if version % 2 else "192.0.2.7",
        at=NOW + (version if after is None else after) * MINUTE,
        changes=CHANGES[: version % 3],
    )


async def test_what_was_noted_is_listed_as_it_was_the_newest_first(stores: Stores) -> None:
    for version in (2, 1, 3):
        await stores.audit.note(an_entry(version))
    assert list(await stores.audit.newest("still-water", before=None, limit=10)) == [
        an_entry(3),
        an_entry(2),
        an_entry(1),
    ]


async def test_of_fifty_who_note_the_same_change_one_is_kept_and_it_stays_as_it_was(stores: Stores) -> None:
    await asyncio.gather(*(stores.audit.note(an_entry(1)) for _ in range(50)))
    await stores.audit.note(replace(an_entry(1), who="somebody else"))
    assert list(await stores.audit.newest("still-water", before=None, limit=10)) == [an_entry(1)]


async def test_practices_do_not_see_each_other(stores: Stores) -> None:
    await stores.audit.note(an_entry(1))
    await stores.audit.note(an_entry(1, "deep-water"))
    assert list(await stores.audit.newest("deep-water", before=None, limit=10)) == [an_entry(1, "deep-water")]
    assert list(await stores.audit.newest("no-water", before=None, limit=10)) == []


async def test_the_next_page_begins_after_the_last_entry_seen_also_within_one_moment(stores: Stores) -> None:
    entries = [an_entry(version, after=0 if version < 4 else version) for version in range(1, 7)]
    for entry in entries:
        await stores.audit.note(entry)
    seen: list[Entry] = []
    while page := await stores.audit.newest("still-water", before=seen[-1].id if seen else None, limit=2):
        assert len(page) <= 2
        seen += page
    assert seen == entries[::-1]
    assert list(await stores.audit.newest("still-water", before="practice-00000099", limit=2)) == []


async def test_a_practice_is_found_with_the_change_that_made_it_so(stores: Stores) -> None:
    said = practice_changed(a_house(), version=1, at=NOW)
    assert await stores.practices.last_changes("still-water") == ()
    assert await stores.practices.put(Kept(a_house(), 1, an_entry(1)), (said,))
    assert await stores.practices.put(Kept(a_house(name="Deep Water"), 2, an_entry(2)), ())
    assert not await stores.practices.put(Kept(a_house(name="Too late"), 2, an_entry(3)), ())
    assert await stores.practices.get("still-water") == Kept(a_house(name="Deep Water"), 2, an_entry(2))
    assert tuple(await stores.practices.last_changes("still-water")) == (an_entry(2),)


async def test_a_page_costs_as_much_as_it_shows(mongo_url: str, database_name: str) -> None:
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        audit = await MongoAudit.open(database)
        await database["audit"].insert_many([_lying(an_entry(version)) for version in range(1, 500)])
        await database.command("profile", 2)
        page = await audit.newest("still-water", before="practice-00000250", limit=5)
        await database.command("profile", 0)
        asked = [one async for one in database["system.profile"].find({"ns": f"{database.name}.audit", "op": "query"})]
        assert [one.id for one in page] == [f"practice-{version:08d}" for version in (249, 248, 247, 246, 245)]
        assert len(asked) == 2
        assert [one["docsExamined"] for one in asked if one["docsExamined"] > 6 or one.get("hasSortStage")] == []


def _lying(entry: Entry) -> dict[str, Any]:
    return {"_id": f"{entry.practice}/{entry.id}", **document(entry)}
