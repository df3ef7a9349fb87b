"""The parked messages of one service: looked at, heard again, or thrown away, one at a time and without losing any.

A message is taken off the queue only after what was asked for has happened; whatever ends in between leaves it where
it is. Looking at messages counts as delivering them, and a queue gives up after a thousand deliveries: what has been
looked at often is laid down anew before that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelNotFoundEntity
from pydantic import SecretStr
from pydantic_core import from_json

from deploy.stillpoint.saying import NOT_KNOWN, NotDone
from shared.bus import inbox, parked

CONNECTS_WITHIN: Final = 10.0
PUBLISHES_WITHIN: Final = 10.0
MOST: Final = 10_000
OFTEN: Final = 500


@dataclass(frozen=True, slots=True)
class Parked:
    """`subject` is what the event is about, where its envelope can be read."""

    service: str
    id: str
    event: str
    reason: str
    said_at: datetime | None
    subject: str
    practice: str
    body: bytes

    @classmethod
    def of(cls, service: str, message: AbstractIncomingMessage) -> Parked:
        envelope = _envelope(message.body)
        return cls(
            service=service,
            id=str(message.headers.get("event-id") or message.message_id or ""),
            event=message.type or "",
            reason=str(message.headers.get("reason") or message.headers.get("x-first-death-reason") or ""),
            said_at=_told(envelope.get("time")),
            subject=str(envelope.get("subject", "")),
            practice=str(envelope.get("practice", "")),
            body=message.body,
        )


class Shelf:
    def __init__(self, channel: AbstractChannel, service: str) -> None:
        self._channel, self._service = channel, service

    async def all(self) -> list[Parked]:
        return [Parked.of(self._service, message) async for message in self._messages()]

    async def replay(self, wanted: Callable[[Parked], bool]) -> list[Parked]:
        """Heard again by this service alone, as if for the first time."""
        return await self._taken(wanted, to=inbox(self._service))

    async def drop(self, wanted: Callable[[Parked], bool]) -> list[Parked]:
        return await self._taken(wanted, to=None)

    async def _taken(self, wanted: Callable[[Parked], bool], to: str | None) -> list[Parked]:
        done: list[Parked] = []
        async for message in self._messages():
            one = Parked.of(self._service, message)
            if not wanted(one):
                continue
            if to is not None:
                await self._publish(message, to, keep=("event-id", "traceparent"))
            await message.ack()
            done.append(one)
        return done

    async def _messages(self) -> AsyncIterator[AbstractIncomingMessage]:
        """Those that lie there now; what is not acknowledged goes back in its order when the channel closes."""
        queue = await self._channel.declare_queue(parked(self._service), passive=True)
        for _ in range(min(queue.declaration_result.message_count or 0, MOST)):
            message = await queue.get(fail=False)
            if message is None:
                return
            yield message
            count = message.headers.get("x-delivery-count", 0)
            if not message.processed and isinstance(count, int) and count > OFTEN:
                await self._publish(message, parked(self._service), keep=tuple(message.headers))
                await message.ack()

    async def _publish(self, message: AbstractIncomingMessage, queue: str, *, keep: tuple[str, ...]) -> None:
        kept = {name: message.headers[name] for name in keep if name in message.headers and name != "x-delivery-count"}
        copy = aio_pika.Message(
            message.body,
            message_id=message.message_id,
            type=message.type,
            content_type=message.content_type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            headers={**kept, "attempt": 0},
        )
        await self._channel.default_exchange.publish(copy, queue, mandatory=True, timeout=PUBLISHES_WITHIN)


@asynccontextmanager
async def shelf(url: SecretStr, service: str) -> AsyncIterator[Shelf]:
    """Raises `NotDone` where the broker is away or does not know the service."""
    try:
        connection = await aio_pika.connect(url.get_secret_value(), timeout=CONNECTS_WITHIN)
    except (AMQPError, OSError, TimeoutError) as error:
        raise NotDone("the broker cannot be reached", NOT_KNOWN) from error
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        try:
            yield Shelf(channel, service)
        except ChannelNotFoundEntity as error:
            raise NotDone(f"the broker has no queue {parked(service)}; is its topology made?", NOT_KNOWN) from error


def _envelope(body: bytes) -> dict[str, object]:
    try:
        read = from_json(body)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _told(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
