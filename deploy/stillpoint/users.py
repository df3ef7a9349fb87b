"""`stillpoint user`: who of a practice may sign in."""

from __future__ import annotations

from typing import Any

import cyclopts

from deploy.stillpoint.asking import asked, part
from deploy.stillpoint.saying import Json, facts
from services.booking.__main__ import add_user

app = cyclopts.App(name="user", help="Let somebody of a practice sign in, and see who may.")
app.command(add_user, name="add")


@app.command(name="list")
def listed(practice: str, *, url: str | None = None, as_json: Json = False) -> None:
    """Who may sign in.

    Parameters
    ----------
    practice
        Its id.
    url
        Origin of the running system, STILLPOINT_PUBLIC_ORIGIN if left out.
    """
    users: list[dict[str, Any]] = asked("GET", f"/booking/v1/practices/{part(practice)}/users", url=url)["users"]
    shown = [{name: user.get(name) for name in ("login", "name", "role", "practitioner", "is_off")} for user in users]
    facts(shown, as_json=as_json, nothing="nobody may sign in")
