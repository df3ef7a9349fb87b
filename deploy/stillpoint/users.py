"""`stillpoint user`: who of a practice may sign in."""

from __future__ import annotations

from typing import Any

import cyclopts

from deploy.stillpoint.asking import asked, part
from deploy.stillpoint.saying import Json, facts
from services.booking.domain.team import Role

app = cyclopts.App(name="user", help="Let somebody of a practice sign in, and see who may.")


@app.command
def add(
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
    user = {"name": name, "login": login, "role": role.value, "practitioner": practitioner, "locale": locale}
    made = asked("POST", f"/booking/v1/practices/{part(practice)}/users", user, url=url)
    print(f"{login} signs in with {made['password']}")


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
