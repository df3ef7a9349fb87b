"""RUNBOOK.md's change of the master key, step by step, on two replicas that are asked all the while."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika
import aiohttp
import pytest

from shared.bus import EVENTS
from shared.events import envelope
from shared.tokens import Tokens
from tests.support import screening as twin
from tests.support.backends import RabbitBackend
from tests.support.running import Running, running
from tests.support.screening import PRACTICE
from tests.support.screening_app import an_appointment
from tests.support.waiting import until

REPLICAS = ("screening", "screening-2")


class Site:
    """Two replicas, two key files, and somebody who reads answers from either without a pause."""

    def __init__(self, system: Running, folder: Path, http: aiohttp.ClientSession) -> None:
        self.system, self.http = system, http
        self.files = {name: _key_file(folder / name) for name in ("old", "new")}
        self.wrong: list[str] = []
        self.reads = 0
        self.answered: list[str] = []

    def keys(self, current: str, *earlier: str) -> dict[str, str]:
        return {
            "STILLPOINT_SCREENING_MASTER_KEY": "",
            "STILLPOINT_SCREENING_MASTER_KEY_FILE": str(self.files[current]),
            "STILLPOINT_SCREENING_EARLIER_MASTER_KEY_FILES": ",".join(str(self.files[name]) for name in earlier),
        }

    async def roll(self, current: str, *earlier: str) -> None:
        """One replica after the other."""
        for replica in REPLICAS:
            await self.system.children[replica].stop()
            await self.system.start(replica, **self.keys(current, *earlier))
            await self.answer()

    async def answer(self) -> None:
        """A client fills in the form at each replica that is there."""
        for replica in REPLICAS:
            appointment = an_appointment()
            body = {"questionnaire": "cst-core", "answers": twin.REVIEWED}
            async with self._ask("PUT", replica, f"{appointment}/answers", appointment, json=body) as told:
                if told.status != 202:
                    self.wrong.append(f"{replica} takes no answers: {told.status}")
            self.answered.append(appointment)

    async def read(self) -> None:
        for appointment in self.answered[:]:
            for replica in REPLICAS:
                try:
                    async with self._ask("GET", replica, f"{appointment}/outcome", appointment) as told:
                        self.reads += told.status == 200
                        if told.status != 200:
                            self.wrong.append(f"{replica} {told.status}")
                except aiohttp.ClientError:  # it is being replaced
                    await asyncio.sleep(0.05)

    async def keep_reading(self) -> None:
        while True:
            await self.read()
            await asyncio.sleep(0.01)

    async def command(self, *said: str, current: str, earlier: tuple[str, ...] = ()) -> tuple[int | None, Any]:
        environment = {**os.environ, **self.system.environment, **self.keys(current, *earlier)}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.screening", "keys", *said, "--json"),
            stdout=asyncio.subprocess.PIPE,
            env=environment,
        )
        out, _ = await process.communicate()
        return process.returncode, json.loads(out)

    @asynccontextmanager
    async def _ask(
        self, method: str, replica: str, path: str, appointment: str, **more: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        tokens = Tokens(self.system.environment["STILLPOINT_SIGNING_KEY"])
        token = tokens.mint(appointment, PRACTICE, datetime.now(UTC) + timedelta(days=1))
        url = f"{self.system.origins[replica]}/screening/v1/appointments/{path}"
        async with self.http.request(method, url, headers={"Authorization": f"Bearer {token}"}, **more) as told:
            yield told


def _key_file(file: Path) -> Path:
    file.touch(mode=0o600)
    file.write_text(base64.b64encode(secrets.token_bytes(96)).decode())
    return file


@pytest.mark.long
async def test_the_master_key_is_changed_while_clients_answer_and_read(
    mongo_url: str, rabbit: RabbitBackend, tmp_path: Path
) -> None:
    async with (
        running(tmp_path, mongo_url=mongo_url, rabbit=rabbit, services=()) as system,
        aiohttp.ClientSession() as http,
    ):
        site = Site(system, tmp_path, http)
        system.origins["screening-2"] = system.origins["booking"]
        for replica in REPLICAS:
            await system.start(replica, **site.keys("old"))
        await _practice_is_known(site)
        await site.answer()
        reader = asyncio.create_task(site.keep_reading())

        await site.roll("old", "new")
        await site.roll("new", "old")
        code, before = await site.command("status", current="new", earlier=("old",))
        assert code == 2
        assert set(before["keys"]) > {before["current"]}
        code, done = await site.command("rewrap", current="new", earlier=("old",))
        assert (code, done["keys"]) == (0, {done["current"]: len(site.answered)})
        await site.roll("new")
        site.files["old"].unlink()
        await until(lambda: not reader.done() and site.reads > 100)

        reader.cancel()
        reads = site.reads
        await site.read()
        assert site.reads - reads == 2 * len(site.answered)
        assert site.wrong == []
        code, after = await site.command("status", current="new")
        assert (code, after["keys"]) == (0, {done["current"]: len(site.answered)})


async def _practice_is_known(site: Site) -> None:
    said = envelope(twin.practice_changed(), subject=PRACTICE, practice=PRACTICE, sequence=1, at=datetime.now(UTC))
    async with await aio_pika.connect(site.system.environment["STILLPOINT_RABBIT_URL"]) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(EVENTS, ensure=False)
        message = aio_pika.Message(said.to_json(), type=said.type, headers={"event-id": said.id}, message_id="practice")
        await exchange.publish(message, said.type)

    async def is_known() -> bool:
        url = f"{site.system.origins[REPLICAS[0]]}/screening/v1/practices/{PRACTICE}/questionnaire"
        async with site.http.get(url) as told:
            return told.status == 200

    await until(is_known)
