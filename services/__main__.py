"""Run all three services in one process behind one origin, or make the broker's topology."""

from __future__ import annotations

import asyncio
import sys

import cyclopts
from pydantic import Field, SecretStr

from services import topology
from shared import httpkit
from shared.settings import Settings

app = cyclopts.App(name="python -m services", help=__doc__, default_command=None)


class TopologySettings(Settings):
    """What the one-shot topology job needs on top."""

    rabbit_management_url: SecretStr = Field(description="URL of the broker's management API with an administrator's name and password")


@app.default
def serve() -> None:
    """Serve booking, screening and notify on one port."""
    from services.booking import __main__ as booking
    from services.notify import __main__ as notify
    from services.screening import __main__ as screening

    httpkit.run({"booking": booking.start, "screening": screening.start, "notify": notify.start}, Settings())


@app.command(name="topology")
def declare() -> None:
    """Make the broker's exchanges, queues, bindings, policies and the services' user."""
    settings = TopologySettings()
    asyncio.run(topology.apply(settings.rabbit_management_url, settings.rabbit_url))
    sys.stdout.write("topology in place\n")


if __name__ == "__main__":
    app()
