"""`make run`: the whole system in the foreground, until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

from deploy.devstack import home, staff, system
from deploy.devstack.child import Child
from deploy.devstack.home import Running


async def run(folder: Path, port: int) -> None:
    """Run until a signal to stop, or until a part ends by itself; either way stop every part in order."""
    work = asyncio.create_task(_run(folder, port))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, _stop_once, work)
    try:
        await work
    except asyncio.CancelledError:
        print(f"Stopped. Everything is kept in {folder}/.")


def _stop_once(work: asyncio.Task[None]) -> None:
    """Impatient repetitions must not interrupt the stopping itself."""
    if not work.cancelling():
        print("\nStopping.")
        work.cancel()


async def _run(folder: Path, port: int) -> None:
    with home.locked(folder):
        async with system.started(folder, port) as (running, children):
            with home.announced(folder, running):
                operator_key = home.kept_secrets(folder)["operator_key"]
                print(_welcome(folder, running, await staff.password(folder, running, operator_key)))
                await _end_of_one(children)


async def _end_of_one(children: Sequence[Child]) -> None:
    for trouble in asyncio.as_completed([child.ended() for child in children]):
        raise await trouble


def _welcome(folder: Path, running: Running, password: str) -> str:
    return f"""
Stillpoint is running.

  Book       {running.origin}/booking/book/{running.practice}
  Phone      {running.phone}/   (shows the texts, and answers them)
  Staff      {running.origin}/booking/console/   ({staff.LOGIN}, {password})
  Begin      {running.origin}/booking/console/begin   (a practice of your own; "operator_key" in {folder}/secrets.json)
  API        {running.origin}/booking/v1/openapi.json, /screening/..., /notify/...
  Logs       {folder}/*.log

In another terminal, `make demo` walks one booking through it. Ctrl-C stops it; the data stays in {folder}/.
"""
