"""The whole wiring: one account, one number, the API, the control API and the phone page in one application."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from deploy.twilio_emulator.account import Account
from deploy.twilio_emulator.answers import door
from deploy.twilio_emulator.background import Background
from deploy.twilio_emulator.carrier import Carrier
from deploy.twilio_emulator.control import Control
from deploy.twilio_emulator.faults import Faults
from deploy.twilio_emulator.line import Line
from deploy.twilio_emulator.messages import Messages
from deploy.twilio_emulator.phone import Phone, same_origin
from deploy.twilio_emulator.rest import Rest
from deploy.twilio_emulator.webhooks import Webhooks
from shared.clock import Clock, utc_now

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """A running emulator, for tests in the same process: look, arm faults, text as a phone."""

    app: web.Application
    messages: Messages
    faults: Faults
    webhooks: Webhooks
    line: Line


def _fresh() -> str:
    return secrets.token_hex(16)


@asynccontextmanager
async def opened(
    account: Account,
    *,
    now: Clock = utc_now,
    fresh: Callable[[], str] = _fresh,
    dice: Callable[[], float] = random.random,
) -> AsyncIterator[Emulator]:
    """The emulator without a socket; `fresh` makes the 32 hex digits of an id, `dice` decides chances."""
    messages, faults, background = Messages(account.data), Faults(dice), Background()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        webhooks = Webhooks(session, account, now=now, fresh=fresh)
        carrier = Carrier(account, messages, webhooks, background, now=now)
        line = Line(account, messages, carrier, webhooks, background, now=now, fresh=fresh)
        rest = Rest(account, messages, carrier, faults, background, now=now, fresh=fresh)
        app = web.Application(middlewares=[door(account), same_origin])
        app.add_routes(rest.routes())
        app.add_routes(Control(account, messages, line, faults, webhooks).routes())
        app.add_routes(Phone(account, messages, line).routes())

        async def close(_: web.Application) -> None:
            await background.close()
            messages.close()

        app.on_shutdown.append(close)
        carrier.resume()
        try:
            yield Emulator(app=app, messages=messages, faults=faults, webhooks=webhooks, line=line)
        finally:
            await close(app)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    url: str
    emulator: Emulator


@asynccontextmanager
async def started(
    account: Account,
    *,
    host: str = HOST,
    port: int = 0,
    now: Clock = utc_now,
    fresh: Callable[[], str] = _fresh,
    dice: Callable[[], float] = random.random,
) -> AsyncIterator[Running]:
    """The emulator listening; port 0 takes a free one, `url` tells which."""
    async with opened(account, now=now, fresh=fresh, dice=dice) as emulator:
        runner = web.AppRunner(emulator.app, access_log=None, shutdown_timeout=2)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
            yield Running(url=_url(runner, host), emulator=emulator)
        finally:
            await runner.cleanup()


def _url(runner: web.AppRunner, host: str) -> str:
    address = runner.addresses[0]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{address[1]}"
