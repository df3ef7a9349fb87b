"""The key server: one request and its answer over TLS with a certificate of our own, as KMIP 1.x frames them."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Final

import stamina

from services.screening.ports import Locked

HEADER: Final = 8
LARGEST: Final = 1 << 20
GET: Final = bytes.fromhex("42005c05000000040000000a")
"""Operation, an enumeration of four bytes, Get: the one request that may be sent twice."""
BROKEN: Final = (OSError, EOFError, TimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyServer:
    """`endpoint` is host:port. `seconds` is for one try; what only reads is tried three times."""

    endpoint: str
    tls: ssl.SSLContext = field(repr=False)
    seconds: float = 5.0

    async def ask(self, message: bytes) -> bytes:
        """Raises `Locked` when the server does not answer."""
        try:
            async for attempt in stamina.retry_context(on=BROKEN, attempts=3 if GET in message else 1, wait_max=1.0):
                with attempt:
                    async with asyncio.timeout(self.seconds):
                        return await self._exchange(message)
        except BROKEN as error:
            raise Locked(f"the key server does not answer ({type(error).__name__})") from error
        raise AssertionError("every attempt returns or raises")

    async def _exchange(self, message: bytes) -> bytes:
        host, _, port = self.endpoint.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port), ssl=self.tls, server_hostname=host)
        try:
            writer.write(message)
            await writer.drain()
            header = await reader.readexactly(HEADER)
            length = int.from_bytes(header[4:])
            if length > LARGEST:
                raise ConnectionError("the answer is beyond any size")
            return header + await reader.readexactly(length)
        finally:
            writer.transport.abort()  # nothing more is said, and an orderly end would wait for the other side
