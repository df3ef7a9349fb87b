"""Posts to the service under test, signed and retried as Twilio does it, and a record of each."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urldefrag, urlsplit

import aiohttp
from yarl import URL

from deploy.twilio_emulator.account import Account
from shared.clock import Clock

TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=5)
ATTEMPTS = 2  # Twilio's default: one more try, and only where no connection came about
RECORDS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """`outcome` is the status answered, or `lost` (by a fault), `unreachable` or `broken`."""

    at: datetime
    url: str
    params: Mapping[str, str]
    outcome: str
    content_type: str = ""
    body: str = ""


class Webhooks:
    """`posted` holds the latest posts, oldest first."""

    def __init__(
        self, session: aiohttp.ClientSession, account: Account, *, now: Clock, fresh: Callable[[], str]
    ) -> None:
        self.posted: deque[Posted] = deque(maxlen=RECORDS)
        self._session, self._account, self._now, self._fresh = session, account, now, fresh

    async def post(self, url: str, params: Mapping[str, str], *, copies: int = 1) -> Posted:
        """More copies are the same webhook again, as Twilio may deliver it."""
        target, token = urldefrag(url).url, self._fresh()
        for _ in range(copies - 1):
            self.posted.append(await self._post(target, params, token))
        posted = await self._post(target, params, token)
        self.posted.append(posted)
        return posted

    def lose(self, url: str, params: Mapping[str, str]) -> None:
        self.posted.append(Posted(at=self._now(), url=url, params=params, outcome="lost"))

    async def _post(self, url: str, params: Mapping[str, str], token: str) -> Posted:
        headers = {
            "Host": urlsplit(url).netloc,
            "X-Twilio-Signature": signature(url, params, self._account.auth_token),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
        }
        address = URL(self._account.address_of(url), encoded=True)
        outcome, content_type, body = "unreachable", "", ""
        for _ in range(ATTEMPTS):
            try:
                async with self._session.post(
                    address, data=params, headers=headers, timeout=TIMEOUT, allow_redirects=False
                ) as answer:
                    outcome, content_type, body = str(answer.status), answer.content_type, await answer.text()
                    break
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
                continue
            except (aiohttp.ClientError, TimeoutError):
                outcome = "broken"
                break
        return Posted(at=self._now(), url=url, params=params, outcome=outcome, content_type=content_type, body=body)


def signature(url: str, params: Mapping[str, str], auth_token: str) -> str:
    """Base64 of HMAC-SHA1 over the URL and the parameters sorted by name, name and value joined without a mark."""
    signed = url + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
