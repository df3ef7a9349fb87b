"""The Messages API as the real SDK uses it: create, fetch, list, cancel, redact, delete."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from deploy.twilio_emulator.app import Running
from tests.contract.twilio.wire import ACCOUNT, PHONE, Service, Start, sdk
from tests.support.waiting import until


async def test_a_created_text_is_queued_and_has_the_shape_of_a_message_resource(
    running: Running, twilio: Client
) -> None:
    text = await twilio.messages.create_async(to=PHONE, from_=ACCOUNT.number, body="See you at 3.")
    uri = f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages/{text.sid}"
    async with aiohttp.request("GET", f"{running.url}/emulator/messages", params={"phone": PHONE}) as answer:
        (seen,) = (await answer.json())["messages"]

    assert (text.status, text.date_sent, text.price, text.error_code) == ("queued", None, None, None)
    assert seen | {"status": "", "date_sent": "", "date_updated": ""} == {
        "account_sid": ACCOUNT.sid,
        "api_version": "2010-04-01",
        "body": "See you at 3.",
        "date_created": text.date_created.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        "date_sent": "",
        "date_updated": "",
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": ACCOUNT.number,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": text.sid,
        "status": "",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": PHONE,
        "uri": f"{uri}.json",
    }


async def test_a_text_is_delivered_and_every_later_status_is_told(service: Service, twilio: Client) -> None:
    text = await twilio.messages.create_async(
        to=PHONE, from_=ACCOUNT.number, body="Hello", status_callback=f"{service.url}/status/a%2Bb%7E~?k=1&z=#rc=2"
    )
    await until(lambda: len(service.told) == 3)

    assert service.receipts(text.sid) == ["sending", "sent", "delivered"]
    path, last = service.told[-1]
    assert path == "/status/a%2Bb%7E~?k=1&z="
    assert last.pop("RawDlrDoneDate").isdecimal()
    assert last == {
        "AccountSid": ACCOUNT.sid,
        "ApiVersion": "2010-04-01",
        "From": ACCOUNT.number,
        "MessageSid": text.sid,
        "MessageStatus": "delivered",
        "SmsSid": text.sid,
        "SmsStatus": "delivered",
        "To": PHONE,
    }
    fetched = await twilio.messages(text.sid).fetch_async()
    assert (fetched.status, fetched.body) == ("delivered", "Hello")
    assert fetched.date_sent is not None


async def test_a_text_of_a_messaging_service_is_accepted_first_and_gets_its_sender_later(
    service: Service, twilio: Client
) -> None:
    text = await twilio.messages.create_async(
        to=PHONE, messaging_service_sid=ACCOUNT.service, body="Hello", status_callback=f"{service.url}/status"
    )
    assert (text.status, text.from_, text.num_segments) == ("accepted", None, "0")
    await until(lambda: len(service.told) == 4)
    assert service.receipts(text.sid) == ["queued", "sending", "sent", "delivered"]
    fetched = await twilio.messages(text.sid).fetch_async()
    assert (fetched.from_, fetched.num_segments, fetched.messaging_service_sid) == (
        ACCOUNT.number,
        "1",
        ACCOUNT.service,
    )


async def test_a_scheduled_text_waits_and_can_be_cancelled(service: Service, twilio: Client) -> None:
    text = await twilio.messages.create_async(
        to=PHONE,
        messaging_service_sid=ACCOUNT.service,
        body="Later",
        schedule_type="fixed",
        send_at=datetime.now(UTC) + timedelta(minutes=20),
        status_callback=f"{service.url}/status",
    )
    assert text.status == "scheduled"
    cancelled = await twilio.messages(text.sid).update_async(status="canceled")
    assert cancelled.status == "canceled"
    await until(service.receipts)
    assert service.receipts(text.sid) == ["canceled"]


async def test_a_delivered_text_can_be_redacted_and_deleted_but_not_cancelled(twilio: Client) -> None:
    text = await twilio.messages.create_async(to=PHONE, from_=ACCOUNT.number, body="Hello")
    await until(lambda: _has_status(twilio, text.sid or "", "delivered"))

    with pytest.raises(TwilioRestException) as refused:
        await twilio.messages(text.sid).update_async(status="canceled")
    assert (refused.value.status, refused.value.code) == (409, 30409)
    assert (await twilio.messages(text.sid).update_async(body="")).body == ""
    assert await twilio.messages(text.sid).delete_async()
    with pytest.raises(TwilioRestException) as gone:
        await twilio.messages(text.sid).fetch_async()
    assert (gone.value.status, gone.value.code) == (404, 20404)


async def test_a_text_that_waits_past_its_validity_fails(service: Service, start: Start) -> None:
    async with start(step=timedelta(hours=1)) as slow, sdk(slow) as twilio:
        text = await twilio.messages.create_async(
            to=PHONE,
            from_=ACCOUNT.number,
            body="See you in 2 hours",
            validity_period=1,
            status_callback=f"{service.url}/status",
        )
        await until(service.receipts)
    _, told = service.told[0]
    assert (told["MessageSid"], told["MessageStatus"], told["ErrorCode"]) == (text.sid, "failed", "30036")


async def test_a_list_is_newest_first_and_goes_on_over_pages(twilio: Client) -> None:
    sent = [
        await twilio.messages.create_async(to=PHONE, from_=ACCOUNT.number, body=f"number {number}")
        for number in range(7)
    ]
    await twilio.messages.create_async(to="+15550100077", from_=ACCOUNT.number, body="somebody else")

    listed = await twilio.messages.list_async(to=PHONE, page_size=3)
    assert [text.body for text in listed] == [text.body for text in reversed(sent)]
    first = await twilio.messages.page_async(to=PHONE, page_size=3)
    second = await first.next_page_async()
    assert second is not None
    again = await second.previous_page_async()
    assert again is not None
    assert [text.body for text in again] == ["number 6", "number 5", "number 4"]
    assert len(await twilio.messages.list_async(to=PHONE, limit=2)) == 2
    assert len(await twilio.messages.list_async(from_=ACCOUNT.number)) == 8


async def test_a_list_is_filtered_by_the_day_a_text_was_sent(twilio: Client) -> None:
    text = await twilio.messages.create_async(to=PHONE, from_=ACCOUNT.number, body="Hello")
    await until(lambda: _has_status(twilio, text.sid or "", "delivered"))
    now = datetime.now(UTC)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)

    async def found(**when: datetime) -> int:
        return len(await twilio.messages.list_async(to=PHONE, **when))

    assert await found(date_sent_after=now - timedelta(hours=1)) == 1
    assert await found(date_sent_after=now + timedelta(hours=1)) == 0
    assert await found(date_sent_before=now + timedelta(hours=1)) == 1
    assert await found(date_sent_before=day - timedelta(days=1)) == 0


async def test_long_and_unusual_texts_count_as_more_segments(twilio: Client) -> None:
    async def segments(body: str) -> str | None:
        text = await twilio.messages.create_async(to=PHONE, from_=ACCOUNT.number, body=body)
        return text.num_segments

    assert await segments("a" * 160) == "1"
    assert await segments("a" * 161) == "2"
    assert await segments("€" * 80) == "1"
    assert await segments("€" * 81) == "2"
    assert await segments("9\u202fAM" * 14 + "x" * 14) == "1"
    assert await segments("9\u202fAM" * 14 + "x" * 15) == "2"
    assert await segments("😀" * 36) == "2"


async def _has_status(twilio: Client, sid: str, status: str) -> bool:
    return (await twilio.messages(sid).fetch_async()).status == status
