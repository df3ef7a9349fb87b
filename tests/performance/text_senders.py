"""Who sends the texts, a process each: notify's own worker, and a grouped claimer by the bare drivers."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from datetime import timedelta
from typing import Any

import aiohttp
import uvloop
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import SecretStr
from pymongo import UpdateOne, WriteConcern

from services.notify.actions.posting import Habits
from services.notify.app import open_stores
from services.notify.domain.sender import Limits
from services.notify.domain.turns import Pace
from services.notify.gateway import Account, Twilio
from shared import mongo, telemetry
from shared.bus import Bus
from shared.clock import utc_now
from shared.relay import Relay
from shared.ticker import every
from tests.support.notify import Worker

SID, TOKEN, FROM = "AC" + "0" * 32, "token", "+15005550006"
AT_ONCE, BATCH = 10, 100
POSTED_TO = f"/2010-04-01/Accounts/{SID}/Messages.json"


def form(to: str, body: str) -> dict[str, str]:
    """What every contestant posts."""
    receipt = f"https://still.example/notify/v1/twilio/status/{secrets.token_hex(4)}/{secrets.token_hex(16)}"
    return {"To": to, "From": FROM, "Body": body, "StatusCallback": receipt, "ValidityPeriod": "14400"}


async def ours(mongo_url: str, database: str, stub: str) -> None:
    """As `app.build` wires it, without the doors; what is unknown is asked about after seconds instead of minutes."""
    telemetry.configure("WARNING" if os.environ.get("QUIET") else "INFO")
    habits = Habits(
        at_once=AT_ONCE,
        batch=int(os.environ.get("BATCH", str(BATCH))),
        lease=timedelta(seconds=float(os.environ.get("LEASE", "60"))),
        pace=Pace(first_look=timedelta(seconds=1), second_look=timedelta(seconds=3)),
    )
    account = Account(sid=SID, auth_token=SecretStr(TOKEN), base=stub, number=FROM, service=None)
    async with mongo.connect(SecretStr(mongo_url), database) as db, Twilio.open(account) as twilio:
        stores = await open_stores(db, Relay(Bus(SecretStr("amqp://nobody"), "notify", 1)), b"k" * 32)
        limits = Limits(per_second=float(os.environ["PER_SECOND"]), per_day=int(os.environ["PER_DAY"]))
        worker = Worker(stores, twilio, utc_now, habits=habits, limits=limits)
        async with every(timedelta(seconds=1), worker.sending.send_due, name="send_due"):
            await asyncio.Event().wait()


class Claimer:
    """Find, stamp, read, post, write the outcomes: nothing is judged, nothing is asked about."""

    def __init__(self, texts: Any, http: aiohttp.ClientSession, stub: str) -> None:
        self.texts, self.http, self.url = texts, http, stub + POSTED_TO
        self.places = asyncio.Semaphore(AT_ONCE)
        self.lease = timedelta(seconds=float(os.environ.get("LEASE", "60")))

    async def round(self) -> bool:
        now, stamp = utc_now(), secrets.token_hex(12)
        due = {"state": "planned", "due": {"$lte": now}}
        ids = [text["_id"] for text in await self.texts.find(due, {"_id": 1}).sort("due").limit(BATCH).to_list(BATCH)]
        if not ids:
            ids = await self.lapsed()
            due = {"state": "claimed"}
        if not ids:
            return False
        taken = {"state": "claimed", "stamp": stamp, "until": now + self.lease}
        await self.texts.update_many({"_id": {"$in": ids}, **due}, {"$set": taken})
        mine = await self.texts.find({"_id": {"$in": ids}, "stamp": stamp}).to_list(BATCH)
        sids = await asyncio.gather(*(self.post(text) for text in mine))
        outcome = {"state": "accepted", "at": utc_now()}
        writes = [
            UpdateOne({"_id": text["_id"], "stamp": stamp}, {"$set": {**outcome, "sid": sid}, "$unset": {"due": ""}})
            for text, sid in zip(mine, sids, strict=True)
        ]
        await self.texts.bulk_write(writes, ordered=False)
        return True

    async def lapsed(self) -> list[str]:
        found = await self.texts.find({"state": "claimed", "until": {"$lt": utc_now()}}).limit(BATCH).to_list(BATCH)
        return [text["_id"] for text in found]

    async def post(self, text: dict[str, str]) -> str:
        async with self.places, self.http.post(self.url, data=form(text["to"], text["body"])) as answer:
            return str((await answer.json())["sid"])


async def floor(mongo_url: str, database: str, stub: str) -> None:
    client: Any = AsyncIOMotorClient(mongo_url, tz_aware=True)
    texts = client[database].get_collection("messages", write_concern=WriteConcern("majority"))
    await texts.create_index([("state", 1), ("due", 1)])
    async with aiohttp.ClientSession(auth=aiohttp.BasicAuth(SID, TOKEN)) as http:
        claimer = Claimer(texts, http, stub)
        while True:
            if not await claimer.round():
                await asyncio.sleep(0.05)


if __name__ == "__main__":
    uvloop.run({"ours": ours, "floor": floor}[sys.argv[1]](*sys.argv[2:]))
