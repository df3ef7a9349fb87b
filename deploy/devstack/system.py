"""The whole system on this machine: database, broker, Twilio emulator, the three services and the demo practice."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from deploy.devstack import broker, database, home, ports
from deploy.devstack.broker import Broker
from deploy.devstack.child import Child
from deploy.devstack.home import Running
from deploy.devstack.programs import STARTS_WITHIN, Programs, all_ready, answers
from deploy.devstack.trouble import Trouble

PRACTICE_FILE = Path(__file__).parents[1] / "practice.example.toml"
PRACTICE = "still-water"
NUMBER = "+15005550006"
GIVEN_DATABASE = "STILLPOINT_MONGO_URL"


@asynccontextmanager
async def started(folder: Path, port: int) -> AsyncIterator[tuple[Running, Sequence[Child]]]:
    """Everything up and the practice loaded; stopped in the opposite order, the services first."""
    running = _running(folder, port)
    secrets = home.kept_secrets(folder)
    async with AsyncExitStack() as opened:
        print("Starting the database and the broker", flush=True)
        servers: list[Child | None] = []
        mongo_url = os.environ.get(GIVEN_DATABASE)
        if not mongo_url:
            db = await opened.enter_async_context(database.started(folder / "mongodb"))
            mongo_url, servers = db.url, [db.server]
        rabbit = await opened.enter_async_context(broker.started(folder / "rabbitmq"))
        settings = _settings(running, secrets, mongo_url, rabbit)
        opened.enter_context(home.settings_kept(folder, settings))
        programs = Programs(folder, settings)
        print("Starting the phone and the services", flush=True)
        await programs.once("topology", "services", "topology")
        phone = await opened.enter_async_context(programs.kept_up("phone", *_emulator(folder, running, secrets)))
        await phone.ready(lambda: answers(f"{running.phone}/emulator"), within=STARTS_WITHIN)
        services = await opened.enter_async_context(programs.kept_up("services", "services"))
        await services.ready(lambda: all_ready(running.origin), within=STARTS_WITHIN)
        await programs.once("practice", "services.booking", "import", str(PRACTICE_FILE), "--url", running.origin)
        yield running, [child for child in (*servers, rabbit.node, phone, services) if child]


def _running(folder: Path, port: int) -> Running:
    obstacle = ports.obstacle(port)
    if isinstance(obstacle, PermissionError):
        raise Trouble(f"Port {port} is for root only; run: make run PORT=8080")
    if obstacle:
        raise Trouble(f"Port {port} is taken by another program; run: make run PORT={ports.free()}")
    phone = ports.remembered(folder / "ports.json", ("phone",))["phone"]
    host = f"http://{ports.LOOPBACK}"
    return Running(origin=f"{host}:{port}", phone=f"{host}:{phone}", practice=PRACTICE)


def _settings(running: Running, secrets: Mapping[str, str], mongo_url: str, rabbit: Broker) -> dict[str, str]:
    """What the services read from their environment; their user of the broker may not declare anything."""
    settings = {
        "mongo_url": mongo_url,
        "rabbit_url": f"amqp://services:{secrets['rabbit_password']}@{ports.LOOPBACK}:{rabbit.port}/stillpoint",
        "rabbit_management_url": rabbit.management_url,
        "signing_key": secrets["signing_key"],
        "operator_key": secrets["operator_key"],
        "public_origin": running.origin,
        "booking_demo_phone": f"{running.phone}/",
        "host": ports.LOOPBACK,
        "port": running.origin.rpartition(":")[2],
        "screening_master_key": secrets["master_key"],
        "notify_twilio_account_sid": secrets["twilio_account_sid"],
        "notify_twilio_auth_token": secrets["twilio_auth_token"],
        "notify_number_key": secrets["number_key"],
        "notify_words_key": secrets["words_key"],
        "notify_twilio_number": NUMBER,
        "notify_twilio_url": running.phone,
    }
    return {f"STILLPOINT_{name.upper()}": value for name, value in settings.items()}


def _emulator(folder: Path, running: Running, secrets: Mapping[str, str]) -> tuple[str, ...]:
    return (
        "deploy.twilio_emulator",
        f"--port={running.phone.rpartition(':')[2]}",
        f"--account-sid={secrets['twilio_account_sid']}",
        f"--auth-token={secrets['twilio_auth_token']}",
        f"--number={NUMBER}",
        f"--inbound-url={running.origin}/notify/v1/twilio/inbound",
        f"--data={folder / 'texts'}",
    )
