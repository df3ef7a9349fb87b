"""Serve booking, load a practice into a running one, write it to a file, or let somebody sign in."""

from __future__ import annotations

import sys
from pathlib import Path

import cyclopts
from aiohttp import web

from services import serving
from services.booking.app import build
from services.booking.domain.team import Role
from services.booking.loading import NotDone, export, let_in, load
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
    except NotDone as error:
        sys.exit(f"{file}: {error}")
    print(f"{stored.id}: loaded, version {stored.version}")
    for visit in stored.outside:
        print(f"{visit.starts_at.isoformat()} {visit.appointment}: stands outside ({', '.join(visit.reasons)})")


@app.command(name="export")
def export_practice(practice: str, *, url: str | None = None) -> None:
    """Write a practice as the TOML file from which `import` loads the same one again.

    Parameters
    ----------
    practice
        Its id.
    url
        Origin of the running system, STILLPOINT_PUBLIC_ORIGIN if left out.
    """
    settings = read(ImportSettings)
    try:
        file = export(practice, url or settings.public_origin, settings.operator_key)
    except NotDone as error:
        sys.exit(f"{practice}: {error}")
    sys.stdout.buffer.write(file.encode())  # TOML is UTF-8, whatever the terminal speaks


@app.command(name="user")
def add_user(
    practice: str,
    name: str,
    login: str,
    *,
    role: Role = Role.OWNER,
    practitioner: str | None = None,
    locale: str = "en",
    url: str | None = None,
) -> None:
    """Let somebody sign in at /booking/console/, and print the password to tell them.

    Parameters
    ----------
    practice
        Its id.
    name
        How they are called.
    login
        Their e-mail address.
    role
        What they may do.
    practitioner
        Their id among those who give visits, if they do; then they see the answers of clients.
    locale
        The language of their pages, en or es.
    url
        Origin of the running system, STILLPOINT_PUBLIC_ORIGIN if left out.
    """
    settings = read(ImportSettings)
    user = {"name": name, "login": login, "role": role.value, "practitioner": practitioner, "locale": locale}
    try:
        password = let_in(practice, user, url or settings.public_origin, settings.operator_key)
    except NotDone as error:
        sys.exit(f"{login}: {error}")
    print(f"{login} signs in with {password}")


if __name__ == "__main__":
    app()
