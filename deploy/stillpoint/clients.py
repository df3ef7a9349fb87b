"""`stillpoint client`: what is held of a client, for the client, and how they are forgotten."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import cyclopts
from pydantic_core import to_json

from deploy.stillpoint.asking import asked, part
from deploy.stillpoint.saying import NOT_KNOWN, Json, NotDone, facts, progress, said

app = cyclopts.App(name="client", help="Find a client of a practice, write down all that is held of them, forget them.")
LOOKED_EVERY: Final = 0.5
WITHIN: Final = 60.0


@app.command
def find(practice: str, wanted: str, *, url: str | None = None, as_json: Json = False) -> None:
    """Clients by number, or by the beginning of a name.

    Parameters
    ----------
    practice
        Its id.
    wanted
        +41791234567, or a name.
    url
        Origin of the running system, STILLPOINT_PUBLIC_ORIGIN if left out.
    """
    query = {"phone": wanted} if wanted.startswith("+") else {"name": wanted}
    found = asked("GET", f"/booking/v1/practices/{part(practice)}/clients", query=query, url=url)["clients"]
    shown = [{name: one.get(name) for name in ("ref", "name", "phone", "first_seen", "merged_into")} for one in found]
    facts(shown, as_json=as_json, nothing="no client")


@app.command
def export(practice: str, ref: str, file: Path, *, url: str | None = None) -> None:
    """Write all that the three services hold of a client to a file, as JSON.

    Parameters
    ----------
    practice
        Its id.
    ref
        The client, as `find` shows them.
    file
        It is made readable for its owner alone, and must not be there yet.
    url
        Origin of the running system, STILLPOINT_PUBLIC_ORIGIN if left out.
    """
    if file.exists():
        raise NotDone(f"{file} is there already")
    done = _carried_out(practice, asked("POST", f"{_address(practice, ref)}/export", url=url), url)
    parts = {service: asked("GET", address, url=url) for service, address in done["parts"].items()}
    file.touch(mode=0o600, exist_ok=False)
    file.write_bytes(to_json(parts, indent=2))
    print(f"{file}: what {', '.join(sorted(parts))} hold of {ref}")


@app.command
def erase(practice: str, ref: str, *, sure: bool = False, url: str | None = None, as_json: Json = False) -> None:
    """Forget a client in all services, for good; refused while visits are coming.

    Parameters
    ----------
    practice
        Its id.
    ref
        The client, as `find` shows them.
    sure
        Nothing is done without it.
    url
        Origin of the running system, STILLPOINT_PUBLIC_ORIGIN if left out.
    """
    if not sure:
        raise NotDone(f"{ref} would be forgotten for good; say --sure")
    done = _carried_out(practice, asked("POST", f"{_address(practice, ref)}/erase", url=url), url)
    if as_json:
        return said(done)
    for answer in done["answers"]:
        print(f"{answer['service']}: {answer['records']} records, {answer['at']}")
    return None


def _carried_out(practice: str, ask: dict[str, Any], url: str | None) -> dict[str, Any]:
    """The receipt, once every service has answered."""
    ends = time.monotonic() + WITHIN
    while ask["awaits"]:
        if time.monotonic() > ends:
            waits = ", ".join(ask["awaits"])
            raise NotDone(f"{waits} has not answered yet; the receipt is {ask['id']}, nothing is lost", NOT_KNOWN)
        progress(f"waiting for {', '.join(ask['awaits'])}")
        time.sleep(LOOKED_EVERY)
        ask = asked("GET", f"/booking/v1/practices/{part(practice)}/asks/{part(ask['id'])}", url=url)
    return ask


def _address(practice: str, ref: str) -> str:
    return f"/booking/v1/practices/{part(practice)}/clients/{part(ref)}"
