"""`stillpoint key`: API keys of a practice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import cyclopts

from deploy.stillpoint.asking import asked, part
from deploy.stillpoint.saying import Json, facts, said
from shared.clock import utc_now

app = cyclopts.App(name="key", help="Make, list and revoke the API keys of a practice.")
SHOWN: Final = ("id", "name", "scopes", "made_at", "last_used_at", "expires_at", "revoked_at")


@app.command
def make(
    practice: str, name: str, *scopes: str, days: int | None = None, url: str | None = None, as_json: Json = False
) -> None:
    """Make a key, and print what its holder has to show; it is told this once.

    Parameters
    ----------
    practice
        Its id.
    name
        What it is for.
    scopes
        What it opens, for example visits:read.
    days
        Until it ends by itself; never if left out.
    url
        Origin of the running system, STILLPOINT_PUBLIC_ORIGIN if left out.
    """
    ends: datetime | None = None if days is None else utc_now() + timedelta(days=days)
    body: dict[str, Any] = {"name": name, "scopes": list(scopes)} | ({"expires_at": ends} if ends else {})
    made = asked("POST", _address(practice), body, url=url)
    if as_json:
        said(made)
    else:
        print(made["key"])


@app.command(name="list")
def listed(practice: str, *, url: str | None = None, as_json: Json = False) -> None:
    """The keys of a practice, without their secrets.

    Parameters
    ----------
    practice
        Its id.
    url
        Origin of the running system, STILLPOINT_PUBLIC_ORIGIN if left out.
    """
    found = asked("GET", _address(practice), url=url)["keys"]
    facts([{name: key.get(name) for name in SHOWN} for key in found], as_json=as_json, nothing="no keys")


@app.command
def revoke(practice: str, key: str, *, url: str | None = None) -> None:
    """Revoke a key; it opens nothing from now on.

    Parameters
    ----------
    practice
        Its id.
    key
        The key's id, as `list` shows it.
    url
        Origin of the running system, STILLPOINT_PUBLIC_ORIGIN if left out.
    """
    asked("DELETE", f"{_address(practice)}/{part(key)}", url=url)
    print(f"{key} is revoked")


def _address(practice: str) -> str:
    return f"/booking/v1/practices/{part(practice)}/keys"
