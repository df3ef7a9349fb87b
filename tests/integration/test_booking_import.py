"""Loading a practice with the command line program, into a running booking."""

from __future__ import annotations

import asyncio
import os
import sys
import tomllib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.support.backends import RabbitBackend
from tests.support.booking_app import OPERATOR_KEY, PRACTICE, App, app

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy" / "practice.example.toml"


@pytest.fixture
async def booking(mongo_url: str, database_name: str, rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with app(mongo_url, database_name, rabbit) as one:
        yield one


async def program(what: Path | str, origin: str, command: str = "import", **more: str) -> tuple[int, str]:
    """Its exit code, and all it said."""
    environment: Mapping[str, str] = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "STILLPOINT_OPERATOR_KEY": OPERATOR_KEY,
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.booking", command, str(what), "--url", origin,
        env=environment, cwd=EXAMPLE.parent, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode().strip()


def origin(booking: App) -> str:
    return str(booking.http._base_url).rstrip("/")


async def test_the_example_is_loaded_and_loading_it_again_changes_nothing(booking: App) -> None:
    assert await program(EXAMPLE, origin(booking)) == (0, "still-water: loaded, version 2")
    assert await program(EXAMPLE, origin(booking)) == (0, "still-water: loaded, version 2")
    shown = await booking.call("GET", PRACTICE)
    assert [service["id"] for service in shown.body["services"]] == ["first-visit", "session", "short-session", "call"]


async def test_a_mistake_is_named_by_its_field_and_nothing_is_lost(booking: App, tmp_path: Path) -> None:
    before = await booking.as_operator("GET", f"{PRACTICE}/export")
    broken = tmp_path / "practice.toml"
    broken.write_text(EXAMPLE.read_text().replace("length_minutes = 75", "length_minutes = 77"))
    code, said = await program(broken, origin(booking))
    assert (code, said) == (1, f"{broken}: services[0].length_minutes: 77 is not a multiple of 5 minutes")
    assert (await booking.as_operator("GET", f"{PRACTICE}/export")).body == before.body


@pytest.mark.parametrize(
    ("key", "port", "told"),
    [
        ("wrong-" + "k" * 32, None, "this needs the operator's key or an API key as a bearer token"),
        (OPERATOR_KEY, "http://127.0.0.1:1", "http://127.0.0.1:1 does not answer as booking does; is it running?"),
    ],
    ids=["a wrong key", "nobody there"],
)
async def test_what_goes_wrong_on_the_way_is_one_sentence(booking: App, key: str, port: str | None, told: str) -> None:
    said = await program(EXAMPLE, port or origin(booking), STILLPOINT_OPERATOR_KEY=key)
    assert said == (1, f"{EXAMPLE}: {told}")


async def test_what_is_exported_is_loaded_again_as_the_same_practice(booking: App, tmp_path: Path) -> None:
    assert (await program(EXAMPLE, origin(booking)))[0] == 0
    before = (await booking.as_operator("GET", f"{PRACTICE}/export")).body
    code, written = await program("still-water", origin(booking), command="export")
    assert code == 0
    file = tmp_path / "practice.toml"
    file.write_text(written)
    assert tomllib.loads(written) == before
    assert await program(file, origin(booking)) == (0, "still-water: loaded, version 2")


async def test_what_cannot_be_exported_is_one_sentence(booking: App) -> None:
    nobody = "http://127.0.0.1:1"
    for practice, where, told in (
        ("no-water", origin(booking), "there is no practice 'no-water'"),
        ("still water/..", origin(booking), "Not Found"),
        ("still-water", nobody, f"{nobody} does not answer as booking does; is it running?"),
    ):
        assert await program(practice, where, command="export") == (1, f"{practice}: {told}")


async def test_the_operator_api_names_the_field_too(booking: App) -> None:
    profile = (await booking.as_operator("GET", f"{PRACTICE}/export")).body
    wrong = await booking.as_operator("PUT", PRACTICE, profile | {"zone": "Mars/Olympus"})
    assert (wrong.status, wrong.code, wrong.body["field"]) == (422, "invalid-practice", "zone")
    other = await booking.as_operator("PUT", "/booking/v1/practices/other-water", profile)
    assert (other.status, other.body["field"]) == (422, "id")
    assert (await booking.call("PUT", PRACTICE, profile)).code == "operator-only"
