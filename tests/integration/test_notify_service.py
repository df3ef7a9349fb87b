"""The whole service: events in over the broker, texts out over the wire, receipts and replies back in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from twilio.request_validator import RequestValidator

from deploy.twilio_emulator.faults import Fault, Kind
from shared.clock import utc_now
from shared.events import booking
from tests.support import notify_app
from tests.support.backends import RabbitBackend
from tests.support.notify_app import PHONE, PRACTICE, TOKEN, TOKENS, App, an_appointment, facts, practice_changed
from tests.support.waiting import until


@pytest.fixture
async def app(mongo_url: str, database_name: str, rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with notify_app.app(mongo_url, database_name, rabbit) as one:
        await one.say(practice_changed(), subject=PRACTICE, sequence=1)
        await until(lambda: one.database["practices"].find_one({"_id": PRACTICE}))
        yield one


def to_an_afternoon() -> timedelta:
    """In a week, by the clock of its place: early in a day no reminder is planned two hours before."""
    there = utc_now().astimezone(ZoneInfo("America/New_York"))
    return timedelta(days=7) + (there.replace(hour=15, minute=0) - there)


async def test_a_confirmed_visit_is_told_at_once_and_the_rest_is_planned(app: App) -> None:
    appointment = an_appointment()

    await app.confirm(appointment, in_=to_an_afternoon())

    told = await app.becomes(appointment, "booked", "delivered")
    texts = await app.texts(appointment)
    assert {step: text["state"] for step, text in texts.items()} == {
        "booked": "delivered",
        "prepare": "planned",
        "day_before": "planned",
        "two_hours": "planned",
    }
    assert app.bodies() == [told["body"]]
    assert told["to_ends_in"] == PHONE[-4:]
    assert [turn["state"] for turn in told["turns"]][:2] == ["planned", "sending"]


async def test_an_event_that_comes_before_its_practice_waits_for_it(
    mongo_url: str, database_name: str, rabbit: RabbitBackend
) -> None:
    appointment = an_appointment()
    async with notify_app.app(mongo_url, database_name, rabbit) as one:
        await one.confirm(appointment)
        await one.say(practice_changed(), subject=PRACTICE, sequence=1)

        await one.becomes(appointment, "booked", "delivered")


async def test_duplicated_and_late_events_change_nothing(app: App) -> None:
    appointment = an_appointment()
    starts_at = utc_now() + timedelta(days=7)
    cancelled = facts(appointment, state="cancelled", starts_at=starts_at)
    said = booking.AppointmentCancelled(**cancelled, cancelled_by="client", late=False)
    await app.say(said, subject=appointment, sequence=4)
    await app.becomes(appointment, "cancelled", "delivered")

    await app.confirm(appointment)
    await app.say(said, subject=appointment, sequence=4)
    await app.confirm(other := an_appointment())
    await app.becomes(other, "booked", "delivered")

    assert set(await app.texts(appointment)) == {"cancelled"}
    assert len(app.bodies()) == 2


async def test_a_client_who_did_not_agree_gets_nothing(app: App) -> None:
    appointment = an_appointment()
    await app.confirm(appointment, texts=False)
    await until(lambda: app.database["visits"].find_one({"_id": appointment}))
    await app.confirm(other := an_appointment())
    await app.becomes(other, "booked", "delivered")

    assert await app.texts(appointment) == {}


async def test_the_link_leads_to_the_visit_with_a_token_that_booking_accepts(app: App) -> None:
    appointment = an_appointment()
    await app.confirm(appointment)
    body = (await app.becomes(appointment, "booked", "delivered"))["body"]
    found = re.search(r"/n/(\w{8}) ", body)
    assert found is not None

    async with app.http.get(f"/notify/n/{found[1]}", allow_redirects=False) as answer:
        address = answer.headers["Location"]

    assert answer.status == 303
    assert address.startswith(f"{app.origin}/booking/visit/{appointment}?token=")
    assert TOKENS.read(address.partition("token=")[2], utc_now()).appointment == appointment
    assert (await app.call("GET", "/n/00000000"))[0] == 404


async def test_a_c_is_passed_on_once_however_often_it_is_handed_over(app: App) -> None:
    appointment = an_appointment()
    await app.confirm(appointment)
    await app.becomes(appointment, "booked", "delivered")

    taken = app.emulator.line.text(PHONE, "C")
    await until(lambda: app.heard)
    form = {"MessageSid": taken.sid, "From": PHONE, "Body": "C"}
    assert await _inbound(app, form) == 200

    assert [(event.type, event.data.appointment) for event in app.heard] == [("notify.reply.confirmed.v1", appointment)]
    assert len(app.bodies()) == 1


async def test_an_r_is_passed_on_and_answered_with_the_link(app: App) -> None:
    appointment = an_appointment()
    await app.confirm(appointment)
    await app.becomes(appointment, "booked", "delivered")

    app.emulator.line.text(PHONE, "r")

    answer = await app.becomes(appointment, "reschedule", "delivered")
    await until(lambda: app.heard)
    assert re.search(rf"{app.origin}/n/\w{{8}} ", answer["body"])
    assert [event.type for event in app.heard] == ["notify.reply.reschedule_asked.v1"]


async def test_a_stop_ends_texting_and_is_not_answered_twice(app: App) -> None:
    appointment = an_appointment()
    await app.confirm(appointment)
    await app.becomes(appointment, "booked", "delivered")
    app.emulator.line.text(PHONE, "STOP")
    await until(lambda: app.database["contacts"].find_one({"entries.word": "stopped"}))

    await app.confirm(second := an_appointment())

    assert (await app.becomes(second, "booked", "skipped"))["why"] == "opted_out"
    assert len([body for body in app.bodies() if body.startswith("Still Waters")]) == 1


async def test_please_stop_is_understood_and_confirmed_once(app: App) -> None:
    appointment = an_appointment()
    await app.confirm(appointment)
    await app.becomes(appointment, "booked", "delivered")

    app.emulator.line.text(PHONE, "please stop texting me")

    await app.becomes(appointment, "stopped", "delivered")


@pytest.mark.parametrize("kind", [Kind.ERROR_AFTER, Kind.RESET_BEFORE, Kind.LOST_CALLBACK, Kind.UNORDERED_CALLBACKS])
async def test_a_fault_on_the_way_still_ends_with_one_text(app: App, kind: Kind) -> None:
    appointment = an_appointment()
    app.emulator.faults.add(Fault(kind=kind))

    await app.confirm(appointment)

    await app.becomes(appointment, "booked", "delivered")
    assert len(app.bodies()) == 1


async def test_an_undelivered_text_says_why(app: App) -> None:
    appointment = an_appointment()
    app.emulator.faults.add(Fault(kind=Kind.UNDELIVERED, code=30006))

    await app.confirm(appointment)

    assert (await app.becomes(appointment, "booked", "undelivered"))["why"] == "landline:30006"


async def test_a_webhook_without_twilios_signature_is_refused(app: App) -> None:
    form = {"MessageSid": "SM1", "From": PHONE, "Body": "STOP"}

    for path in ("/v1/twilio/inbound", "/v1/twilio/status/Ab3dEf9h/00"):
        status, problem = await app.call("POST", path, data=form)
        assert (status, problem["code"]) == (403, "signature-invalid")
    assert await app.database["replies"].count_documents({}) == 0


async def test_a_receipt_for_a_text_that_nobody_sent_is_taken_and_forgotten(app: App) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}

    assert await _signed(app, "/notify/v1/twilio/status/Ab3dEf9h/00", form) == 204


async def test_the_desk_can_cancel_and_send_again(app: App) -> None:
    appointment = an_appointment()
    await app.confirm(appointment)
    await app.becomes(appointment, "booked", "delivered")
    planned = (await app.texts(appointment))["prepare"]

    cancelled = await app.call("POST", f"/v1/messages/{planned['id']}/cancel")
    again = await app.call("POST", f"/v1/messages/{planned['id']}/retry")
    refused = await app.call("POST", f"/v1/messages/{(await app.texts(appointment))['booked']['id']}/retry")

    assert (cancelled[0], cancelled[1]["state"], cancelled[1]["why"]) == (200, "cancelled", "desk:operator")
    assert (again[0], again[1]["state"]) == (200, "planned")
    assert (refused[0], refused[1]["code"]) == (409, "message-begun")
    await app.becomes(appointment, "prepare", "delivered")


async def test_a_plan_can_be_tried_without_sending_anything(app: App) -> None:
    visit = {
        "booked_at": "2027-06-09T16:00:00Z",
        "starts_at": "2027-06-16T14:00:00Z",
        "ends_at": "2027-06-16T15:15:00Z",
        "zone": "America/New_York",
        "client_zone": "America/New_York",
    }
    settings = {"quiet_from": "21:00", "quiet_until": "08:00", "sms_name": "Calm House"}

    status, plan = await app.call("POST", f"/v1/practices/{PRACTICE}/plan", json={"visit": visit, "settings": settings})

    assert status == 200
    assert [(text["step"], text["local_time"]) for text in plan["texts"]] == [
        ("booked", "Wed 2027-06-09 12:00"),
        ("prepare", "Mon 2027-06-14 17:00"),
        ("day_before", "Tue 2027-06-15 10:00"),
        ("two_hours", "Wed 2027-06-16 08:00"),
        ("aftercare", "Wed 2027-06-16 14:15"),
    ]
    assert {text["segments"] for text in plan["texts"]} == {1}
    assert all(text["body"].startswith("Calm House: ") for text in plan["texts"])
    assert app.bodies() == []


async def _inbound(app: App, form: dict[str, str]) -> int:
    return await _signed(app, "/notify/v1/twilio/inbound", form)


async def _signed(app: App, path: str, form: dict[str, str]) -> int:
    signature = RequestValidator(TOKEN).compute_signature(app.origin + path, form)
    async with app.http.post(path, data=form, headers={"X-Twilio-Signature": signature}) as answer:
        return answer.status
