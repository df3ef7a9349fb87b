"""The way to and from RabbitMQ: confirmed publishing, and consuming with a verdict on every delivery."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final

import aio_pika
import stamina
import structlog
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage, AbstractQueue, AbstractRobustConnection, HeadersType
from aio_pika.exceptions import AMQPError, DeliveryError
from pydantic import SecretStr, ValidationError
from yarl import URL

from shared import retry, telemetry
from shared.events import CONTENT_TYPE, Envelope, Event, UnknownEvent, decode, registry
from shared.retry import Done, Park, RetryAfter, Verdict

log = structlog.get_logger()

Handler = Callable[[Envelope[Any]], Awaitable[Verdict]]
Subscriptions = Mapping[type[Event], Handler]

EVENTS: Final = "stillpoint.events"
DEAD: Final = "stillpoint.dead"
BROKEN: Final = (AMQPError, DeliveryError, OSError, TimeoutError, RuntimeError)
PUBLISH_SECONDS: Final = 5.0
OPEN_SECONDS: Final = 30.0
SETTLE_AGAIN_SECONDS: Final = 1.0
HANDLER_SECONDS: Final = 60.0
LARGEST_BODY: Final = 1_048_576
PROCESS: Final = secrets.token_hex(6)
_attempts = itertools.count()


def inbox(service: str) -> str:
    return f"{service}.inbox"


def retry_queue(service: str, rung: str) -> str:
    return f"{service}.retry.{rung}"


def parked(service: str) -> str:
    return f"{service}.parked"


class NotPublished(Exception):
    """The broker did not confirm: the message may or may not have arrived."""


class Unroutable(NotPublished):
    """The broker would not take it: no queue is bound for it, or one that is full."""


class Bus:
    """One service's two connections to the broker, one to publish and one to consume.

    Two, because a memory or disk alarm blocks a publishing connection and with it every consumer on it.
    Connections, channels and queues are all kept referenced here: the driver holds them weakly and would
    otherwise lose a consumer for good when it reconnects.
    """

    def __init__(self, url: SecretStr, service: str, prefetch: int) -> None:
        self._url = str(URL(url.get_secret_value()).update_query(heartbeat="10", reconnect_interval="2"))
        self._service = service
        self._prefetch = prefetch
        self._subscriptions: Subscriptions = {}
        self._kept: list[object] = []
        self._connections: list[AbstractRobustConnection] = []
        self._events: AbstractExchange | None = None
        self._queue: AbstractQueue | None = None
        self._tag = ""
        self._stopping = False
        self._in_hand: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: SecretStr, *, service: str, prefetch: int = 16) -> AsyncIterator[Bus]:
        """A bus that connects in the background, for as long as it takes: a service starts without its broker."""
        bus = cls(url, service, prefetch)
        opening = asyncio.create_task(bus._open(), name=f"{service}.bus.open")
        try:
            yield bus
        finally:
            opening.cancel()
            with suppress(asyncio.CancelledError):
                await opening
            await bus._close()

    @property
    def ready(self) -> bool:
        """Both connections stand, and what was subscribed to is being consumed."""
        up = len(self._connections) == 2 and all(c.connected.is_set() for c in self._connections)
        return up and self._events is not None and (not self._subscriptions or bool(self._tag))

    async def publish(self, body: bytes, *, event_id: str, name: str, traceparent: str | None) -> None:
        """Hand one event to the broker and wait for its word; raises `NotPublished` without one."""
        headers: HeadersType = {"event-id": event_id, "attempt": 0}
        with (
            telemetry.trace(traceparent),
            telemetry.span(f"publish {name}", lambda: {"messaging.message.id": event_id}),
        ):
            if traceparent is not None:
                headers["traceparent"] = telemetry.current_trace() or traceparent
            await self._confirmed(self._events, name, body, event_id=event_id, name=name, headers=headers)

    async def consume(self, subscriptions: Subscriptions) -> None:
        """Say, once, what is heard; deliveries begin as soon as the broker is there."""
        self._subscriptions = subscriptions
        if self._queue is not None:
            self._tag = await self._queue.consume(self._deliver)

    async def stop_consuming(self) -> None:
        """Take no more deliveries and finish those in hand; what is not acknowledged comes again."""
        self._stopping = True
        if self._queue is not None and self._tag:
            with suppress(*BROKEN):
                await asyncio.wait_for(self._queue.cancel(self._tag), PUBLISH_SECONDS)
            self._tag = ""
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=HANDLER_SECONDS)

    async def _open(self) -> None:
        async for attempt in stamina.retry_context(on=BROKEN, attempts=None, timeout=None, wait_max=2.0):
            with attempt, _told_of_lost_connections():
                async with asyncio.timeout(OPEN_SECONDS):
                    await self._open_once()
        log.info("bus.open", service=self._service)

    async def _open_once(self) -> None:
        try:
            out = await self._connection()
            publishing = await out.channel(publisher_confirms=True, on_return_raises=True)
            self._events = await publishing.get_exchange(EVENTS, ensure=False)
            self._dead = await publishing.get_exchange(DEAD, ensure=False)
            self._direct = publishing.default_exchange
            into = await self._connection()
            consuming = await into.channel()
            await consuming.set_qos(prefetch_count=self._prefetch)
            self._queue = await consuming.declare_queue(inbox(self._service), passive=True)
            self._kept = [publishing, consuming]
            if self._subscriptions:
                self._tag = await self._queue.consume(self._deliver)
        except BaseException:
            self._events = None
            await self._close()
            raise

    async def _connection(self) -> AbstractRobustConnection:
        def kept(*args: Any, **more: Any) -> AbstractRobustConnection:
            """Also one that never comes to be is closed: the driver would try to when it is thrown away."""
            connection = aio_pika.RobustConnection(*args, **more)
            self._connections.append(connection)
            return connection

        return await aio_pika.connect_robust(self._url, timeout=PUBLISH_SECONDS, connection_class=kept)

    async def _close(self) -> None:
        await self.stop_consuming()
        for connection in self._connections:
            # Without a limit a driver that is reconnecting into a black hole would keep the process alive.
            with suppress(*BROKEN):
                await asyncio.wait_for(connection.close(), PUBLISH_SECONDS)
        self._connections.clear()

    async def _confirmed(
        self,
        exchange: AbstractExchange | None,
        key: str,
        body: bytes,
        *,
        event_id: str,
        name: str,
        headers: HeadersType,
    ) -> None:
        if exchange is None:
            raise NotPublished("not connected to the broker yet")
        message = aio_pika.Message(
            body,
            # Unique per attempt: the driver tells a returned message from a confirmed one by this id.
            message_id=f"{event_id}#{PROCESS}{next(_attempts):x}",
            type=name,
            content_type=CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            headers=headers,
        )
        try:
            with _told_of_lost_connections():
                await exchange.publish(message, key, mandatory=True, timeout=PUBLISH_SECONDS)
        except DeliveryError as error:
            raise Unroutable(key) from error
        except BROKEN as error:
            raise NotPublished(type(error).__name__) from error

    async def _deliver(self, message: AbstractIncomingMessage) -> None:
        # In a task of our own: the driver cancels its tasks when a channel closes, in the middle of a write.
        task = asyncio.create_task(self._take(message))
        self._in_hand.add(task)
        task.add_done_callback(self._in_hand.discard)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        attempt = _attempt(message)
        parent = message.headers.get("traceparent")
        name = message.type if message.type in registry() else "unknown"
        told: dict[str, str | int] = {"messaging.system": "rabbitmq", "stillpoint.attempt": attempt}
        with telemetry.trace(parent if isinstance(parent, str) else None) as traceparent:
            with telemetry.span(f"{self._service} hears {name}", lambda: told):
                verdict = await self._judge(message, attempt)
                told["stillpoint.verdict"] = type(verdict).__name__
            telemetry.consumed.labels(name, type(verdict).__name__).inc()
            if not isinstance(verdict, Done):
                log.warning("event.not_done", service=self._service, id=message.message_id, verdict=repr(verdict))
            while not await self._settled(message, verdict, attempt, traceparent):  # noqa: ASYNC110  a broker sets no event
                await asyncio.sleep(SETTLE_AGAIN_SECONDS)

    async def _judge(self, message: AbstractIncomingMessage, attempt: int) -> Verdict:
        if len(message.body) > LARGEST_BODY:
            return Park("body too large")
        try:
            heard = decode(message.type or "", message.body)
        except UnknownEvent:
            return Park("unknown event")
        except (ValidationError, RecursionError):
            return Park("does not fit its contract")
        handler = self._subscriptions.get(type(heard.data))
        if handler is None:
            return Park("not heard here")
        try:
            async with asyncio.timeout(HANDLER_SECONDS):
                return retry.limited(await handler(heard), attempt)
        except Exception as error:
            log.exception("event.failed", service=self._service, id=heard.id, attempt=attempt)
            return retry.after(error, attempt)

    async def _settled(self, message: AbstractIncomingMessage, verdict: Verdict, attempt: int, trace: str) -> bool:
        """False while the broker takes no copy. A delivery whose channel has closed comes again by itself."""
        try:
            await self._settle(message, verdict, attempt, trace)
        except (NotPublished, *BROKEN) as error:
            log.warning("event.unsettled", service=self._service, id=message.message_id, error=type(error).__name__)
            return self._stopping or not isinstance(error, NotPublished)
        return True

    async def _settle(self, message: AbstractIncomingMessage, verdict: Verdict, attempt: int, trace: str) -> None:
        match verdict:
            case Done():
                pass
            case RetryAfter(delay, why):
                rung = retry_queue(self._service, retry.rung(delay))
                await self._copy(message, self._direct, rung, attempt=attempt + 1, traceparent=trace, reason=why)
            case Park(why):
                try:
                    await self._copy(message, self._dead, self._service, attempt=attempt, traceparent=trace, reason=why)
                except NotPublished:
                    await message.reject(requeue=False)
                    return
        await message.ack()

    async def _copy(self, message: AbstractIncomingMessage, to: AbstractExchange, key: str, **ours: Any) -> None:
        event_id = str(message.headers.get("event-id", message.message_id))
        headers: HeadersType = {"event-id": event_id, "service": self._service, **ours}
        await self._confirmed(to, key, message.body, event_id=event_id, name=message.type or "", headers=headers)


@contextmanager
def _told_of_lost_connections() -> Iterator[None]:
    """The driver cancels what is in flight when it finds its connection dead; nobody cancelled us then."""
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ConnectionResetError("connection lost") from error


def _attempt(message: AbstractIncomingMessage) -> int:
    attempt = message.headers.get("attempt", 0)
    return attempt if isinstance(attempt, int) and attempt >= 0 else 0
