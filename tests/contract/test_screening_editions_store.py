"""Drafts, editions and what they force are kept the same in memory and in MongoDB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from services.screening.domain.case import Case
from services.screening.domain.draft import Approval, Draft, Edition, Stage
from services.screening.ports import Cases, Editions, Practices, Rescreens
from services.screening.store import MongoCases, MongoEditions, MongoPractices, MongoRescreens
from shared import mongo
from shared.bus import Bus
from shared.mongo import Database
from shared.relay import Relay
from tests.support import screening as twin
from tests.support.screening import NOW, PRACTICE, STARTS_AT
from tests.support.screening_editions import EditionTwin, RescreenTwin

DRAFT = Draft(practice=PRACTICE, form="cst-core", version=1, content='{"a.b":"$c"}', digest="d" * 64, release="1.0.0")
EDITION = Edition(
    practice=PRACTICE,
    form="cst-core",
    questionnaire="cst-core@2026.1.0+1.0.0",
    ruleset="cst-core@2026.1.0+1.0.0",
    release="1.0.0",
    digest="d" * 64,
    at=NOW,
    by="Ines",
    approved_by=("Ines", "Ana"),
    forces_rescreen=True,
)
NEXT = replace(EDITION, release="1.0.1", digest="e" * 64, forces_rescreen=False)
NONE = Draft(practice=PRACTICE, form="cst-core")


@dataclass(frozen=True, slots=True)
class Stores:
    editions: Editions
    rescreens: Rescreens
    practices: Practices
    cases: Cases
    database: Database | None = None


@pytest.fixture
async def real(mongo_url: str, fresh_database: Callable[[], str]) -> AsyncIterator[Stores]:
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), fresh_database()))
        relay = Relay(Bus(SecretStr("amqp://nobody"), "screening", 1))  # never connected: nothing is said here
        yield Stores(
            await MongoEditions.open(database),
            await MongoRescreens.open(database),
            await MongoPractices.open(database),
            await MongoCases.open(database, relay),
            database,
        )


@pytest.fixture(params=["twin", "real"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "twin":
        practices = twin.PracticeTwin()
        editions = EditionTwin(practices)
        return Stores(editions, RescreenTwin(editions), practices, twin.CaseTwin())
    found: Stores = request.getfixturevalue("real")
    return found


async def test_a_draft_comes_back_as_it_was_written_and_goes_once(stores: Stores) -> None:
    approved = replace(DRAFT, version=2, stage=Stage.IN_TEST, approvals=(Approval(by="Ines", at=NOW),))
    assert await stores.editions.save(NONE, DRAFT)
    assert await stores.editions.draft(PRACTICE, "cst-core") == DRAFT
    assert await stores.editions.save(DRAFT, approved)
    assert await stores.editions.draft(PRACTICE, "cst-core") == approved
    assert await stores.editions.draft(PRACTICE, "cst-intake") is None
    assert not await stores.editions.drop(DRAFT)
    assert await stores.editions.drop(approved)
    assert not await stores.editions.drop(approved)


async def test_of_two_who_write_a_draft_at_once_one_wins(stores: Stores) -> None:
    several = [replace(DRAFT, digest=str(number) * 64) for number in range(5)]
    assert sum(await asyncio.gather(*(stores.editions.save(NONE, one) for one in several))) == 1
    kept = await stores.editions.draft(PRACTICE, "cst-core")
    assert kept is not None
    later = [replace(kept, version=2, digest=str(number) * 64) for number in range(5, 9)]
    assert sum(await asyncio.gather(*(stores.editions.save(kept, one) for one in later))) == 1


async def test_drafts_in_test_are_found_page_by_page(stores: Stores) -> None:
    tested = [replace(DRAFT, practice=name, stage=Stage.IN_TEST) for name in ("a-one", "b-two", "c-three")]
    for one in (*tested, replace(DRAFT, practice="d-four")):
        await stores.editions.save(replace(one, version=0), one)
    assert list(await stores.editions.in_test(after="", limit=2)) == tested[:2]
    assert list(await stores.editions.in_test(after="b-two/cst-core", limit=2)) == tested[2:]


async def test_content_lies_under_its_digest_once(stores: Stores) -> None:
    await stores.editions.keep(PRACTICE, "d" * 64, "one")
    await stores.editions.keep(PRACTICE, "d" * 64, "another")
    assert await stores.editions.content(PRACTICE, "d" * 64) == "one"
    assert await stores.editions.content("elsewhere", "d" * 64) is None


async def test_of_editions_at_once_one_counts_and_the_next_takes_its_place(stores: Stores) -> None:
    assert not await stores.editions.publish(EDITION, instead_of=None)  # of a practice that nobody knows
    await stores.practices.keep(twin.profile())
    ends = await asyncio.gather(*(stores.editions.publish(EDITION, instead_of=None) for _ in range(5)))
    assert sum(ends) == 1
    assert not await stores.editions.publish(NEXT, instead_of=NEXT)
    assert await stores.editions.publish(NEXT, instead_of=EDITION)
    profile = await stores.practices.find(PRACTICE)
    assert profile is not None
    assert dict(profile.own) == {"cst-core": NEXT}
    assert list(await stores.editions.published(PRACTICE)) == [EDITION, NEXT]
    assert list(await stores.editions.published("elsewhere")) == []


async def test_a_newer_profile_keeps_what_was_published(stores: Stores) -> None:
    await stores.practices.keep(twin.profile())
    await stores.editions.publish(EDITION, instead_of=None)
    await stores.practices.keep(twin.profile(version=2, locale="es", forms={}))
    assert await stores.practices.find(PRACTICE) == twin.profile(
        version=2, locale="es", forms={}, own={"cst-core": EDITION}
    )
    await stores.practices.keep(twin.profile(version=1))
    found = await stores.practices.find(PRACTICE)
    assert found is not None
    assert found.version == 2


async def test_what_is_forced_stays_until_it_is_done(stores: Stores) -> None:
    await stores.practices.keep(twin.profile())
    assert list(await stores.rescreens.forced(limit=9)) == []
    await stores.editions.publish(EDITION, instead_of=None)
    await stores.editions.publish(NEXT, instead_of=EDITION)
    assert list(await stores.rescreens.forced(limit=9)) == [EDITION]
    await stores.rescreens.done(EDITION)
    await stores.rescreens.done(EDITION)
    assert list(await stores.rescreens.forced(limit=9)) == []


async def test_a_rule_set_of_the_library_is_seen_first_once_and_done_for_good(stores: Stores) -> None:
    seen = await asyncio.gather(
        *(stores.rescreens.release("cst-core@2026.2.0", at=NOW + timedelta(seconds=n)) for n in range(4))
    )
    assert len(set(seen)) == 1
    assert await stores.rescreens.release("cst-core@2026.2.0", at=NOW + timedelta(days=1)) == seen[0]
    await stores.rescreens.release_done("cst-core@2026.2.0")
    assert await stores.rescreens.release("cst-core@2026.2.0", at=NOW) is None


async def test_practices_are_gone_through_by_name(stores: Stores) -> None:
    for name in ("b-two", "a-one", "c-three"):
        await stores.practices.keep(twin.profile(practice=name))
    assert [one.practice for one in await stores.rescreens.practices(after="", limit=2)] == ["a-one", "b-two"]
    assert [one.practice for one in await stores.rescreens.practices(after="b-two", limit=2)] == ["c-three"]


async def test_visits_are_gone_through_from_the_latest_on(stores: Stores) -> None:
    for number, name in enumerate("abcde"):
        starts_at = STARTS_AT + timedelta(hours=number // 2)
        case = Case(id=name * 26, practice=PRACTICE)
        after = case.requested(twin.request(), starts_at=starts_at, sequence=2, now=NOW)
        await stores.cases.save(case, after, ())
    await stores.cases.save(Case(id="f" * 26, practice=PRACTICE), Case(id="f" * 26, practice=PRACTICE, version=1), ())

    async def page(**wanted: Any) -> list[str]:
        found = await stores.cases.by_visit(PRACTICE, **{"before": None, "since": None, "limit": 9, **wanted})
        return [case.id[0] for case in found]

    assert await page() == ["e", "d", "c", "b", "a"]
    assert await page(before=(STARTS_AT + timedelta(hours=1), "d" * 26), limit=2) == ["c", "b"]
    assert await page(since=STARTS_AT + timedelta(hours=1)) == ["e", "d", "c"]
    assert await page(before=(STARTS_AT + timedelta(hours=2), "e" * 26), since=STARTS_AT + timedelta(hours=1)) == [
        "d",
        "c",
    ]


async def test_every_query_of_them_is_served_by_an_index(real: Stores) -> None:
    assert real.database is not None
    queries: list[tuple[str, dict[str, Any], dict[str, int] | None]] = [
        ("cases", {"practice": PRACTICE, "starts_at": {"$exists": True}}, {"starts_at": -1, "_id": -1}),
        ("cases", {"practice": PRACTICE, "starts_at": {"$gte": NOW}}, {"starts_at": -1, "_id": -1}),
        ("drafts", {"stage": "in_test", "_id": {"$gt": ""}}, {"_id": 1}),
        ("practices", {"forced.at": {"$exists": True}}, None),
    ]
    for name, query, sort in queries:
        found = real.database[name].find(query)
        plan = await (found.sort(list(sort.items())) if sort else found).explain()
        assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"]), name
        assert "'SORT'" not in str(plan["queryPlanner"]["winningPlan"]), name
