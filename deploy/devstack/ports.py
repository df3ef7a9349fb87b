"""TCP ports on loopback that nobody else holds, remembered from one start to the next."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below the ephemeral range: while a server is down no outgoing connection can take its port, nor connect to itself.
FIRST, LAST = 20_000, 32_000


def is_free(port: int) -> bool:
    return obstacle(port) is None


def obstacle(port: int) -> OSError | None:
    """What keeps us from listening there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do; TIME_WAIT is no obstacle
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return error
    return None


def free() -> int:
    while not is_free(port := FIRST + secrets.randbelow(LAST - FIRST)):
        pass
    return port


def remembered(file: Path, names: Sequence[str]) -> dict[str, int]:
    """The ports of the last start where they are still free, else new ones; kept in `file`."""
    known: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    chosen = {name: known[name] if name in known and is_free(known[name]) else free() for name in names}
    file.write_text(json.dumps(chosen))
    return chosen
