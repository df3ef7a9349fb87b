"""One process, one port, one or more services: started, told to stop, and closed in order."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

import structlog
import uvloop
from aiohttp import web

from services.tracing import traced
from shared import telemetry
from shared.httpkit import KEPT_OPEN, mounted
from shared.migrations import Unusable
from shared.settings import Settings

log = structlog.get_logger()

Start = Callable[[], Awaitable[web.Application]]


def run(services: Mapping[str, Start], settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then finish the requests in hand and close everything in order."""
    telemetry.configure(settings.log_level)
    try:
        with traced("+".join(sorted(services)), settings.otlp_endpoint):
            uvloop.run(_serve(services, settings))
    except Unusable as error:
        sys.exit(str(error))


async def _serve(services: Mapping[str, Start], settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as opened:
        apps: dict[str, web.Application] = {}
        for name, start in services.items():
            apps[name] = await start()
            opened.push_async_callback(apps[name][KEPT_OPEN].aclose)
        root = mounted(apps, proxies=settings.trusted_proxies)
        if "notify" in apps:
            root.router.add_get("/n/{code:[A-Za-z0-9]{1,40}}", _short_link)
        runner = web.AppRunner(root, access_log=None, shutdown_timeout=settings.shutdown_seconds)
        opened.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, settings.host, settings.port).start()
        # What stays until the end is not looked through for garbage: a fifth off a long list of free times.
        gc.freeze()
        log.info("serving", services=sorted(services), address=str(runner.addresses[0]))
        await stop.wait()
        log.info("stopping", services=sorted(services))


async def _short_link(request: web.Request) -> web.Response:
    """Links in texts are short; where no gateway leads them on, this does."""
    return web.Response(status=303, headers={"Location": f"/notify/n/{request.match_info['code']}"})
