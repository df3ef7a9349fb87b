"""The whole wiring of screening."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Final

from aiohttp import web

from services.screening import console, inbox, library, page, routes
from services.screening.actions import (
    Auditing,
    Casework,
    Clients,
    Continuing,
    Drafts,
    Memory,
    Reminding,
    Rescreening,
    Retention,
    Returning,
    Reviews,
    Screening,
    Simulating,
    Submitting,
)
from services.screening.domain.retention import Terms
from services.screening.routes import forms
from services.screening.settings import Settings
from services.screening.store import (
    MongoAsks,
    MongoAttachments,
    MongoAudit,
    MongoCases,
    MongoEditions,
    MongoHistories,
    MongoHolds,
    MongoMerges,
    MongoPractices,
    MongoRescreens,
    MongoTrails,
)
from services.screening.store.migrations import STEPS, VAULT_STEPS
from services.screening.vault import KeyVault
from shared import httpkit, mongo
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.httpkit import Door
from shared.migrations import opened as opened_database
from shared.relay import Relay
from shared.staff import Passes
from shared.ticker import every
from shared.tokens import Tokens

# Long enough that many changes move together, short enough that a head in the vault's database is never far behind.
AUDIT_EVERY: Final = timedelta(seconds=5)
REMIND_EVERY: Final = timedelta(seconds=60)


async def build(settings: Settings, *, now: Clock = utc_now) -> web.Application:
    """Open what screening needs, in order; a failure half-way closes what was opened."""
    catalogue = library.read()
    async with AsyncExitStack() as opened:
        db = await opened.enter_async_context(opened_database(settings.mongo_url, settings.screening_database, STEPS))
        keys = await opened.enter_async_context(
            opened_database(settings.mongo_url, settings.screening_vault_database, VAULT_STEPS)
        )
        bus = await opened.enter_async_context(Bus.connect(settings.rabbit_url, service="screening"))
        sweep = timedelta(seconds=settings.sweep_seconds)
        relay = await opened.enter_async_context(Relay.open(bus, sweep=sweep))
        remembered = timedelta(seconds=settings.screening_key_seconds)
        vault = await KeyVault.open(keys["keys"], settings.masters, remembered=remembered)
        opened.callback(vault.close)
        audit = await MongoAudit.open(db, keys["heads"])
        auditing = Auditing(audit, await MongoTrails.open(db), now=now, ids=lambda: secrets.token_hex(12))
        await opened.enter_async_context(every(AUDIT_EVERY, auditing.move, name="audit.move"))
        casework = Casework(
            cases=await MongoCases.open(db, relay),
            attachments=await MongoAttachments.open(db),
            practices=await MongoPractices.open(db),
            vault=vault,
            catalogue=catalogue,
            editions=await MongoEditions.open(db),
            auditing=auditing,
            now=now,
        )
        memory = Memory(casework, await MongoHistories.open(db))
        submitting, reviews = Submitting(casework, memory), Reviews(casework)
        screening, continuing = Screening(casework, submitting), Continuing(casework, ids=lambda: secrets.token_hex(12))
        merges, holds = await MongoMerges.open(db), await MongoHolds.open(db)
        clients = Clients(casework, merges=merges, asks=await MongoAsks.open(db, relay), holds=holds, memory=memory)
        tokens = Tokens(*settings.signing_keys)
        returning = Returning(casework, submitting, merges=merges, tokens=tokens)
        retention = Retention(casework, clients, holds=holds, merges=merges, terms=_terms(settings))
        looked_at = timedelta(seconds=settings.screening_retention_seconds)
        await opened.enter_async_context(every(looked_at, retention.carry_out, name="retention"))
        await opened.enter_async_context(every(REMIND_EVERY, Reminding(casework).look, name="reviews.remind"))
        drafts = Drafts(casework, seeds=lambda: secrets.randbits(32))
        await opened.enter_async_context(every(sweep, drafts.finish_all, name="drafts.finish"))
        rescreening = Rescreening(casework, await MongoRescreens.open(db))
        await opened.enter_async_context(every(sweep, rescreening.carry_out, name="rescreen"))
        let_go = partial(auditing.let_go, years=settings.screening_keep_audit_years)
        await opened.enter_async_context(every(looked_at, let_go, name="audit.let_go"))
        await bus.consume(inbox.subscriptions(screening, clients))
        opened.push_async_callback(bus.stop_consuming)
        kept_open = opened.pop_all()

    async def ready() -> Mapping[str, bool]:
        return {"database": await mongo.reachable(db), "broker": bus.ready}

    passes, origin = Passes(*settings.signing_keys), settings.public_origin
    door = Door(tokens=tokens, operator_key=settings.operator_key.get_secret_value(), ready=ready, now=now)
    served = [
        *routes.routes(screening, reviews, continuing, clients, auditing, retention, returning, memory, catalogue),
        *forms.routes(drafts, Simulating(casework, drafts.versions), catalogue),
        *console.routes(reviews, catalogue, passes=passes, origin=origin, now=now),
        *page.routes(screening, returning, continuing, auditing, catalogue, door, now),
    ]
    return httpkit.application("screening", served, kept_open, door)


def _terms(settings: Settings) -> Terms:
    return Terms(
        unanswered=timedelta(days=settings.screening_keep_unanswered_days),
        unvisited=timedelta(days=settings.screening_keep_unvisited_days),
        visited_years=settings.screening_keep_visited_years,
    )
