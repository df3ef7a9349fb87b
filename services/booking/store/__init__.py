"""MongoDB behind booking's ports, a module for each collection."""

from __future__ import annotations

from services.booking.ports import Stores
from services.booking.store.appointments import MongoAppointments
from services.booking.store.asks import MongoAsks
from services.booking.store.audit import MongoAudit
from services.booking.store.calendars import MongoCalendars
from services.booking.store.clients import MongoClients, MongoHistories
from services.booking.store.feeds import MongoFeeds
from services.booking.store.keys import MongoBelonging, MongoKeys
from services.booking.store.numbers import MongoNumbers
from services.booking.store.practices import MongoPractices
from services.booking.store.team import MongoSessions, MongoUsers
from services.booking.store.waiting import MongoLine, MongoOffers
from services.booking.store.webhooks import MongoDeliveries, MongoWebhooks
from shared.mongo import Database
from shared.relay import Relay

__all__ = [
    "MongoAppointments",
    "MongoAsks",
    "MongoAudit",
    "MongoBelonging",
    "MongoCalendars",
    "MongoClients",
    "MongoDeliveries",
    "MongoFeeds",
    "MongoHistories",
    "MongoKeys",
    "MongoLine",
    "MongoNumbers",
    "MongoOffers",
    "MongoPractices",
    "MongoSessions",
    "MongoUsers",
    "MongoWebhooks",
    "open_stores",
]


async def open_stores(database: Database, relay: Relay) -> Stores:
    """Every collection with its indexes, and the outbox of those that say something."""
    line = await MongoLine.open(database)
    deliveries = await MongoDeliveries.open(database)
    numbers = await MongoNumbers.open(database, relay)
    return Stores(
        practices=await MongoPractices.open(database, relay),
        appointments=await MongoAppointments.open(database, relay),
        calendars=await MongoCalendars.open(database),
        audit=await MongoAudit.open(database),
        keys=await MongoKeys.open(database),
        belonging=MongoBelonging(database),
        clients=await MongoClients.open(database, relay),
        histories=MongoHistories(database),
        asks=await MongoAsks.open(database, relay),
        feeds=await MongoFeeds.open(database),
        webhooks=await MongoWebhooks.open(database),
        deliveries=deliveries,
        numbers=numbers,
        line=line,
        offers=await MongoOffers.open(database, relay),
        users=await MongoUsers.open(database),
        sessions=await MongoSessions.open(database),
        of_clients=(line, deliveries, numbers),
    )
