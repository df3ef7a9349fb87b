"""The page that looks like a phone: shows the texts of each number and answers them."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from deploy.twilio_emulator.account import Account
from deploy.twilio_emulator.line import Line
from deploy.twilio_emulator.messages import Messages


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page of another origin in the same browser may not text or arm faults."""
    origin = request.headers.get("Origin")
    if origin and request.method not in {"GET", "HEAD"} and urlsplit(origin).netloc != request.host:
        raise web.HTTPForbidden(text="Another page asked for this.")
    return await handler(request)


class Phone:
    def __init__(self, account: Account, messages: Messages, line: Line) -> None:
        self._account, self._messages, self._line = account, messages, line

    def routes(self) -> list[web.RouteDef]:
        return []
