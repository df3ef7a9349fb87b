"""Rounds, the queue, flags, reminders and files are kept and found the same in memory and in MongoDB, from an index."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo.errors import WriteError

from services.screening import outbox
from services.screening.actions import Reviews, Word
from services.screening.domain.case import Added, Attachment, Case, FileKind, Reopening, State, Verdict
from services.screening.domain.refusals import CaseChanged
from services.screening.domain.ruleset import Effect
from services.screening.ports import Attachments, Cases, KeyOwner
from services.screening.store import MongoAttachments, MongoCases
from shared import mongo
from shared.bus import Bus
from shared.mongo import Database
from shared.relay import Relay
from tests.support import screening as twin
from tests.support.screening import APPOINTMENT, NOW, PRACTICE, STARTS_AT
from tests.unit.screening.test_turns import ruling, submission

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Stores:
    cases: Cases
    files: Attachments
    database: Database | None = None


@pytest.fixture
async def real(mongo_url: str, fresh_database: Callable[[], str]) -> AsyncIterator[Stores]:
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), fresh_database()))
        relay = Relay(Bus(SecretStr("amqp://nobody"), "screening", 1))  # never connected: nothing is said here
        yield Stores(await MongoCases.open(database, relay), await MongoAttachments.open(database), database)


@pytest.fixture(params=["twin", "real"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "twin":
        return Stores(twin.CaseTwin(), twin.AttachmentTwin())
    found: Stores = request.getfixturevalue("real")
    return found


async def step(cases: Cases, before: Case, after: Case) -> Case:
    assert await cases.save(before, after, outbox.said(before, after, NOW))
    return after


async def begun(cases: Cases, letter: str, *, starts_at: datetime = STARTS_AT, practice: str = PRACTICE) -> Case:
    fresh = Case(id=letter * 26, practice=practice)
    return await step(cases, fresh, fresh.requested(twin.request(), starts_at=starts_at, sequence=2, now=NOW))


async def answered(cases: Cases, letter: str, outcome: Effect, *, at: datetime = NOW, **about: Any) -> Case:
    repeated = about.pop("repeated", False)
    case = await begun(cases, letter, **about)
    return await step(cases, case, case.submitted(submission(outcome, repeated=repeated), now=at))


def attachment(name: str = "file-1") -> Attachment:
    return Attachment(id=name, kind=FileKind.PNG, size=9, at=NOW, sealed=b"digest")


async def test_a_case_is_found_as_it_was_saved_at_every_turn_of_its_rounds(stores: Stores) -> None:
    case = await answered(stores.cases, "a", Effect.NEEDS_REVIEW)
    for turn in (
        lambda now: now.explained(Added(at=NOW, sealed=b"words")),
        lambda now: now.attached(attachment()),
        Case.remind,
        lambda now: now.ruled(ruling(Verdict.MORE_INFO, on=now.version), valid_for=HOUR),
        lambda now: now.attached(attachment("file-2")),
        lambda now: now.ruled(ruling(Verdict.APPROVE, on=now.version), valid_for=timedelta(days=90)),
        lambda now: now.voided(Reopening.GUARDIAN_WITHDRAWN, now=NOW),
        lambda now: now.submitted(submission(Effect.DECLINED), now=NOW),
        lambda now: now.review_requested(b"why", review_for=HOUR, now=NOW),
        lambda now: now.ruled(ruling(Verdict.INVITE), valid_for=HOUR),
    ):
        case = await step(stores.cases, case, turn(case))
        assert await stores.cases.find(case.id) == case
    assert [over.ended_by for over in case.rounds] == [Reopening.MORE_INFO, Reopening.GUARDIAN_WITHDRAWN]


async def test_the_queue_comes_in_pages_without_a_gap_or_a_repeat_also_where_deadlines_are_the_same(
    stores: Stores,
) -> None:
    for letter, hours in (("a", 2), ("b", 1), ("c", 1), ("d", 1), ("e", 0)):
        await answered(stores.cases, letter, Effect.NEEDS_REVIEW, at=NOW + hours * HOUR)
    seen: list[str] = []
    after: tuple[datetime, str] | None = None
    while page := await stores.cases.in_review(PRACTICE, after=after, limit=2):
        seen += [case.id[0] for case in page]
        assert page[-1].deadline is not None
        after = page[-1].deadline, page[-1].id
    assert seen == ["e", "b", "c", "d", "a"]


async def test_an_appeal_waits_in_the_same_queue_until_it_is_answered(stores: Stores) -> None:
    case = await answered(stores.cases, "a", Effect.DECLINED)
    case = await step(stores.cases, case, case.review_requested(b"why", review_for=HOUR, now=NOW))
    assert await stores.cases.in_review(PRACTICE, after=None, limit=9) == [case]
    await step(stores.cases, case, case.ruled(ruling(Verdict.CONFIRM_DECLINED), valid_for=HOUR))
    assert await stores.cases.in_review(PRACTICE, after=None, limit=9) == []


async def test_coming_visits_with_a_flag_are_found_until_the_flag_or_the_visit_is_over(stores: Stores) -> None:
    later = await answered(stores.cases, "a", Effect.CLEARED, repeated=True, starts_at=STARTS_AT + timedelta(days=1))
    await answered(stores.cases, "b", Effect.CLEARED, repeated=True)
    await answered(stores.cases, "c", Effect.CLEARED)
    await answered(stores.cases, "d", Effect.CLEARED, repeated=True, practice="elsewhere")
    await answered(stores.cases, "e", Effect.NEEDS_REVIEW, repeated=True)
    found = await stores.cases.flagged(PRACTICE, since=NOW, limit=9)
    assert [case.id[0] for case in found] == ["b", "a"]
    assert [case.id[0] for case in await stores.cases.flagged(PRACTICE, since=NOW, limit=1)] == ["b"]
    await step(stores.cases, later, later.voided(Reopening.CHANGED, now=NOW))
    assert await stores.cases.flagged(PRACTICE, since=STARTS_AT + HOUR, limit=9) == []


async def test_who_is_to_be_reminded_is_found_once_for_each_deadline(stores: Stores) -> None:
    late = await answered(stores.cases, "a", Effect.NEEDS_REVIEW, at=NOW + HOUR)
    early = await answered(stores.cases, "b", Effect.NEEDS_REVIEW)
    assert late.remind_at is not None
    assert early.remind_at is not None
    assert await stores.cases.to_remind(early.remind_at - HOUR, limit=9) == []
    assert await stores.cases.to_remind(late.remind_at, limit=9) == [early, late]
    assert await stores.cases.to_remind(late.remind_at, limit=1) == [early]
    await step(stores.cases, early, early.remind())
    await step(stores.cases, late, late.closed())
    assert await stores.cases.to_remind(late.remind_at, limit=9) == []


async def test_those_who_wait_for_too_long_are_counted_up_to_a_bound(stores: Stores) -> None:
    for letter in "abc":
        case = await answered(stores.cases, letter, Effect.NEEDS_REVIEW)
    assert case.deadline is not None
    assert await stores.cases.overdue(case.deadline, limit=9) == 0
    assert await stores.cases.overdue(case.deadline + HOUR, limit=9) == 3
    assert await stores.cases.overdue(case.deadline + HOUR, limit=2) == 2
    await step(stores.cases, case, case.closed())
    assert await stores.cases.overdue(case.deadline + HOUR, limit=9) == 2


async def test_a_file_is_loose_until_it_is_bound_and_goes_with_its_appointment(stores: Stores) -> None:
    await stores.files.put("one", APPOINTMENT, [b"a" * 1024, b"b"], at=NOW)
    await stores.files.put("two", APPOINTMENT, [b"c"], at=NOW - HOUR)
    await stores.files.put("three", "b" * 26, [b"d"], at=NOW)
    assert await stores.files.loose(NOW, limit=9) == [("two", APPOINTMENT)]
    assert next(name for name, _ in await stores.files.loose(NOW + HOUR, limit=2)) == "two"
    await stores.files.bind("two")
    assert await stores.files.loose(NOW, limit=9) == []
    assert list(await stores.files.get("one", APPOINTMENT) or ()) == [b"a" * 1024, b"b"]
    assert await stores.files.get("one", "b" * 26) is None
    await stores.files.drop("three")
    await stores.files.forget(APPOINTMENT)
    await stores.files.bind("one")
    for name, owner in (("one", APPOINTMENT), ("two", APPOINTMENT), ("three", "b" * 26)):
        assert await stores.files.get(name, owner) is None
    assert await stores.files.loose(NOW + HOUR, limit=9) == []


async def test_of_many_practitioners_who_decide_at_once_one_does_and_the_others_are_told(stores: Stores) -> None:
    case = await answered(stores.cases, "a", Effect.NEEDS_REVIEW)
    casework = twin.casework(stores.cases)
    sealed = await casework.vault.seal(KeyOwner.of_case(case), await filled())
    assert case.submission is not None
    readable = replace(case, submission=replace(case.submission, sealed=sealed), version=case.version + 1)
    await step(stores.cases, case, readable)

    async def decide(number: int) -> bool:
        verdict = Verdict.APPROVE if number % 2 else Verdict.REFUSE
        word = Word(verdict=verdict, note="Talked on the phone.", by=f"Number {number}", caller="operator")
        try:
            await Reviews(casework).rule(case.id, word, version=readable.version, hand=twin.STAFF)
        except CaseChanged:
            return False
        return True

    assert sum(await asyncio.gather(*(decide(number) for number in range(8)))) == 1
    found = await stores.cases.find(case.id)
    assert found is not None
    assert (found.version, found.state in {State.APPROVED, State.REFUSED}) == (readable.version + 1, True)


async def filled() -> bytes:
    """What was handed in for a case in review, as it goes into the vault."""
    cases = twin.CaseTwin()
    screening = twin.screening(cases)
    await screening.take_answers(APPOINTMENT, PRACTICE, questionnaire=twin.FORM, answers=twin.REVIEWED, locale=None)
    kept = cases.kept[APPOINTMENT].submission
    assert kept is not None
    return await twin.VaultTwin().unseal(kept.sealed)


@pytest.mark.parametrize(
    ("query", "order", "index"),
    [
        ({"practice": PRACTICE, "deadline": {"$exists": True}}, {"deadline": 1, "_id": 1}, "queue"),
        (
            {
                "practice": PRACTICE,
                "deadline": {"$gte": NOW},
                "$or": [{"deadline": {"$gt": NOW}}, {"deadline": NOW, "_id": {"$gt": "a"}}],
            },
            {"deadline": 1, "_id": 1},
            "queue",
        ),
        ({"practice": PRACTICE, "flagged": True, "starts_at": {"$gte": NOW}}, {"starts_at": 1}, "flagged"),
        ({"remind_at": {"$lte": NOW}}, {"remind_at": 1}, "remind"),
        ({"deadline": {"$lt": NOW}}, {}, "overdue"),
    ],
)
async def test_every_question_to_the_cases_is_answered_from_an_index(
    real: Stores, query: dict[str, Any], order: dict[str, int], index: str
) -> None:
    assert real.database is not None
    found = real.database["cases"].find(query)
    plan = str((await (found.sort(order) if order else found).explain())["queryPlanner"]["winningPlan"])
    assert f"'indexName': '{index}'" in plan
    assert "'stage': 'SORT'" not in plan


async def test_loose_files_and_those_of_an_appointment_are_found_from_an_index(real: Stores) -> None:
    assert real.database is not None
    for query, index in (({"appointment": APPOINTMENT}, "of_appointment"), ({"loose_since": {"$lt": NOW}}, "loose")):
        plan = await real.database["attachments"].find(query).explain()
        assert f"'indexName': '{index}'" in str(plan["queryPlanner"]["winningPlan"])


@pytest.mark.parametrize("field", ["words", "attachments"])
async def test_the_database_refuses_what_a_client_added_unless_it_is_sealed(real: Stores, field: str) -> None:
    assert real.database is not None
    case = await answered(real.cases, "a", Effect.NEEDS_REVIEW)
    with pytest.raises(WriteError):
        await real.database["cases"].update_one({"_id": case.id}, {"$set": {field: [{"sealed": "plain"}]}})
    with pytest.raises(WriteError):
        await real.database["attachments"].insert_one({"_id": "x", "appointment": case.id, "pieces": ["plain"]})
