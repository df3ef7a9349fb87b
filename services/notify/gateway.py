"""Twilio: one POST for a text, the list that tells what became of it, and the signature of what comes back."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from pydantic import SecretStr
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException  # type: ignore[import-untyped]  # no types
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]  # no types
from twilio.http.response import Response  # type: ignore[import-untyped]  # no types
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # no types
from twilio.rest import Client  # type: ignore[import-untyped]  # no types
from yarl import URL

from services.notify.domain.audit import Listed
from services.notify.domain.provider import Accepted, Found, NotCreated, Outcome, Refused, Unknown
from services.notify.ports import GatewayDown, Outgoing

# Well under the time after which an unknown outcome is looked up: by then no socket of ours may still be alive.
WHOLE_POST: Final = aiohttp.ClientTimeout(total=15, sock_connect=5)
LONGEST_VALIDITY: Final = 36_000
LISTED: Final = 50
LARGEST_PAGE: Final = 1_000
BY_US: Final = "outbound-api"
NOWHERE: Final = URL()
LONGEST_WAIT: Final = timedelta(hours=1)
# Nine digits at most: a longer one is no code and no time to wait.
NUMBER: Final = re.compile(r"[0-9]{1,9}")
NEVER_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
# What the library or the network may raise once bytes may have left; none of it tells whether the text was made.
AFTER_SENDING: Final = (
    TwilioException,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
    json.JSONDecodeError,
    UnicodeDecodeError,
    AttributeError,
    KeyError,
    TypeError,
)

# Status and headers of the last answer: the library keeps no headers, and believes the status that a body names.
_answer: ContextVar[tuple[int, Mapping[str, str]]] = ContextVar("answer")


class _Http(AsyncHttpClient):  # type: ignore[misc]  # the library has no types
    """One request, with a time limit and never a second try; the library's own client has neither."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        super().__init__(logging.getLogger("notify.twilio"), is_async=True)
        self._session, self._base = session, urlsplit(base)

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, str | int] | None = None,
        data: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_: object,
    ) -> Response:
        asked = urlsplit(uri)
        url = urlunsplit((self._base.scheme, self._base.netloc, asked.path, asked.query, ""))
        sent = dict(headers or {})
        if auth:
            sent["Authorization"] = _authorization(*auth)
        form = NOWHERE.with_query(data).raw_query_string.encode() if data else None  # many times faster than urllib
        async with self._session.request(
            method.upper(), url, params=params, data=form, headers=sent, timeout=WHOLE_POST, allow_redirects=False
        ) as answer:
            text = await answer.text()
            _answer.set((answer.status, answer.headers))
            return Response(answer.status, text, answer.headers)


_authorization = lru_cache(maxsize=4)(aiohttp.encode_basic_auth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose texts these are, and where the API is. The sender is `service`, or `number` if there is none."""

    sid: str
    auth_token: SecretStr
    base: str
    number: str | None
    service: str | None


class Twilio:
    def __init__(self, account: Account, session: aiohttp.ClientSession) -> None:
        token = account.auth_token.get_secret_value()
        # An empty environment: TWILIO_EDGE and TWILIO_REGION would silently change the host.
        self._client = Client(account.sid, token, http_client=_Http(session, account.base), environment={})
        service = account.service
        self._sender = {"messaging_service_sid": service} if service else {"from_": account.number}

    @classmethod
    @asynccontextmanager
    async def open(cls, account: Account) -> AsyncIterator[Twilio]:
        # Idle connections are dropped early: a POST on one that the other side has closed would end as unknown.
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100, keepalive_timeout=5)) as session:
            yield cls(account, session)

    async def send(self, text: Outgoing) -> Outcome:
        try:
            made = await self._client.messages.create_async(
                to=text.to,
                body=text.body,
                status_callback=text.receipt_url,
                validity_period=max(1, min(int(text.validity.total_seconds()), LONGEST_VALIDITY)),
                **self._sender,
            )
        except NEVER_SENT as error:
            return NotCreated(type(error).__name__)
        except (TwilioRestException, TwilioServiceException) as error:
            status, headers = _answer.get()
            return _judged(status, error.code, headers)
        except AFTER_SENDING as error:
            return Unknown(type(error).__name__)
        return Accepted(made.sid, str(made.status)) if made.sid else Unknown("no_sid")

    async def find(self, to: str, body: str, not_these: Set[str]) -> Found | None:
        """Filtered by number only: a text that waits has no sender and no date yet, by which it could be filtered."""
        try:
            listed = await self._client.messages.list_async(to=to, limit=LISTED)
        except AFTER_SENDING as error:
            raise GatewayDown(type(error).__name__) from error
        for text in listed:
            made_at = text.date_created.replace(tzinfo=UTC) if text.date_created else datetime.max.replace(tzinfo=UTC)
            ours = text.body == body and str(text.direction).startswith("outbound")
            if ours and text.sid and text.sid not in not_these:
                return Found(text.sid, str(text.status), text.error_code, made_at)
        return None

    async def listed(self, day: date) -> AsyncIterator[Sequence[Listed]]:
        """By a day in words: given a time, the library would write local time as if it were Greenwich's."""
        number, service = self._sender.get("from_"), self._sender.get("messaging_service_sid")
        by_number = {"from_": number} if number else {}
        try:
            messages = self._client.messages
            page = await messages.page_async(date_sent=day.isoformat(), page_size=LARGEST_PAGE, **by_number)
            while page is not None:
                ours = [text for text in page if text.direction == BY_US and text.messaging_service_sid == service]
                yield [Listed(text.sid, text.to, str(text.status)) for text in ours]
                page = await page.next_page_async()
        except AFTER_SENDING as error:
            raise GatewayDown(type(error).__name__) from error

    async def fetch(self, sid: str) -> Listed | None:
        try:
            text = await self._client.messages(sid).fetch_async()
        except (TwilioRestException, TwilioServiceException) as error:
            if _answer.get()[0] == 404:
                return None
            raise GatewayDown(type(error).__name__) from error
        except AFTER_SENDING as error:
            raise GatewayDown(type(error).__name__) from error
        return Listed(text.sid, text.to, str(text.status))


def _judged(status: int, code: object, headers: Mapping[str, str]) -> Outcome:
    """429 is never processed (error 20429); a 5xx may have been (error 20500), and so may what is not an error."""
    if status == 429:
        return NotCreated("slow_down", _asked_to_wait(headers))
    if status == 401:
        return Refused(20003)
    if 400 <= status < 500 and status != 408:
        return Refused(int(str(code)) if NUMBER.fullmatch(str(code)) else 0)
    return Unknown(f"status_{status}")


def _asked_to_wait(headers: Mapping[str, str]) -> timedelta | None:
    """`Retry-After` is in seconds or a date (RFC 9110, 10.2.3), and a date counts from the answer's own.

    None where it says nothing that can be followed; never longer than an hour.
    """
    told = headers.get("Retry-After", "").strip()
    if NUMBER.fullmatch(told):
        wait = timedelta(seconds=int(told))
    else:
        try:
            wait = parsedate_to_datetime(told) - parsedate_to_datetime(headers.get("Date", ""))
        except (ValueError, TypeError, OverflowError):  # no date, one beyond all calendars, or one without a zone
            return None
    return min(wait, LONGEST_WAIT) if wait > timedelta() else None


class Signatures:
    """Is this webhook from Twilio? The origin comes from the settings, never from what a proxy claims."""

    def __init__(self, public_origin: str, *auth_tokens: SecretStr) -> None:
        """Two tokens while they change: Twilio signs with the one that it calls primary at the moment."""
        self._validators = [RequestValidator(token.get_secret_value()) for token in auth_tokens]
        self._origin = public_origin

    def match(self, raw_path: str, form: Mapping[str, str], signature: str) -> bool:
        url = self._origin + raw_path
        return any(validator.validate(url, dict(form), signature) for validator in self._validators)
