"""`stillpoint practice`: the practices of this installation, as files."""

from __future__ import annotations

import sys
from pathlib import Path

import cyclopts

from deploy.stillpoint.saying import NotDone
from deploy.stillpoint.settings import ApiSettings
from services.booking import loading
from shared.settings import read

app = cyclopts.App(name="practice", help="Load a practice from a file, or write one to a file.")


@app.command(name="import")
def import_practice(file: Path, *, url: str | None = None) -> None:
    """Load a practice from a TOML file; deploy/practice.example.toml explains every setting.

    Parameters
    ----------
    file
        The profile. It replaces the stored one as a whole; if anything in it is wrong, nothing changes.
    url
        Origin of the running system, STILLPOINT_PUBLIC_ORIGIN if left out.
    """
    settings = read(ApiSettings)
    try:
        stored = loading.load(file, url or settings.at("booking"), settings.operator_key)
    except loading.NotDone as error:
        raise NotDone(f"{file}: {error}") from error
    print(f"{stored.id}: loaded, version {stored.version}")
    for visit in stored.outside:
        print(f"{visit.starts_at.isoformat()} {visit.appointment}: stands outside ({', '.join(visit.reasons)})")


@app.command
def export(practice: str, *, url: str | None = None) -> None:
    """Write a practice as the TOML file from which `import` loads the same one again.

    Parameters
    ----------
    practice
        Its id.
    url
        Origin of the running system, STILLPOINT_PUBLIC_ORIGIN if left out.
    """
    settings = read(ApiSettings)
    try:
        file = loading.export(practice, url or settings.at("booking"), settings.operator_key)
    except loading.NotDone as error:
        raise NotDone(f"{practice}: {error}") from error
    sys.stdout.buffer.write(file.encode())  # TOML is UTF-8, whatever the terminal speaks
