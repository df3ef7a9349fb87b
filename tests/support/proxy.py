"""A TCP link that can be cut, or made to swallow everything while it looks alive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK = 65_536


class Link:
    """From `port` on loopback to `host`:`to`. In a black hole the sockets stay open and nothing comes through."""

    def __init__(self, host: str, to: int) -> None:
        self._host, self._to = host, to
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self.port = 0

    def swallow(self) -> None:
        self._open.clear()

    def heal(self) -> None:
        self._open.set()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        with suppress(OSError):
            there_reader, there_writer = await asyncio.open_connection(self._host, self._to)
            self._writers |= {writer, there_writer}
            for source, drain in ((reader, there_writer), (there_reader, writer)):
                pump = asyncio.create_task(self._pump(source, drain))
                self._pumps.add(pump)
                pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, drain: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                await self._open.wait()
                drain.write(data)
                await drain.drain()
        drain.close()
        self._writers.discard(drain)

    async def close(self) -> None:
        self.heal()
        self.cut()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)


@asynccontextmanager
async def linked(host: str, to: int) -> AsyncIterator[Link]:
    link = Link(host, to)
    server = await asyncio.start_server(link._serve, "127.0.0.1", 0)
    link.port = server.sockets[0].getsockname()[1]
    try:
        yield link
    finally:
        server.close()
        await link.close()
