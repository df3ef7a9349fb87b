"""Times that programs leave for the watcher when they are done, each a file in Prometheus' text format.

A backup runs for minutes and is gone: nobody could scrape it. It writes down when it ended well, and what it wrote
stays true. The files are what node_exporter's textfile collector reads too, for those who have it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from prometheus_client import Metric
from prometheus_client.parser import text_fd_to_metric_families

BACKUP: Final = "stillpoint_backup_last_success_timestamp_seconds"
VERIFIED: Final = "stillpoint_backup_last_verified_timestamp_seconds"
TOLD: Final = {
    BACKUP: "When the last backup that is whole was finished",
    VERIFIED: "When a backup was last restored into a throw-away database and found whole",
}
OURS: Final = re.compile(r"stillpoint_[a-z_]+_timestamp_seconds")


def note(folder: Path, name: str, at: datetime) -> None:
    """Leave the fact behind, whole or not at all; `name` is one of `TOLD`."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{name}.{os.getpid()}"
    unfinished.write_text(f"# HELP {name} {TOLD[name]}\n# TYPE {name} gauge\n{name} {at.timestamp():.0f}\n")
    unfinished.chmod(0o644)
    unfinished.replace(folder / f"{name}.prom")


def left(folder: Path) -> Iterator[Metric | str]:
    """What was left there; of a file that cannot be understood, its name."""
    for file in sorted(folder.glob("*.prom")):
        try:
            with file.open() as lines:
                families = list(text_fd_to_metric_families(lines))
        except (OSError, ValueError):
            yield file.name
            continue
        yield from (family for family in families if OURS.fullmatch(family.name))
