"""The whole wiring of screening."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta

from aiohttp import web

from services.screening import inbox, library, page, routes
from services.screening.actions import Casework, Clients, Reviews, Screening
from services.screening.settings import Settings
from services.screening.store import MongoAsks, MongoCases, MongoMerges, MongoPractices
from services.screening.vault import KeyVault
from shared import httpkit, mongo
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.httpkit import Door
from shared.relay import Relay
from shared.tokens import Tokens


async def build(settings: Settings, *, now: Clock = utc_now) -> web.Application:
    """Open what screening needs, in order; a failure half-way closes what was opened."""
    catalogue = library.read()
    async with AsyncExitStack() as opened:
        db = await opened.enter_async_context(mongo.connect(settings.mongo_url, settings.screening_database))
        keys = await opened.enter_async_context(mongo.connect(settings.mongo_url, settings.screening_vault_database))
        bus = await opened.enter_async_context(Bus.connect(settings.rabbit_url, service="screening"))
        sweep = timedelta(seconds=settings.sweep_seconds)
        relay = await opened.enter_async_context(Relay.open(bus, sweep=sweep))
        remembered = timedelta(seconds=settings.screening_key_seconds)
        vault = await KeyVault.open(keys["keys"], settings.masters, remembered=remembered)
        opened.callback(vault.close)
        casework = Casework(
            cases=await MongoCases.open(db, relay),
            practices=await MongoPractices.open(db),
            vault=vault,
            catalogue=catalogue,
            now=now,
        )
        screening, reviews = Screening(casework), Reviews(casework)
        clients = Clients(casework, merges=await MongoMerges.open(db), asks=await MongoAsks.open(db, relay))
        await bus.consume(inbox.subscriptions(screening, clients))
        opened.push_async_callback(bus.stop_consuming)
        kept_open = opened.pop_all()

    async def ready() -> Mapping[str, bool]:
        return {"database": await mongo.reachable(db), "broker": bus.ready}

    door = Door(
        tokens=Tokens(settings.signing_key.get_secret_value()),
        operator_key=settings.operator_key.get_secret_value(),
        ready=ready,
        now=now,
    )
    served = [*routes.routes(screening, reviews, clients, catalogue), *page.routes(screening, catalogue, door, now)]
    return httpkit.application("screening", served, kept_open, door)
