"""The operator's command line on the whole system, as it runs on one machine."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aio_pika
import aiohttp
import pytest

from deploy.devstack import home, ports, system
from deploy.devstack.programs import PROJECT
from tests.support.every_page import SERVICE
from tests.support.phone import Phone
from tests.support.story import Widget
from tests.support.waiting import until

PRACTICE = system.PRACTICE
LATER = "booking.appointment.requested.v9"
pytestmark = pytest.mark.timeout(200)


@dataclass(frozen=True, slots=True)
class Told:
    code: int | None
    out: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Installation:
    running: home.Running
    settings: Mapping[str, str]

    async def stillpoint(self, *command: str, **changed: str) -> Told:
        """`changed` are other settings; an empty one is left out."""
        environment = {**os.environ, **self.settings, **changed, "PYTHONPATH": str(PROJECT), "COLUMNS": "200"}
        environment = {name: value for name, value in environment.items() if value}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.stillpoint", *command,
            env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, error = await asyncio.wait_for(process.communicate(), 60)
        return Told(process.returncode, out.decode(), error.decode())


@pytest.fixture(scope="module")
async def installed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    folder = tmp_path_factory.mktemp("installed")
    async with system.started(folder, ports.free()) as (running, _):
        yield Installation(running, home.settings(folder))


async def test_the_doctor_finds_nothing_bad_in_a_system_that_runs(installed: Installation) -> None:
    told = await installed.stillpoint("doctor", "--json")

    assert told.code == 0, told.out + told.error
    verdicts = {one["told"]: one["verdict"] for one in told.json}
    assert "bad" not in verdicts.values()
    assert verdicts["notify listens"] == "good"
    assert verdicts["the number is ours, and texts from clients come to us"] == "good"
    assert {one["area"] for one in told.json} == {
        "addresses", "broker", "clock", "database", "secrets", "twilio", "versions",
    }  # fmt: skip
    for secret in home_secrets(installed):
        assert secret not in told.out


def home_secrets(installed: Installation) -> list[str]:
    names = ("SIGNING_KEY", "OPERATOR_KEY", "SCREENING_MASTER_KEY", "NOTIFY_TWILIO_AUTH_TOKEN", "NOTIFY_NUMBER_KEY")
    return [installed.settings[f"STILLPOINT_{name}"] for name in names]


@pytest.mark.parametrize(
    ("changed", "area", "told"),
    [
        ({"STILLPOINT_NOTIFY_TWILIO_AUTH_TOKEN": "f" * 32}, "twilio", "Twilio does not take our credentials (20003)"),
        ({"STILLPOINT_NOTIFY_TWILIO_NUMBER": "+15005550001"}, "twilio", "+15005550001 is not the account's"),
        ({"STILLPOINT_NOTIFY_TWILIO_URL": "http://127.0.0.1:1"}, "twilio", "http://127.0.0.1:1 does not answer"),
        ({"STILLPOINT_PUBLIC_ORIGIN": "http://127.0.0.1:1"}, "twilio", "texts from clients go to "),
        ({"STILLPOINT_PUBLIC_ORIGIN": "http://127.0.0.1:1"}, "addresses", "/booking/v1/openapi.json does not answer"),
        ({"STILLPOINT_PUBLIC_ORIGIN": "http://no.invalid"}, "addresses", "the name no.invalid leads nowhere"),
        ({"STILLPOINT_RABBIT_URL": "amqp://a:b@127.0.0.1:1/x"}, "broker", "the broker cannot be reached"),
        ({"STILLPOINT_MONGO_URL": "mongodb://127.0.0.1:1"}, "database", "notify cannot reach its database"),
        ({"STILLPOINT_SIGNING_KEY": "a" * 40}, "secrets", "STILLPOINT_SIGNING_KEY can be guessed"),
        ({"STILLPOINT_NOTIFY_WORDS_KEY": ""}, "secrets", "STILLPOINT_NOTIFY_WORDS_KEY is missing"),
        ({"STILLPOINT_SCREENING_MASTER_KEY": "c2hvcnQ="}, "secrets", "is not 96 random bytes"),
    ],
)
async def test_the_doctor_names_what_is_wrong_and_what_to_do(
    installed: Installation, changed: dict[str, str], area: str, told: str
) -> None:
    said = await installed.stillpoint("doctor", "--json", **changed)

    assert said.code == 1, said.error
    wrong = [one for one in said.json if one["verdict"] == "bad" and one["area"] == area and told in one["told"]]
    assert wrong, said.out
    assert all(one["to_do"] for one in wrong)
    assert "bad" in said.error


async def test_the_doctor_misses_queues_before_the_topology_is_made(installed: Installation) -> None:
    elsewhere = installed.settings["STILLPOINT_RABBIT_MANAGEMENT_URL"].replace("http://", "")
    admin, _, _ = elsewhere.rpartition("@")
    url = installed.settings["STILLPOINT_RABBIT_URL"]
    bare = f"amqp://{admin}@{url.rpartition('@')[2].partition('/')[0]}/"

    said = await installed.stillpoint("doctor", "--json", STILLPOINT_RABBIT_URL=bare)

    assert [one["to_do"] for one in said.json if "booking.inbox" in one["told"]] == [
        "docker compose up topology, or python -m services topology"
    ]


async def test_a_message_that_nobody_understands_is_looked_at_heard_again_and_dropped(installed: Installation) -> None:
    await _said_to(installed, "notify.inbox", "later-1")
    await _said_to(installed, "notify.inbox", "later-2")

    async def parked() -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = (await installed.stillpoint("parked", "list", "notify", "--json")).json
        return listed if len(listed) == 2 else []

    listed = await until(parked)
    assert {(one["id"], one["event"], one["reason"]) for one in listed} == {
        ("later-1", LATER, "unknown event"), ("later-2", LATER, "unknown event"),
    }  # fmt: skip
    shown = await installed.stillpoint("parked", "show", "notify", "later-1")
    assert shown.json["body"] == {"said": "later-1"}
    assert "later-2" in (await installed.stillpoint("parked", "list")).out

    again = await installed.stillpoint("parked", "replay", "notify", "later-1")
    assert again.code == 0, again.error
    assert again.out.startswith("1 heard again by notify")
    assert await until(parked)  # not understood this time either, and not lost

    kept = await installed.stillpoint("parked", "drop", "notify", "later-1")
    assert (kept.code, kept.error.strip()) == (1, "what is dropped cannot be brought back; say --sure")
    dropped = await installed.stillpoint("parked", "drop", "notify", "later-1", "--sure")
    assert dropped.out == "1 dropped\n"
    missing = await installed.stillpoint("parked", "drop", "notify", "later-1", "--sure")
    assert missing.code == 1
    assert "nothing parked under later-1" in missing.error
    assert (await installed.stillpoint("parked", "drop", "notify", "--everything", "--sure")).out == "1 dropped\n"
    assert (await installed.stillpoint("parked", "list")).out == "nothing is parked\n"


async def _said_to(installed: Installation, queue: str, event_id: str) -> None:
    async with await aio_pika.connect(installed.settings["STILLPOINT_RABBIT_URL"]) as connection:
        channel = await connection.channel(publisher_confirms=True)
        body = json.dumps({"said": event_id}).encode()
        message = aio_pika.Message(body, type=LATER, message_id=event_id, headers={"event-id": event_id})
        await channel.default_exchange.publish(message, queue)


async def test_what_is_written_and_published_is_not_left_behind(installed: Installation) -> None:
    told = await installed.stillpoint("outbox", "status")

    assert (told.code, told.out, told.error) == (0, "everything is published\n", "")
    away = await installed.stillpoint("outbox", "status", STILLPOINT_MONGO_URL="mongodb://127.0.0.1:1")
    assert away.code == 2
    assert away.error.startswith("the database of booking cannot be asked")


async def test_a_client_is_found_written_down_and_forgotten(installed: Installation, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as http:
        origin, key = installed.running.origin, installed.settings["STILLPOINT_OPERATOR_KEY"]
        widget = Widget(http, dict.fromkeys(("booking", "screening", "notify"), origin), PRACTICE, key)
        phone = Phone(http, installed.running.phone, "+41790001122")
        slot = (await widget.times(SERVICE, days="7"))[-1]
        booking = await widget.hold(SERVICE, slot)
        await booking.request(phone.number)
        await booking.answer(await widget.clear_answers(SERVICE))
        await until(lambda: booking.is_("confirmed"))
        found = (await installed.stillpoint("client", "find", PRACTICE, phone.number, "--json")).json
        assert [one["phone"] for one in found] == [phone.number]
        ref, file = found[0]["ref"], tmp_path / "client.json"

        written = await installed.stillpoint("client", "export", PRACTICE, ref, str(file))
        assert written.code == 0, written.error
        assert set(json.loads(file.read_text())) == {"booking", "screening", "notify"}
        assert phone.number in file.read_text()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert (await installed.stillpoint("client", "export", PRACTICE, ref, str(file))).code == 1

        assert "say --sure" in (await installed.stillpoint("client", "erase", PRACTICE, ref)).error
        coming = await installed.stillpoint("client", "erase", PRACTICE, ref, "--sure")
        assert coming.code == 1
        await booking.cancel()
        forgotten = await installed.stillpoint("client", "erase", PRACTICE, ref, "--sure")
        assert forgotten.code == 0, forgotten.error
        assert sorted(line.partition(":")[0] for line in forgotten.out.splitlines()) == [
            "booking", "notify", "screening",
        ]  # fmt: skip
    assert (await installed.stillpoint("client", "find", PRACTICE, phone.number)).out == "no client\n"


async def test_keys_people_and_practices_are_managed(installed: Installation, tmp_path: Path) -> None:
    made = await installed.stillpoint("key", "make", PRACTICE, "shop", "visits:read", "--days", "30", "--json")
    assert made.json["key"].startswith("sk_")
    listed = (await installed.stillpoint("key", "list", PRACTICE, "--json")).json
    assert [(one["name"], one["scopes"]) for one in listed] == [("shop", ["visits:read"])]
    assert made.json["key"] not in json.dumps(listed)
    assert (await installed.stillpoint("key", "revoke", PRACTICE, made.json["id"])).code == 0
    assert (await installed.stillpoint("key", "list", PRACTICE, "--json")).json[0]["revoked_at"]
    assert "visits:fly" not in (await installed.stillpoint("key", "make", PRACTICE, "x", "visits:fly")).out

    added = await installed.stillpoint("user", "add", PRACTICE, "Kim", "kim@still-water.example", "--role", "desk")
    assert added.out.startswith("kim@still-water.example signs in with ")
    assert "kim@still-water.example" in (await installed.stillpoint("user", "list", PRACTICE)).out

    file = tmp_path / "practice.toml"
    file.write_text((await installed.stillpoint("practice", "export", PRACTICE)).out)
    assert (await installed.stillpoint("practice", "import", str(file))).out.startswith("still-water: loaded, version ")
    assert (await installed.stillpoint("practice", "export", "nobody")).code == 1


async def test_the_texts_of_a_made_up_visit_are_shown(installed: Installation, tmp_path: Path) -> None:
    file = tmp_path / "visit.json"
    zone = "Europe/Zurich"
    moments = {"booked_at": "2027-03-01T09:00:00Z", "starts_at": "2027-03-10T09:00:00Z"}
    visit = {**moments, "ends_at": "2027-03-10T10:00:00Z", "zone": zone, "client_zone": zone}
    file.write_text(json.dumps({"visit": visit}))

    told = await installed.stillpoint("plan", "preview", PRACTICE, str(file))
    assert told.code == 0, told.error
    assert "day_before" in told.out
    file.write_text("{")
    assert (await installed.stillpoint("plan", "preview", PRACTICE, str(file))).error == f"{file} is not JSON\n"


@pytest.mark.parametrize("command", [("nonsense",), ("parked", "list", "nobody"), ("key", "make")])
async def test_what_cannot_be_meant_ends_with_two(installed: Installation, command: tuple[str, ...]) -> None:
    assert (await installed.stillpoint(*command)).code == 2
