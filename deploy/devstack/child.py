"""A server that runs as our child process: started, waited for, stopped or killed by its process id."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from deploy.devstack.trouble import Trouble

POLL = timedelta(milliseconds=50)


@dataclass(frozen=True, slots=True)
class Child:
    name: str
    process: asyncio.subprocess.Process
    log: Path

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None
    ) -> Self:
        """Its output goes to `log`. It dies with us, but a Ctrl-C in our terminal does not reach it."""
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", "KILL", "--", *map(str, command)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=env,
                start_new_session=True,
            )
        return cls(name, process, log)

    @property
    def running(self) -> bool:
        return self.process.returncode is None

    async def ready(self, answers: Callable[[], Awaitable[bool]], *, within: timedelta) -> None:
        """Wait until `answers` does."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                while self.running and not await answers():  # noqa: ASYNC110 - another process sets no event of ours
                    await asyncio.sleep(POLL.total_seconds())
        except TimeoutError:
            raise Trouble(f"{self.name} did not answer within {within.seconds} seconds; see {self.log}") from None
        if not self.running:
            raise Trouble(f"{self.name} ended with code {self.process.returncode} while starting; see {self.log}")

    async def ended(self) -> Trouble:
        """Return when it has ended without being asked to."""
        await self.process.wait()
        return Trouble(f"{self.name} ended with code {self.process.returncode}; see {self.log}")

    async def stop(self, *, within: timedelta = timedelta(seconds=20)) -> None:
        """Ask it to end, and end it if it does not."""
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), within.total_seconds())
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._signal(signal.SIGKILL)
        await self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
