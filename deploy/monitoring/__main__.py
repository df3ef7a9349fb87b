"""Serve the metrics of what no service can see of itself, until told to stop."""

from __future__ import annotations

import signal
import threading

from prometheus_client import CollectorRegistry, start_http_server

from deploy.monitoring.looking import Watcher
from deploy.monitoring.settings import WatchSettings
from shared.settings import read


def main() -> None:
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
    thread.join()


if __name__ == "__main__":
    main()
