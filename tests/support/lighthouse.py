"""What Lighthouse says of a page, on the settings of a phone, with Debian's browser."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from deploy.devstack.programs import PROJECT
from tests.browser.test_phone_page import FLAGS

PROGRAM: Final = PROJECT / ".venv" / "pages" / "node_modules" / "lighthouse" / "cli" / "index.js"
BARS: Final[Mapping[str, int]] = {"accessibility": 100, "best-practices": 100, "performance": 95}
ENDS_WITHIN: Final = timedelta(seconds=90)


async def short_of(address: str, folder: Path, *, bars: Mapping[str, int] = BARS) -> list[str]:
    """A line for each bar that is not met, with what cost it points; none when all are."""
    told = await _report(address, folder / "lighthouse.json", list(bars))
    points = {name: round(told["categories"][name]["score"] * 100) for name in bars}
    return [f"{name} {points[name]} of {bar}: {_costs(told, name)}" for name, bar in bars.items() if points[name] < bar]


async def _report(address: str, file: Path, categories: Sequence[str]) -> dict[str, Any]:
    """Raises AssertionError with what Lighthouse wrote when it made no whole report."""
    assert PROGRAM.exists(), "Lighthouse is not installed; run: make setup"
    program = await asyncio.create_subprocess_exec(
        "node", PROGRAM, address, f"--only-categories={','.join(categories)}", "--output=json",
        f"--output-path={file}", "--quiet", "--no-enable-error-reporting",
        f"--chrome-flags={' '.join(['--headless=new', *FLAGS])}",
        env={**os.environ, "CHROME_PATH": "/usr/bin/chromium"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(ENDS_WITHIN.total_seconds()):
            said, _ = await program.communicate()
    finally:
        if program.returncode is None:
            program.terminate()  # it closes its browser
            await program.wait()
    assert program.returncode == 0, said.decode()
    told: dict[str, Any] = json.loads(await asyncio.to_thread(file.read_text))
    assert "runtimeError" not in told, told["runtimeError"]
    return told


def _costs(told: Mapping[str, Any], category: str) -> str:
    weights = {one["id"]: one["weight"] for one in told["categories"][category]["auditRefs"]}
    audits = [told["audits"][name] for name, weight in weights.items() if weight]
    lost = [one for one in audits if one["score"] is not None and one["score"] < 1]
    return "; ".join(f"{one['title']} {one.get('displayValue', '')} {_where(one)}" for one in lost)


def _where(audit: Mapping[str, Any]) -> str:
    return json.dumps(audit.get("details", {}).get("items", [])[:3])[:400]
