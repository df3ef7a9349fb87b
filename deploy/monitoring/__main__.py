"""Serve the metrics of what no service can see of itself, or leave the fact that a backup was made or looked at."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Final, Literal

import cyclopts
from prometheus_client import CollectorRegistry, start_http_server

from deploy.monitoring import facts
from deploy.monitoring.looking import Watcher
from deploy.monitoring.settings import WatchSettings
from shared.clock import utc_now
from shared.settings import read

app = cyclopts.App(name="python -m deploy.monitoring", help=__doc__)
DEEDS: Final = {"backup": facts.BACKUP, "verified": facts.VERIFIED}


@app.default
def serve() -> None:
    """Serve the metrics until told to stop."""
    settings = read(WatchSettings)
    registry = CollectorRegistry()
    registry.register(Watcher(settings))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    server, thread = start_http_server(settings.port, addr=settings.host, registry=registry)
    print(f"watching on {settings.host}:{settings.port}", flush=True)
    stop.wait()
    server.shutdown()
    server.server_close()
    thread.join()


@app.command
def note(deed: Literal["backup", "verified"]) -> None:
    """Leave the fact that this was done, now, and that it went well."""
    folder = read(WatchSettings).watch_facts
    if folder is None:
        print("STILLPOINT_WATCH_FACTS is needed: the folder where facts are left", file=sys.stderr)
        sys.exit(2)
    facts.note(folder, DEEDS[deed], utc_now())


if __name__ == "__main__":
    app()
