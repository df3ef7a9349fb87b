"""What the audit promises, asked of the twin and of the real one; and that no tampering with the real one is missed."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from services.screening.domain.audit import Deed, Fact, Result, digest
from services.screening.domain.audit_check import Flaw, Report, place
from services.screening.ports import Audit
from services.screening.store import MongoAudit
from services.screening.verifying import reports
from shared import mongo
from shared.mongo import Collection, Database
from tests.support.screening import NOW, PRACTICE, STAFF
from tests.support.screening_audit import AuditTwin

ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Real:
    database: Database
    heads: Collection
    audit: MongoAudit

    @property
    def entries(self) -> Collection:
        return self.database["audit"]

    async def another(self) -> MongoAudit:
        """As another process would have it, which knows nothing yet."""
        return await MongoAudit.open(self.database, self.heads)

    async def verified(self, practice: str | None = None) -> list[Report]:
        """An hour later."""
        audit = await self.another()
        return list(await reports(audit, practice, now=NOW + timedelta(hours=1), progress=lambda _: None))


@pytest.fixture
async def real(mongo_url: str, fresh_database: Callable[[], str]) -> AsyncIterator[Real]:
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), fresh_database()))
        vault = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), fresh_database()))
        yield Real(database, vault["heads"], await MongoAudit.open(database, vault["heads"]))


@pytest.fixture(params=["twin", "real"])
def audit(request: pytest.FixtureRequest) -> Audit:
    if request.param == "twin":
        return AuditTwin()
    found: Real = request.getfixturevalue("real")
    return found.audit


def fact(name: str, *, practice: str = PRACTICE, record: str = "visit", **changes: Any) -> Fact:
    known = Fact(id=name, practice=practice, at=NOW, deed=Deed.VIEW, record=record, hand=STAFF, old="2", new="2")
    return replace(known, **changes)


async def ids(audit: Audit, practice: str = PRACTICE, record: str | None = None) -> list[str]:
    found = await audit.newest(practice, record=record, before=None, limit=200)
    return [entry.fact.id for entry in found]


async def test_an_entry_is_found_as_it_was_noted_bound_to_the_one_before(audit: Audit) -> None:
    rare = fact("b", hand=replace(STAFF, name=None, where=None), old=None, new=None, result=Result.REFUSED)
    await audit.append(PRACTICE, [fact("a"), rare])
    second, first = await audit.newest(PRACTICE, record=None, before=None, limit=10)
    assert (first.fact, second.fact) == (fact("a"), rare)
    assert (first.seq, second.seq, first.prev, second.prev) == (1, 2, "0" * 64, first.digest)
    assert [one.digest for one in (first, second)] == [digest(one.written()) for one in (first, second)]


async def test_what_is_noted_again_is_there_once_also_within_one_batch(audit: Audit) -> None:
    await audit.append(PRACTICE, [fact("a"), fact("b"), fact("a")])
    await audit.append(PRACTICE, [fact("c"), fact("b"), fact("d")])
    await audit.append(PRACTICE, [])
    assert await ids(audit) == ["d", "c", "b", "a"]


async def test_each_practice_has_a_chain_of_its_own_and_the_same_name_in_it(audit: Audit) -> None:
    for practice in (PRACTICE, ELSEWHERE, f"{PRACTICE}-2"):
        await audit.append(practice, [fact("a", practice=practice)])
    assert await ids(audit) == ["a"]
    (entry,) = await audit.newest(ELSEWHERE, record=None, before=None, limit=10)
    assert (entry.seq, entry.fact.practice) == (1, ELSEWHERE)


async def test_the_newest_come_first_page_by_page_for_all_or_for_one_record(audit: Audit) -> None:
    for number in range(1, 8):
        await audit.append(PRACTICE, [fact(f"{number}", record="odd" if number % 2 else "even")])
    pages = [await audit.newest(PRACTICE, record=None, before=before, limit=3) for before in (None, 5, 2)]
    assert [[one.seq for one in page] for page in pages] == [[7, 6, 5], [4, 3, 2], [1]]
    odd = [await audit.newest(PRACTICE, record="odd", before=before, limit=2) for before in (None, 5)]
    assert [[one.seq for one in page] for page in odd] == [[7, 5], [3, 1]]


async def test_what_is_old_goes_from_the_first_on_and_the_rest_goes_on_from_there(audit: Audit) -> None:
    days = [0, 1, 9, 2, 10, 11]
    await audit.append(PRACTICE, [fact(f"{n}", at=NOW + timedelta(days=day)) for n, day in enumerate(days)])
    assert await audit.forget_before(PRACTICE, NOW + timedelta(days=5)) is None  # no head says where it goes on
    await audit.keep_heads()
    base = await audit.forget_before(PRACTICE, NOW + timedelta(days=5))
    assert base is not None
    assert (base.seq, await ids(audit)) == (2, ["5", "4", "3", "2"])
    assert await audit.forget_before(PRACTICE, NOW + timedelta(days=5)) is None
    await audit.forget_before(PRACTICE, NOW + timedelta(days=99))
    assert await ids(audit) == ["5"]
    await audit.append(PRACTICE, [fact("6")])
    assert [one.seq for one in await audit.newest(PRACTICE, record=None, before=None, limit=9)] == [7, 6]
    assert [one async for one in audit.practices()] == [PRACTICE]


async def test_a_chain_without_its_beginning_is_whole_and_what_is_left_of_it_by_a_crash_is_no_flaw(real: Real) -> None:
    facts = [fact(f"{n}", at=NOW - timedelta(days=n < 4)) for n in range(10)]
    await real.audit.append(PRACTICE, facts)
    await real.audit.keep_heads()
    killed = await real.entries.find_one({"_id": place(PRACTICE, 3)})
    assert killed is not None
    await real.audit.forget_before(PRACTICE, NOW)
    (report,) = await real.verified()
    assert (report.entries, report.head.seq, report.flaw) == (6, 10, None)
    await put(real.entries, killed)
    assert [one.flaw for one in await real.verified()] == [None]
    assert await real.audit.forget_before(PRACTICE, NOW) is not None
    assert await real.entries.count_documents({}) == 6
    await real.entries.delete_one({"_id": place(PRACTICE, 5)})
    assert [(one.flaw, one.at) for one in await real.verified()] == [(Flaw.MISSING, 5)]


async def make_older(entries: Collection) -> None:
    await entries.update_many({"seq": {"$lte": 6}}, {"$set": {"at": NOW - timedelta(days=9)}})


async def make_older_and_hash_again(entries: Collection) -> None:
    prev = "0" * 64
    for seq in range(1, 7):
        one = await entries.find_one({"_id": place(PRACTICE, seq)})
        assert one is not None
        forged = hashed(one | {"at": NOW - timedelta(days=9), "prev": prev})
        await put(entries, forged)
        prev = forged["digest"]


async def make_all_older_and_hash_again(entries: Collection) -> None:
    prev = "0" * 64
    async for one in entries.find({"practice": PRACTICE}).sort("_id", 1):
        forged = hashed(one | {"at": NOW - timedelta(days=9), "prev": prev})
        await put(entries, forged)
        prev = forged["digest"]


@pytest.mark.parametrize("tamper", [make_older, make_older_and_hash_again, make_all_older_and_hash_again])
async def test_what_was_made_older_than_it_is_is_not_cleared_away(
    real: Real, tamper: Callable[[Collection], Awaitable[None]]
) -> None:
    await real.audit.append(PRACTICE, [fact(f"{n}") for n in range(10)])
    await real.audit.keep_heads()
    await tamper(real.entries)
    after = await real.another()
    await after.append(PRACTICE, [fact("a")])
    assert await after.forget_before(PRACTICE, NOW - timedelta(days=1)) is None
    await after.keep_heads()
    assert await after.forget_before(PRACTICE, NOW - timedelta(days=1)) is None
    assert await real.entries.count_documents({}) == 11
    (report,) = await real.verified()
    assert report.flaw is not None


async def test_fifty_at_once_make_one_line_and_none_is_lost(real: Real) -> None:
    processes = [await real.another() for _ in range(5)]
    await asyncio.gather(
        *(process.append(PRACTICE, [fact(f"{one}")]) for one, process in zip(range(50), itertools.cycle(processes)))
    )
    for process in processes:
        await process.keep_heads()
    assert sorted(map(int, await ids(processes[0]))) == list(range(50))
    (report,) = await real.verified()
    assert (report.entries, report.head.seq, report.flaw) == (50, 50, None)
    assert await real.heads.find_one({"_id": PRACTICE}) == {"_id": PRACTICE, "seq": 50, "digest": report.head.digest}


async def test_several_that_take_over_the_same_batches_note_each_entry_once(real: Real) -> None:
    facts = [fact(f"{number}") for number in range(40)]
    processes = [await real.another() for _ in range(4)]
    await asyncio.gather(
        *(process.append(PRACTICE, facts[at : at + 10]) for process in processes for at in (0, 5, 10, 20, 30))
    )
    assert sorted(map(int, await ids(processes[0]))) == list(range(40))
    (report,) = await real.verified()
    assert (report.entries, report.flaw) == (40, Flaw.NO_HEAD)


async def test_a_head_never_goes_back_and_a_new_process_notes_what_another_was_killed_before(real: Real) -> None:
    slow, quick = await real.another(), await real.another()
    await slow.append(PRACTICE, [fact("a")])
    await quick.append(PRACTICE, [fact("b")])
    await quick.keep_heads()
    await slow.keep_heads()
    assert {name: head.seq async for name, head, _ in quick.heads()} == {PRACTICE: 2}
    await slow.append(ELSEWHERE, [fact("c", practice=ELSEWHERE)])
    await (await real.another()).keep_heads()
    assert {name: head.seq async for name, head, _ in quick.heads()} == {PRACTICE: 2, ELSEWHERE: 1}


async def change_a_field(entries: Collection) -> None:
    await entries.update_one({"_id": place(PRACTICE, 4)}, {"$set": {"who": "somebody"}})


async def add_a_field(entries: Collection) -> None:
    await entries.update_one({"_id": place(PRACTICE, 4)}, {"$set": {"more": 1}})


async def drop_a_field(entries: Collection) -> None:
    await entries.update_one({"_id": place(PRACTICE, 4)}, {"$unset": {"name": 1}})


async def change_a_digest(entries: Collection) -> None:
    await entries.update_one({"_id": place(PRACTICE, 4)}, {"$set": {"digest": "0" * 64}})


async def change_a_type(entries: Collection) -> None:
    await entries.update_one({"_id": place(PRACTICE, 4)}, {"$set": {"seq": 4.0}})


async def delete_in_the_middle(entries: Collection) -> None:
    await entries.delete_one({"_id": place(PRACTICE, 4)})


async def delete_the_first(entries: Collection) -> None:
    await entries.delete_one({"_id": place(PRACTICE, 1)})


async def cut_the_tail(entries: Collection) -> None:
    await entries.delete_many({"_id": {"$gte": place(PRACTICE, 7), "$lt": f"{PRACTICE}0"}})


async def delete_all(entries: Collection) -> None:
    await entries.delete_many({"practice": PRACTICE})


async def put(entries: Collection, document: dict[str, Any]) -> None:
    await entries.replace_one({"_id": document["_id"]}, document, upsert=True)


async def two(entries: Collection) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fourth and the fifth, taken out."""
    found = [await entries.find_one_and_delete({"_id": place(PRACTICE, seq)}) for seq in (4, 5)]
    assert found[0] is not None
    assert found[1] is not None
    return found[0], found[1]


async def swap_ids(entries: Collection) -> None:
    fourth, fifth = await two(entries)
    await put(entries, fourth | {"_id": fifth["_id"]})
    await put(entries, fifth | {"_id": fourth["_id"]})


async def swap_ids_and_numbers(entries: Collection) -> None:
    """Hashed again, so that each agrees with itself."""
    fourth, fifth = await two(entries)
    await put(entries, hashed(fourth | {"_id": fifth["_id"], "seq": 5}))
    await put(entries, hashed(fifth | {"_id": fourth["_id"], "seq": 4}))


def hashed(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"digest": digest(document)}


async def hash_one_again(entries: Collection) -> None:
    fourth = await entries.find_one({"_id": place(PRACTICE, 4)})
    assert fourth is not None
    await put(entries, hashed(fourth | {"who": "somebody"}))


async def hash_all_from_there_again(entries: Collection) -> None:
    prev = None
    for seq in range(4, 11):
        one = await entries.find_one({"_id": place(PRACTICE, seq)})
        assert one is not None
        forged = hashed(one | ({"who": "somebody"} if prev is None else {"prev": prev}))
        await put(entries, forged)
        prev = forged["digest"]


async def insert_between(entries: Collection) -> None:
    fourth = await entries.find_one({"_id": place(PRACTICE, 4)})
    assert fourth is not None
    await put(entries, hashed(fourth | {"_id": f"{place(PRACTICE, 4)}a", "id": "forged"}))


async def insert_and_move_up(entries: Collection) -> None:
    """An entry in the middle, and all later ones a place further and hashed again."""
    later = [await entries.find_one_and_delete({"_id": place(PRACTICE, seq)}) for seq in range(5, 11)]
    before = await entries.find_one({"_id": place(PRACTICE, 4)})
    assert before is not None
    prev = before["digest"]
    for seq, one in enumerate([before | {"id": "forged"}, *later], start=5):
        forged = hashed((one or {}) | {"_id": place(PRACTICE, seq), "seq": seq, "prev": prev})
        await put(entries, forged)
        prev = forged["digest"]


async def insert_far_away(entries: Collection) -> None:
    first = await entries.find_one({"_id": place(PRACTICE, 1)})
    assert first is not None
    await put(entries, hashed(first | {"_id": place(PRACTICE, 99), "seq": 99, "id": "forged"}))


async def move_to_another_practice(entries: Collection) -> None:
    await entries.update_one({"_id": place(PRACTICE, 4)}, {"$set": {"practice": ELSEWHERE}})


TAMPERING: list[tuple[Callable[[Collection], Awaitable[None]], Flaw, int]] = [
    (change_a_field, Flaw.CHANGED, 4),
    (add_a_field, Flaw.CHANGED, 4),
    (drop_a_field, Flaw.CHANGED, 4),
    (change_a_digest, Flaw.CHANGED, 4),
    (change_a_type, Flaw.CHANGED, 4),
    (move_to_another_practice, Flaw.CHANGED, 4),
    (delete_in_the_middle, Flaw.MISSING, 4),
    (delete_the_first, Flaw.MISSING, 1),
    (cut_the_tail, Flaw.CUT_OFF, 7),
    (delete_all, Flaw.CUT_OFF, 1),
    (swap_ids, Flaw.MISPLACED, 4),
    (swap_ids_and_numbers, Flaw.UNLINKED, 4),
    (hash_one_again, Flaw.UNLINKED, 5),
    (hash_all_from_there_again, Flaw.REWRITTEN, 10),
    (insert_between, Flaw.MISPLACED, 5),
    (insert_and_move_up, Flaw.REWRITTEN, 10),
    (insert_far_away, Flaw.MISSING, 11),
]


@pytest.mark.parametrize(("tamper", "flaw", "at"), TAMPERING, ids=[one[0].__name__ for one in TAMPERING])
async def test_no_tampering_is_missed(
    real: Real, tamper: Callable[[Collection], Awaitable[None]], flaw: Flaw, at: int
) -> None:
    audit = await real.another()
    await audit.append(PRACTICE, [fact(f"{number}") for number in range(1, 11)])
    await audit.append(ELSEWHERE, [fact("a", practice=ELSEWHERE)])
    await audit.keep_heads()
    assert [one.flaw for one in await real.verified()] == [None, None]
    await tamper(real.entries)
    found = {one.practice: (one.flaw, one.at) for one in await real.verified()}
    assert found == {ELSEWHERE: (None, None), PRACTICE: (flaw, at)}
    assert [(one.flaw, one.at) for one in await real.verified(PRACTICE)] == [(flaw, at)]
    assert [one.flaw for one in await real.verified(ELSEWHERE)] == [None]


async def test_a_cut_tail_shows_only_because_of_the_head_and_a_head_that_is_gone_shows_too(real: Real) -> None:
    audit = await real.another()
    await audit.append(PRACTICE, [fact(f"{number}") for number in range(1, 11)])
    await audit.keep_heads()
    await cut_the_tail(real.entries)
    await real.heads.update_one({"_id": PRACTICE}, {"$set": {"seq": 5}})
    (report,) = await real.verified()
    assert (report.flaw, report.at) == (Flaw.REWRITTEN, 5)
    await real.heads.delete_one({"_id": PRACTICE})
    (report,) = await real.verified()
    assert (report.flaw, report.at, report.head.seq) == (Flaw.NO_HEAD, 6, 6)


@pytest.mark.parametrize("tamper", [cut_the_tail, hash_all_from_there_again, delete_all])
async def test_a_chain_that_was_cut_or_rewritten_does_not_become_whole_by_growing_on(
    real: Real, tamper: Callable[[Collection], Awaitable[None]]
) -> None:
    audit = await real.another()
    await audit.append(PRACTICE, [fact(f"{number}") for number in range(1, 11)])
    await audit.keep_heads()
    await tamper(real.entries)
    after = await real.another()
    for number in range(20, 40):
        await after.append(PRACTICE, [fact(f"{number}")])
        await after.keep_heads()
    await (await real.another()).keep_heads()
    (report,) = await real.verified()
    assert (report.flaw, report.at) == (Flaw.REWRITTEN, 10)
    assert {name: head.seq async for name, head, _ in audit.heads()} == {PRACTICE: 10}


async def test_a_broken_chain_is_in_the_way_of_no_other_and_a_head_that_was_taken_away_is_noted_anew(
    real: Real,
) -> None:
    audit = await real.another()
    await audit.append(PRACTICE, [fact(f"{number}") for number in range(1, 11)])
    await audit.keep_heads()
    await cut_the_tail(real.entries)
    after = await real.another()
    await after.append(PRACTICE, [fact("a")])
    await after.append(ELSEWHERE, [fact("a", practice=ELSEWHERE)])
    await after.keep_heads()
    assert {name: head.seq async for name, head, _ in audit.heads()} == {PRACTICE: 10, ELSEWHERE: 1}
    await real.heads.delete_one({"_id": PRACTICE})
    await (await real.another()).keep_heads()
    assert {one.practice: one.flaw for one in await real.verified()} == {PRACTICE: None, ELSEWHERE: None}


async def test_what_has_no_place_in_any_chain_is_told(real: Real) -> None:
    await (await real.another()).append(PRACTICE, [fact("a")])
    await real.entries.insert_one({"_id": 7, "practice": PRACTICE, "id": "z"})
    assert {one.practice: one.flaw for one in await real.verified()} == {PRACTICE: Flaw.NO_HEAD, "7": Flaw.MISPLACED}


async def test_a_chain_that_began_a_moment_ago_needs_no_head_yet(real: Real) -> None:
    await (await real.another()).append(PRACTICE, [fact("a", at=NOW + timedelta(minutes=58))])
    assert [(one.flaw, one.head.seq) for one in await real.verified()] == [(None, 1)]


async def test_every_question_is_answered_from_an_index(real: Real) -> None:
    audit = await real.another()
    await audit.append(PRACTICE, [fact(f"{number}", record=f"r{number % 7}") for number in range(300)])
    for wanted, order in (
        ({"practice": PRACTICE, "record": "r3"}, "seq"),
        ({"_id": {"$gte": f"{PRACTICE}/", "$lt": place(PRACTICE, 200)}}, "_id"),
    ):
        plan = await real.entries.find(wanted).sort(order, -1).limit(10).explain()
        assert plan["executionStats"]["totalDocsExamined"] == 10
