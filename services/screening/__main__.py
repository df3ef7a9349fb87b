"""Run screening: `python -m services.screening`."""

from __future__ import annotations

from aiohttp import web

from services import serving
from services.screening.app import build
from services.screening.settings import Settings
from shared.settings import read


async def start() -> web.Application:
    return await build(read(Settings))


if __name__ == "__main__":
    serving.run({"screening": start}, read(Settings))
