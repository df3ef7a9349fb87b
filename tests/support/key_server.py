"""A KMIP server of a test's own, as a child process that can be killed and brought back with what it keeps."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from deploy.devstack import ports
from deploy.devstack.child import Child
from deploy.devstack.programs import PROJECT
from services.screening.vault import KeyServer
from services.screening.vault.material import tls_of
from tests.support.kmip_server import AUTHORITY, CLIENT, make_certificates

STARTS_WITHIN = timedelta(seconds=30)


@dataclass(slots=True)
class RunningKeyServer:
    folder: Path
    port: int
    child: Child | None = None

    @classmethod
    async def start(cls, folder: Path) -> RunningKeyServer:
        make_certificates(folder)
        one = cls(folder, ports.free())
        await one.restart()
        return one

    async def restart(self) -> None:
        command = (sys.executable, "-W", "ignore", "-m", "tests.support.kmip_server", self.folder, str(self.port))
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        self.child = await Child.start("kmip", command, log=self.folder / "kmip.log", env=environment)
        await self.child.ready(self._listens, within=STARTS_WITHIN)

    async def kill(self) -> None:
        if self.child is not None:
            await self.child.kill()

    @property
    def endpoint(self) -> str:
        return f"{ports.LOOPBACK}:{self.port}"

    def client(self, *, certificate: str = CLIENT, authority: str = AUTHORITY, seconds: float = 5.0) -> KeyServer:
        tls = tls_of(self.folder / certificate, self.folder / authority)
        return KeyServer(endpoint=self.endpoint, tls=tls, seconds=seconds)

    async def _listens(self) -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(ports.LOOPBACK, self.port)
            writer.transport.abort()
            return True
        return False
