"""The demo's Twilio: the emulator, with the public origin reachable from inside its container.

Webhooks are signed for the address that clients use, such as http://localhost:8080. In this container that is a
closed port, so connections to it are passed on to the gateway.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio import StreamReader, StreamWriter
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from deploy.twilio_emulator.account import Account
from deploy.twilio_emulator.app import started

AUTH_TOKEN: Final = Path("/run/secrets/stillpoint_notify_twilio_auth_token")
TEXTS: Final = Path("/var/lib/stillpoint")
GATEWAY: Final = ("gateway", 8080)
PORT: Final = 8080


async def main() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    origin = os.environ["STILLPOINT_PUBLIC_ORIGIN"]
    account = Account(
        sid=os.environ["STILLPOINT_NOTIFY_TWILIO_ACCOUNT_SID"],
        auth_token=AUTH_TOKEN.read_text().strip(),
        number=os.environ["STILLPOINT_NOTIFY_TWILIO_NUMBER"],
        inbound_url=f"{origin}/notify/v1/twilio/inbound",
        data=TEXTS,
    )
    async with AsyncExitStack() as opened:
        port = urlsplit(origin).port
        if urlsplit(origin).hostname in {"localhost", "127.0.0.1"} and port:
            await opened.enter_async_context(await asyncio.start_server(_to_gateway, "127.0.0.1", port))
        await opened.enter_async_context(started(account, host=os.environ["STILLPOINT_HOST"], port=PORT))
        await stop.wait()


async def _to_gateway(client: StreamReader, to_client: StreamWriter) -> None:
    with suppress(OSError):
        gateway, to_gateway = await asyncio.open_connection(*GATEWAY)
        await asyncio.gather(_pass_on(client, to_gateway), _pass_on(gateway, to_client))
    to_client.close()


async def _pass_on(source: StreamReader, target: StreamWriter) -> None:
    try:
        while some := await source.read(65536):
            target.write(some)
            await target.drain()
    finally:
        target.close()


if __name__ == "__main__":
    asyncio.run(main())
