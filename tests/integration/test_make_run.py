"""`make run` and `make demo`, as a person at a terminal meets them."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from deploy.devstack import ports
from tests.support.waiting import until

STARTS_WITHIN, STOPS_WITHIN = 120, 60
pytestmark = pytest.mark.timeout(400)


async def test_a_booking_walks_through_it_and_its_text_is_still_there_after_a_restart(tmp_path: Path) -> None:
    folder, port = tmp_path / "stack", ports.free()
    async with _running(folder, port) as phone:
        await _opens(f"http://{ports.LOOPBACK}:{port}/booking/book/still-water")
        await _opens(phone)
        code, said = await _devstack("demo", folder)
        assert code == 0, said
        assert [word for word in ("held", "requested", "confirmed", "delivered") if word not in said] == []
        code, said = await _devstack("run", folder, port)
        assert code == 1
        assert "already runs from this folder" in said
        before = await _texts(phone)
        await _opens(re.findall(r"https?://\S+/n/\w+", before[0][1])[0])
    async with _running(folder, port) as phone:
        assert await _texts(phone) == before


async def test_a_busy_port_is_named_with_the_command_that_helps(tmp_path: Path) -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as busy:
        port = busy.getsockname()[1]
        code, said = await _devstack("run", tmp_path, port)
    assert code == 1
    assert said.startswith(f"Port {port} is taken by another program; run: make run PORT=")
    assert said.count("\n") == 1


async def test_a_demo_of_nothing_says_how_to_start_it(tmp_path: Path) -> None:
    assert await _devstack("demo", tmp_path) == (
        1,
        "Stillpoint is not running here; in another terminal run: make run\n",
    )


@asynccontextmanager
async def _running(folder: Path, port: int) -> AsyncIterator[str]:
    """The origin of its phone; stopped as Ctrl-C does, which must succeed."""
    process = await _start("run", folder, port)
    try:
        where = folder / "running.json"
        await until(lambda: where.exists() or process.returncode is not None, within=STARTS_WITHIN)
        running = json.loads(where.read_text())
        yield running["phone"]
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        said, _ = await asyncio.wait_for(process.communicate(), STOPS_WITHIN)
    assert process.returncode == 0, said.decode()


async def _devstack(command: str, folder: Path, port: int | None = None) -> tuple[int | None, str]:
    process = await _start(command, folder, port)
    said, _ = await asyncio.wait_for(process.communicate(), STARTS_WITHIN)
    return process.returncode, said.decode()


async def _start(command: str, folder: Path, port: int | None = None) -> asyncio.subprocess.Process:
    arguments = [command, f"--folder={folder}", *([f"--port={port}"] if port else [])]
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.devstack", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def _opens(page: str) -> None:
    async with aiohttp.ClientSession() as browser, browser.get(page) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")


async def _texts(phone: str) -> list[tuple[str, str]]:
    async with aiohttp.ClientSession(phone) as emulator, emulator.get("/emulator/messages") as answer:
        return [(text["sid"], text["body"]) for text in (await answer.json())["messages"]]
