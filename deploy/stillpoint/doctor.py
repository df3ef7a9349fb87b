"""`stillpoint doctor`: is everything as it has to be, and if not, what is to be done?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Final

from deploy.stillpoint.checks import database as databases
from deploy.stillpoint.checks.broker import broker
from deploy.stillpoint.checks.finding import Finding, Verdict, bad
from deploy.stillpoint.checks.origin import origin
from deploy.stillpoint.checks.settings import Known, settings
from deploy.stillpoint.checks.twilio import twilio
from deploy.stillpoint.saying import Json, NotDone, facts
from deploy.stillpoint.settings import SERVICES, DatabaseSettings
from shared.clock import utc_now
from shared.settings import read

WORST_FIRST: Final = (Verdict.BAD, Verdict.LOOK, Verdict.GOOD)


def doctor(*, as_json: Json = False) -> None:
    """Look at addresses, TLS, broker, database, Twilio, clock, secrets and versions; changes and sends nothing.

    Ends with 0 if nothing is bad, with 1 if something is, and says what to do.
    """
    found = asyncio.run(_looked(read(Known), read(DatabaseSettings)))
    facts([asdict(one) for one in sorted(found, key=lambda one: WORST_FIRST.index(one.verdict))], as_json=as_json)
    counted = Counter(one.verdict for one in found)
    if wrong := counted[Verdict.BAD]:
        raise NotDone(f"{wrong} of {len(found)} findings {'is' if wrong == 1 else 'are'} bad")


async def _looked(known: Known, database: DatabaseSettings) -> list[Finding]:
    """All at once, since each may have to wait for somebody who does not answer."""
    parts = await asyncio.gather(
        _origin(known),
        _all(broker(known.rabbit_url)),
        *(_all(databases.database(service, database, utc_now)) for service in SERVICES),
        _all(twilio(known, utc_now)),
    )
    return [*settings(known), *(finding for part in parts for finding in part)]


async def _origin(known: Known) -> list[Finding]:
    if known.public_origin is None:
        return [bad("addresses", "STILLPOINT_PUBLIC_ORIGIN is missing", "deploy/env.example explains it")]
    return await _all(origin(known.public_origin.rstrip("/"), known.services_url, utc_now))


async def _all(findings: AsyncIterator[Finding]) -> list[Finding]:
    return [finding async for finding in findings]
