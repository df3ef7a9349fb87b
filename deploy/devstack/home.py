"""The folder that the development system lives in: its lock, its secrets, and where it is to be found."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.devstack.trouble import Trouble

FOLDER = Path(".devstack")
NOT_RUNNING = "Stillpoint is not running here; in another terminal run: make run"

# Made on the first start and kept, because stored data and texts depend on them.
SECRETS: Mapping[str, Callable[[], str]] = {
    "signing_key": lambda: secrets.token_urlsafe(48),
    "operator_key": lambda: secrets.token_urlsafe(48),
    "master_key": lambda: base64.b64encode(secrets.token_bytes(96)).decode(),
    "number_key": lambda: secrets.token_urlsafe(48),
    "words_key": lambda: secrets.token_urlsafe(48),
    "rabbit_password": lambda: secrets.token_urlsafe(24),
    "twilio_account_sid": lambda: f"AC{secrets.token_hex(16)}",
    "twilio_auth_token": lambda: secrets.token_hex(16),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Where a running system answers, for `make demo`."""

    origin: str
    phone: str
    practice: str


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a second system out of the folder until we are done."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip()
            raise Trouble(
                f"Stillpoint already runs from this folder; end it with Ctrl-C there, or run: kill {owner}"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def kept_secrets(folder: Path) -> dict[str, str]:
    file = folder / "secrets.json"
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    kept = {name: known.get(name) or make() for name, make in SECRETS.items()}
    if kept != known:
        file.touch(mode=0o600)
        file.write_text(json.dumps(kept, indent=2))
    return kept


@contextmanager
def announced(folder: Path, running: Running) -> Iterator[None]:
    """Say where the system is, for as long as it is there."""
    file = folder / "running.json"
    whole = folder / "running.json.new"  # whoever waits for the file reads all of it or none
    whole.write_text(json.dumps(asdict(running)))
    whole.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def settings_kept(folder: Path, settings: Mapping[str, str]) -> Iterator[None]:
    """For the operator's command line, and for nobody else on this machine, as long as the system is there."""
    file = folder / "settings.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(dict(settings)))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def settings(folder: Path) -> Mapping[str, str]:
    try:
        kept: dict[str, str] = json.loads((folder / "settings.json").read_text())
    except FileNotFoundError:
        raise Trouble(NOT_RUNNING) from None
    return kept


def where(folder: Path) -> Running:
    try:
        return Running(**json.loads((folder / "running.json").read_text()))
    except FileNotFoundError:
        raise Trouble(NOT_RUNNING) from None
