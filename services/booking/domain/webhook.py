"""Webhooks to a practice's own systems: who is told what, signed how, and tried how often (Standard Webhooks)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from services.booking.domain.audit import Entry
from shared.errors import Kind, Refusal

EVERYTHING: Final = "*"
OLD_SIGNATURE_FOR: Final = timedelta(hours=24)
WITHIN: Final = timedelta(days=1)
PAUSES: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=6),
    timedelta(hours=8),
)
"""Between one try and the next; with the most that chance adds to each they end within a day."""
SPREAD: Final = 0.1
OK: Final = range(200, 300)
GONE: Final = 410
HEED: Final = frozenset({429, 503})


class NoSuchWebhook(Refusal):
    """The practice has no webhook of this id."""

    slug = "no-such-webhook"
    kind = Kind.NOT_FOUND


class NoSuchDelivery(Refusal):
    """The webhook has no delivery of this id, or it is older than 30 days."""

    slug = "no-such-delivery"
    kind = Kind.NOT_FOUND


class NotAnAddress(Refusal):
    """A webhook is told at an HTTPS address with a host and without a name or password in it."""

    slug = "not-an-address"
    kind = Kind.INVALID


class TooManyWebhooks(Refusal):
    """The practice has as many webhooks as one can have."""

    slug = "too-many-webhooks"
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a practice is told. The secret derives from `id` and `generation`; `rotated_at` began the generation.

    `events` are names of events, or `*`. `changed` is for the audit.
    """

    id: str
    practice: str
    url: str
    events: tuple[str, ...]
    made_at: datetime
    enabled: bool = True
    generation: int = 1
    rotated_at: datetime | None = None
    version: int = 1
    changed: Entry | None = None

    def wants(self, event: str) -> bool:
        return self.enabled and (EVERYTHING in self.events or event in self.events)

    def generations(self, now: datetime) -> tuple[int, ...]:
        """Those that sign, the newest first: the one before counts for a day more, so that nothing is missed."""
        if self.rotated_at is not None and now < self.rotated_at + OLD_SIGNATURE_FOR:
            return self.generation, self.generation - 1
        return (self.generation,)


class DeliveryState(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one endpoint. `due_at` is the next try, or while one is under way the end of its lease.

    `fence` rises with every claim: only the latest may write what came of it. `since` is when its day began.
    """

    id: str
    endpoint: str
    practice: str
    event: str
    client: str
    body: str
    made_at: datetime
    since: datetime
    state: DeliveryState = DeliveryState.WAITING
    due_at: datetime | None = None
    tries: int = 0
    fence: int = 0
    tried_at: datetime | None = None
    status: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one try: the status of an answer, or why there was none."""

    status: int | None = None
    problem: str | None = None
    retry_after: timedelta | None = None

    @property
    def is_gone(self) -> bool:
        """The receiver wants no more, ever."""
        return self.status == GONE


class Signer:
    """Nothing secret lies in the database: every secret derives from a key that the services share.

    While that key changes, each POST is signed under both: whoever got their secret before still verifies it.
    """

    def __init__(self, *keys: str) -> None:
        self._keys = tuple(key.encode() for key in keys)

    def secret(self, endpoint: str, generation: int) -> bytes:
        """As it is told to whoever receives."""
        return _secret(self._keys[0], endpoint, generation)

    def headers(self, endpoint: Endpoint, delivery: Delivery, now: datetime) -> dict[str, str]:
        """Of one POST; the id is the same for every try, the time is that of this one."""
        at = int(now.timestamp())
        secrets = (
            _secret(key, endpoint.id, generation) for generation in endpoint.generations(now) for key in self._keys
        )
        return {
            "Content-Type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(at),
            "webhook-signature": " ".join(signature(one, delivery.id, at, delivery.body) for one in secrets),
        }


def _secret(key: bytes, endpoint: str, generation: int) -> bytes:
    return _hmac(key, f"webhook|{endpoint}|{generation}")


def written(secret: bytes) -> str:
    return f"whsec_{base64.b64encode(secret).decode()}"


def signature(secret: bytes, id_: str, at: int, body: str) -> str:
    return f"v1,{base64.b64encode(_hmac(secret, f'{id_}.{at}.{body}')).decode()}"


def delivery_id(endpoint: str, event: str) -> str:
    """The same for the same event however often it is heard."""
    digest = hashlib.sha256(f"{endpoint}\0{event}".encode()).digest()
    return f"msg_{base64.b32encode(digest).decode().lower()[:26]}"


def check_address(url: str, *, plain: bool) -> None:
    """`plain` HTTP is for development. Where the address leads is looked at whenever it is posted to."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme == "https" or (plain and parts.scheme == "http")
        fits = fits and bool(parts.hostname) and "@" not in parts.netloc and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if not fits or " " in url or not url.isascii() or not url.isprintable():
        raise NotAnAddress("url: not an HTTPS address without a name or password in it", field="url")


def judged(tried: Delivery, outcome: Outcome, *, now: datetime, chance: float) -> Delivery:
    """After a try: delivered, to be tried again, or failed. `chance`, 0 to 1, spreads those that failed at once."""
    tried = replace(
        tried, tries=tried.tries + 1, tried_at=now, status=outcome.status, problem=outcome.problem, due_at=None
    )
    if outcome.status in OK:
        return replace(tried, state=DeliveryState.DELIVERED)
    again = None if outcome.is_gone else _again_at(tried, outcome, now, chance)
    if again is None:
        return replace(tried, state=DeliveryState.FAILED)
    return replace(tried, due_at=again)


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """RFC 9110, 10.2.3: seconds or a date; None for anything else. A date that has passed is no wait."""
    if not header:
        return None
    if header.isascii() and header.isdigit():
        return timedelta(seconds=min(int(header[:10]), int(WITHIN.total_seconds()) * 2))
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max((at if at.tzinfo else at.replace(tzinfo=UTC)) - now, timedelta(0))


def _again_at(tried: Delivery, outcome: Outcome, now: datetime, chance: float) -> datetime | None:
    """None once there have been enough tries, or the day would be over."""
    if tried.tries > len(PAUSES):
        return None
    pause = PAUSES[tried.tries - 1] * (1 + SPREAD * chance)
    asked = outcome.retry_after if outcome.status in HEED else None
    again = now + max(pause, asked or timedelta(0))
    return again if again < tried.since + WITHIN else None


def _hmac(key: bytes, message: str) -> bytes:
    return hmac.new(key, message.encode(), hashlib.sha256).digest()
