"""Notify as it is deployed, in the test's own process: real database and broker, the provider's emulator, a phone."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer, unused_port
from pydantic import SecretStr

from deploy.twilio_emulator.account import Account
from deploy.twilio_emulator.app import Emulator, started
from services import notify, topology
from services.notify.app import build
from services.notify.settings import Settings
from shared import httpkit, mongo
from shared.bus import Bus
from shared.clock import utc_now
from shared.events import Envelope, Event, booking, envelope
from shared.events.notify import ReplyConfirmed, ReplyRescheduleAsked
from shared.mongo import Database
from shared.retry import DONE, Verdict
from shared.tokens import Tokens
from tests.support.backends import RabbitBackend
from tests.support.waiting import until

OPERATOR_KEY = "operator-" + "o" * 32
SIGNING_KEY = "signing-" + "s" * 32
TOKENS = Tokens(SIGNING_KEY)
PRACTICE, PHONE, NUMBER = "still-waters", "+15035550142", "+15005550006"
SID, TOKEN = "AC" + "0" * 32, "t" * 32
SERVICE = booking.ServiceFacts(id="first", name="First visit", length_minutes=75, screening="cst-core")
# No quiet hours, so that the tests pass at any hour.
AWAKE = booking.TextingPolicy(quiet_from=time(8), quiet_until=time(8))


def practice_changed(**changes: Any) -> booking.PracticeChanged:
    facts: dict[str, Any] = {
        "display_name": "Still Waters Bodywork",
        "sms_name": "Still Waters",
        "country": "US",
        "zone": "America/New_York",
        "locale": "en-US",
        "phone": "+15035550100",
        "emergency_number": "911",
        "texting": AWAKE,
        "services": (SERVICE,),
    }
    return booking.PracticeChanged(**(facts | changes))


def facts(
    appointment: str, *, state: str, starts_at: datetime, phone: str = PHONE, texts: bool = True
) -> dict[str, Any]:
    consent = booking.Consent(texts=texts, wording="texts-v1", given_at=starts_at - timedelta(days=8))
    return {
        "appointment": appointment,
        "state": state,
        "service": SERVICE,
        "practitioner": "ana",
        "practitioner_name": "Ana",
        "place_name": "Studio",
        "place_address": "1 River Road",
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=75),
        "zone": "America/New_York",
        "client": booking.Client(
            ref="0" * 20, name="Kim", phone=phone, locale="en-US", zone="America/New_York", consent=consent
        ),
    }


@dataclass(slots=True)
class App:
    """Tells notify what booking would, over the broker; `heard` is all that notify said."""

    http: aiohttp.ClientSession
    database: Database
    broker: Bus
    emulator: Emulator
    origin: str
    provider: str
    heard: list[Envelope[Any]] = field(default_factory=list)

    async def say(self, fact: Event, *, subject: str, sequence: int) -> None:
        said = envelope(fact, subject=subject, practice=PRACTICE, sequence=sequence, at=utc_now())
        await self.broker.publish(said.to_json(), event_id=said.id, name=said.type, traceparent=None)

    async def confirm(self, appointment: str, *, in_: timedelta = timedelta(days=7), **changes: Any) -> None:
        said = booking.AppointmentConfirmed(
            **facts(appointment, state="confirmed", starts_at=utc_now() + in_, **changes)
        )
        await self.say(said, subject=appointment, sequence=3)

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {OPERATOR_KEY}"}
        async with self.http.request(
            method, f"/notify{path}", headers=headers, allow_redirects=False, **options
        ) as answer:
            body = await answer.json(content_type=None) if "json" in answer.content_type else await answer.text()
            return answer.status, body

    async def texts(self, appointment: str) -> dict[str, dict[str, Any]]:
        _, timeline = await self.call("GET", f"/v1/appointments/{appointment}/messages")
        return {text["step"]: text for text in timeline["messages"]}

    async def becomes(self, appointment: str, step: str, state: str) -> dict[str, Any]:
        async def seen() -> dict[str, Any] | None:
            text = (await self.texts(appointment)).get(step)
            return text if text and text["state"] == state else None

        found = await until(seen)
        assert found is not None
        return found

    def bodies(self) -> list[str]:
        return [text.body for text in self.emulator.messages if text.sender == NUMBER]


def an_appointment() -> str:
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(26))


async def declare(rabbit: RabbitBackend) -> None:
    """Notify's own queues, and a listener to everything it says."""
    queues = {"notify": [event.name for event in notify.HEARS], "listener": [event.name for event in notify.SAYS]}
    await topology.apply(SecretStr(rabbit.management_url), SecretStr(rabbit.url), topology.definitions(queues))


@asynccontextmanager
async def app(
    mongo_url: str, database: str, rabbit: RabbitBackend, *, set_to: Mapping[str, Any] | None = None, **changes: Any
) -> AsyncIterator[App]:
    """One replica that knows no practice yet; `set_to` are settings, `changes` of the account at the provider."""
    await declare(rabbit)
    port = unused_port()
    origin = f"http://127.0.0.1:{port}"
    account = Account(sid=SID, auth_token=TOKEN, number=NUMBER, inbound_url=f"{origin}/notify/v1/twilio/inbound")
    async with AsyncExitStack() as opened:
        account = dataclasses.replace(account, **changes)
        running = await opened.enter_async_context(started(account))
        settings = _settings(mongo_url, database, rabbit, origin, running.url)
        built = await build(settings.model_copy(update=dict(set_to or {})))
        opened.push_async_callback(built[httpkit.KEPT_OPEN].aclose)
        server = TestServer(httpkit.mounted({"notify": built}), port=port)
        await opened.enter_async_context(server)
        http = await opened.enter_async_context(aiohttp.ClientSession(server.make_url("/")))
        db = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database))
        listener = await opened.enter_async_context(Bus.connect(SecretStr(rabbit.url), service="listener"))
        one = App(http, db, listener, running.emulator, origin, running.url)
        await listener.consume(dict.fromkeys((ReplyConfirmed, ReplyRescheduleAsked), _hearing(one.heard)))
        await until(lambda: listener.ready)
        await until(lambda: _ready(one))
        yield one


def _settings(mongo_url: str, database: str, rabbit: RabbitBackend, origin: str, twilio: str) -> Settings:
    return Settings(
        mongo_url=SecretStr(mongo_url),
        rabbit_url=SecretStr(rabbit.url),
        signing_key=SecretStr(SIGNING_KEY),
        operator_key=SecretStr(OPERATOR_KEY),
        public_origin=origin,
        notify_database=database,
        notify_twilio_url=twilio,
        notify_twilio_account_sid=SID,
        notify_number_key=SecretStr("number-" + "n" * 32),
        notify_words_key=SecretStr("words-" + "w" * 32),
        notify_twilio_auth_token=SecretStr(TOKEN),
        notify_twilio_number=NUMBER,
        notify_tick_seconds=0.2,
        notify_first_look_seconds=1,
        notify_second_look_seconds=2,
        notify_chase_seconds=1,
    )


async def _ready(one: App) -> bool:
    return (await one.call("GET", "/health/ready"))[0] == 200


def _hearing(heard: list[Envelope[Any]]) -> Callable[[Envelope[Any]], Any]:
    async def hear(event: Envelope[Any]) -> Verdict:
        heard.append(event)
        return DONE

    return hear
