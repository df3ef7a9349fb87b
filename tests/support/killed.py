"""Runs one service and ends it with SIGKILL at the n-th step of I/O that concerns one appointment.

`python -m tests.support.killed SERVICE`, with KILL_ON the appointment's id, KILL_AT the number of the step,
counted from 1, and KILL_LOG a file that gets one line per step reached. Each I/O call has two steps, one before
and one after it; calls that do not mention the appointment are not counted.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aio_pika
import aiohttp
import pymongo.monitoring


class Killer:
    """Counts the steps; the process does not survive the one it was told."""

    def __init__(self, subject: str, at: int, log: Path) -> None:
        self.subject, self._at, self._log, self._reached = subject, at, log, 0
        self._one_at_a_time = threading.Lock()

    def concerns(self, about: object) -> bool:
        return self.subject in str(about)

    def step(self, what: str) -> None:
        with self._one_at_a_time:  # the driver works in threads
            self._reached += 1
            with self._log.open("a") as log:
                log.write(f"{self._reached} {what}\n")
            if self._reached == self._at:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Awaitable[Any]], what: str, about: Callable[..., object]) -> Any:
        async def watched(*args: Any, **kwargs: Any) -> Any:
            if not self.concerns(about(*args, **kwargs)):
                return await call(*args, **kwargs)
            self.step(f"before {what}")
            result = await call(*args, **kwargs)
            self.step(f"after {what}")
            return result

        return watched


class Commands(pymongo.monitoring.CommandListener):
    """Steps before and after every database command that mentions the appointment."""

    def __init__(self, killer: Killer) -> None:
        self._killer = killer
        self._ours: set[int] = set()

    def started(self, event: pymongo.monitoring.CommandStartedEvent) -> None:
        if self._killer.concerns(event.command):
            self._ours.add(event.request_id)
            self._killer.step(f"before {event.command_name} {event.command[event.command_name]}")

    def succeeded(self, event: pymongo.monitoring.CommandSucceededEvent) -> None:
        if event.request_id in self._ours:
            self._ours.discard(event.request_id)
            self._killer.step(f"after {event.command_name}")

    def failed(self, event: pymongo.monitoring.CommandFailedEvent) -> None:
        self._ours.discard(event.request_id)


def arm(killer: Killer) -> None:
    pymongo.monitoring.register(Commands(killer))
    for kind, name, about in (
        (aio_pika.Exchange, "publish", _published),
        (aio_pika.IncomingMessage, "ack", _received),
        (aiohttp.ClientSession, "_request", _texted(killer)),
    ):
        setattr(kind, name, killer.around(getattr(kind, name), name, about))


def _published(_: object, message: aio_pika.Message, *_args: object, **_kwargs: object) -> object:
    return message.body


def _received(message: aio_pika.IncomingMessage, *_args: object, **_kwargs: object) -> object:
    return message.body


def _texted(killer: Killer) -> Callable[..., object]:
    """A text does not name its appointment; in this process the only ones posted are about it."""

    def about(_: object, method: str, url: object, **_kwargs: object) -> object:
        return killer.subject if method == "POST" and "Messages" in str(url) else ""

    return about


if __name__ == "__main__":
    arm(Killer(os.environ["KILL_ON"], int(os.environ["KILL_AT"]), Path(os.environ["KILL_LOG"])))
    runpy.run_module(f"services.{sys.argv.pop(1)}", run_name="__main__", alter_sys=True)
