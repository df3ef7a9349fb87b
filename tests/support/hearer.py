"""A process that hears replies on a broker and ends in the middle of them, as a crash does.

`python -m tests.support.hearer URL FILE DIES_AFTER`: each subject is added to FILE when it is done. It ends at the
`DIES_AFTER`-th delivery without an answer to any that is in hand, or while it works on a subject that begins with
`kills`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from pydantic import SecretStr

from shared.bus import Bus
from shared.events import Envelope
from shared.events.notify import ReplyConfirmed
from shared.retry import DONE, Verdict

KILLS_AFTER = 0.3


async def main(url: str, file: Path, dies_after: int) -> None:
    heard = 0
    gate = asyncio.Event()

    async def hear(event: Envelope[ReplyConfirmed]) -> Verdict:
        nonlocal heard
        heard += 1
        if event.subject.startswith("kills"):
            await asyncio.sleep(KILLS_AFTER)
            os._exit(9)
        if heard == dies_after:
            os._exit(9)
        if dies_after:
            await gate.wait()  # in hand, with as many as are given at once
        with file.open("a") as done:
            done.write(f"{event.subject}\n")
        return DONE

    async with Bus.connect(SecretStr(url), service="booking", prefetch=8) as bus:
        await bus.consume({ReplyConfirmed: hear})
        await gate.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
