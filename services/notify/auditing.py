"""The audit of a day by hand, beside whatever runs."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import date
from functools import partial

from services.notify.actions.auditing import Auditing
from services.notify.app import account
from services.notify.domain.audit import Audit
from services.notify.domain.consent import hidden
from services.notify.gateway import Twilio
from services.notify.settings import Settings
from services.notify.store import MongoAudits
from shared import mongo
from shared.clock import Clock, utc_now


async def audited(settings: Settings, day: date, *, now: Clock = utc_now) -> Audit:
    async with AsyncExitStack() as opened:
        db = await opened.enter_async_context(mongo.connect(settings.mongo_url, settings.notify_database))
        twilio = await opened.enter_async_context(Twilio.open(account(settings)))
        audits = await MongoAudits.open(db, partial(hidden, key=settings.number_key))
        return await Auditing(audits, twilio, now=now).audit(day)
