"""Looks at the certificate, the database's members, the disks and what backups left, once for each scrape."""

from __future__ import annotations

import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.monitoring import facts
from deploy.monitoring.settings import WatchSettings

ANSWERS_WITHIN: Final = 2.0
HTTPS: Final = 443


class Watcher(Collector):
    """All that no service can see of itself."""

    def __init__(self, settings: WatchSettings) -> None:
        self._settings = settings

    def describe(self) -> Iterator[Metric]:
        """Nothing is looked at before somebody asks."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        yield from certificate(self._settings.public_origin, self._settings.watch_tls)
        yield from database(_listed(self._settings.mongo_members))
        yield from disks([Path(folder) for folder in _listed(self._settings.watch_folders)])
        if self._settings.watch_facts is not None:
            yield from left_behind(self._settings.watch_facts)


def certificate(origin: str, address: str | None) -> Iterator[Metric]:
    """Nothing for an origin that has none."""
    asked = urlsplit(origin)
    if asked.scheme != "https" or asked.hostname is None:
        return
    host, _, port = (address or f"{asked.hostname}:{asked.port or HTTPS}").rpartition(":")
    shown = GaugeMetricFamily("stillpoint_certificate_shown", "1 if a certificate is shown", labels=["host"])
    expires = GaugeMetricFamily(
        "stillpoint_certificate_expiry_timestamp_seconds", "When the certificate ends", labels=["host"]
    )
    try:
        ends = _ends(host, int(port), asked.hostname)
    except OSError:
        shown.add_metric([asked.hostname], 0)
    else:
        shown.add_metric([asked.hostname], 1)
        expires.add_metric([asked.hostname], ends)
    yield from (shown, expires)


def database(members: list[str]) -> Iterator[Metric]:
    up = GaugeMetricFamily("stillpoint_database_member_up", "1 if the member answers", labels=["member"])
    primary = GaugeMetricFamily("stillpoint_database_member_primary", "1 if it takes writes", labels=["member"])
    took = GaugeMetricFamily("stillpoint_database_member_answer_seconds", "Time to answer a hello", labels=["member"])
    for member in members:
        started = time.perf_counter()
        told = _hello(member)
        up.add_metric([member], told is not None)
        primary.add_metric([member], bool(told and told.get("isWritablePrimary")))
        if told is not None:
            took.add_metric([member], time.perf_counter() - started)
    yield from (up, primary, took)


def disks(folders: list[Path]) -> Iterator[Metric]:
    size = GaugeMetricFamily("stillpoint_disk_size_bytes", "Size of the disk under a folder", labels=["folder"])
    free = GaugeMetricFamily("stillpoint_disk_free_bytes", "What is free of it", labels=["folder"])
    for folder in folders:
        used = shutil.disk_usage(folder)
        size.add_metric([str(folder)], used.total)
        free.add_metric([str(folder)], used.free)
    yield from (size, free)


def left_behind(folder: Path) -> Iterator[Metric]:
    unread = GaugeMetricFamily(
        "stillpoint_facts_unreadable", "1 for each file of facts that is not understood", labels=["file"]
    )
    for one in facts.left(folder):
        if isinstance(one, str):
            unread.add_metric([one], 1)
        else:
            yield one
    yield unread


def _ends(host: str, port: int, name: str) -> float:
    """Unix time; of whatever is shown, also of one that ended or that nobody trusts."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=ANSWERS_WITHIN) as plain,
        context.wrap_socket(plain, server_hostname=name) as secured,
    ):
        seen = secured.getpeercert(binary_form=True)
    if seen is None:
        raise ConnectionError("no certificate was shown")
    return x509.load_der_x509_certificate(seen).not_valid_after_utc.timestamp()


def _hello(member: str) -> dict[str, Any] | None:
    """What a member says to anybody; it needs no password, so none is here."""
    client: MongoClient[dict[str, Any]]
    wait = int(ANSWERS_WITHIN * 1000)
    try:
        with MongoClient(
            f"mongodb://{member}/?directConnection=true", serverSelectionTimeoutMS=wait, connectTimeoutMS=wait,
            socketTimeoutMS=wait,
        ) as client:  # fmt: skip
            return client.admin.command("hello")
    except PyMongoError:
        return None


def _listed(told: str) -> list[str]:
    return [one.strip() for one in told.split(",") if one.strip()]
