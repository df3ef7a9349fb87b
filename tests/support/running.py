"""The services as real processes beside a broker, a database and the emulator, to be killed and brought back."""

from __future__ import annotations

import base64
import os
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from deploy.devstack import ports
from deploy.devstack.child import Child
from deploy.devstack.programs import PROJECT, answers
from services import topology
from tests.support.backends import RabbitBackend

SERVICES = ("booking", "screening", "notify")
STARTS_WITHIN = timedelta(seconds=30)
OPERATOR_KEY = "operator-" + "o" * 32
NUMBER = "+15005550006"
UNLIMITED: dict[str, Any] = {
    "booking_limit_holds_by_address": "",
    "booking_limit_holds_at_practice": "",
    "booking_limit_requests_by_address": "",
    "booking_limit_requests_at_practice": "",
    "booking_limit_requests_by_number": "",
    "booking_most_coming": 0,
}
"""A test asks more often, all from one address, than any client would."""


@dataclass(slots=True)
class Running:
    """Each service on a port of its own; `origins` maps its name to where it answers.

    A further replica is a name such as `booking-2`, with an origin of its own.
    """

    folder: Path
    origins: dict[str, str]
    phone: str
    environment: dict[str, str] = field(repr=False)
    commands: dict[str, Sequence[str]] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)

    async def start(self, service: str, **more: str) -> None:
        port = self.origins[service].rpartition(":")[2]
        environment = {**os.environ, **self.environment, **more, "STILLPOINT_PORT": port}
        command = self.commands.get(service) or (sys.executable, "-m", f"services.{_kind(service)}")
        self.children[service] = await Child.start(
            service, command, log=self.folder / f"{service}.log", env=environment
        )
        await self.children[service].ready(lambda: self.is_ready(service), within=STARTS_WITHIN)

    async def is_ready(self, service: str) -> bool:
        return await answers(f"{self.origins[service]}/{_kind(service)}/health/ready")

    async def start_replica(self, name: str) -> None:
        self.origins[name] = f"http://{ports.LOOPBACK}:{ports.free()}"
        await self.start(name)

    async def kill(self, service: str) -> None:
        await self.children[service].kill()

    async def restart(self, service: str, **more: str) -> None:
        await self.kill(service)
        await self.start(service, **more)

    async def stop(self) -> None:
        for child in self.children.values():
            await child.stop()


def _kind(name: str) -> str:
    return name.partition("-")[0]


@asynccontextmanager
async def running(
    folder: Path, *, mongo_url: str, rabbit: RabbitBackend, services: Sequence[str] = SERVICES, **settings: str
) -> AsyncIterator[Running]:
    """Start the emulator and the given services; everything is stopped by its process id afterwards."""
    origins = {service: f"http://{ports.LOOPBACK}:{ports.free()}" for service in SERVICES}
    phone_port = ports.free()
    account, token = "AC" + secrets.token_hex(16), secrets.token_hex(16)
    phone = f"http://{ports.LOOPBACK}:{phone_port}"
    suffix = secrets.token_hex(4)
    environment = {
        "PYTHONPATH": str(PROJECT),
        "STILLPOINT_MONGO_URL": mongo_url,
        "STILLPOINT_RABBIT_URL": rabbit.url,
        "STILLPOINT_SIGNING_KEY": secrets.token_urlsafe(32),
        "STILLPOINT_OPERATOR_KEY": OPERATOR_KEY,
        "STILLPOINT_PUBLIC_ORIGIN": origins["notify"],
        "STILLPOINT_BOOKING_DATABASE": f"booking_{suffix}",
        "STILLPOINT_SCREENING_DATABASE": f"screening_{suffix}",
        "STILLPOINT_SCREENING_VAULT_DATABASE": f"vault_{suffix}",
        "STILLPOINT_NOTIFY_DATABASE": f"notify_{suffix}",
        "STILLPOINT_SCREENING_MASTER_KEY": base64.b64encode(secrets.token_bytes(96)).decode(),
        "STILLPOINT_NOTIFY_NUMBER_KEY": secrets.token_urlsafe(32),
        "STILLPOINT_NOTIFY_WORDS_KEY": secrets.token_urlsafe(32),
        "STILLPOINT_NOTIFY_TWILIO_URL": phone,
        "STILLPOINT_NOTIFY_TWILIO_ACCOUNT_SID": account,
        "STILLPOINT_NOTIFY_TWILIO_AUTH_TOKEN": token,
        "STILLPOINT_NOTIFY_TWILIO_NUMBER": NUMBER,
        **{f"STILLPOINT_{name.upper()}": str(value) for name, value in (UNLIMITED | settings).items()},
    }
    await topology.apply(SecretStr(rabbit.management_url), SecretStr(rabbit.url))
    system = Running(folder, origins, phone, environment)
    async with AsyncExitStack() as opened:
        if "notify" in services:
            emulator = await Child.start(
                "emulator",
                (
                    sys.executable, "-m", "deploy.twilio_emulator", f"--port={phone_port}", f"--account-sid={account}",
                    f"--auth-token={token}", f"--number={NUMBER}",
                    f"--inbound-url={origins['notify']}/notify/v1/twilio/inbound",
                ),
                log=folder / "emulator.log",
                env={**os.environ, "PYTHONPATH": str(PROJECT)},
            )  # fmt: skip
            opened.push_async_callback(emulator.stop)
            await emulator.ready(lambda: answers(phone), within=STARTS_WITHIN)
        opened.push_async_callback(system.stop)
        for service in services:
            await system.start(service)
        yield system
