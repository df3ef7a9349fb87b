"""Run all three services in one process behind one origin, or make the broker's topology."""

from __future__ import annotations

import asyncio

import cyclopts
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from services import serving, topology
from services.booking.__main__ import start as booking
from services.notify.__main__ import start as notify
from services.screening.__main__ import start as screening
from shared.settings import Settings, read

app = cyclopts.App(name="python -m services", help=__doc__)


class TopologySettings(BaseSettings):
    """All that the one-shot topology job may know."""

    model_config = Settings.model_config

    rabbit_url: SecretStr = Field(
        description="AMQP URL of the broker as the services use it, ending in the virtual host"
    )
    rabbit_management_url: SecretStr = Field(
        description="URL of the broker's management API with an administrator's name and password"
    )


@app.default
def serve() -> None:
    """Serve booking, screening and notify on one port."""
    serving.run({"booking": booking, "screening": screening, "notify": notify}, read(Settings))


@app.command(name="topology")
def declare() -> None:
    """Make the broker's exchanges, queues, bindings, policies and the services' user."""
    settings = read(TopologySettings)
    asyncio.run(topology.apply(settings.rabbit_management_url, settings.rabbit_url))
    print("topology in place")


if __name__ == "__main__":
    app()
