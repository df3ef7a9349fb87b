"""The whole wiring of notify."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

import structlog
from aiohttp import web

from services.notify import console, inbox, library, routes
from services.notify.actions.alerts import Alerts
from services.notify.actions.auditing import Auditing
from services.notify.actions.by_hand import ByHand
from services.notify.actions.calls import Calls
from services.notify.actions.clients import Clients
from services.notify.actions.dead_letters import DeadLetters
from services.notify.actions.desk import Desk
from services.notify.actions.inbox import Inbox
from services.notify.actions.ledgers import Ledgers
from services.notify.actions.lessons import Lessons
from services.notify.actions.line import Line
from services.notify.actions.notices import Notices
from services.notify.actions.numbers import Numbers
from services.notify.actions.pages import Pages
from services.notify.actions.pauses import Pauses
from services.notify.actions.planning import Planning
from services.notify.actions.posting import Addresses
from services.notify.actions.receipts import Receipts
from services.notify.actions.replies import Listening
from services.notify.actions.sending import Sending
from services.notify.actions.timelines import Timelines
from services.notify.actions.watching import Watching
from services.notify.actions.wordings import Wordings
from services.notify.domain.consent import hidden
from services.notify.gateway import Account, Signatures, Twilio
from services.notify.ports import Stores
from services.notify.sealing import Seal
from services.notify.settings import Settings
from services.notify.store import (
    MongoAsks,
    MongoAudits,
    MongoCalls,
    MongoContacts,
    MongoMarks,
    MongoMessages,
    MongoOverview,
    MongoPractices,
    MongoReplies,
    MongoSenders,
    MongoVisits,
    MongoWords,
)
from services.notify.store.migrations import STEPS
from shared import httpkit, mongo
from shared.bus import Bus
from shared.clock import Clock, utc_now
from shared.httpkit import Door, Route
from shared.migrations import opened as opened_database
from shared.mongo import Database
from shared.relay import Relay
from shared.staff import Passes
from shared.ticker import every
from shared.tokens import Tokens

log = structlog.get_logger()
AUDITS_APART = timedelta(minutes=10)
ALPHABET = string.ascii_letters + string.digits


def new_code() -> str:
    """Eight of 62 characters: short enough for a text, and 47 bits that nobody guesses in the life of a link."""
    return "".join(secrets.choice(ALPHABET) for _ in range(8))


def new_attempt() -> str:
    return secrets.token_hex(16)


def addresses(settings: Settings) -> Addresses:
    return Addresses(
        link=lambda code: f"{settings.link_origin}/n/{code}",
        receipt=lambda code, attempt: f"{settings.public_origin}/notify/v1/twilio/status/{code}/{attempt}",
    )


def account(settings: Settings) -> Account:
    return Account(
        sid=settings.notify_twilio_account_sid,
        auth_token=settings.notify_twilio_auth_token,
        base=settings.notify_twilio_url,
        number=settings.notify_twilio_number,
        service=settings.notify_twilio_messaging_service_sid,
    )


def line(settings: Settings, stores: Stores, now: Clock) -> Line:
    at_once = settings.habits.at_once
    return Line(stores.senders, settings.sender, limits=settings.limits, at_once=at_once, now=now)


async def build(settings: Settings, *, now: Clock = utc_now) -> web.Application:
    """Open what notify needs, in order; a failure half-way closes what was opened."""
    where = addresses(settings)
    texts = library.load(link=where.link("0" * 8))
    tick = timedelta(seconds=settings.notify_tick_seconds)
    async with AsyncExitStack() as opened:
        db = await opened.enter_async_context(opened_database(settings.mongo_url, settings.notify_database, STEPS))
        bus = await opened.enter_async_context(Bus.connect(settings.rabbit_url, service="notify", prefetch=8))
        sweep = timedelta(seconds=settings.sweep_seconds)
        relay = await opened.enter_async_context(Relay.open(bus, sweep=sweep))
        stores = await open_stores(db, relay, settings.number_key)
        alerts = Alerts(stores, new_code=new_code, now=now)
        lessons = Lessons(stores, sender=settings.sender, alerts=alerts, now=now)
        twilio = await opened.enter_async_context(Twilio.open(account(settings)))
        sending = sending_by(twilio, stores, settings, texts, lessons=lessons, alerts=alerts, now=now)
        opened.push_async_callback(sending.finish)
        sender = await opened.enter_async_context(every(tick, sending.send_due, name="notify.send_due"))
        planning = Planning(stores, wake=sender.wake, new_code=new_code, now=now)
        notices = Notices(stores, wake=sender.wake, new_code=new_code, now=now)
        seal = Seal(settings.words_key)
        calls, kept_words = Calls(stores, notices=notices, now=now), Inbox(stores, seal=seal, now=now)
        listening = Listening(
            stores,
            seal=seal,
            calls=calls,
            inbox=kept_words,
            provider_answers=settings.notify_twilio_answers_keywords,
            wake=sender.wake,
            new_code=new_code,
            now=now,
        )
        watch = Watching(stores, sender=settings.sender, limits=settings.limits, now=now).look
        await opened.enter_async_context(every(tick * 5, watch, name="notify.watch"))
        await opened.enter_async_context(every(tick * 5, listening.finish_dropped, name="notify.finish_dropped"))
        auditing = Auditing(stores.audits, twilio, now=now)
        await opened.enter_async_context(every(AUDITS_APART, auditing.look, name="notify.audit"))
        clients = Clients(stores, seal=seal, now=now)
        await bus.consume(inbox.subscriptions(planning, notices, clients))
        opened.push_async_callback(bus.stop_consuming)
        kept_open = opened.pop_all()

    async def ready() -> Mapping[str, bool]:
        return {"database": await mongo.reachable(db), "broker": bus.ready}

    tokens = Tokens(*settings.signing_keys)
    receipts = Receipts(stores, pace=settings.habits.pace, lessons=lessons, now=now)
    signatures = Signatures(settings.public_origin, *settings.auth_tokens)
    hands = by_hand(stores, settings, texts, calls, kept_words, sender.wake, now)
    doors = (
        *desk_doors(hands, settings, stores, now),
        routes.Books(auditing),
        routes.Exports(clients),
        routes.Consents(Ledgers(stores, now)),
        routes.Webhooks(listening, receipts, signatures),
        routes.Links(Pages(stores, now), tokens, settings.public_origin),
    )
    door = Door(tokens=tokens, operator_key=settings.operator_key.get_secret_value(), ready=ready, now=now)
    pages = staff_pages(hands, settings, stores, now)
    return httpkit.application("notify", [*routes.routes(doors), *pages], kept_open, door)


def staff_pages(hands: ByHand, settings: Settings, stores: Stores, now: Clock) -> Sequence[Route]:
    passes = Passes(*settings.signing_keys)
    return console.routes(hands, stores.practices, passes=passes, origin=settings.public_origin, now=now)


def sending_by(
    twilio: Twilio,
    stores: Stores,
    settings: Settings,
    texts: library.Library,
    *,
    lessons: Lessons,
    alerts: Alerts,
    now: Clock,
) -> Sending:
    return Sending(
        stores,
        gateway=twilio,
        texts=texts,
        addresses=addresses(settings),
        habits=settings.habits,
        lessons=lessons,
        alerts=alerts,
        line=line(settings, stores, now),
        leave=settings.leave,
        new_attempt=new_attempt,
        now=now,
    )


def by_hand(
    stores: Stores, settings: Settings, texts: library.Library, calls: Calls, words: Inbox, wake: Callable[[], None],
    now: Clock,
) -> ByHand:  # fmt: skip
    link = addresses(settings).link
    templates = frozenset(texts.texts[library.FALLBACK])
    return ByHand(
        desk=Desk(stores, texts=texts, link=link, wake=wake, new_code=new_code, now=now),
        calls=calls,
        inbox=words,
        dead_letters=DeadLetters(stores, wake=wake, now=now),
        pauses=Pauses(stores, templates=templates, sender=settings.sender, leave=settings.leave, wake=wake, now=now),
        numbers=Numbers(stores, sender=settings.sender, limits=settings.limits),
        wordings=Wordings(stores, texts=texts, link=link, now=now),
    )


def desk_doors(hands: ByHand, settings: Settings, stores: Stores, now: Clock) -> tuple[routes.Door, ...]:
    """What people do by hand; the log says at once if texts do not go to everybody."""
    if settings.leave.is_bounded:
        only_to = None if settings.leave.only_to is None else len(settings.leave.only_to)
        log.warning("texts.do_not_leave", dry_run=settings.leave.dry_run, only_to=only_to)
    return (
        routes.Messages(hands.desk),
        routes.Desks(hands.desk, Timelines(stores), hands.dead_letters, now),
        routes.Stops(hands.pauses, live=settings.is_live, limits=settings.limits),
        routes.Reach(hands.numbers),
        routes.Words(hands.wordings),
        routes.Callers(hands.calls, hands.inbox),
    )


async def open_stores(db: Database, relay: Relay, number_key: bytes) -> Stores:
    """Every store, with its collections and indexes in place; under `number_key` an opt-out outlives its number."""
    hides = partial(hidden, key=number_key)
    return Stores(
        practices=await MongoPractices.open(db),
        visits=await MongoVisits.open(db, relay),
        contacts=await MongoContacts.open(db, hides),
        messages=await MongoMessages.open(db),
        overview=await MongoOverview.open(db),
        replies=await MongoReplies.open(db),
        asks=await MongoAsks.open(db, relay, hides),
        senders=await MongoSenders.open(db),
        marks=await MongoMarks.open(db, hides),
        calls=await MongoCalls.open(db),
        inbox=await MongoWords.open(db),
        audits=await MongoAudits.open(db, hides),
    )
