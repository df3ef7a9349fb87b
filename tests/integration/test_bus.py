"""The bus on a real broker: what is confirmed arrives, every delivery ends in a verdict, nothing vanishes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage
from aiormq.exceptions import ChannelAccessRefused
from pydantic import SecretStr
from pymongo.errors import ServerSelectionTimeoutError

from services import topology
from shared.bus import EVENTS, Bus, Handler, Unroutable, inbox, parked, retry_queue
from shared.events import Envelope, envelope
from shared.events.notify import ReplyConfirmed, ReplyRescheduleAsked
from shared.retry import DONE, Park, RetryAfter, Verdict
from tests.support.backends import RabbitBackend
from tests.support.waiting import until

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAME = ReplyConfirmed.name


def said(subject: str) -> Envelope[ReplyConfirmed]:
    fact = ReplyConfirmed(appointment=subject, received_at=NOW)
    return envelope(fact, subject=subject, practice="stillwater", sequence=1, at=NOW)


async def publish(bus: Bus, subject: str) -> None:
    event = said(subject)
    await bus.publish(event.to_json(), event_id=event.id, name=event.type, traceparent=None)


class Listener:
    """Remembers what it heard and answers with the verdicts it was given, then with done."""

    def __init__(self, *verdicts: Verdict | Exception) -> None:
        self.heard: list[str] = []
        self._verdicts = list(verdicts)

    async def __call__(self, event: Envelope[ReplyConfirmed]) -> Verdict:
        self.heard.append(event.subject)
        verdict = self._verdicts.pop(0) if self._verdicts else DONE
        if isinstance(verdict, Exception):
            raise verdict
        return verdict


@pytest.fixture
async def url(rabbit: RabbitBackend) -> SecretStr:
    """A broker in which only booking hears, and only replies that confirm."""
    wanted = topology.definitions({"booking": [NAME]})
    await topology.apply(SecretStr(rabbit.management_url), SecretStr(rabbit.url), wanted)
    return SecretStr(rabbit.url)


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def listening(opened: AsyncExitStack, url: SecretStr, handler: Handler, *, prefetch: int = 16) -> Bus:
    bus = await opened.enter_async_context(Bus.connect(url, service="booking", prefetch=prefetch))
    await bus.consume({ReplyConfirmed: handler})
    await until(lambda: bus.ready)
    return bus


async def in_queue(url: SecretStr, queue: str) -> AbstractIncomingMessage | None:
    async with await aio_pika.connect(url.get_secret_value()) as connection:
        channel = await connection.channel()
        return await (await channel.get_queue(queue, ensure=False)).get(no_ack=True, fail=False)


async def raw(url: SecretStr, body: bytes, *, kind: str = NAME, headers: dict[str, object] | None = None) -> None:
    async with await aio_pika.connect(url.get_secret_value()) as connection:
        exchange = await (await connection.channel()).get_exchange(EVENTS, ensure=False)
        await exchange.publish(aio_pika.Message(body, type=kind, headers=headers), NAME)  # type: ignore[arg-type]  # hostile on purpose


async def test_what_is_published_is_heard_once(url: SecretStr, opened: AsyncExitStack) -> None:
    listener = Listener()
    bus = await listening(opened, url, listener)

    await publish(bus, "a1")

    await until(lambda: listener.heard)
    await bus.stop_consuming()
    assert listener.heard == ["a1"]
    assert await in_queue(url, inbox("booking")) is None


async def test_an_event_that_nobody_is_bound_to_is_not_published(url: SecretStr, opened: AsyncExitStack) -> None:
    bus = await listening(opened, url, Listener())
    fact = ReplyRescheduleAsked(appointment="a1", received_at=NOW)
    lost = envelope(fact, subject="a1", practice="stillwater", sequence=1, at=NOW)

    with pytest.raises(Unroutable):
        await bus.publish(lost.to_json(), event_id=lost.id, name=lost.type, traceparent=None)


async def test_two_attempts_with_one_event_id_are_told_apart(url: SecretStr, opened: AsyncExitStack) -> None:
    bus = await listening(opened, url, Listener())
    body = said("a1").to_json()

    outcomes = await asyncio.gather(
        *(
            bus.publish(body, event_id="same", name=name, traceparent=None)
            for name in (NAME, "nobody.hears.this.v1") * 20
        ),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [type(None), Unroutable] * 20


async def test_retry_after_brings_the_event_back_later(url: SecretStr, opened: AsyncExitStack) -> None:
    listener = Listener(RetryAfter(timedelta(seconds=1), "not yet"))
    bus = await listening(opened, url, listener)

    await publish(bus, "a1")

    await until(lambda: listener.heard == ["a1", "a1"], within=15)


async def test_a_failing_handler_is_asked_again_and_its_neighbours_are_not_held_up(
    url: SecretStr, opened: AsyncExitStack
) -> None:
    listener = Listener(ValueError("a bug"))
    bus = await listening(opened, url, listener)

    await publish(bus, "fails once")
    await publish(bus, "goes through")

    await until(lambda: listener.heard == ["fails once", "goes through", "fails once"], within=15)


async def test_an_event_is_not_parked_for_a_database_that_is_long_away(url: SecretStr, opened: AsyncExitStack) -> None:
    listener = Listener(ServerSelectionTimeoutError("away"))
    await listening(opened, url, listener)

    await raw(url, said("a1").to_json(), headers={"attempt": 500})

    await until(lambda: listener.heard == ["a1"])
    waiting = await until(lambda: in_queue(url, retry_queue("booking", "30s")))
    assert waiting.headers["attempt"] == 501


async def test_a_delivery_that_cannot_be_settled_yet_is_settled_later(url: SecretStr, opened: AsyncExitStack) -> None:
    listener = Listener(RetryAfter(timedelta(seconds=20), "not yet"))
    bus = await listening(opened, url, listener)
    ladder, bus._direct = bus._direct, None  # type: ignore[assignment]  # as if publishing were blocked

    await publish(bus, "a1")
    await until(lambda: listener.heard)
    assert await in_queue(url, retry_queue("booking", "30s")) is None
    bus._direct = ladder

    assert await until(lambda: in_queue(url, retry_queue("booking", "30s")))


async def test_a_parked_event_lies_in_the_parked_queue_with_its_reason(url: SecretStr, opened: AsyncExitStack) -> None:
    bus = await listening(opened, url, Listener(Park("a person must look")))

    await publish(bus, "a1")

    letter = await until(lambda: in_queue(url, parked("booking")))
    assert letter.body == said("a1").to_json()
    assert letter.headers["reason"] == "a person must look"
    assert letter.headers["event-id"] == said("a1").id


@pytest.mark.parametrize(
    ("body", "kind", "headers"),
    [
        (b"\xff\xfe\x00", NAME, {}),
        (b"[" * 20_000, NAME, {}),
        (b"", NAME, {}),
        (said("a1").to_json(), "booking.newer.fact.v7", {}),
        (said("a1").to_json(), "booking.appointment.missed.v1", {}),
        (said("a1").to_json(), "", {"attempt": "many"}),
        (b"{}", NAME, {"traceparent": 17, "attempt": -4}),
        (b" " * 2_000_000, NAME, {}),
    ],
    ids=["invalid utf-8", "deep json", "empty", "unknown", "other contract", "no type", "odd headers", "too large"],
)
async def test_poison_is_parked_after_one_delivery_and_harms_no_neighbour(
    url: SecretStr, opened: AsyncExitStack, body: bytes, kind: str, headers: dict[str, object]
) -> None:
    listener = Listener()
    bus = await listening(opened, url, listener)

    await raw(url, body, kind=kind, headers=headers)
    await publish(bus, "neighbour")

    letter = await until(lambda: in_queue(url, parked("booking")))
    assert letter.body == body
    assert letter.headers["reason"]
    await until(lambda: listener.heard == ["neighbour"])


async def test_stopping_finishes_what_is_in_hand_and_nothing_comes_twice(
    url: SecretStr, opened: AsyncExitStack
) -> None:
    begun, gate, finished = asyncio.Event(), asyncio.Event(), []

    async def slow(event: Envelope[ReplyConfirmed]) -> Verdict:
        begun.set()
        await gate.wait()
        finished.append(event.subject)
        return DONE

    bus = await listening(opened, url, slow)
    await publish(bus, "a1")
    await begun.wait()

    stopping = asyncio.create_task(bus.stop_consuming())
    asyncio.get_running_loop().call_later(0.2, gate.set)
    await stopping

    assert finished == ["a1"]
    assert await in_queue(url, inbox("booking")) is None


async def test_a_service_cannot_declare_anything_with_its_own_user(rabbit: RabbitBackend) -> None:
    limited = SecretStr(f"amqp://limited:secret@{rabbit.url.rpartition('@')[2]}")
    await topology.apply(SecretStr(rabbit.management_url), limited, topology.definitions({"booking": [NAME]}))

    async with await aio_pika.connect(limited.get_secret_value()) as connection:
        channel = await connection.channel()
        await channel.declare_queue(inbox("booking"), passive=True)
        with pytest.raises(ChannelAccessRefused):
            await channel.declare_queue("booking.inbx", durable=True)


async def test_applying_the_topology_twice_changes_nothing(rabbit: RabbitBackend, url: SecretStr) -> None:
    wanted = topology.definitions({"booking": [NAME]})

    await topology.apply(SecretStr(rabbit.management_url), url, wanted)
