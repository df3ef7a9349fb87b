"""How an armed fault looks on the wire: what a client of the API sees instead of, or after, a taken text."""

from __future__ import annotations

import socket
import struct

from aiohttp import web

from deploy.twilio_emulator.answers import problem
from deploy.twilio_emulator.background import Background
from deploy.twilio_emulator.faults import Fault, Kind

LINGER = struct.pack("ii", 1, 0)


async def before(fault: Fault, request: web.Request, background: Background) -> web.Response | None:
    """The answer to a request that was never looked at, or None where it goes on to be."""
    match fault.kind:
        case Kind.TOO_MANY_REQUESTS:
            answer = problem(429, 20429, "Too Many Requests")
            if fault.retry_after is not None:
                answer.headers["Retry-After"] = str(fault.retry_after)
            return answer
        case Kind.ERROR_BEFORE:
            return problem(500, 20500, "Internal Server Error")
        case Kind.RESET_BEFORE:
            return _reset(request)
        case Kind.SLOW:
            await background.hold(fault.seconds)
        case _:
            pass
    return None


async def after(fault: Fault, request: web.Request, background: Background, answer: web.Response) -> web.Response:
    """What comes back for a request that was carried out."""
    match fault.kind:
        case Kind.ERROR_AFTER:
            return problem(500, 20500, "Internal Server Error")
        case Kind.TIMEOUT_AFTER:
            await background.hold(fault.seconds)
            return _reset(request)
        case Kind.RESET_AFTER:
            return _reset(request)
        case Kind.EMPTY:
            return web.Response(status=answer.status, content_type="application/json")
        case Kind.HTML:
            return web.Response(
                status=answer.status, text="<html><body><h1>Please wait</h1></body></html>", content_type="text/html"
            )
        case _:
            return answer


def _reset(request: web.Request) -> web.Response:
    """Ends the connection with a TCP reset; the response returned reaches nobody."""
    if request.transport is not None:
        connection: socket.socket | None = request.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
        request.transport.abort()
    return web.Response()
