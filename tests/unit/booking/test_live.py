"""The stream of an appointment ends when there is nothing more to tell, and when the service goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from services.booking.routes.live import Live
from shared import httpkit
from shared.httpkit import Door
from shared.tokens import Tokens
from tests.support.booking import CLIENT, TEN, House

TOKENS = Tokens("signing-" + "s" * 32)


async def ready() -> Mapping[str, bool]:
    return {}


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def server(house: House) -> AsyncIterator[TestServer]:
    live = Live(house.booking, house.time)
    door = Door(TOKENS, "operator-" + "o" * 32, ready, house.time)
    app = httpkit.application("booking", live.routes(), AsyncExitStack(), door)
    app.on_shutdown.append(live.close)
    async with TestServer(httpkit.mounted({"booking": app})) as one:
        yield one


async def test_a_stream_ends_with_the_service_and_not_when_it_feels_like_it(house: House, server: TestServer) -> None:
    held = await house.hold()
    token = TOKENS.mint(held.id, held.practice, TEN + timedelta(days=1))
    url = server.make_url(f"/booking/v1/appointments/{held.id}/events").with_query(token=token)
    async with aiohttp.ClientSession() as http, http.get(url) as stream:
        assert (await stream.content.readline()).startswith(b"event: appointment")
        closing = asyncio.create_task(server.close())
        async with asyncio.timeout(5):
            rest = await stream.content.read()
            await closing
        assert rest.count(b"data: ") == 1


async def test_of_what_has_ended_there_is_one_event_and_no_more(house: House, server: TestServer) -> None:
    held = await house.hold()
    await house.booking.visits.cancel(held.id, hand=CLIENT)
    token = TOKENS.mint(held.id, held.practice, TEN + timedelta(days=1))
    url = server.make_url(f"/booking/v1/appointments/{held.id}/events").with_query(token=token)
    async with aiohttp.ClientSession() as http, http.get(url) as stream, asyncio.timeout(5):
        assert (await stream.content.read()).count(b"event: appointment") == 1
