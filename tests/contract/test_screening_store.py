"""What screening's ports promise, asked of the twins and of the real ones alike."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pydantic import SecretStr
from pymongo.errors import WriteError

from services.screening import outbox
from services.screening.actions import Casework, Memory, Reviews, Screening, Submitting, Word
from services.screening.confidential import ClearanceRecord
from services.screening.domain.case import Case, Ruling, State, Submission, Verdict
from services.screening.domain.ruleset import Effect
from services.screening.ports import Asked, AskKind, Asks, Cases, Forgotten, KeyOwner, Locked, Merges, Practices, Vault
from services.screening.store import MongoAsks, MongoAudit, MongoCases, MongoMerges, MongoPractices, MongoTrails
from services.screening.vault import MASTER_KEY_BYTES, KeyVault, Masters
from shared import mongo
from shared.bus import Bus
from shared.mongo import Database
from shared.relay import Relay
from tests.support import screening as twin
from tests.support.screening import APPOINTMENT, NOW, PRACTICE, STARTS_AT
from tests.support.screening_audit import an_audit
from tests.support.screening_editions import EditionTwin

REMEMBERED = timedelta(seconds=60)
OWNER = KeyOwner(practice=PRACTICE, subject=APPOINTMENT)


@dataclass(frozen=True, slots=True)
class Stores:
    cases: Cases
    practices: Practices
    vault: Vault
    merges: Merges
    asks: Asks


@dataclass(frozen=True, slots=True)
class Real(Stores):
    database: Database
    keys: Database
    masters: Masters


@pytest.fixture
async def real(mongo_url: str, fresh_database: Callable[[], str]) -> AsyncIterator[Real]:
    masters = Masters.at_hand(secrets.token_bytes(MASTER_KEY_BYTES))
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), fresh_database()))
        keys = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), fresh_database()))
        # Nothing is published here: the bus is never connected, and the relay keeps what it could not say.
        relay = Relay(Bus(SecretStr("amqp://nobody"), "screening", 1))
        yield Real(
            cases=await MongoCases.open(database, relay),
            practices=await MongoPractices.open(database),
            vault=await KeyVault.open(keys["keys"], masters, remembered=REMEMBERED),
            merges=await MongoMerges.open(database),
            asks=await MongoAsks.open(database, relay),
            database=database,
            keys=keys,
            masters=masters,
        )


@pytest.fixture(params=["twin", "real"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "twin":
        return Stores(twin.CaseTwin(), twin.PracticeTwin(), twin.VaultTwin(), twin.MergeTwin(), twin.AskTwin())
    found: Stores = request.getfixturevalue("real")
    return found


APPROVAL = Ruling(verdict=Verdict.APPROVE, by="operator", at=NOW, sealed=b"note")
SUBMISSION = Submission(
    questionnaire=twin.FORM,
    ruleset=twin.FORM,
    messages="client@2026.1.0",
    submitted_at=NOW,
    as_of=date(2026, 11, 20),
    zone="Europe/Berlin",
    review_for=timedelta(hours=48),
    outcome=Effect.NEEDS_REVIEW,
    urgent=False,
    retry_after=date(2026, 12, 24),
    sealed=b"sealed",
)


def _told(version: int) -> dict[str, Any]:
    return {"emergency_number": f"11{version}", "sites": (f"https://{version}.example",), "theme": f"{version}" * 12}


def fresh(appointment: str = APPOINTMENT, practice: str = PRACTICE) -> Case:
    return Case(id=appointment, practice=practice)


def requested(case: Case, *, client: str = "c" * 20) -> Case:
    return case.requested(twin.request(), starts_at=STARTS_AT, sequence=2, now=NOW, client=client)


async def step(cases: Cases, before: Case, after: Case) -> Case:
    assert await cases.save(before, after, outbox.said(before, after, NOW))
    return after


async def in_review(cases: Cases, appointment: str, *, at: int, practice: str = PRACTICE) -> Case:
    """A case whose deadline is `at` hours later than that of others."""
    case = await step(cases, before := fresh(appointment, practice), requested(before))
    return await step(cases, case, case.submitted(SUBMISSION, now=NOW + timedelta(hours=at)))


async def test_a_case_is_found_as_it_was_saved_at_every_turn_of_its_life(stores: Stores) -> None:
    case = fresh()
    for turn in (
        requested,
        lambda now: now.moved(starts_at=STARTS_AT + timedelta(days=1), sequence=3),
        lambda now: now.submitted(SUBMISSION, now=NOW),
        lambda now: now.ruled(APPROVAL, valid_for=timedelta(days=90)),
        Case.closed,
    ):
        case = await step(stores.cases, case, turn(case))
        assert await stores.cases.find(APPOINTMENT) == case
    assert case.version == 5


async def test_what_was_taken_away_is_gone(stores: Stores) -> None:
    case = await step(stores.cases, fresh(), fresh().submitted(SUBMISSION, now=NOW))
    other = case.requested(twin.request("cst-intake"), starts_at=STARTS_AT, sequence=2, now=NOW)
    await step(stores.cases, case, other)
    found = await stores.cases.find(APPOINTMENT)
    assert found is not None
    assert found.submission is None


async def test_nothing_is_found_that_was_never_saved(stores: Stores) -> None:
    assert await stores.cases.find(APPOINTMENT) is None
    assert await stores.practices.find(PRACTICE) is None
    assert await stores.cases.in_review(PRACTICE, after=None, limit=10) == []


async def test_of_two_first_halves_one_is_told_to_look_again(stores: Stores) -> None:
    await step(stores.cases, fresh(), requested(fresh()))
    assert not await stores.cases.save(fresh(), fresh().submitted(SUBMISSION, now=NOW), ())
    found = await stores.cases.find(APPOINTMENT)
    assert found == requested(fresh())


async def test_a_change_of_an_older_version_changes_nothing(stores: Stores) -> None:
    old = await step(stores.cases, fresh(), requested(fresh()))
    newer = await step(stores.cases, old, old.submitted(SUBMISSION, now=NOW))
    assert not await stores.cases.save(old, old.closed(), ())
    assert await stores.cases.find(APPOINTMENT) == newer


async def test_of_many_who_save_at_once_one_gets_through(stores: Stores) -> None:
    case = await in_review(stores.cases, APPOINTMENT, at=0)
    after = case.ruled(APPROVAL, valid_for=timedelta(days=90))
    saved = await asyncio.gather(*(stores.cases.save(case, after, ()) for _ in range(12)))
    assert sorted(saved) == [False] * 11 + [True]


async def test_the_queue_is_the_practices_own_and_sorted_by_deadline(stores: Stores) -> None:
    for letter, at in (("a", 3), ("b", 1), ("c", 2)):
        await in_review(stores.cases, letter * 26, at=at)
    await in_review(stores.cases, "d" * 26, at=0, practice="elsewhere")
    done = await in_review(stores.cases, "e" * 26, at=0)
    await step(stores.cases, done, done.closed())
    waiting = await stores.cases.in_review(PRACTICE, after=None, limit=2)
    assert [case.id[0] for case in waiting] == ["b", "c"]


async def test_the_newest_profile_wins_in_whatever_order_they_come(stores: Stores) -> None:
    for version in (2, 1, 4, 3, 4):
        await stores.practices.keep(twin.profile(version=version, **_told(version)))
    assert await stores.practices.find(PRACTICE) == twin.profile(version=4, **_told(4))


async def test_the_newer_of_two_first_profiles_wins_even_when_both_come_at_once(stores: Stores) -> None:
    names = [f"practice-{number}" for number in range(200)]
    both = [twin.profile(practice=name, version=version) for name in names for version in (1, 2)]
    await asyncio.gather(*(stores.practices.keep(one) for one in both))
    kept = await asyncio.gather(*(stores.practices.find(name) for name in names))
    assert [None if one is None else one.version for one in kept] == [2] * len(names)


async def test_what_was_sealed_comes_out_again_and_does_not_show(stores: Stores) -> None:
    first, second = KeyOwner.of_case(fresh()), KeyOwner.of_client(PRACTICE, "c" * 20)
    sealed = await stores.vault.seal(first, b"a secret")
    again = await stores.vault.seal(first, b"another")
    other = await stores.vault.seal(second, b"a third")
    assert b"secret" not in sealed
    assert [await stores.vault.unseal(one) for one in (again, other, sealed)] == [b"another", b"a third", b"a secret"]


async def test_equal_secrets_do_not_look_equal(real: Real) -> None:
    assert await real.vault.seal(OWNER, b"yes") != await real.vault.seal(OWNER, b"yes")


async def test_another_process_opens_what_this_one_sealed_and_seals_under_the_same_key(real: Real) -> None:
    sealed = await real.vault.seal(OWNER, b"a secret")
    elsewhere = await KeyVault.open(real.keys["keys"], real.masters, remembered=REMEMBERED)
    assert await elsewhere.unseal(sealed) == b"a secret"
    assert await real.vault.unseal(await elsewhere.seal(OWNER, b"more")) == b"more"
    assert await real.keys["keys"].count_documents({}) == 1


async def test_two_processes_that_seal_first_at_once_agree_on_one_key(real: Real) -> None:
    vaults = [await KeyVault.open(real.keys["keys"], real.masters, remembered=REMEMBERED) for _ in range(6)]
    sealed = await asyncio.gather(*(vault.seal(OWNER, b"x") for vault in vaults))
    assert [await real.vault.unseal(one) for one in sealed] == [b"x"] * 6
    assert await real.keys["keys"].count_documents({}) == 1


async def test_with_its_key_deleted_or_another_master_key_nothing_opens(real: Real) -> None:
    sealed = await real.vault.seal(OWNER, b"a secret")
    other = Masters.at_hand(secrets.token_bytes(MASTER_KEY_BYTES))
    stranger = await KeyVault.open(real.keys["keys"], other, remembered=REMEMBERED)
    with pytest.raises(Locked):
        await stranger.unseal(sealed)
    await real.keys["keys"].delete_many({})
    restarted = await KeyVault.open(real.keys["keys"], real.masters, remembered=REMEMBERED)
    with pytest.raises(Forgotten):
        await restarted.unseal(sealed)


async def stored_bytes(database: Database) -> bytes:
    """All that the database holds, as it holds it."""
    as_stored: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)
    found = b""
    for name in await database.list_collection_names():
        found += b"".join([one.raw async for one in database.get_collection(name, codec_options=as_stored).find()])
    return found


async def test_the_raw_documents_hold_nothing_of_an_answer_a_reason_or_a_note(real: Real) -> None:
    audit, trails = await MongoAudit.open(real.database, real.keys["heads"]), await MongoTrails.open(real.database)
    casework = Casework(
        cases=real.cases,
        attachments=twin.AttachmentTwin(),
        practices=real.practices,
        vault=real.vault,
        catalogue=twin.CATALOGUE,
        editions=EditionTwin(twin.PracticeTwin()),
        auditing=an_audit(audit, trails),
        now=lambda: NOW,
    )
    screening = Screening(casework, Submitting(casework, Memory(casework, twin.HistoryTwin())))
    await real.practices.keep(twin.profile())
    answers = twin.NEEDS_CLEARANCE | {"q_other_text": "PLANTED free text", "dob": "1981-02-03"}
    await screening.take_answers(APPOINTMENT, PRACTICE, questionnaire="cst-core", answers=answers, locale=None)
    await screening.take_request(APPOINTMENT, PRACTICE, twin.request(), starts_at=STARTS_AT, sequence=2)
    word = Word(
        verdict=Verdict.APPROVE,
        note="PLANTED note of a practitioner",
        by="operator",
        clearance=ClearanceRecord(given_by="Dr PLANTED", profession="GP", given_on=date(2026, 11, 20), form="verbal"),
    )
    await Reviews(casework).rule(APPOINTMENT, word, version=2, hand=twin.STAFF)
    await Reviews(casework).open(APPOINTMENT, twin.STAFF)
    raw = await stored_bytes(real.database) + await stored_bytes(real.keys)
    assert b"approved" in raw
    words = [
        "PLANTED",
        "1981-02-03",
        "q_bleeding",
        "q_other",
        "mild",
        "BLEEDING",
        "OTHER_TEXT",
        "R33",
        "CLEARANCE",
        "haemo",
        "guardian",
    ]
    assert [word for word in words if word.lower().encode() in raw.lower()] == []


async def test_the_database_refuses_a_case_whose_answers_are_not_sealed(real: Real) -> None:
    await step(real.cases, fresh(), requested(fresh()))
    with pytest.raises(WriteError):
        await real.database["cases"].update_one({"_id": APPOINTMENT}, {"$set": {"submission": {"sealed": "plain"}}})


async def test_the_queue_is_read_from_its_index(real: Real) -> None:
    query: dict[str, Any] = {"practice": PRACTICE, "deadline": {"$exists": True}}
    plan = await real.database["cases"].find(query).sort("deadline", 1).explain()
    winning = str(plan["queryPlanner"]["winningPlan"])
    assert "'indexName': 'queue'" in winning
    assert "SORT" not in winning.replace("sortPattern", "")


def asked(kind: AskKind = AskKind.ERASE, ask: str = "q" * 26, **changes: Any) -> Asked:
    fields: dict[str, Any] = {"id": ask, "practice": PRACTICE, "kind": kind, "appointments": (APPOINTMENT,)}
    if kind is AskKind.EXPORT:
        fields["until"] = NOW + timedelta(days=36_500)  # not before the server's own clock gets there
    return Asked(**fields | {"records": 1, "begun_at": NOW} | changes)


async def test_a_forgotten_case_is_closed_and_empty(stores: Stores) -> None:
    case = await step(stores.cases, fresh(), requested(fresh(), client="a" * 20))
    case = await step(stores.cases, case, case.submitted(SUBMISSION, now=NOW))
    await step(stores.cases, case, case.forgotten())

    found = await stores.cases.find(APPOINTMENT)
    assert found == Case(id=APPOINTMENT, practice=PRACTICE, version=3, state=State.CLOSED)
    assert found.forgotten() is found


async def test_the_cases_of_a_client_are_found_under_any_of_their_names(stores: Stores) -> None:
    for letter, client, day in (("a", "x", 1), ("b", "y", 3), ("c", "x", 2), ("d", "z", 4)):
        before = fresh(letter * 26)
        starts_at = STARTS_AT + timedelta(days=day)
        after = before.requested(twin.request(), starts_at=starts_at, sequence=2, now=NOW, client=client * 20)
        await step(stores.cases, before, after)

    found = await stores.cases.of_clients(PRACTICE, ["x" * 20, "y" * 20], limit=2)
    assert [case.id[0] for case in found] == ["b", "c"]
    assert await stores.cases.of_clients("elsewhere", ["x" * 20], limit=2) == []


@pytest.mark.parametrize("order", [*itertools.permutations(("ab", "bc", "db"))])
async def test_merged_references_are_one_family_in_whatever_order_they_are_heard(
    stores: Stores, order: tuple[str, ...]
) -> None:
    for ref, into in (*order, order[0]):
        await stores.merges.join(PRACTICE, ref, into, at=NOW)
    await stores.merges.join(PRACTICE, "x", "y", at=NOW)

    for ref in "abcd":
        assert sorted(await stores.merges.family(PRACTICE, ref)) == ["a", "b", "c", "d"]
    assert await stores.merges.family("elsewhere", "a") == ["a"]


async def test_a_merger_that_is_heard_after_an_erasure_is_not_kept(stores: Stores) -> None:
    await stores.merges.join(PRACTICE, "a", "b", at=NOW)
    for _ in range(2):
        await stores.merges.forget(PRACTICE, ["a", "b"], at=NOW)
    await stores.merges.join(PRACTICE, "a", "b", at=NOW)

    assert await stores.merges.family(PRACTICE, "a") == ["a"]

    await stores.merges.join(PRACTICE, "a", "b", at=NOW + timedelta(days=1))  # who came back, and was merged anew
    assert await stores.merges.family(PRACTICE, "a") == ["b", "a"]


async def test_an_ask_is_begun_once_and_its_receipt_written_once(stores: Stores) -> None:
    ask = asked()
    begun = await asyncio.gather(*(stores.asks.begin(asked(records=n)) for n in range(5)))
    assert len({one.records for one in begun if one == await stores.asks.get(ask.id)}) == 1
    done = begun[0].finished(NOW)

    assert sorted(await asyncio.gather(*(stores.asks.done(done, ()) for _ in range(5)))) == [False] * 4 + [True]
    found = await stores.asks.get(ask.id)
    assert found is not None
    assert (found.done_at, found.appointments) == (NOW, ())
    assert await stores.asks.begin(ask) == found


async def test_exports_of_a_forgotten_client_are_gone(stores: Stores) -> None:
    await stores.asks.begin(asked(AskKind.EXPORT, "e" * 26))
    await stores.asks.begin(asked())
    await stores.asks.forget_exports(["z" * 26, APPOINTMENT])

    assert await stores.asks.get("e" * 26) is None
    assert await stores.asks.get("q" * 26) == asked()


async def test_what_was_sealed_for_a_forgotten_case_opens_nowhere(real: Real) -> None:
    sealed = await real.vault.seal(OWNER, b"a secret")
    other = await real.vault.seal(KeyOwner.of_client(PRACTICE, "c" * 20), b"another")
    for _ in range(2):
        await real.vault.forget(PRACTICE, APPOINTMENT)

    elsewhere = await KeyVault.open(real.keys["keys"], real.masters, remembered=REMEMBERED)
    with pytest.raises(Forgotten):
        await elsewhere.unseal(sealed)
    assert await elsewhere.unseal(other) == b"another"
    assert await real.keys["keys"].count_documents({}) == 1
