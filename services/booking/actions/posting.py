"""Posting what the webhooks are owed: at least once, signed, and none ever waits for another's receiver."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter

from services.booking.actions.webhooks import Webhooks
from services.booking.domain.webhook import Delivery, DeliveryState, Endpoint, Outcome, Signer, judged
from services.booking.ports import Stores
from shared.clock import Clock

log = structlog.get_logger()
posts = Counter("webhooks_posted_total", "POSTs to practices' own systems by what came of them", ["outcome"])

Post = Callable[[str, bytes, Mapping[str, str]], Awaitable[Outcome]]
"""One POST to an address, bounded in time; never raises for what the receiver does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`lease` is longer than a POST can last; an endpoint that failed is left alone for `rest`."""

    endpoints: int = 16
    at_once: int = 4
    batches: int = 25
    lease: timedelta = timedelta(seconds=60)
    rest: timedelta = timedelta(seconds=5)


class Posting:
    """One of any number of senders. Each endpoint has a worker of its own that takes a few deliveries at a time."""

    def __init__(
        self,
        stores: Stores,
        webhooks: Webhooks,
        *,
        post: Post,
        signer: Signer,
        now: Clock,
        pace: Pace | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._stores, self._deliveries, self._webhooks = stores, stores.deliveries, webhooks
        self._post, self._signer, self._now, self._chance = post, signer, now, chance
        self._pace = pace or Pace()
        self._slots = asyncio.Semaphore(self._pace.endpoints)
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._resting: dict[str, datetime] = {}

    async def send_due(self) -> None:
        """One round: set a worker to every endpoint that something is due for; waits for none of them."""
        now = self._now()
        self._resting = {id_: until for id_, until in self._resting.items() if until > now}
        seen = ""
        while (owed := await self._deliveries.next_owed(now, after=seen)) is not None:
            seen = owed
            if owed not in self._workers and owed not in self._resting:
                self._start(owed)

    async def finish(self) -> None:
        """Wait for what is under way; what is torn off would be posted again."""
        while self._workers:
            await asyncio.wait(self._workers.values())

    def _start(self, id_: str) -> None:
        def ended(worker: asyncio.Task[None]) -> None:
            self._workers.pop(id_, None)
            if not worker.cancelled() and (error := worker.exception()) is not None:
                log.error("webhook.worker_failed", webhook=id_, error=type(error).__name__)

        self._workers[id_] = asyncio.create_task(self._serve(id_), name=f"webhook {id_}")
        self._workers[id_].add_done_callback(ended)

    async def _serve(self, id_: str) -> None:
        """A bounded turn, so that an endpoint with much to hear lets others have theirs."""
        async with self._slots:
            for _ in range(self._pace.batches):
                endpoint = await self._stores.webhooks.get(id_)
                if endpoint is None or not endpoint.enabled:
                    await self._deliveries.give_up(id_, "disabled")
                    return
                claimed = await self._claimed(id_)
                went_well = await asyncio.gather(*(self._deliver(endpoint, one) for one in claimed))
                if not all(went_well):
                    self._resting[id_] = self._now() + self._pace.rest
                    return
                if len(claimed) < self._pace.at_once:
                    return

    async def _claimed(self, id_: str) -> list[Delivery]:
        claimed: list[Delivery] = []
        while len(claimed) < self._pace.at_once:
            now = self._now()
            one = await self._deliveries.claim(id_, now, until=now + self._pace.lease)
            if one is None:
                break
            claimed.append(one)
        return claimed

    async def _deliver(self, endpoint: Endpoint, claimed: Delivery) -> bool:
        headers = self._signer.headers(endpoint, claimed, self._now())
        outcome = await self._post(endpoint.url, claimed.body.encode(), headers)
        after = judged(claimed, outcome, now=self._now(), chance=self._chance())
        told = "retried" if after.state is DeliveryState.WAITING else after.state.value
        posts.labels(told).inc()
        log.info(
            "webhook.posted", webhook=endpoint.id, id=claimed.id, outcome=told, status=outcome.status, tries=after.tries
        )
        if outcome.is_gone:
            await self._webhooks.give_up(endpoint)
        await self._deliveries.settle(after)
        return after.state is DeliveryState.DELIVERED
