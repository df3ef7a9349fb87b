"""The life of a case after its answers, over HTTP, on a real database and broker."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from services.screening.domain.files import LARGEST_FILE
from tests.support import screening as twin
from tests.support.backends import RabbitBackend
from tests.support.screening import PRACTICE
from tests.support.screening_app import OPERATOR_KEY, Answered, App, an_appointment, app, token
from tests.support.waiting import until

PDF: Final = b"%PDF-1.7 " + bytes(range(256)) * 6_000  # more than one piece, and more than a JSON body may have
REVIEWS: Final = f"/v1/practices/{PRACTICE}/reviews"


@pytest.fixture
async def screening(mongo_url: str, fresh_database: Callable[[], str], rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with app(mongo_url, fresh_database, rabbit) as one:
        yield one


async def settled(screening: App, answers: dict[str, Any]) -> str:
    appointment = an_appointment()
    await screening.request(appointment)
    await screening.becomes(appointment, "awaiting")
    assert (await screening.answer(appointment, answers)).status == 200
    return appointment


async def does(screening: App, appointment: str, deed: str, body: dict[str, Any] | None = None) -> Answered:
    return await screening.call("POST", f"/v1/appointments/{appointment}/{deed}", body, token=token(appointment))


async def opened(screening: App, appointment: str, locale: str = "en") -> dict[str, Any]:
    answer = await screening.as_operator("GET", f"/v1/cases/{appointment}?locale={locale}")
    assert answer.status == 200
    return answer.body


async def decide(screening: App, appointment: str, decision: str, **said: Any) -> Answered:
    version = said.pop("version", None) or (await opened(screening, appointment))["version"]
    body = {"decision": decision, "note": "Talked on the phone.", "decided_by": "Ines", "version": version, **said}
    return await screening.as_operator("POST", f"/v1/cases/{appointment}/decision", body)


async def said(screening: App, appointment: str, *names: str) -> None:
    await until(lambda: len(screening.all_said_of(appointment)) >= len(names))
    assert [type(one.data).__name__ for one in screening.all_said_of(appointment)] == list(names)


async def upload(screening: App, appointment: str, content: bytes, kind: str = "application/pdf") -> Answered:
    headers = {"Authorization": f"Bearer {token(appointment)}", "Content-Type": kind}
    path = f"/screening/v1/appointments/{appointment}/attachments"
    async with screening.http.post(path, data=io.BytesIO(content), headers=headers) as answer:
        return Answered(answer.status, await answer.json(content_type=None), dict(answer.headers))


async def test_asked_for_more_a_client_answers_in_words_and_is_approved(screening: App) -> None:
    appointment = await settled(screening, twin.REVIEWED)
    asked = await decide(screening, appointment, "more_info", to_client="Which one, please?")
    assert (asked.status, asked.body["state"], asked.body["rounds"][0]["answers"]) == (200, "awaiting", twin.REVIEWED)
    told = await screening.outcome(appointment)
    assert (told.body["status"], told.keys) == ("awaiting_answers", ["ASKED_MORE"])
    assert (told.body["asked_again_because"], told.body["message_from_practice"]) == ("more_info", "Which one, please?")
    assert set(told.body["may"]) == {"answer", "add"}
    words = await does(screening, appointment, "words", {"words": "  It is apixaban. "})
    assert (words.status, words.body["status"], words.keys) == (200, "decided", ["REVIEW"])
    (line,) = (await screening.as_operator("GET", REVIEWS)).body["reviews"]
    assert (line["kind"], line["round"], line["overdue"], "added_at" in line) == ("review", 2, False, True)
    case = await opened(screening, appointment)
    assert [one["text"] for one in case["words"]] == ["It is apixaban."]
    assert case["verdicts"] == ["approve", "refuse", "more_info"]
    approved = await decide(screening, appointment, "approve")
    assert (approved.body["state"], approved.body["covers_visit"]) == ("approved", True)
    assert approved.body["ruling"]["decided_by"] == "Ines"
    await said(screening, appointment, "CaseDecided", "CaseMessageLeft", "CaseDecided", "CaseDecided")


async def test_a_declined_client_asks_for_a_person_and_is_invited(screening: App) -> None:
    appointment = await settled(screening, twin.DECLINED)
    told = await does(screening, appointment, "review", {"words": "It was treated."})
    assert (told.status, told.body["status"], told.keys) == (200, "review_requested", ["REVIEW_REQUESTED"])
    assert (await does(screening, appointment, "review", {"words": "It was treated."})).body == told.body
    (line,) = (await screening.as_operator("GET", REVIEWS)).body["reviews"]
    assert (line["appointment"], line["kind"]) == (appointment, "appeal")
    case = await opened(screening, appointment)
    assert (case["appeal"], case["verdicts"]) == ("It was treated.", ["confirm_declined", "invite"])
    assert (await decide(screening, appointment, "approve")).code == "cannot-approve"
    await decide(screening, appointment, "invite", to_client="Please bring the letter.")
    told = await screening.outcome(appointment)
    assert (told.body["status"], told.body["message_from_practice"]) == ("invited", "Please bring the letter.")
    await said(screening, appointment, "CaseDecided", "CaseMessageLeft")


async def test_a_change_voids_and_new_answers_are_decided(screening: App) -> None:
    appointment = await settled(screening, twin.CLEAR)
    told = await does(screening, appointment, "change")
    assert (told.body["status"], told.keys, told.body["may"]) == ("awaiting_answers", ["ASKED_CHANGED"], ["answer"])
    assert (await does(screening, appointment, "change")).body == told.body
    assert (await screening.answer(appointment, twin.REVIEWED)).keys == ["REVIEW"]
    await said(screening, appointment, "CaseDecided", "CaseVoided", "CaseDecided")
    withdrawn = await does(screening, appointment, "withdraw", {"what": "consent"})
    assert (withdrawn.keys, withdrawn.body["asked_again_because"]) == (["WITHDRAWN"], "withdrawn")
    assert (await screening.as_operator("GET", REVIEWS)).body["reviews"] == []
    case = await opened(screening, appointment)
    assert [over["ended_by"] for over in case["rounds"]] == ["changed", "withdrawn"]
    assert (await does(screening, appointment, "withdraw", {"what": "all"})).code == "invalid-request"


async def test_a_file_goes_in_sealed_and_comes_out_to_be_saved_by_staff_only(screening: App) -> None:
    appointment = await settled(screening, twin.NEEDS_CLEARANCE)
    assert (await upload(screening, appointment, PDF)).keys == ["REVIEW_CLEARANCE"]
    assert (await upload(screening, appointment, PDF, "image/png")).status == 200
    ((kept,), (line,)) = (
        (await opened(screening, appointment))["attachments"],
        (await screening.as_operator("GET", REVIEWS)).body["reviews"],
    )
    assert (kept["kind"], kept["size"], line["added_at"]) == ("application/pdf", len(PDF), kept["at"])
    path = f"/screening/v1/cases/{appointment}/attachments/{kept['id']}"
    async with screening.http.get(path, headers={"Authorization": f"Bearer {OPERATOR_KEY}"}) as answer:
        assert (answer.status, await answer.read()) == (200, PDF)
        assert answer.headers["Content-Disposition"] == f"attachment; filename=note-{kept['id']}.pdf"
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
    async with screening.http.get(path, headers={"Authorization": f"Bearer {token(appointment)}"}) as answer:
        assert answer.status == 401
    stored = await screening.database["attachments"].find_one({"_id": kept["id"]})
    assert stored is not None
    assert PDF[:200] not in b"".join(bytes(piece) for piece in stored["pieces"])
    assert "loose_since" not in stored


async def test_a_file_of_another_kind_or_too_large_is_refused_and_not_kept(screening: App) -> None:
    appointment = await settled(screening, twin.REVIEWED)
    refused = await upload(screening, appointment, b"<script>alert(1)</script>")
    assert (refused.status, refused.code) == (422, "file-refused")
    assert (await upload(screening, appointment, PDF[:9] + bytes(LARGEST_FILE - 8))).code == "file-refused"
    assert (await upload(screening, appointment, PDF[:9] + bytes(LARGEST_FILE + 8))).status == 413
    assert (await upload(screening, appointment, PDF[:9] + bytes(LARGEST_FILE - 9))).status == 200
    assert await screening.database["attachments"].count_documents({}) == 1


async def test_two_practitioners_at_once_make_one_decision(screening: App) -> None:
    appointment = await settled(screening, twin.REVIEWED)
    version = (await opened(screening, appointment))["version"]
    both = await asyncio.gather(
        decide(screening, appointment, "approve", version=version),
        decide(screening, appointment, "refuse", version=version, decided_by="Juan"),
    )
    assert sorted(one.status for one in both) == [200, 409]
    assert [one.code for one in both if one.status == 409] == ["case-changed"]
    (won,) = [one for one in both if one.status == 200]
    decision = {key: won.body["ruling"][key] for key in ("decision", "decided_by")}
    again = await decide(screening, appointment, **decision, version=version)
    assert (again.status, again.body["version"]) == (200, won.body["version"])


async def test_an_opened_case_says_in_words_what_was_asked_and_answered(screening: App) -> None:
    appointment = await settled(screening, twin.NEEDS_CLEARANCE)
    case = await opened(screening, appointment)
    (finding,) = case["evaluation"]["trace"]
    assert [one["question"] for one in finding["answers"]] == ["q_bleeding_disorder", "q_bleeding_severity"]
    assert [one["answer"] for one in finding["answers"]] == [["Yes"], ["Mild"]]
    assert finding["answers"][1]["text"] == "Has a doctor said how bad it is?"
    assert (case["clearance_required"], case["approval"]) == (True, {"default_days": 90, "most_days": 180})
    assert {one["question"] for one in case["answered"]} == twin.NEEDS_CLEARANCE.keys()
    spanish = await opened(screening, appointment, "es")
    assert spanish["evaluation"]["trace"][0]["explanation"] != finding["explanation"]
    assert spanish["answered"][-1]["text"] != case["answered"][-1]["text"]


async def test_a_decision_names_who_decides_and_is_bounded(screening: App) -> None:
    appointment = await settled(screening, twin.NEEDS_CLEARANCE)
    clearance = {"given_by": "Dr Example", "profession": "GP", "given_on": "2020-01-02", "form": "document"}
    nobody = await decide(screening, appointment, "approve", decided_by="  ", clearance=clearance)
    assert (nobody.status, nobody.code) == (422, "invalid-request")
    tomorrow = str((datetime.now(UTC) + timedelta(days=2)).date())
    early = await decide(screening, appointment, "approve", clearance=clearance | {"given_on": tomorrow})
    assert early.code == "clearance-in-future"
    short = await decide(screening, appointment, "approve", clearance=clearance, valid_days=1)
    starts_at = datetime.fromisoformat(short.body["starts_at"])
    assert short.body["covers_visit"] is (starts_at.date() <= (datetime.now(UTC) + timedelta(days=1)).date())


async def test_the_queue_is_read_in_pages_and_says_whom_to_look_at_again(screening: App) -> None:
    waiting = [await settled(screening, twin.REVIEWED) for _ in range(3)]
    left = await settled(screening, twin.REVIEWED)
    await does(screening, left, "change")
    await screening.answer(left, twin.CLEAR)
    await screening.say(
        twin.moved(appointment=left, starts_at=datetime.now(UTC) + timedelta(days=3)), subject=left, sequence=3
    )
    await until(lambda: screening.database["cases"].find_one({"_id": left, "heard": 3}))
    first = (await screening.as_operator("GET", f"{REVIEWS}?limit=2")).body
    second = (await screening.as_operator("GET", f"{REVIEWS}?limit=2&after={first['next']}")).body
    assert [one["appointment"] for one in first["reviews"] + second["reviews"]] == waiting
    assert ("next" in second, second["flagged"]) == (False, [])
    (flagged,) = first["flagged"]
    assert (flagged["appointment"], flagged["flags"]) == (left, ["left_review"])
    assert (await screening.as_operator("GET", f"{REVIEWS}?after=nonsense")).code == "invalid-request"
