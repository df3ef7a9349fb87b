"""Serve booking, or load a practice into a running one."""

from __future__ import annotations

import sys
from pathlib import Path

import cyclopts
from aiohttp import web

from services import serving
from services.booking.app import build
from services.booking.loading import NotLoaded, load
from services.booking.settings import ImportSettings, Settings
from shared.settings import read

app = cyclopts.App(name="python -m services.booking", help=__doc__)


async def start() -> web.Application:
    return await build(read(Settings))


@app.default
def serve() -> None:
    """Serve booking on its own."""
    serving.run({"booking": start}, read(Settings))


@app.command(name="import")
def import_practice(file: Path, *, url: str | None = None) -> None:
    """Load a practice from a TOML file; see deploy/practice.example.toml.

    Parameters
    ----------
    file
        The profile. It replaces the stored one as a whole; if anything in it is wrong, nothing changes.
    url
        Origin of the running system, STILLPOINT_PUBLIC_ORIGIN if left out.
    """
    settings = read(ImportSettings)
    try:
        stored = load(file, url or settings.public_origin, settings.operator_key)
    except NotLoaded as error:
        sys.exit(f"{file}: {error}")
    print(f"{stored.id}: loaded, version {stored.version}")


if __name__ == "__main__":
    app()
