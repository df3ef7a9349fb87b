"""Which time-zone data this process counts days with: the version that a case names beside its zone."""

from __future__ import annotations

import zoneinfo
from contextlib import suppress
from importlib import metadata
from pathlib import Path


def version() -> str:
    """As the data names itself, for example `2025b`; the machine's comes before the package's, as in `zoneinfo`."""
    for folder in map(Path, zoneinfo.TZPATH):
        if (folder / "UTC").exists():
            return _named(folder) or "of this machine"
    with suppress(metadata.PackageNotFoundError):
        return metadata.version("tzdata")
    return "unknown"


def _named(folder: Path) -> str | None:
    stamped = folder / "+VERSION"
    if stamped.exists():
        return stamped.read_text().strip()
    source = folder / "tzdata.zi"
    if source.exists():
        with source.open() as lines:
            return lines.readline().removeprefix("# version").strip()
    return None
