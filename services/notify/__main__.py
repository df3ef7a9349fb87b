"""Run notify: `python -m services.notify`."""

from __future__ import annotations

from aiohttp import web

from services import serving
from services.notify.app import build
from services.notify.settings import Settings
from shared.settings import read


async def start() -> web.Application:
    return await build(read(Settings))


def main() -> None:
    serving.run({"notify": start}, read(Settings))


if __name__ == "__main__":
    main()
