"""A practice's own web site on an origin of its own, strict about what it loads, that writes down all it hears."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from deploy.devstack import ports

RECORDER: Final = """
window.heard = []; window.told = [];
addEventListener("message", ({ origin, data }) => heard.push([origin, data.stillpoint]));
for (const what of ["held", "booked", "closed"])
  document.addEventListener(`stillpoint:${what}`, (event) => told.push([what, event.detail]));
"""
PAGE: Final = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>A practice</title>
<meta name="viewport" content="width=device-width"><script src="/recorder.js"></script></head>
<body><main><h1>Our practice</h1>
<p><a class="stillpoint" data-stillpoint="{shape}" href="{booking}">Book a visit</a></p>
<p><a href="/elsewhere">Elsewhere</a></p></main><script src="{script}" async></script></body></html>"""


@asynccontextmanager
async def own_site(house: str, practice: str) -> AsyncIterator[str]:
    """Its origin: of the name `localhost`, so that nothing of it is of the origin of `house`, a bare address."""
    port = ports.free()
    rules = f"default-src 'none'; script-src 'self' {house}; frame-src {house}; connect-src 'self'"

    async def show(request: web.Request) -> web.Response:
        booking, script = f"{house}/booking/book/{practice}", f"{house}/booking/embed.js"
        shape, lang = request.match_info["shape"], request.query.get("lang", "en")
        text = PAGE.format(shape=shape, booking=booking, script=script, lang=lang)
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": rules})

    async def record(_: web.Request) -> web.Response:
        return web.Response(text=RECORDER, content_type="text/javascript")

    app = web.Application()
    app.router.add_get("/recorder.js", record)
    app.router.add_get("/{shape:inline|popover}", show)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, ports.LOOPBACK, port).start()
    yield f"http://localhost:{port}"
    await runner.cleanup()
