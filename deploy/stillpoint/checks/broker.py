"""Is the broker there, with every queue, and does somebody listen to each?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError, AuthenticationError, ChannelNotFoundEntity, ProbableAuthenticationError
from pydantic import SecretStr

from deploy.stillpoint.checks.finding import Finding, bad, good, look
from deploy.stillpoint.settings import SERVICES
from shared.bus import inbox, parked, retry_queue
from shared.retry import LADDER

CONNECTS_WITHIN: Final = 10.0
MUCH: Final = 1_000
TOPOLOGY: Final = "docker compose up topology, or python -m services topology"
REFUSED: Final = (AuthenticationError, ProbableAuthenticationError)


async def broker(url: SecretStr | None) -> AsyncIterator[Finding]:
    if url is None:
        yield bad("broker", "STILLPOINT_RABBIT_URL is missing", "deploy/secrets.sh makes it")
        return
    try:
        connection = await aio_pika.connect(url.get_secret_value(), timeout=CONNECTS_WITHIN)
    except REFUSED:
        yield bad("broker", "the broker does not know the services' user", TOPOLOGY)
        return
    except (AMQPError, OSError, TimeoutError):
        yield bad("broker", "the broker cannot be reached", "docker compose ps rabbitmq; docker compose logs rabbitmq")
        return
    async with connection:
        yield good("broker", "the broker lets the services in")
        for service in SERVICES:
            async for finding in _queues(connection, service):
                yield finding


async def _queues(connection: AbstractConnection, service: str) -> AsyncIterator[Finding]:
    missing = [name for name in _names(service) if await _count(connection, name) is None]
    if missing:
        yield bad("broker", f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing", TOPOLOGY)
        return
    messages, listeners = await _count(connection, inbox(service)) or (0, 0)
    if not listeners:
        yield bad("broker", f"nobody listens to {inbox(service)}", f"start {service}: docker compose up -d {service}")
    elif messages > MUCH:
        yield look("broker", f"{messages} messages wait for {service}", f"docker compose logs {service}; add a replica")
    else:
        yield good("broker", f"{service} listens")
    put_aside, _ = await _count(connection, parked(service)) or (0, 0)
    if put_aside:
        yield look("broker", f"{service} has {put_aside} parked", f"stillpoint parked list {service}; see RUNBOOK.md")


def _names(service: str) -> list[str]:
    return [inbox(service), *(retry_queue(service, rung) for rung in LADDER), parked(service)]


async def _count(connection: AbstractConnection, queue: str) -> tuple[int, int] | None:
    """Messages and listeners; each question on a channel of its own, because a queue that is missing closes it."""
    channel = await connection.channel()
    try:
        declared = await channel.declare_queue(queue, passive=True)
    except ChannelNotFoundEntity:
        return None
    await channel.close()
    result = declared.declaration_result
    return result.message_count or 0, result.consumer_count or 0
