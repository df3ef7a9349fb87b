"""The emulator as a program: its address when ready, a clean end, and its conversations after a restart."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from deploy.twilio_emulator.app import Running
from tests.contract.twilio.wire import ACCOUNT, PHONE, Service, Start, sdk
from tests.support.waiting import until


@asynccontextmanager
async def program(*more: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.twilio_emulator", "--account-sid", ACCOUNT.sid),
        *("--auth-token", ACCOUNT.auth_token, "--number", ACCOUNT.number, *more),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        yield line.split()[-1].rstrip("/"), process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 10)


async def test_the_program_prints_its_address_and_ends_cleanly() -> None:
    async with program() as (url, process), aiohttp.request("GET", f"{url}/emulator") as answer:
        assert (await answer.json())["number"] == ACCOUNT.number
    assert process.returncode == 0


async def test_a_busy_port_is_one_plain_sentence(running: Running, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(ACCOUNT.auth_token)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.twilio_emulator", "--account-sid", ACCOUNT.sid, "--number", ACCOUNT.number),
        *("--auth-token-file", str(token), "--port", running.url.rpartition(":")[2]),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, said.decode().count("\n")) == (1, 1)
    assert "Choose another address with --host and --port." in said.decode()


async def test_conversations_and_opt_outs_outlive_a_restart(start: Start, tmp_path: Path) -> None:
    async with start(data=tmp_path) as running, sdk(running) as twilio:
        kept = await twilio.messages.create_async(to=PHONE, from_=ACCOUNT.number, body="Kept — é")
        dropped = await twilio.messages.create_async(to=PHONE, from_=ACCOUNT.number, body="Dropped")
        await until(lambda: all(text.status == "delivered" for text in running.emulator.messages))
        await twilio.messages(dropped.sid).delete_async()
        running.emulator.line.text("+15550100077", "STOP")
    with (tmp_path / "messages.jsonl").open("a") as file:
        file.write('{"text": {"cut of')

    async with start(data=tmp_path) as running, sdk(running) as twilio:
        fetched = await twilio.messages(kept.sid).fetch_async()
        assert (fetched.body, fetched.status) == ("Kept — é", "delivered")
        assert [text.sid for text in await twilio.messages.list_async(to=PHONE)] == [kept.sid]
        assert running.emulator.messages.opted_out == {"+15550100077"}


async def test_a_text_under_way_is_carried_on_after_a_restart(start: Start, service: Service, tmp_path: Path) -> None:
    async with start(data=tmp_path, step=timedelta(hours=1)) as running, sdk(running) as twilio:
        text = await twilio.messages.create_async(
            to=PHONE, from_=ACCOUNT.number, body="Hello", status_callback=f"{service.url}/status"
        )
    async with start(data=tmp_path):
        await until(lambda: len(service.told) == 3)
    assert service.receipts(text.sid) == ["sending", "sent", "delivered"]


async def test_everything_can_be_cleared(running: Running) -> None:
    running.emulator.line.text(PHONE, "STOP")
    async with aiohttp.request("DELETE", f"{running.url}/emulator/messages") as answer:
        assert answer.status == 204
    assert (len(running.emulator.messages), running.emulator.messages.opted_out) == (0, set())


async def test_waiting_for_a_change_ends_with_the_change(running: Running) -> None:
    async with aiohttp.request("GET", f"{running.url}/emulator/changes") as answer:
        before = (await answer.json())["version"]
    waiting = asyncio.create_task(running.emulator.messages.changed_since(before, within=10))
    running.emulator.line.text(PHONE, "C")
    assert await waiting > before


async def test_who_waits_for_a_change_is_let_go_when_the_emulator_ends(start: Start) -> None:
    async with start() as running:
        messages = running.emulator.messages
        waiting = asyncio.create_task(messages.changed_since(messages.version, within=60))
        await asyncio.wait([waiting], timeout=0)
    assert await asyncio.wait_for(waiting, 5) == 0


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null"])
async def test_a_page_of_another_origin_cannot_text(running: Running, origin: str) -> None:
    texted = {"from": PHONE, "body": "STOP"}
    async with aiohttp.request(
        "POST", f"{running.url}/emulator/inbound", json=texted, headers={"Origin": origin}
    ) as answer:
        assert answer.status == 403
    assert len(running.emulator.messages) == 0
