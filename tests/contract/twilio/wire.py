"""A little service that Twilio calls, and the real SDK pointed at the emulator."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from aiohttp import web
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from deploy.twilio_emulator.account import Account
from deploy.twilio_emulator.app import Running

ACCOUNT = Account(
    sid="AC" + "a" * 32,
    auth_token="b" * 32,
    number="+15550100000",
    service="MG" + "c" * 32,
    step=timedelta(milliseconds=5),
)
PHONE = "+15550100042"


Start = Callable[..., AbstractAsyncContextManager[Running]]


@dataclass
class Service:
    """The service under test: what it was told, whether each signature was good, and what it answers."""

    url: str = ""
    told: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)
    answer: Callable[[], web.Response] = lambda: web.Response(status=204)

    def receipts(self, sid: str | None = None) -> list[str]:
        """The statuses told about one text, in the order told."""
        return [
            params["MessageStatus"]
            for path, params in self.told
            if path.startswith("/status") and sid in {None, params["MessageSid"]}
        ]

    def inbound(self) -> list[dict[str, str]]:
        return [params for path, params in self.told if path.startswith("/inbound")]

    async def take(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        given = request.headers.get("X-Twilio-Signature", "")
        if not RequestValidator(ACCOUNT.auth_token).validate(f"{self.url}{request.raw_path}", form, given):
            self.forged.append(request.raw_path)
        self.told.append((request.raw_path, form))
        return self.answer()


class Wire(AsyncHttpClient):
    """The SDK's transport with the origin replaced; keeps the headers of the last answer."""

    def __init__(self, session: aiohttp.ClientSession, base: str, patience: float) -> None:
        super().__init__(logging.getLogger("tests.twilio"), is_async=True, timeout=patience)
        self.session, self.base, self.headers = session, urlsplit(base), dict[str, str]()

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - named by the SDK
        allow_redirects: bool = False,  # noqa: ARG002 - named by the SDK
    ) -> Response:
        asked = urlsplit(uri)
        url = urlunsplit((self.base.scheme, self.base.netloc, asked.path, asked.query, ""))
        sent = dict(headers or {}) | ({"Authorization": aiohttp.encode_basic_auth(*auth)} if auth else {})
        limit = aiohttp.ClientTimeout(total=self.timeout)
        async with self.session.request(
            method, url, params=params, data=data, headers=sent, timeout=limit, allow_redirects=False
        ) as answer:
            self.headers = dict(answer.headers)
            return Response(answer.status, await answer.text(), answer.headers)


@asynccontextmanager
async def sdk(running: Running, *, patience: float = 5.0, token: str = ACCOUNT.auth_token) -> AsyncIterator[Client]:
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Client(ACCOUNT.sid, token, http_client=Wire(session, running.url, patience), environment={})
