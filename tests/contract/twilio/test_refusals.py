"""What Twilio does not take is not taken here either, with the same codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from deploy.twilio_emulator.app import Running
from tests.contract.twilio.wire import ACCOUNT, PHONE, sdk

GOOD = {"to": PHONE, "from_": ACCOUNT.number, "body": "Hello"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"to": ""}, 21604),
        ({"to": "555"}, 21211),
        ({"to": "5550100042"}, 21211),
        ({"to": "+0550100042"}, 21211),
        ({"to": "+15005550001"}, 21211),
        ({"to": "+15005550002"}, 21612),
        ({"to": "+15005550003"}, 21408),
        ({"to": "+15005550004"}, 21610),
        ({"to": "+15005550009"}, 21614),
        ({"to": ACCOUNT.number}, 21266),
        ({"from_": ""}, 21603),
        ({"from_": "12"}, 21212),
        ({"from_": "+15005550001"}, 21212),
        ({"from_": "+15550100001"}, 21606),
        ({"from_": "+15005550008"}, 21611),
        ({"body": ""}, 21602),
        ({"body": " \n"}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"status_callback": "/relative"}, 21609),
        ({"status_callback": "ftp://example.org/x"}, 21609),
        ({"status_callback": "https://example.org:99999/x"}, 21609),
        ({"status_callback": "https://[/x"}, 21609),
        ({"status_callback": "https://example.org/a b"}, 21609),
        ({"status_callback": "https://un_der.example.org/x"}, 21609),
        ({"status_callback": "https://example.org/" + "x" * 4000}, 21609),
        ({"validity_period": 0}, 21624),
        ({"validity_period": 36_001}, 21624),
        ({"schedule_type": "fixed", "send_at": datetime.now(UTC) + timedelta(hours=1)}, 35118),
        ({"schedule_type": "fixed", "messaging_service_sid": ACCOUNT.service}, 35111),
        (
            {
                "schedule_type": "fixed",
                "messaging_service_sid": ACCOUNT.service,
                "send_at": datetime.now(UTC) + timedelta(minutes=1),
            },
            35115,
        ),
    ],
)
async def test_a_bad_request_is_refused_with_twilios_code(twilio: Client, changes: dict[str, Any], code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await twilio.messages.create_async(**(GOOD | changes))
    assert (refused.value.status, refused.value.code) == (400, code)
    assert await twilio.messages.list_async() == []


async def test_an_unknown_messaging_service_is_not_found(twilio: Client) -> None:
    with pytest.raises(TwilioRestException) as refused:
        await twilio.messages.create_async(to=PHONE, messaging_service_sid="MG" + "0" * 32, body="Hello")
    assert (refused.value.status, refused.value.code) == (404, 20404)


async def test_an_update_that_neither_redacts_nor_cancels_is_refused(twilio: Client) -> None:
    text = await twilio.messages.create_async(**GOOD)
    for changes in ({"body": "other"}, {"status": "canceled", "body": ""}, {}):
        with pytest.raises(TwilioRestException) as refused:
            await twilio.messages(text.sid).update_async(**changes)
        assert (refused.value.status, refused.value.code) == (400, 30400)


async def test_a_wrong_token_is_refused(running: Running) -> None:
    async with sdk(running, token="wrong") as stranger:
        with pytest.raises(TwilioRestException) as refused:
            await stranger.messages.create_async(**GOOD)
    assert (refused.value.status, refused.value.code) == (401, 20003)


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("POST", f"Accounts/{ACCOUNT.sid}/Messages.json", {"json": {"To": PHONE}}, 400, 21604),
        ("PUT", f"Accounts/{ACCOUNT.sid}/Messages.json", {}, 405, 20004),
        ("GET", f"Accounts/AC{'0' * 32}/Messages.json", {}, 404, 20404),
        ("GET", f"Accounts/{ACCOUNT.sid}/Messages/SM{'0' * 32}.json", {}, 404, 20404),
        ("GET", f"Accounts/{ACCOUNT.sid}/Messages.json?PageSize=x", {}, 400, 20001),
        ("GET", f"Accounts/{ACCOUNT.sid}/Messages.json?DateSent=soon", {}, 400, 20001),
    ],
)
async def test_a_request_of_the_wrong_form_gets_an_error_in_twilios_form(
    running: Running, method: str, path: str, sent: dict[str, Any], status: int, code: int
) -> None:
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT.sid, ACCOUNT.auth_token)}
    async with aiohttp.request(method, f"{running.url}/2010-04-01/{path}", headers=headers, **sent) as answer:
        said = await answer.json()
    assert (answer.status, said["code"], said["status"]) == (status, code, status)
    assert said["more_info"] == f"https://www.twilio.com/docs/errors/{code}"


async def test_credentials_that_are_no_base64_are_refused(running: Running) -> None:
    url = f"{running.url}/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json"
    for given in ({}, {"Authorization": "Basic ?"}, {"Authorization": "Bearer x"}):
        async with aiohttp.request("GET", url, headers=given) as answer:
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="Twilio API"')
