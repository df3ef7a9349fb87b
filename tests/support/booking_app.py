"""Booking as it is deployed, in the test's own process, on a real database and broker, with a listener behind it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from services import booking, topology
from services.booking.app import build
from services.booking.profile import written
from services.booking.settings import Settings
from shared import httpkit, mongo
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.events import Envelope, Event, envelope
from shared.events.screening import CaseDecided, CaseVoided
from shared.mongo import Database
from shared.retry import DONE, Verdict
from tests.support.backends import RabbitBackend
from tests.support.booking import a_house
from tests.support.running import UNLIMITED
from tests.support.waiting import until

Json = dict[str, Any]
OPERATOR_KEY = "operator-" + "o" * 32
SIGNING_KEY = "signing-" + "s" * 32
PRACTICE = "/booking/v1/practices/still-water"
CLIENT = {"name": "Kim Doe", "phone": "+41791234567", "locale": "en-GB", "zone": "Europe/Zurich"}
CONSENT = {"texts": True, "wording": "Text me about my visit."}


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    body: Json

    @property
    def code(self) -> str:
        return str(self.body.get("code", self.status))


@dataclass(slots=True)
class App:
    """Calls booking over HTTP; `heard` is everything it said on the broker."""

    http: aiohttp.ClientSession
    database: Database
    broker: Bus
    heard: list[Envelope[Any]] = field(default_factory=list)

    async def call(
        self, method: str, path: str, body: Json | None = None, *, token: str | None = None, **headers: str
    ) -> Answered:
        shown = {"Authorization": f"Bearer {token}"} if token is not None else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(method, path, json=body, headers=shown | named) as answer:
            raw = await answer.read()
            return Answered(answer.status, json.loads(raw) if "json" in answer.content_type else {"text": raw.decode()})

    async def as_operator(self, method: str, path: str, body: Json | None = None) -> Answered:
        return await self.call(method, path, body, token=OPERATOR_KEY)

    async def hold(self, at: datetime, *, key: str | None = None, **wish: Any) -> Answered:
        body = {"service": "session", "starts_at": at.isoformat()} | wish
        return await self.call("POST", f"{PRACTICE}/appointments", body, **({"Idempotency_Key": key} if key else {}))

    async def request(self, held: Answered, **client: Any) -> Answered:
        body = {"client": CLIENT | client, "consent": CONSENT}
        path = f"/booking/v1/appointments/{held.body['id']}/request"
        return await self.call("POST", path, body, token=held.body["token"])

    async def decide(
        self, appointment: str, outcome: str, *, sequence: int = 1, until: date = date(2030, 1, 1)
    ) -> None:
        """As screening would."""
        fact = CaseDecided(
            appointment=appointment,
            outcome=outcome,  # type: ignore[arg-type]  # a literal in the tests
            decided_by="rules",
            questionnaire="cst-core",
            ruleset="cst-core",
            valid_until=until,
        )
        await self._as_screening(fact, appointment, sequence)

    async def void(self, appointment: str, *, sequence: int) -> None:
        await self._as_screening(CaseVoided(appointment=appointment, cause="changed"), appointment, sequence)

    async def _as_screening(self, fact: Event, appointment: str, sequence: int) -> None:
        said = envelope(fact, subject=appointment, practice="still-water", sequence=sequence, at=datetime.now(UTC))
        await self.broker.publish(said.to_json(), event_id=said.id, name=said.type, traceparent=None)

    async def becomes(self, held: Answered, state: str) -> Json:
        path = f"/booking/v1/appointments/{held.body['id']}"

        async def shown() -> Json | None:
            body = (await self.call("GET", path, token=held.body["token"])).body
            return body if body["state"] == state else None

        found = await until(shown)
        assert found is not None
        return found

    def said_of(self, held: Answered) -> list[str]:
        """The facts said of one appointment, in the order of its versions, each once."""
        heard = {one.id: one for one in self.heard if one.subject == held.body["id"]}
        return [one.type.split(".")[2] for one in sorted(heard.values(), key=lambda one: one.sequence)]


async def declare(rabbit: RabbitBackend) -> None:
    """Booking's own queues, and a listener to everything it says."""
    queues = {"booking": [event.name for event in booking.HEARS], "listener": [event.name for event in booking.SAYS]}
    await topology.apply(SecretStr(rabbit.management_url), SecretStr(rabbit.url), topology.definitions(queues))


@asynccontextmanager
async def app(
    mongo_url: str, database: str, rabbit: RabbitBackend, *, now: Clock = utc_now, **settings: Any
) -> AsyncIterator[App]:
    """One replica with the practice of `a_house` loaded; several on the same database and broker are fine."""
    built = Settings(
        mongo_url=SecretStr(mongo_url),
        rabbit_url=SecretStr(rabbit.url),
        signing_key=SecretStr(SIGNING_KEY),
        operator_key=SecretStr(OPERATOR_KEY),
        public_origin="http://127.0.0.1",
        booking_database=database,
        **{"booking_tick_seconds": 0.1, "booking_grace_seconds": 0} | UNLIMITED | settings,
    )
    await declare(rabbit)
    async with AsyncExitStack() as opened:
        served = await build(built, now=now)
        opened.push_async_callback(served[httpkit.KEPT_OPEN].aclose)
        server = await opened.enter_async_context(
            TestServer(httpkit.mounted({"booking": served}, proxies=built.trusted_proxies))
        )
        http = await opened.enter_async_context(
            aiohttp.ClientSession(server.make_url("/"), connector=aiohttp.TCPConnector(limit=0))
        )
        db = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database))
        listener = await opened.enter_async_context(Bus.connect(SecretStr(rabbit.url), service="listener"))
        one = App(http, db, listener)
        await listener.consume(_hearing(one.heard))
        await until(lambda: listener.ready)
        await until(lambda: _ready(one))
        house = written(a_house()).model_dump(mode="json", exclude_none=True)
        loaded = await one.as_operator("PUT", PRACTICE, house)
        assert loaded.status == 200, loaded
        yield one


async def _ready(one: App) -> bool:
    return (await one.call("GET", "/booking/health/ready")).status == 200


def _hearing(heard: list[Envelope[Any]]) -> Mapping[type[Event], Any]:
    async def hear(event: Envelope[Any]) -> Verdict:
        heard.append(event)
        return DONE

    return dict.fromkeys(booking.SAYS, hear)
