"""A provider that takes every text at once or after a while, lists what it took, and knows when it came."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter, defaultdict

import uvloop
from aiohttp import web


class Stub:
    """What arrived, by number; the numbers are unique to their texts."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.arrivals: list[tuple[str, float]] = []
        self.listed: dict[str, list[dict[str, object]]] = defaultdict(list)

    async def post(self, request: web.Request) -> web.Response:
        form = await request.post()
        to = str(form["To"])
        made: dict[str, object] = {"sid": f"SM{len(self.arrivals):032d}", "status": "queued", "to": to}
        made |= {"body": form["Body"], "direction": "outbound-api", "date_created": None}
        self.arrivals.append((to, time.time()))
        self.listed[to].append(made)
        if self.seconds:
            await asyncio.sleep(self.seconds)
        return web.Response(body=json.dumps(made).encode(), status=201, content_type="application/json")

    async def list(self, request: web.Request) -> web.Response:
        return web.json_response({"messages": self.listed[request.query["To"]], "next_page_uri": None})

    async def seen(self, request: web.Request) -> web.Response:
        """When each number was first texted, and which were texted more than once; then all of it is forgotten."""
        first: dict[str, float] = {}
        for to, at in self.arrivals:
            first.setdefault(to, at)
        twice = sum(count - 1 for count in Counter(to for to, _ in self.arrivals).values())
        answer = {"first": first, "twice": twice}
        if "forget" in request.query:
            self.arrivals.clear()
            self.listed.clear()
        return web.json_response(answer)

    async def pace(self, request: web.Request) -> web.Response:
        self.seconds = float(request.query["seconds"])
        return web.json_response(None)

    async def count(self, _: web.Request) -> web.Response:
        return web.json_response(len({to for to, _ in self.arrivals}))


async def main() -> None:
    stub = Stub()
    app = web.Application()
    app.router.add_post("/2010-04-01/Accounts/{account}/Messages.json", stub.post)
    app.router.add_get("/2010-04-01/Accounts/{account}/Messages.json", stub.list)
    app.router.add_get("/seen", stub.seen)
    app.router.add_get("/pace", stub.pace)
    app.router.add_get("/count", stub.count)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["STUB_PORT"])).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
