"""The floor under one booking: the same writes and hops by the bare drivers, with no product around them.

Two processes, as in the product: `booking` takes the request over HTTP and hears the decision, `screening`
hears the request and decides. Each step is one conditional write that carries its event, then one confirmed,
mandatory, persistent publish to the same quorum queues.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from datetime import UTC, datetime
from typing import Any

import aio_pika
import uvloop
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage
from aiohttp import web
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import WriteConcern

PAYLOAD = json.loads(os.environ.get("FLOOR_PAYLOAD", "{}"))
NEXT = {
    "screening": ("booking.appointment.requested.v1", "screening.case.decided.v1"),
    "booking": ("screening.case.decided.v1", "booking.appointment.confirmed.v1"),
}


class Floor:
    """One process's collection, exchange and nothing else."""

    def __init__(self, role: str, things: Any, events: AbstractExchange) -> None:
        self.role, self.things, self.events = role, things, events
        self.tasks: set[asyncio.Task[Any]] = set()

    async def step(self, subject: str, version: int, name: str) -> None:
        body = json.dumps({"id": f"{subject}:{version}", "type": name, "subject": subject, "data": PAYLOAD})
        entry = {"id": f"{subject}:{version}", "name": name, "at": datetime.now(UTC), "body": body}
        change = {
            "$set": {"version": version + 1, "state": name},
            "$push": {"history": {"at": entry["at"], "what": name}},
        }
        change["$set"]["outbox"] = [entry]
        await self.things.update_one({"_id": subject, "version": version}, change)
        task = asyncio.create_task(self.publish(name, body))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def publish(self, name: str, body: str) -> None:
        message = aio_pika.Message(
            body.encode(), type=name, delivery_mode=2, message_id=secrets.token_hex(8), headers={"attempt": 0}
        )
        await self.events.publish(message, name, mandatory=True)

    async def request(self, request: web.Request) -> web.Response:
        await request.json()
        await self.step(request.match_info["subject"], 1, "booking.appointment.requested.v1")
        return web.json_response({"state": "requested"}, status=202)

    async def hear(self, message: AbstractIncomingMessage) -> None:
        asked, answer = NEXT[self.role]
        if message.type == asked:
            await self.step(json.loads(message.body)["subject"], 2 if self.role == "booking" else 1, answer)
        await message.ack()


async def main(role: str) -> None:
    client: Any = AsyncIOMotorClient(os.environ["STILLPOINT_MONGO_URL"], tz_aware=True)
    things = client["floor"].get_collection(role, write_concern=WriteConcern("majority"))
    out = await aio_pika.connect_robust(os.environ["STILLPOINT_RABBIT_URL"])
    into = await aio_pika.connect_robust(os.environ["STILLPOINT_RABBIT_URL"])
    channel = await out.channel(publisher_confirms=True, on_return_raises=True)
    floor = Floor(role, things, await channel.get_exchange("stillpoint.events", ensure=False))
    consuming = await into.channel()
    await consuming.set_qos(prefetch_count=16)
    queue = await consuming.declare_queue(f"{role}.inbox", passive=True)
    await queue.consume(floor.hear)
    app = web.Application()
    app.router.add_post("/request/{subject}", floor.request)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["STILLPOINT_PORT"])).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
