"""What clients agree to and text back, on the whole service: at the desk, in the ledger, and nowhere else."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import bson
import pytest
import structlog
from twilio.request_validator import RequestValidator

from shared.clock import utc_now
from shared.events import booking
from shared.mongo import Database
from tests.support import notify_app
from tests.support.backends import RabbitBackend
from tests.support.notify_app import PHONE, PRACTICE, TOKEN, App, an_appointment, facts, practice_changed
from tests.support.waiting import until

PLANTED = "zirconwound"
HOUSE = f"/v1/practices/{PRACTICE}"
ELSEWHERE = "/v1/practices/another-house"
STRANGER = "+15035550177"


@pytest.fixture
async def app(mongo_url: str, database_name: str, rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with notify_app.app(mongo_url, database_name, rabbit) as one:
        await _known(one)
        yield one


@pytest.fixture
async def two(mongo_url: str, database_name: str, rabbit: RabbitBackend) -> AsyncIterator[tuple[App, App]]:
    """Two replicas over one database."""
    async with AsyncExitStack() as opened:
        one = await opened.enter_async_context(notify_app.app(mongo_url, database_name, rabbit))
        other = await opened.enter_async_context(notify_app.app(mongo_url, database_name, rabbit))
        await _known(one)
        yield one, other


async def _known(one: App) -> None:
    await one.say(practice_changed(), subject=PRACTICE, sequence=1)
    await until(lambda: one.database["practices"].find_one({"_id": PRACTICE}))


async def booked(app: App) -> str:
    """A visit whose client has got the first text; which replica's emulator has it is left open."""
    await app.confirm(appointment := an_appointment())
    await app.becomes(appointment, "booked", "delivered")
    return appointment


async def texted(app: App, sid: str, body: str, sender: str = PHONE) -> int:
    form = {"MessageSid": sid, "From": sender, "Body": body}
    path = "/notify/v1/twilio/inbound"
    signature = RequestValidator(TOKEN).compute_signature(app.origin + path, form)
    async with app.http.post(path, data=form, headers={"X-Twilio-Signature": signature}) as answer:
        return answer.status


async def _agreed(app: App, practice: str = HOUSE) -> Any:
    status, said = await app.call("POST", f"{practice}/consents", json={"phone": PHONE})
    assert status == 200
    return said


async def _kept(database: Database) -> bytes:
    """Everything that notify keeps, as it lies in the database."""
    found = b""
    for name in await database.list_collection_names():
        async for document in database[name].find():
            found += bson.encode(document)
    return found


async def test_what_a_client_agreed_to_with_the_request_is_in_the_ledger_by_purpose(app: App) -> None:
    appointment, starts_at = an_appointment(), utc_now() + timedelta(days=7)
    about = facts(appointment, state="requested", starts_at=starts_at)
    consent = booking.Consent(texts=True, wording="texts-v3", given_at=utc_now(), offers=True)
    client = about["client"].model_copy(update={"consent": consent})
    asked = booking.AppointmentRequested(**(about | {"client": client}))
    await app.say(asked, subject=appointment, sequence=2)
    await until(lambda: app.database["contacts"].find_one({"entries.purpose": "offers"}))

    said = await _agreed(app)

    assert (said["care"], said["offers"], said["stopped"]) == (True, True, False)
    assert {(entry["word"], entry["purpose"], entry["wording"]) for entry in said["entries"]} == {
        ("consented", "care", "texts-v3"),
        ("consented", "offers", "texts-v3"),
    }
    assert (await _agreed(app, ELSEWHERE))["entries"] == []

    assert await texted(app, "SM" + "1" * 32, "STOP") == 200
    stopped = await _agreed(app)
    assert (stopped["care"], stopped["offers"], stopped["stopped"]) == (False, False, True)

    assert await texted(app, "SM" + "2" * 32, "START") == 200
    started = await _agreed(app)
    assert (started["care"], started["offers"], started["stopped"]) == (True, False, False)


async def test_words_of_a_client_are_read_at_the_desk_and_lie_nowhere_in_clear(
    app: App, capfd: pytest.CaptureFixture[str]
) -> None:
    appointment = await booked(app)
    with structlog.testing.capture_logs() as lines:
        assert await texted(app, "SM" + "3" * 32, f"my {PLANTED} hurts a lot since the visit") == 200
        await until(lambda: app.database["words"].find_one({}))
        status, inbox = await app.call("GET", f"{HOUSE}/inbox")
        metrics = (await app.call("GET", "/metrics"))[1]
    printed = capfd.readouterr()

    assert (status, [(text["appointment"], text["words"]) for text in inbox["texts"]]) == (
        200,
        [(appointment, f"my {PLANTED} hurts a lot since the visit")],
    )
    kept = await _kept(app.database)
    assert len(kept) > 1_000
    for hidden in (PLANTED.encode(), base64.b64encode(PLANTED.encode()).rstrip(b"=")):
        assert hidden not in kept
    said = json.dumps([event.to_json().decode() for event in app.heard])
    assert PLANTED not in said + str(lines) + metrics + printed.out + printed.err


async def test_words_under_a_lost_key_hide_none_that_can_be_read(app: App) -> None:
    await booked(app)
    assert await texted(app, "SM" + "6" * 32, "is there a bus stop near you") == 200
    await until(lambda: app.database["words"].find_one({}))
    await app.database["words"].update_one({}, {"$set": {"sealed": b"\x01" + b"x" * 60}})
    assert await texted(app, "SM" + "7" * 32, "and is it far from there") == 200
    await until(lambda: app.database["words"].find_one({"_id": "SM" + "7" * 32}))

    status, inbox = await app.call("GET", f"{HOUSE}/inbox")

    assert (status, [text.get("words") for text in inbox["texts"]]) == (200, ["and is it far from there", None])


async def test_who_is_to_be_called_is_listed_until_somebody_says_so(app: App) -> None:
    appointment = await booked(app)
    assert await texted(app, "SM" + "4" * 32, "I cannot breathe well since yesterday") == 200
    await until(lambda: app.database["calls"].find_one({}))

    _, listed = await app.call("GET", f"{HOUSE}/calls")
    [call] = listed["calls"]
    assert (call["appointment"], call["phone"], call["why"]) == (appointment, PHONE, "worried")
    assert (await app.call("POST", f"{ELSEWHERE}/calls/{call['id']}/done"))[0] == 404

    _, done = await app.call("POST", f"{HOUSE}/calls/{call['id']}/done")
    assert done["done_by"] == "operator"
    assert (await app.call("GET", f"{HOUSE}/calls"))[1]["calls"] == []
    assert [one["id"] for one in (await app.call("GET", f"{HOUSE}/calls?open=false"))[1]["calls"]] == [call["id"]]


async def test_of_texts_that_two_replicas_take_at_the_same_time_one_is_answered(two: tuple[App, App]) -> None:
    one, other = two
    appointment = await booked(one)

    sids = [f"SM{n:032d}" for n in range(8)]
    taken = await asyncio.gather(
        *(texted(two[n % 2], sid, f"is there a bus stop {n}") for n, sid in enumerate(sids)),
        *(texted(two[(n + 1) % 2], sid, f"is there a bus stop {n}") for n, sid in enumerate(sids)),  # handed over twice
    )

    assert set(taken) == {200}
    await one.becomes(appointment, "auto", "delivered")
    found = [m async for m in one.database["messages"].find({"appointment": appointment, "step": "auto"})]
    assert len(found) == 1
    assert len(one.emulator.messages) + len(other.emulator.messages) == 2
    assert await one.database["words"].count_documents({}) == len(sids)


async def test_a_number_that_nobody_knows_is_answered_nothing_and_kept_nowhere(app: App) -> None:
    await booked(app)
    before = len(app.emulator.messages)

    assert await texted(app, "SM" + "5" * 32, f"hello, my {PLANTED}", STRANGER) == 200

    assert await app.database["words"].count_documents({}) == 0
    assert PLANTED.encode() not in await _kept(app.database)
    assert len(app.emulator.messages) == before


async def test_these_doors_are_shut_without_a_key(app: App) -> None:
    for method, path, body in (
        ("POST", "/consents", {"phone": PHONE}),
        ("GET", "/drift", None),
        ("GET", "/calls", None),
        ("POST", "/calls/x/done", None),
        ("GET", "/inbox", None),
        ("POST", "/inbox/x/read", None),
    ):
        async with app.http.request(method, f"/notify{HOUSE}{path}", json=body) as answer:
            code = (await answer.json(content_type=None))["code"]
            assert (path, answer.status, code) == (path, 401, "operator-only")


async def test_what_does_not_fit_is_told_by_its_code_and_never_repeated(app: App) -> None:
    for method, path, body, status, code in (
        ("POST", "/consents", {"phone": "0795550142"}, 422, "invalid-request"),
        ("POST", "/consents", {}, 422, "invalid-request"),
        ("GET", "/drift?days=91", None, 422, "invalid-request"),
        ("GET", "/calls?open=perhaps", None, 422, "invalid-request"),
        ("POST", "/calls/nobody/done", None, 404, "call-unknown"),
        ("POST", "/inbox/SMnobody/read", None, 404, "words-unknown"),
    ):
        found = await app.call(method, f"{HOUSE}{path}", json=body)

        assert (path, found[0], found[1]["code"]) == (path, status, code)
        assert "0795550142" not in json.dumps(found[1])
