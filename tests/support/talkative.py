"""A service as a real process in which every library says all that it can; started with its name."""

from __future__ import annotations

import logging
import sys
from importlib import import_module

from services import serving
from shared import telemetry
from shared.settings import Settings, read

quiet = telemetry.configure


def configure(level: str) -> None:
    """As the service has it, and then without its threshold for libraries."""
    quiet(level)
    logging.getLogger().setLevel(logging.DEBUG)


if __name__ == "__main__":
    telemetry.configure = configure
    name = sys.argv[1]
    serving.run({name: import_module(f"services.{name}.__main__").start}, read(Settings))
