"""Background work that repeats until its owner closes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog

from shared import telemetry

log = structlog.get_logger()


class Ticker:
    """The handle of one repeating task: `wake()` makes the next run start now."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):  # not `wait_for`: on 3.11 it swallows a cancellation that meets the event
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()


@asynccontextmanager
async def every(interval: timedelta, work: Callable[[], Awaitable[object]], *, name: str) -> AsyncIterator[Ticker]:
    """Run `work` every `interval` until the context ends; a run that fails is logged and counted, never the last.

    Work that answers with a shorter time is run again after that.
    """
    ticker = Ticker()

    async def repeat() -> None:
        pause = interval
        while True:
            await ticker._wait(pause.total_seconds())
            pause = interval
            try:
                with telemetry.trace(None):
                    answer = await work()
                if isinstance(answer, timedelta):
                    pause = min(interval, answer)
                telemetry.ticks.labels(name, "done").inc()
            except Exception:
                telemetry.ticks.labels(name, "failed").inc()
                log.exception("tick.failed", task=name)

    task = asyncio.create_task(repeat(), name=name)
    try:
        yield ticker
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
