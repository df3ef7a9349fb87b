"""Screening as it is deployed, in the test's own process, on a real database and broker, with a listener behind it."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from services import screening, topology
from services.screening.app import build
from services.screening.settings import Settings
from shared import httpkit, mongo
from shared.bus import Bus
from shared.events import Envelope, Event, envelope
from shared.events.screening import CaseDecided
from shared.mongo import Database
from shared.retry import DONE, Verdict
from shared.tokens import Tokens
from tests.support import screening as twin
from tests.support.backends import RabbitBackend
from tests.support.screening import PRACTICE
from tests.support.waiting import until

Json = dict[str, Any]
OPERATOR_KEY = "operator-" + "o" * 32
TOKENS = Tokens("signing-" + "s" * 32)


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    body: Json
    headers: dict[str, str]

    @property
    def code(self) -> str:
        return str(self.body.get("code", self.status))

    @property
    def keys(self) -> list[str]:
        return [message["key"] for message in self.body["messages"]]


@dataclass(slots=True)
class App:
    """Calls screening over HTTP and tells it what booking would; `heard` is all that it said."""

    http: aiohttp.ClientSession
    database: Database
    broker: Bus
    heard: list[Envelope[Any]] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Json | None = None, *, token: str = "") -> Answered:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.http.request(method, f"/screening{path}", json=body, headers=headers) as answer:
            return Answered(answer.status, await answer.json(content_type=None), dict(answer.headers))

    async def as_operator(self, method: str, path: str, body: Json | None = None) -> Answered:
        return await self.call(method, path, body, token=OPERATOR_KEY)

    async def answer(self, appointment: str, answers: Json, *, questionnaire: str = "cst-core") -> Answered:
        body = {"questionnaire": questionnaire, "answers": answers}
        return await self.call("PUT", f"/v1/appointments/{appointment}/answers", body, token=token(appointment))

    async def outcome(self, appointment: str) -> Answered:
        return await self.call("GET", f"/v1/appointments/{appointment}/outcome", token=token(appointment))

    async def say(self, fact: Event, *, subject: str, sequence: int = 2) -> None:
        said = envelope(fact, subject=subject, practice=PRACTICE, sequence=sequence, at=datetime.now(UTC))
        await self.broker.publish(said.to_json(), event_id=said.id, name=said.type, traceparent=None)

    async def request(self, appointment: str) -> None:
        await self.say(twin.requested(appointment=appointment), subject=appointment)

    async def becomes(self, appointment: str, state: str) -> Json:
        async def seen() -> Json | None:
            return await self.database["cases"].find_one({"_id": appointment, "state": state})

        found = await until(seen)
        assert found is not None
        return found

    def said_of(self, appointment: str) -> list[Envelope[CaseDecided]]:
        """Each event once, in the order of the case's versions."""
        return [one for one in self.all_said_of(appointment) if isinstance(one.data, CaseDecided)]

    def all_said_of(self, appointment: str) -> list[Envelope[Any]]:
        """Decisions, and whatever else was said of the case."""
        heard = {one.id: one for one in self.heard if one.subject == appointment}
        return sorted(heard.values(), key=lambda one: (one.sequence, one.type))


def an_appointment() -> str:
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(26))


def token(appointment: str, practice: str = PRACTICE) -> str:
    return TOKENS.mint(appointment, practice, datetime.now(UTC) + timedelta(days=1))


async def declare(rabbit: RabbitBackend) -> None:
    """Screening's own queues, and a listener to everything it says."""
    queues = {"screening": [event.name for event in screening.HEARS], "listener": [e.name for e in screening.SAYS]}
    await topology.apply(SecretStr(rabbit.management_url), SecretStr(rabbit.url), topology.definitions(queues))


@asynccontextmanager
async def app(
    mongo_url: str, fresh_database: Callable[[], str], rabbit: RabbitBackend, **changes: Any
) -> AsyncIterator[App]:
    """One replica that knows one practice; `changes` are other settings than usual."""
    built = Settings(
        mongo_url=SecretStr(mongo_url),
        rabbit_url=SecretStr(rabbit.url),
        signing_key=SecretStr("signing-" + "s" * 32),
        operator_key=SecretStr(OPERATOR_KEY),
        public_origin="http://127.0.0.1",
        screening_database=fresh_database(),
        screening_vault_database=fresh_database(),
        screening_master_key=SecretStr(base64.b64encode(secrets.token_bytes(96)).decode()),
    ).model_copy(update=changes)
    await declare(rabbit)
    async with AsyncExitStack() as opened:
        served = await build(built)
        opened.push_async_callback(served[httpkit.KEPT_OPEN].aclose)
        server = await opened.enter_async_context(TestServer(httpkit.mounted({"screening": served})))
        http = await opened.enter_async_context(aiohttp.ClientSession(server.make_url("/")))
        db = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), built.screening_database))
        listener = await opened.enter_async_context(Bus.connect(SecretStr(rabbit.url), service="listener"))
        one = App(http, db, listener)
        await listener.consume({event: _hearing(one.heard) for event in screening.SAYS})
        await until(lambda: listener.ready)
        await until(lambda: _ready(one))
        await one.say(twin.practice_changed(), subject=PRACTICE, sequence=1)
        await until(lambda: db["practices"].find_one({"_id": PRACTICE}))
        yield one


async def _ready(one: App) -> bool:
    return (await one.call("GET", "/health/ready")).status == 200


def _hearing(heard: list[Envelope[Any]]) -> Callable[[Envelope[Any]], Any]:
    async def hear(event: Envelope[Any]) -> Verdict:
        heard.append(event)
        return DONE

    return hear
