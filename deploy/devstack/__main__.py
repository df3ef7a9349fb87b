"""`make run`, `make demo` and `make operate`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import cyclopts

from deploy.devstack import demo, home
from deploy.devstack import run as foreground
from deploy.devstack.trouble import Trouble

app = cyclopts.App(name="devstack", help="The whole system on this machine, for development.")


@app.command
def run(*, port: int = 8080, folder: Path = home.FOLDER) -> None:
    """Start everything; Ctrl-C stops it.

    Parameters
    ----------
    port: TCP port of the origin that the services share.
    folder: Where data, logs, secrets and ports are kept.
    """
    _do(foreground.run(folder, port))


@app.command(name="demo")
def walk(*, folder: Path = home.FOLDER) -> None:
    """Walk one booking through the running system.

    Parameters
    ----------
    folder: The one the system runs from.
    """
    _do(demo.walk(folder))


@app.command
def operate(
    *command: Annotated[str, cyclopts.Parameter(allow_leading_hyphen=True)], folder: Path = home.FOLDER
) -> None:
    """Run a command of `stillpoint` on the running system.

    Parameters
    ----------
    command: It and its arguments; none lists them all.
    folder: The one the system runs from.
    """
    try:
        settings = home.settings(folder)
    except Trouble as trouble:
        sys.exit(str(trouble))
    program = (sys.executable, "-m", "deploy.stillpoint", *command)
    os.execve(sys.executable, program, {**os.environ, **settings})  # noqa: S606  ours, as typed


def _do(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except Trouble as trouble:
        sys.exit(str(trouble))
    except PermissionError as error:
        sys.exit(f"{error.filename} belongs to another user; run: sudo chown -R $(id -u) {home.FOLDER}")


if __name__ == "__main__":
    app()
