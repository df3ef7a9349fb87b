"""A storm of clients and kills on two replicas; afterwards the auditor, who reads the database only, finds nothing."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from shared import mongo
from tests.support import auditor
from tests.support.backends import RabbitBackend, fresh_vhost
from tests.support.running import OPERATOR_KEY, running
from tests.support.storm import Storm
from tests.support.waiting import until

CLIENTS = 8


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seconds", [12, pytest.param(120, marks=pytest.mark.long)])
async def test_after_a_storm_of_clients_and_kills_the_auditor_finds_nothing(
    seconds: int, mongo_url: str, rabbit_server: RabbitBackend, tmp_path: Path
) -> None:
    seed = random.randrange(1_000_000)
    async with (
        fresh_vhost(rabbit_server) as rabbit,
        running(
            tmp_path,
            mongo_url=mongo_url,
            rabbit=rabbit,
            services=("booking", "screening"),
            booking_tick_seconds="0.3",
            booking_grace_seconds="1",
        ) as system,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as http,
        mongo.connect(SecretStr(mongo_url), system.environment["STILLPOINT_BOOKING_DATABASE"]) as database,
    ):
        await system.start_replica("booking-2")
        storm = Storm(system, http, OPERATOR_KEY, database, random.Random(seed))
        await storm.open()
        raging = asyncio.create_task(storm.kill_now_and_then())
        async with asyncio.timeout(seconds + 60):
            await asyncio.gather(*(storm.client(seconds=seconds) for _ in range(CLIENTS)))
        raging.cancel()
        await storm.calm()

        await until(lambda: auditor.quiet(database), within=60)
        assert await auditor.findings(database) == [], f"seed {seed}"
        assert storm.broken == [], f"seed {seed}"
        assert storm.kills >= seconds // 12
        for deed in ("held", "requested", "answered", "moved", "cancelled", "course", "waited"):
            assert storm.done[deed] > 0, f"seed {seed}: nothing was {deed}; {storm.done}, refused {storm.refused}"
