"""Returning clients over HTTP, on a real database and broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.screening.domain.case import MOST_TRIES
from shared.events.booking import ClientEraseAsked, ClientExportAsked, ClientMerged
from tests.support import screening as twin
from tests.support.backends import RabbitBackend
from tests.support.screening import PRACTICE
from tests.support.screening_app import Answered, App, an_appointment, app, token
from tests.support.waiting import until

REF, OTHER_REF = "c" * 20, "d" * 20
BORN, WRONG = "1980-05-04", "1980-04-05"
NOTE = "Misread the question, says the client."
CONTRADICTS = ["CONTRADICTION:PRIOR_ANSWER:q_aneurysm"]


@pytest.fixture
async def screening(mongo_url: str, fresh_database: Callable[[], str], rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with app(mongo_url, fresh_database, rabbit) as one:
        yield one


async def request(screening: App, appointment: str, *, ref: str = REF) -> None:
    client = twin.snapshot()["client"].model_copy(update={"ref": ref})
    starts_at = datetime.now(UTC) + timedelta(days=7)
    fact = twin.requested(
        appointment=appointment, client=client, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1)
    )
    await screening.say(fact, subject=appointment)

    async def known() -> object:
        return await screening.database["cases"].find_one({"_id": appointment, "client": ref})

    await until(known)


async def visit(screening: App, answers: dict[str, Any], *, ref: str = REF, answers_first: bool = False) -> str:
    appointment = an_appointment()
    if answers_first:
        assert (await screening.answer(appointment, answers)).status == 202
    await request(screening, appointment, ref=ref)
    if not answers_first:
        assert (await screening.answer(appointment, answers)).status == 200
    return appointment


async def post(screening: App, appointment: str, what: str, body: dict[str, Any], method: str = "POST") -> Answered:
    return await screening.call(method, f"/v1/appointments/{appointment}/{what}", body, token=token(appointment))


async def reasons(screening: App, appointment: str) -> list[str]:
    case = await screening.as_operator("GET", f"/v1/cases/{appointment}")
    found: list[str] = case.body["evaluation"]["reason_codes"]
    return found


async def test_whoever_returns_is_recognised_and_hands_in_the_signs_of_today(screening: App) -> None:
    await visit(screening, twin.CLEAR)
    second = an_appointment()
    await request(screening, second)
    assert (await post(screening, second, "recognise", {"dob": WRONG})).body == {"recognised": False}
    found = await post(screening, second, "recognise", {"dob": BORN})
    assert (found.status, found.headers["Cache-Control"]) == (200, "no-store")
    assert found.body["recognised"] is True
    assert found.body["unchanged"] is True
    assert [question["id"] for question in found.body["questions"]] == ["q_red_flags"]
    proof = found.body["proof"]
    earlier = await post(screening, second, "earlier-answers", {"proof": proof})
    assert earlier.body == {"answers": {key: value for key, value in twin.CLEAR.items() if key != "q_red_flags"}}
    body = {"proof": proof, "q_red_flags": ["none"]}
    told = await post(screening, second, "unchanged", body, "PUT")
    assert (told.status, told.body["status"], told.keys) == (200, "decided", ["CLEARED"])
    assert (await post(screening, second, "unchanged", body, "PUT")).body == told.body
    await until(lambda: screening.said_of(second))
    assert [said.data.outcome for said in screening.said_of(second)] == ["cleared"]
    other = await post(screening, second, "unchanged", body | {"q_red_flags": ["thunderclap"]}, "PUT")
    assert (other.status, other.code) == (409, "already-decided")


async def test_a_new_sign_is_urgent_and_declined_at_once(screening: App) -> None:
    await visit(screening, twin.CLEAR)
    second = an_appointment()
    await request(screening, second)
    proof = (await post(screening, second, "recognise", {"dob": BORN})).body["proof"]
    told = await post(screening, second, "unchanged", {"proof": proof, "q_red_flags": ["stroke_signs"]}, "PUT")
    assert told.keys == ["URGENT"]
    await until(lambda: screening.said_of(second))
    assert [said.data.outcome for said in screening.said_of(second)] == ["declined"]


async def test_five_wrong_dates_leave_only_the_whole_form_however_many_are_sent_at_once(screening: App) -> None:
    await visit(screening, twin.CLEAR)
    second, stranger = an_appointment(), an_appointment()
    await request(screening, second)
    await request(screening, stranger, ref=OTHER_REF)
    for appointment in (second, stranger):
        wrong = [post(screening, appointment, "recognise", {"dob": WRONG}) for _ in range(3)]
        wrong_ones = [*await asyncio.gather(*wrong)]
        wrong_ones += [await post(screening, appointment, "recognise", {"dob": WRONG}) for _ in range(MOST_TRIES)]
        wrong_ones += [await post(screening, appointment, "recognise", {"dob": BORN})]
        assert {(one.status, str(one.body)) for one in wrong_ones} == {(200, "{'recognised': False}")}
        case = await screening.database["cases"].find_one({"_id": appointment})
        assert case is not None
        assert case["tries"] == MOST_TRIES
    assert (await screening.answer(second, twin.CLEAR)).keys == ["CLEARED"]


async def test_without_the_token_or_the_proof_nothing_is_told(screening: App) -> None:
    await visit(screening, twin.CLEAR)
    second = an_appointment()
    await request(screening, second)
    path = f"/v1/appointments/{second}"
    assert (await screening.call("POST", f"{path}/recognise", {"dob": BORN})).code == "token-invalid"
    refused = await post(screening, second, "earlier-answers", {"proof": token(second)})
    assert (refused.status, refused.code) == (401, "not-recognised")
    body = {"proof": "x", "q_red_flags": ["none"]}
    assert (await post(screening, second, "unchanged", body, "PUT")).code == "not-recognised"
    proof = (await post(screening, second, "recognise", {"dob": BORN})).body["proof"]
    shown_as_token = await screening.call("GET", f"{path}/outcome", token=proof)
    assert shown_as_token.code == "token-invalid"


@pytest.mark.parametrize("answers_first", [False, True])
async def test_a_yes_that_is_no_at_a_later_visit_goes_to_a_person_until_it_is_corrected(
    screening: App, answers_first: bool
) -> None:
    first = await visit(screening, twin.DECLINED, answers_first=answers_first)
    second = await visit(screening, twin.CLEAR, answers_first=answers_first)
    await screening.becomes(second, "in_review")
    assert await reasons(screening, second) == CONTRADICTS
    [line] = (await screening.as_operator("GET", f"/v1/practices/{PRACTICE}/reviews")).body["reviews"]
    assert (line["appointment"], line["repeated"]) == (second, True)
    body = {"questions": ["q_aneurysm"], "note": NOTE, "corrected_by": "Ines"}
    made = await screening.as_operator("POST", f"/v1/cases/{first}/corrections", body)
    assert [(one["question"], one["corrected_by"]) for one in made.body["corrections"]] == [("q_aneurysm", "Ines")]
    third = await visit(screening, twin.CLEAR, answers_first=answers_first)
    await screening.becomes(third, "cleared")
    short = await screening.as_operator("POST", f"/v1/cases/{first}/corrections", body | {"note": "x"})
    assert short.code == "note-too-short"
    unsaid = await screening.as_operator("POST", f"/v1/cases/{first}/corrections", body | {"questions": ["q_new"]})
    assert (unsaid.code, unsaid.body["questions"]) == ("nothing-to-correct", ["q_new"])


async def test_a_yes_is_known_under_a_merged_record_and_gone_after_an_erasure(screening: App) -> None:
    first = await visit(screening, twin.DECLINED, ref=OTHER_REF)
    await screening.say(ClientMerged(ref=OTHER_REF, into=REF), subject=REF)

    async def merged() -> object:
        return await screening.database["histories"].find_one({"_id": f"{PRACTICE}/{OTHER_REF}", "into": REF})

    await until(merged)
    second = await visit(screening, twin.CLEAR)
    assert await reasons(screening, second) == CONTRADICTS
    about: dict[str, Any] = {"refs": (REF, OTHER_REF), "phones": ("+491701234567",), "appointments": (first, second)}
    export = f"/v1/practices/{PRACTICE}/exports/{'e' * 26}"
    await screening.say(ClientExportAsked(ask="e" * 26, **about), subject="e" * 26)

    async def exported() -> Answered | None:
        found = await screening.as_operator("GET", export)
        return found if found.status == 200 else None

    found = await until(exported)
    assert found is not None
    assert found.body["remembered"] == [{"yes": {"q_aneurysm": [first]}, "corrections": []}]
    await screening.say(ClientEraseAsked(ask="q" * 26, **about), subject="q" * 26)

    async def erased() -> bool:
        kept = await screening.database["histories"].find({"practice": PRACTICE}).to_list(None)
        return len(kept) == 2 and all(one.keys() == {"_id", "practice", "ref", "version", "erased_at"} for one in kept)

    await until(erased)
    third = await visit(screening, twin.CLEAR)
    await screening.becomes(third, "cleared")


async def test_two_forms_at_the_same_instant_and_a_third_never_misses_the_yes(screening: App) -> None:
    clients = [f"{number:020}" for number in range(6)]
    for ref in clients:
        yes, no = an_appointment(), an_appointment()
        await request(screening, yes, ref=ref)
        await request(screening, no, ref=ref)
        await asyncio.gather(screening.answer(yes, twin.DECLINED), screening.answer(no, twin.CLEAR))
        third = await visit(screening, twin.CLEAR, ref=ref)
        assert await reasons(screening, third) == CONTRADICTS


async def test_nothing_that_is_remembered_can_be_read_in_the_database(screening: App) -> None:
    await visit(screening, twin.DECLINED)
    [kept] = await screening.database["histories"].find({}).to_list(None)
    assert b"aneurysm" not in bytes(kept["sealed"])
    assert "aneurysm" not in str({name: value for name, value in kept.items() if name != "sealed"})
