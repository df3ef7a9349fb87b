"""Runs notify with all that it waits for shortened by one factor, so that its order of things stays what it is.

`python -m tests.support.hurried` with HURRY the factor: a POST, its lease, both looks at the provider's list, the
chase of receipts and the breaker end so many times sooner. What the provider itself asks to wait for is not shortened.
"""

from __future__ import annotations

import os
from datetime import timedelta
from types import ModuleType

import aiohttp
from aiohttp import web

from services import serving
from services.notify import gateway
from services.notify.actions import posting
from services.notify.app import build
from services.notify.settings import Settings
from services.notify.store import senders
from shared.settings import read

SETTINGS = ("notify_lease_seconds", "notify_first_look_seconds", "notify_second_look_seconds", "notify_chase_seconds")
CONSTANTS: tuple[tuple[ModuleType, str], ...] = (
    (posting, "HELD_UP"),
    (senders, "FIRST_BREAK"),
    (senders, "LONGEST_BREAK"),
    (senders, "PROBE"),
)


def hurry(settings: Settings, factor: float) -> Settings:
    """The settings of this process, which is changed for good; unchecked, because the least of a lease is real time."""
    for module, name in CONSTANTS:
        whole: timedelta = getattr(module, name)
        setattr(module, name, whole / factor)
    post = gateway.WHOLE_POST
    assert post.total is not None
    assert post.sock_connect is not None
    gateway.WHOLE_POST = aiohttp.ClientTimeout(total=post.total / factor, sock_connect=post.sock_connect / factor)  # type: ignore[misc]  # shortened here and nowhere else
    return settings.model_copy(update={name: getattr(settings, name) / factor for name in SETTINGS})


if __name__ == "__main__":
    hurried = hurry(read(Settings), float(os.environ["HURRY"]))

    async def start() -> web.Application:
        return await build(hurried)

    serving.run({"notify": start}, hurried)
