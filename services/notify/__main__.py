"""Serve notify, or look through the texts of a day."""

from __future__ import annotations

import asyncio
import sys
from datetime import date, timedelta

import cyclopts
from aiohttp import web

from services import serving
from services.notify.app import build
from services.notify.auditing import audited
from services.notify.ports import GatewayDown
from services.notify.settings import Settings
from shared.clock import utc_now
from shared.settings import read

app = cyclopts.App(name="python -m services.notify", help=__doc__)


async def start() -> web.Application:
    return await build(read(Settings))


@app.default
def serve() -> None:
    """Serve notify on its own."""
    serving.run({"notify": start}, read(Settings))


@app.command
def audit(*, day: date | None = None) -> None:
    """Hold what the provider sent on a day against what we posted; ends with 1 if anything does not fit.

    Parameters
    ----------
    day
        As 2026-11-22, by Greenwich; yesterday if left out.
    """
    try:
        done = asyncio.run(audited(read(Settings), day or utc_now().date() - timedelta(days=1)))
    except (GatewayDown, TimeoutError) as error:
        sys.exit(f"the provider could not be asked: {error!r}")
    print(f"{done.day}: {done.listed} listed, {done.posted} posted from the evening before until the day after")
    print(
        f"{done.duplicates} duplicates ({done.per_ten_thousand:.2f} per 10,000), {done.strangers} strangers, ", end=""
    )
    print(f"{done.missing} missing, {done.forgotten} of clients forgotten since")
    for example in done.examples:
        print(example)
    if not done.whole:
        print("more than can be looked through: not all was seen")
    sys.exit(0 if done.is_clean else 1)


if __name__ == "__main__":
    app()
