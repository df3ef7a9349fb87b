"""Notify's gateway against every way a provider may answer: one POST each time, and the right thing made of it."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from pydantic import SecretStr

from deploy.twilio_emulator.app import Running
from deploy.twilio_emulator.faults import Fault, Kind
from services.notify import gateway
from services.notify.domain.provider import Accepted, NotCreated, Outcome, Refused, Unknown
from services.notify.gateway import Account, Twilio
from services.notify.ports import GatewayDown, Outgoing
from tests.contract.twilio.wire import ACCOUNT, PHONE

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
TEXT = Outgoing(to=PHONE, body="Hello", receipt_url="http://127.0.0.1:9/status/none/none", validity=timedelta(hours=1))


def account(base: str, **changes: Any) -> Account:
    facts: dict[str, Any] = {"sid": ACCOUNT.sid, "auth_token": SecretStr(ACCOUNT.auth_token), "base": base}
    return Account(**(facts | {"number": ACCOUNT.number, "service": None} | changes))


class Provider:
    """Answers every request as it was told, and counts them."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: Answer = said(201, {"sid": "SM1", "status": "queued"})
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.authorised: list[str] = []

    async def take(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append((request.method, request.path, form))
        self.authorised.append(request.headers.get("Authorization", ""))
        return await self.answer(request)


def said(status: int, body: Any = "", **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(
            status=status, text=text, headers={name.replace("_", "-"): v for name, v in headers.items()}
        )

    return answer


async def torn(request: web.Request) -> web.StreamResponse:
    """The connection breaks before a word of an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def half(request: web.Request) -> web.StreamResponse:
    """The answer breaks off in the middle."""
    response = web.StreamResponse(status=201, headers={"Content-Length": "500"})
    await response.prepare(request)
    await response.write(b'{"sid": "SM')
    assert request.transport is not None
    request.transport.abort()
    return response


async def bytes_that_are_no_text(_: web.Request) -> web.StreamResponse:
    return web.Response(
        status=201, body=b'{"sid": "\xff\xfe"}', headers={"Content-Type": "application/json; charset=utf-8"}
    )


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    one = Provider()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", one.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield one
    await runner.cleanup()


@pytest.fixture
async def twilio(provider: Provider) -> AsyncIterator[Twilio]:
    async with Twilio.open(account(provider.url)) as one:
        yield one


def refusal(status: int, code: int) -> dict[str, Any]:
    return {"status": status, "code": code, "message": "no", "more_info": ""}


def told_until(date: str) -> Answer:
    return said(429, refusal(429, 20429), Retry_After=date, Date="Mon, 23 Nov 2026 10:00:00 GMT")


# As RFC 9457 has it, which newer parts of the API answer with.
PROBLEM = {"type": "https://www.twilio.com/docs/api/errors/20429", "title": "slow", "status": 429, "code": 20429}
ANSWERS: list[tuple[str, Answer, Outcome]] = [
    ("made", said(201, {"sid": "SM1", "status": "queued"}), Accepted("SM1", "queued")),
    ("no sid", said(201, {"status": "queued"}), Unknown("no_sid")),
    ("empty", said(201), Unknown("no_sid")),
    ("html", said(201, "<html>"), Unknown("JSONDecodeError")),
    ("list", said(201, "[]"), Unknown("AttributeError")),
    ("no text", bytes_that_are_no_text, Unknown("UnicodeDecodeError")),
    ("torn", torn, Unknown("ServerDisconnectedError")),
    ("half", half, Unknown("ClientPayloadError")),
    ("500", said(500, refusal(500, 20500)), Unknown("status_500")),
    ("502 of a proxy", said(502, "<html>bad gateway"), Unknown("status_502")),
    ("503", said(503, refusal(503, 20503)), Unknown("status_503")),
    ("504", said(504, refusal(504, 20504)), Unknown("status_504")),
    ("408", said(408, refusal(408, 20408)), Unknown("status_408")),
    ("redirect", said(307, refusal(307, 0), Location="http://127.0.0.1:9/elsewhere"), Unknown("status_307")),
    ("429", said(429, refusal(429, 20429)), NotCreated("slow_down")),
    ("429 for 7 s", said(429, refusal(429, 20429), Retry_After="7"), NotCreated("slow_down", timedelta(seconds=7))),
    (
        "429 for a week",
        said(429, refusal(429, 20429), Retry_After="604800"),
        NotCreated("slow_down", timedelta(hours=1)),
    ),
    ("429 until a day", said(429, refusal(429, 20429), Retry_After="Wed, 21 Oct 2026"), NotCreated("slow_down")),
    ("429 until a date", told_until("Mon, 23 Nov 2026 10:01:30 GMT"), NotCreated("slow_down", timedelta(seconds=90))),
    ("429 until next year", told_until("Fri, 01 Jan 2027 00:00:00 GMT"), NotCreated("slow_down", timedelta(hours=1))),
    ("429 until a date that was", told_until("Mon, 23 Nov 2026 09:00:00 GMT"), NotCreated("slow_down")),
    ("429 until no date", told_until("Mon, 99 Nov 2026 99:00:00 GMT"), NotCreated("slow_down")),
    ("429 for no time", said(429, refusal(429, 20429), Retry_After="0"), NotCreated("slow_down")),
    ("429 for less than none", said(429, refusal(429, 20429), Retry_After="-7"), NotCreated("slow_down")),
    ("429 for ever", said(429, refusal(429, 20429), Retry_After="9" * 5_000), NotCreated("slow_down")),
    ("429 in other digits", said(429, refusal(429, 20429), Retry_After="\u0667"), NotCreated("slow_down")),
    ("400 beyond all codes", said(400, {"status": 400, "message": "no", "code": "9" * 5_000}), Refused(0)),
    ("429 as a problem", said(429, PROBLEM, Content_Type="application/problem+json"), NotCreated("slow_down")),
    ("429 in words", said(429, PROBLEM | {"status": "slow", "code": "x"}), NotCreated("slow_down")),
    ("400 in words", said(400, PROBLEM | {"status": "bad", "code": "x"}), Refused(0)),
    ("400 as a problem", said(400, PROBLEM | {"status": 400, "code": 21610}), Refused(21610)),
    ("400", said(400, refusal(400, 21211)), Refused(21211)),
    ("400 without a code", said(400, {"status": 400, "message": "no"}), Refused(400)),
    ("401", said(401, refusal(401, 20003)), Refused(20003)),
    ("401 with another code", said(401, refusal(401, 20004)), Refused(20003)),
    ("404", said(404, refusal(404, 20404)), Refused(20404)),
]


@pytest.mark.parametrize(("answer", "outcome"), [one[1:] for one in ANSWERS], ids=[one[0] for one in ANSWERS])
async def test_whatever_the_answer_there_is_one_post_and_it_is_told_for_what_it_is(
    provider: Provider, twilio: Twilio, answer: Answer, outcome: Outcome
) -> None:
    provider.answer = answer

    assert await twilio.send(TEXT) == outcome
    assert [method for method, _, _ in provider.asked] == ["POST"]


async def test_a_post_says_all_that_the_provider_has_to_know_and_no_more(provider: Provider, twilio: Twilio) -> None:
    await twilio.send(TEXT)

    [(_, path, form)] = provider.asked
    assert path == f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json"
    assert form == {
        "To": PHONE,
        "From": ACCOUNT.number,
        "Body": "Hello",
        "StatusCallback": TEXT.receipt_url,
        "ValidityPeriod": "3600",
    }
    given = base64.b64encode(f"{ACCOUNT.sid}:{ACCOUNT.auth_token}".encode()).decode()
    assert provider.authorised == [f"Basic {given}"]


async def test_a_service_stands_in_for_the_number(provider: Provider) -> None:
    async with Twilio.open(account(provider.url, service=ACCOUNT.service)) as twilio:
        await twilio.send(TEXT)

    [(_, _, form)] = provider.asked
    assert form["MessagingServiceSid"] == ACCOUNT.service
    assert "From" not in form


@pytest.mark.parametrize(("validity", "told"), [(timedelta(0), "1"), (timedelta(days=3), "36000")])
async def test_a_text_lives_as_long_as_the_provider_allows(
    provider: Provider, twilio: Twilio, validity: timedelta, told: str
) -> None:
    await twilio.send(Outgoing(to=PHONE, body="Hello", receipt_url=TEXT.receipt_url, validity=validity))

    assert provider.asked[0][2]["ValidityPeriod"] == told


async def test_an_answer_that_does_not_come_is_waited_for_so_long_and_no_longer(
    provider: Provider, twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gateway.WHOLE_POST.total is not None
    assert gateway.WHOLE_POST.total < 60
    monkeypatch.setattr(gateway, "WHOLE_POST", aiohttp.ClientTimeout(total=0.2))
    released = asyncio.Event()

    async def silent(_: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response()

    provider.answer = silent
    assert await twilio.send(TEXT) == Unknown("TimeoutError")
    released.set()
    assert len(provider.asked) == 1


async def test_what_never_left_was_never_made() -> None:
    for base in (f"http://127.0.0.1:{unused_port()}", "http://nobody.invalid"):
        async with Twilio.open(account(base)) as twilio:
            outcome = await twilio.send(TEXT)
            assert isinstance(outcome, NotCreated)
            with pytest.raises(GatewayDown):
                await twilio.find(PHONE, "Hello", frozenset())


async def test_a_proxy_and_an_edge_in_the_environment_change_nothing(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setitem(os.environ, name, f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setitem(os.environ, "TWILIO_EDGE", "dublin")
    monkeypatch.setitem(os.environ, "TWILIO_REGION", "ie1")
    async with Twilio.open(account(provider.url)) as twilio:
        assert isinstance(await twilio.send(TEXT), Accepted)


async def test_the_library_writes_no_number_into_the_log(
    provider: Provider, twilio: Twilio, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await twilio.send(TEXT)
        provider.answer = said(200, {"messages": [], "next_page_uri": None, "page": 0, "page_size": 50})
        await twilio.find(PHONE, "Hello", frozenset())

    assert PHONE not in caplog.text
    assert PHONE.lstrip("+") not in caplog.text


@asynccontextmanager
async def emulated(running: Running) -> AsyncIterator[Twilio]:
    async with Twilio.open(account(running.url)) as twilio:
        yield twilio


async def test_many_at_once_that_are_told_to_slow_down_were_not_taken(running: Running) -> None:
    running.emulator.faults.add(Fault(kind=Kind.TOO_MANY_REQUESTS, times=7, retry_after=3))
    texts = [
        Outgoing(to=PHONE, body=f"Hello {n}", receipt_url=TEXT.receipt_url, validity=TEXT.validity) for n in range(10)
    ]
    async with emulated(running) as twilio:
        outcomes = await asyncio.gather(*(twilio.send(text) for text in texts))

    assert outcomes.count(NotCreated("slow_down", timedelta(seconds=3))) == 7
    assert len(running.emulator.messages) == 3
