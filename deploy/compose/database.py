"""Make MongoDB's replica set of one member, and for each service a user who reaches that service's databases only.

Runs beside the server, in its network: as long as there is no user, the server trusts what comes from loopback
to make the first one. Running it again changes nothing but passwords that were changed in the secrets.
"""

from __future__ import annotations

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
MEMBER: Final = "mongo:27017"
SET: Final = "rs0"
ROOT: Final = "root"
DATABASES: Final[Mapping[str, tuple[str, ...]]] = {
    "booking": ("stillpoint_booking",),
    "screening": ("stillpoint_screening", "stillpoint_vault"),
    "notify": ("stillpoint_notify",),
}
AUTHENTICATION_FAILED, ALREADY_INITIATED, USER_EXISTS = 18, 23, 51003


class NotPrimary(Exception):
    """The election of the only member is not over yet."""


def main() -> None:
    password = secret("mongo_root_password")
    client: Client
    with MongoClient(LOOPBACK) as client:
        if not _allowed(lambda: _root(password), refused=AUTHENTICATION_FAILED):
            _initiate(client)
            client.admin.command("createUser", ROOT, pwd=password, roles=["root"])
    with MongoClient(LOOPBACK, username=ROOT, password=password) as client:
        _primary(client)
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
    members = [{"_id": 0, "host": MEMBER}]
    _allowed(
        lambda: client.admin.command("replSetInitiate", {"_id": SET, "members": members}), refused=ALREADY_INITIATED
    )
    _primary(client)


@stamina.retry(on=(NotPrimary, AutoReconnect), timeout=60, wait_max=0.5)
def _primary(client: Client) -> None:
    if not client.admin.command("hello")["isWritablePrimary"]:
        raise NotPrimary


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
