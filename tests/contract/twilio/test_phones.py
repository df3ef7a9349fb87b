"""Texts from a phone: the signed webhook, its TwiML answer, and the opt-out words."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from deploy.twilio_emulator.app import Running
from tests.contract.twilio.wire import ACCOUNT, PHONE, Service, Start
from tests.support.waiting import until


async def test_a_text_from_a_phone_reaches_the_webhook_signed_with_every_parameter(
    running: Running, service: Service
) -> None:
    texted = {"from": PHONE, "body": "C & é"}
    async with aiohttp.request("POST", f"{running.url}/emulator/inbound", json=texted) as answer:
        sid = (await answer.json())["sid"]
    (told,) = await until(service.inbound)
    assert told == {
        "AccountSid": ACCOUNT.sid,
        "ApiVersion": "2010-04-01",
        "Body": "C & é",
        "From": PHONE,
        "FromCity": "",
        "FromCountry": "US",
        "FromState": "",
        "FromZip": "",
        "MessageSid": sid,
        "MessagingServiceSid": ACCOUNT.service,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "SmsStatus": "received",
        "To": ACCOUNT.number,
        "ToCity": "",
        "ToCountry": "US",
        "ToState": "",
        "ToZip": "",
    }


async def test_a_twiml_answer_becomes_a_text_to_the_phone(running: Running, service: Service) -> None:
    messages = "<Message>Thank you &amp; bye</Message><Message><Body>Two</Body></Message>"
    twiml = f'<?xml version="1.0"?><Response>{messages}</Response>'
    service.answer = lambda: web.Response(text=twiml, content_type="text/xml")
    running.emulator.line.text(PHONE, "C")
    await until(lambda: len(running.emulator.messages) == 3)
    assert {(text.direction, text.to, text.body) for text in running.emulator.messages} == {
        ("inbound", ACCOUNT.number, "C"),
        ("outbound-reply", PHONE, "Thank you & bye"),
        ("outbound-reply", PHONE, "Two"),
    }


@pytest.mark.parametrize("body", ["", "not xml", "<Response/>", "<Response><Message> </Message></Response>"])
async def test_an_answer_without_a_message_sends_nothing(running: Running, service: Service, body: str) -> None:
    service.answer = lambda: web.Response(text=body, content_type="text/xml")
    running.emulator.line.text(PHONE, "C")
    await until(lambda: running.emulator.webhooks.posted)
    assert len(running.emulator.messages) == 1


@pytest.mark.parametrize("word", ["STOP", "stopall", "Unsubscribe", "CANCEL", "end", "QUIT", "revoke", " OptOut \n"])
async def test_a_stop_word_opts_the_phone_out_and_later_texts_are_refused(
    running: Running, service: Service, twilio: Client, word: str
) -> None:
    running.emulator.line.text(PHONE, word)

    with pytest.raises(TwilioRestException) as refused:
        await twilio.messages.create_async(to=PHONE, from_=ACCOUNT.number, body="Hello")
    assert (refused.value.status, refused.value.code) == (400, 21610)
    (told,) = await until(service.inbound)
    assert told["Body"] == word
    assert "OptOutType" not in told
    newest = next(iter(running.emulator.messages))
    assert newest.direction == "outbound-reply"
    assert newest.body.startswith("You have successfully been unsubscribed.")


@pytest.mark.parametrize("word", ["START", "unstop", "Yes"])
async def test_a_start_word_opts_the_phone_in_again(running: Running, twilio: Client, word: str) -> None:
    running.emulator.line.text(PHONE, "STOP")
    running.emulator.line.text(PHONE, word)
    assert (await twilio.messages.create_async(to=PHONE, from_=ACCOUNT.number, body="Hello")).status == "queued"


async def test_a_word_within_a_sentence_is_no_keyword(running: Running, twilio: Client) -> None:
    running.emulator.line.text(PHONE, "Stop please")
    assert (await twilio.messages.create_async(to=PHONE, from_=ACCOUNT.number, body="Hello")).status == "queued"


async def test_help_is_answered_by_twilio_and_yes_without_a_stop_is_not(running: Running) -> None:
    running.emulator.line.text(PHONE, "help")
    running.emulator.line.text(PHONE, "YES")
    replies = [text.body for text in running.emulator.messages if text.direction == "outbound-reply"]
    assert replies == ["Reply STOP to unsubscribe. Msg&Data Rates May Apply."]


async def test_advanced_opt_out_names_the_keyword_in_the_webhook(service: Service, start: Start) -> None:
    async with start(advanced_opt_out=True) as running:
        for body in ("Stop", "START", "info", "C"):
            running.emulator.line.text(PHONE, body)
        await until(lambda: len(service.inbound()) == 4)
    kinds = {told["Body"]: told.get("OptOutType") for told in service.inbound()}
    assert kinds == {"Stop": "STOP", "START": "START", "info": "HELP", "C": None}


async def test_a_webhook_that_cannot_be_reached_is_tried_once_more_and_recorded(start: Start) -> None:
    async with start(inbound_url="http://127.0.0.1:1/inbound") as running:
        running.emulator.line.text(PHONE, "C")
        await until(lambda: running.emulator.webhooks.posted)
        assert [posted.outcome for posted in running.emulator.webhooks.posted] == ["unreachable"]


async def test_a_webhook_is_signed_for_the_public_origin_but_posted_where_it_is_reached(
    service: Service, start: Start
) -> None:
    reached, service.url = service.url, "https://texts.example.org"
    origins = {"public_origin": service.url, "reached_at": reached, "inbound_url": f"{service.url}/inbound?x=%2B1"}
    async with start(**origins) as running:
        running.emulator.line.text(PHONE, "C")
        (told,) = await until(service.inbound)
    assert told["Body"] == "C"
    assert service.told[0][0] == "/inbound?x=%2B1"
