"""Everything booking needs, opened in order and joined; the whole wiring is here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

from aiohttp import web

from services.booking import console, inbox, page, routes
from services.booking.actions import Booking
from services.booking.actions.beginning import Beginning
from services.booking.actions.limits import Limits
from services.booking.actions.posting import Posting
from services.booking.actions.team import Team
from services.booking.calendar_reading import reading
from services.booking.counters import counting
from services.booking.domain.webhook import Signer
from services.booking.outward import Outward
from services.booking.passwords import Argon2
from services.booking.patience import Patience
from services.booking.receiver import poster
from services.booking.routes import keys
from services.booking.routes.appointments import Pass
from services.booking.routes.live import Live
from services.booking.settings import Settings
from services.booking.store import open_stores
from services.booking.store.migrations import STEPS
from shared import httpkit, mongo, ticker
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.httpkit import Door, Route
from shared.migrations import opened as opened_database
from shared.relay import Relay
from shared.staff import Passes
from shared.tokens import Tokens

KEYS_NOTED_EVERY = timedelta(minutes=1)


async def build(settings: Settings, *, now: Clock = utc_now) -> web.Application:
    """A failure half-way closes what was opened."""
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(
            opened_database(settings.mongo_url, settings.booking_database, STEPS)
        )
        bus = await opened.enter_async_context(Bus.connect(settings.rabbit_url, service="booking"))
        sweep = timedelta(seconds=settings.sweep_seconds)
        relay = await opened.enter_async_context(Relay.open(bus, sweep=sweep))
        counted = opened.enter_context(counting(settings.booking_limits_url, database=settings.booking_database))
        limits = Limits(settings.allowed, counted)
        stores = await open_stores(database, relay)
        plain = settings.booking_outward_private
        signer = Signer(*settings.signing_keys)
        booking = Booking.of(stores, settings.policy, now, limits, signer, plain_webhooks=plain)
        outward = await opened.enter_async_context(Outward.open(private=plain))
        posting = Posting(stores, booking.webhooks, post=poster(outward, now), signer=signer, now=now)
        opened.push_async_callback(posting.finish)
        often = timedelta(seconds=settings.booking_webhook_tick_seconds)
        await opened.enter_async_context(ticker.every(often, posting.send_due, name="booking.webhooks"))
        tick = timedelta(seconds=settings.booking_tick_seconds)
        patience = Patience(booking.visits.keep_time, hears=lambda: bus.ready, grace=settings.grace)
        await opened.enter_async_context(ticker.every(tick, patience.run, name="booking.keep_time"))
        line = Patience(booking.offering.keep_time, hears=lambda: bus.ready, grace=settings.grace)
        await opened.enter_async_context(ticker.every(tick, line.run, name="booking.waitlist"))
        await opened.enter_async_context(ticker.every(KEYS_NOTED_EVERY, booking.keys.note_uses, name="booking.keys"))
        opened.push_async_callback(booking.keys.note_uses)
        await opened.enter_async_context(ticker.every(tick, booking.asks.carry_out, name="booking.asks"))
        follow = partial(booking.calendars.refresh, reading(outward), every=settings.calendars_every)
        await opened.enter_async_context(ticker.every(tick, follow, name="booking.calendars"))
        await bus.consume(inbox.subscriptions(booking))
        opened.push_async_callback(bus.stop_consuming)
        kept_open = opened.pop_all()

    async def ready() -> Mapping[str, bool]:
        return {"database": await mongo.reachable(database), "broker": bus.ready}

    team, tokens = Team(stores, Argon2(), now), Tokens(*settings.signing_keys)
    door = Door(tokens, settings.operator_key.get_secret_value(), ready, now, keys.door(booking.keys))
    pass_ = Pass(tokens, timedelta(days=settings.booking_token_days))
    live = Live(booking, now)
    served = [
        *routes.routes(booking, team, pass_, now, origin=settings.public_origin),
        *live.routes(),
        *page.routes(booking, pass_, door, now, origin=settings.public_origin),
        *_staff_pages(booking, team, limits, settings, now, live.closing),
    ]
    app = httpkit.application("booking", served, kept_open, door)
    app.on_shutdown.append(live.close)
    return app


def _staff_pages(
    booking: Booking, team: Team, limits: Limits, settings: Settings, now: Clock, closing: asyncio.Event
) -> Sequence[Route]:
    passes, origin = Passes(*settings.signing_keys), settings.public_origin
    beginning = Beginning(booking.profiles, team, limits, settings.operator_key.get_secret_value())
    phone = settings.booking_demo_phone
    return [
        *console.routes(booking, team, passes, origin=origin, now=now, closing=closing),
        *console.beginning_routes(beginning, booking, passes, origin=origin, now=now, phone_page=phone),
    ]
