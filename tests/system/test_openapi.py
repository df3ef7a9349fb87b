"""The three OpenAPI documents are true: thousands of odd requests get no 5xx and nothing that is not described."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.support.running import OPERATOR_KEY, SERVICES
from tests.support.story import Widget
from tests.support.waiting import until
from tests.system.conftest import Stage, demo_profile
from tests.system.test_one_booking import held

FUZZED = "fuzzed"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.mark.parametrize("service", SERVICES)
async def test_the_description_is_valid_openapi(stage: Stage, service: str) -> None:
    OpenAPIV31SpecValidator(await stage.widget.call("GET", f"/{service}/v1/openapi.json")).validate()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("examples", [20, pytest.param(400, marks=pytest.mark.long)])
@pytest.mark.parametrize("who", ["operator", "client"])
@pytest.mark.parametrize("service", SERVICES)
async def test_the_service_does_what_its_description_says(
    stage: Stage, service: str, who: str, examples: int, tmp_path: Path
) -> None:
    booking = await held(stage, "session", hours_ahead=60)
    await _own_practice(stage)
    config = tmp_path / "schemathesis.toml"
    practice = FUZZED if who == "operator" else stage.widget.practice
    config.write_text(f'[parameters]\n"path.practice" = "{practice}"\n"path.appointment" = "{booking.id}"\n')
    bearer = OPERATOR_KEY if who == "operator" else booking.token

    process = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("schemathesis"), f"--config-file={config}", "run"),
        f"{stage.system.origins[service]}/{service}/v1/openapi.json",
        *("--checks", CHECKS, "--max-examples", str(examples), "--phases", "examples,coverage,fuzzing", "--seed", "1"),
        *("--header", f"Authorization: Bearer {bearer}", "--generation-database", "none", "--warnings", "off"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()

    assert process.returncode == 0, told.decode()[-6000:]


async def _own_practice(stage: Stage) -> None:
    """A practice that may be fuzzed to pieces."""
    widget = Widget(stage.widget.http, stage.system.origins, FUZZED, OPERATOR_KEY)
    profile = {**demo_profile(), "id": FUZZED}
    await widget.call("PUT", f"/booking/v1/practices/{FUZZED}", token=OPERATOR_KEY, body=profile)
    await until(lambda: widget.times("session"))
