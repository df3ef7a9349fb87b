"""An emulator on a free port for each test, and the service that it calls."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from twilio.rest import Client

from deploy.twilio_emulator.app import Running, started
from tests.contract.twilio.wire import ACCOUNT, Service, Start, sdk


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    told = Service()
    app = web.Application()
    app.router.add_post("/{path:.*}", told.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    told.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield told
    await runner.cleanup()
    assert told.forged == []


@pytest.fixture
def start(service: Service) -> Start:
    """Starts an emulator that calls `service`; keywords change the account."""

    @asynccontextmanager
    async def _start(**changes: Any) -> AsyncIterator[Running]:
        account = dataclasses.replace(ACCOUNT, **{"inbound_url": f"{service.url}/inbound", **changes})
        async with started(account) as running:
            yield running

    return _start


@pytest.fixture
async def running(start: Start) -> AsyncIterator[Running]:
    async with start() as running:
        yield running


@pytest.fixture
async def twilio(running: Running) -> AsyncIterator[Client]:
    async with sdk(running) as client:
        yield client
