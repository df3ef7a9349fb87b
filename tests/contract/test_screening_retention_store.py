"""What is kept, held and asked to be erased is found the same in memory and in MongoDB, from an index."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import SecretStr

from services.screening.domain.case import Case, Submission
from services.screening.domain.retention import Kept, kept
from services.screening.domain.ruleset import Effect
from services.screening.ports import Asked, AskKind, Asks, Cases, Hold, Holds
from services.screening.store import MongoAsks, MongoCases, MongoHolds
from shared import mongo
from shared.bus import Bus
from shared.mongo import Database
from shared.relay import Relay
from tests.support import screening as twin
from tests.support.screening import NOW, PRACTICE, STARTS_AT

REF, OTHER = "c" * 20, "d" * 20
HELD = Hold(practice=PRACTICE, client=REF, by="The desk", at=NOW, sealed=b"reason")


@dataclass(frozen=True, slots=True)
class Stores:
    cases: Cases
    holds: Holds
    asks: Asks
    database: Database | None = None


@pytest.fixture
async def real(mongo_url: str, fresh_database: Callable[[], str]) -> AsyncIterator[Stores]:
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), fresh_database()))
        relay = Relay(Bus(SecretStr("amqp://nobody"), "screening", 1))  # never connected: nothing is said here
        yield Stores(
            await MongoCases.open(database, relay),
            await MongoHolds.open(database),
            await MongoAsks.open(database, relay),
            database,
        )


@pytest.fixture(params=["twin", "real"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "twin":
        return Stores(twin.CaseTwin(), twin.HoldTwin(), twin.AskTwin())
    found: Stores = request.getfixturevalue("real")
    return found


def visited(name: str, *, starts_at: datetime = STARTS_AT, client: str = REF) -> Case:
    submission = Submission(
        questionnaire=twin.FORM,
        ruleset=twin.FORM,
        messages="client@2026.1.0",
        submitted_at=NOW,
        as_of=date(2026, 11, 20),
        zone="Europe/Berlin",
        review_for=timedelta(hours=48),
        outcome=Effect.CLEARED,
        urgent=False,
        retry_after=None,
        sealed=b"sealed",
        of_age=date(2030, 12, 31),
    )
    begun = Case(id=name * 26, practice=PRACTICE, version=0)
    case = begun.requested(twin.request(), starts_at=starts_at, sequence=2, now=NOW, client=client)
    return case.submitted(submission, now=NOW).came(True)


async def saved(cases: Cases, *several: Case) -> None:
    for case in several:
        assert await cases.save(Case(id=case.id, practice=PRACTICE), case, ())


async def test_old_cases_are_found_page_by_page_in_one_order(stores: Stores) -> None:
    days = [STARTS_AT.replace(year=year) for year in (2031, 2033, 2032, 2032)]
    await saved(stores.cases, *(visited(name, starts_at=at) for name, at in zip("abcd", days, strict=True)))
    found: list[str] = []
    after: tuple[date, str] | None = None
    while page := await stores.cases.kept_before(Kept.VISITED, date(2033, 1, 1), after=after, limit=2):
        found += [case.id[0] for case in page]
        term = kept(page[-1])
        assert term is not None
        after = term[1], page[-1].id
    assert found == ["a", "c", "d"]
    assert await stores.cases.kept_before(Kept.UNVISITED, date(2050, 1, 1), after=None, limit=9) == []


async def test_a_case_is_kept_by_what_it_is_now(stores: Stores) -> None:
    case = visited("a")
    await saved(stores.cases, case)
    missed = case.came(False)
    assert await stores.cases.save(case, missed, ())
    assert await stores.cases.kept_before(Kept.VISITED, date(2050, 1, 1), after=None, limit=9) == []
    assert [one.id for one in await stores.cases.kept_before(Kept.UNVISITED, date(2050, 1, 1), after=None, limit=9)]

    assert await stores.cases.save(missed, missed.forgotten(), ())
    for why in Kept:
        assert await stores.cases.kept_before(why, date(2050, 1, 1), after=None, limit=9) == []


async def test_what_retention_knows_comes_back_as_it_was_written(stores: Stores) -> None:
    case = visited("a")
    await saved(stores.cases, case)
    assert await stores.cases.save(case, after := case.kept_with(date(2033, 5, 1)), ())
    assert await stores.cases.find(case.id) == after


async def test_the_last_visit_that_took_place_is_of_any_of_the_references(stores: Stores) -> None:
    later = visited("b", starts_at=STARTS_AT + timedelta(days=9), client=OTHER)
    await saved(stores.cases, visited("a"), later, visited("c", starts_at=STARTS_AT + timedelta(days=20)).came(False))

    newest = await stores.cases.last_attended(PRACTICE, [REF, OTHER])
    assert newest is not None
    assert newest.id == later.id
    assert await stores.cases.last_attended(PRACTICE, ["e" * 20]) is None


async def test_a_hold_is_placed_once_found_by_any_reference_and_lifted_once(stores: Stores) -> None:
    assert await stores.holds.place(HELD) == HELD
    assert await stores.holds.place(replace(HELD, by="Somebody else", sealed=b"x")) == HELD
    assert await stores.holds.any_of(PRACTICE, [OTHER, REF])
    assert not await stores.holds.any_of(PRACTICE, [OTHER])
    assert not await stores.holds.any_of("elsewhere", [REF])
    assert list(await stores.holds.of(PRACTICE)) == [HELD]
    assert await stores.holds.lift(PRACTICE, REF)
    assert not await stores.holds.lift(PRACTICE, REF)
    assert list(await stores.holds.of(PRACTICE)) == []


async def test_an_erasure_is_open_from_its_beginning_to_its_receipt(stores: Stores) -> None:
    def asked(name: str, kind: AskKind, minutes: int) -> Asked:
        at = NOW + timedelta(minutes=minutes)
        return Asked(
            id=name * 26,
            practice=PRACTICE,
            kind=kind,
            appointments=("v" * 26,),
            records=1,
            begun_at=at,
            refs=(REF,),
            until=None if kind is AskKind.ERASE else at,
        )

    later, first = asked("a", AskKind.ERASE, 5), asked("b", AskKind.ERASE, 1)
    for one in (later, first, asked("c", AskKind.EXPORT, 0)):
        await stores.asks.begin(one)
    assert await stores.asks.open_erasures(limit=9) == [first, later]
    assert await stores.asks.done(first.finished(NOW), ())
    assert await stores.asks.open_erasures(limit=9) == [later]
    done = await stores.asks.get(first.id)
    assert done is not None
    assert (done.refs, done.appointments) == ((), ())


async def test_every_question_is_answered_from_an_index(real: Stores) -> None:
    database = real.database
    assert database is not None
    old = {"kept_as": "visited", "kept_since": {"$lt": "2033-01-01"}}
    plans = {
        "kept": database["cases"].find(old).sort([("kept_since", 1), ("_id", 1)]),
        "open_erasures": database["asks"].find({"open_since": {"$exists": True}}).sort("open_since", 1),
        "of_practice": database["holds"].find({"practice": PRACTICE}).sort("at", 1),
    }
    for name, cursor in plans.items():
        winning = str((await cursor.explain())["queryPlanner"]["winningPlan"])
        assert f"'indexName': '{name}'" in winning
        assert "'SORT'" not in winning


async def test_a_case_written_before_there_was_retention_is_read(real: Stores) -> None:
    case = visited("a")
    await saved(real.cases, case)
    assert real.database is not None
    gone = {"attended": "", "last_visit": "", "submission.of_age": "", "kept_as": "", "kept_since": ""}
    await real.database["cases"].update_one({"_id": case.id}, {"$unset": gone})
    found = await real.cases.find(case.id)

    assert found is not None
    assert not found.attended
    assert found.starts_at == STARTS_AT.astimezone(UTC)
