"""Make MongoDB's replica set, and for each service a user who reaches that service's databases only.

Runs beside the server, in its network: as long as there is no user, the server trusts what comes from loopback
to make the first one. Running it again changes nothing but passwords that were changed in the secrets, and lets
members in that were named since: a set of one grows to three and keeps its data.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import stamina
from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure

Client = MongoClient[dict[str, Any]]

SECRETS: Final = Path("/run/secrets")
LOOPBACK: Final = "mongodb://127.0.0.1:27017/?directConnection=true"
MEMBERS: Final = tuple(os.environ.get("STILLPOINT_MONGO_MEMBERS", "mongo:27017").split(","))
SET: Final = "rs0"
ROOT: Final = "root"
DATABASES: Final[Mapping[str, tuple[str, ...]]] = {
    "booking": ("stillpoint_booking",),
    "screening": ("stillpoint_screening", "stillpoint_vault"),
    "notify": ("stillpoint_notify",),
}
COPIED_WITHIN: Final = 3_600
AUTHENTICATION_FAILED, ALREADY_INITIATED, USER_EXISTS = 18, 23, 51003


class NotPrimary(Exception):
    """The election is not over yet."""


class NotThere(Exception):
    """A member that was let in is still taking its copy."""


def main() -> None:
    password = secret("mongo_root_password")
    client: Client
    with MongoClient(LOOPBACK) as client:
        if not _allowed(lambda: _root(password), refused=AUTHENTICATION_FAILED):
            _initiate(client)
            client.admin.command("createUser", ROOT, pwd=password, roles=["root"])
    hosts = ",".join(MEMBERS)
    with MongoClient(f"mongodb://{hosts}/?replicaSet={SET}", username=ROOT, password=password) as client:
        _primary(client)
        for member in MEMBERS:
            _let_in(client, member)
        for service, databases in DATABASES.items():
            _user(client, secret(f"{service}_mongo_url"), databases)
    print("database in place")


def secret(name: str) -> str:
    return (SECRETS / name).read_text().strip()


@stamina.retry(on=AutoReconnect, timeout=60)
def _root(password: str) -> None:
    client: Client
    with MongoClient(LOOPBACK, username=ROOT, password=password) as client:
        client.admin.command("usersInfo", ROOT)


@stamina.retry(on=AutoReconnect, timeout=60)
def _initiate(client: Client) -> None:
    members = [{"_id": 0, "host": MEMBERS[0]}]
    _allowed(
        lambda: client.admin.command("replSetInitiate", {"_id": SET, "members": members}), refused=ALREADY_INITIATED
    )
    _primary(client)


@stamina.retry(on=(NotPrimary, AutoReconnect), timeout=60, wait_max=0.5)
def _primary(client: Client) -> None:
    if not client.admin.command("hello")["isWritablePrimary"]:
        raise NotPrimary


@stamina.retry(on=AutoReconnect, timeout=60)
def _let_in(client: Client, member: str) -> None:
    """One after the other, because a set votes on one change at a time."""
    config = client.admin.command("replSetGetConfig")["config"]
    if member not in {one["host"] for one in config["members"]}:
        number = max(one["_id"] for one in config["members"]) + 1
        config["members"].append({"_id": number, "host": member})
        config["version"] += 1
        client.admin.command("replSetReconfig", config)
    _copied(client, member)


@stamina.retry(on=(NotThere, AutoReconnect), timeout=COPIED_WITHIN, wait_max=1.0)
def _copied(client: Client, member: str) -> None:
    states = {one["name"]: one["stateStr"] for one in client.admin.command("replSetGetStatus")["members"]}
    if states.get(member) not in {"PRIMARY", "SECONDARY"}:
        raise NotThere(member)


def _user(client: Client, url: str, databases: tuple[str, ...]) -> None:
    """`dbAdmin` lets a service change the validators of its collections; neither role reaches another database."""
    parts = urlsplit(url)
    name, password = unquote(parts.username or ""), unquote(parts.password or "")
    roles = [{"role": role, "db": database} for database in databases for role in ("readWrite", "dbAdmin")]
    if not _allowed(lambda: client.admin.command("createUser", name, pwd=password, roles=roles), refused=USER_EXISTS):
        client.admin.command("updateUser", name, pwd=password, roles=roles)


def _allowed(command: Callable[[], object], *, refused: int) -> bool:
    """False when the server answers with the error code `refused`; every other error flies."""
    try:
        command()
    except OperationFailure as error:
        if error.code != refused:
            raise
        return False
    return True


if __name__ == "__main__":
    main()
