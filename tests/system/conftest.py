"""The whole product as real processes, with the demo practice in it."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from deploy.devstack.programs import PROJECT
from tests.support.backends import RabbitBackend, fresh_vhost
from tests.support.phone import Phone
from tests.support.running import OPERATOR_KEY, Running, running
from tests.support.story import Refused, Widget
from tests.support.waiting import until

PRACTICE = "still-water"


@dataclass(frozen=True, slots=True)
class Stage:
    """The running system, a widget of the demo practice, and new phones for new clients."""

    system: Running
    widget: Widget
    new_phone: Callable[[], Phone]


@pytest.fixture(scope="package")
async def stage(
    mongo_url: str, rabbit_server: RabbitBackend, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("system")
    looks = {"notify_first_look_seconds": "1", "notify_second_look_seconds": "2", "notify_chase_seconds": "1"}
    fast = {**looks, "notify_lease_seconds": "20.5", "booking_tick_seconds": "0.5"}
    async with (
        fresh_vhost(rabbit_server) as rabbit,
        running(folder, mongo_url=mongo_url, rabbit=rabbit, **fast) as system,
        aiohttp.ClientSession() as http,
    ):
        widget = Widget(http, system.origins, PRACTICE, OPERATOR_KEY)
        await load_demo_practice(widget)
        numbers = itertools.count(790000001)
        yield Stage(system, widget, lambda: Phone(http, system.phone, f"+41{next(numbers)}"))


async def load_demo_practice(widget: Widget, **changes: Any) -> None:
    """As `import` does, but for the `changes`; then wait until the other services know it."""
    await widget.call("PUT", f"/booking/v1/practices/{PRACTICE}", token=OPERATOR_KEY, body=demo_profile() | changes)
    await until(lambda: _known(widget))


def demo_profile() -> dict[str, Any]:
    """deploy/practice.example.toml as JSON."""
    profile: dict[str, Any] = _jsonable(tomllib.loads((PROJECT / "deploy" / "practice.example.toml").read_text()))
    return profile


async def _known(widget: Widget) -> bool:
    try:
        await widget.clear_answers("session")
    except Refused:
        return False
    return True


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _jsonable(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_jsonable(part) for part in value]
    return value if isinstance(value, str | int | bool) else str(value)
