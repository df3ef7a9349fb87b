"""Every metric that a rule or a dashboard names is shown by the running system: services, broker or watcher."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from deploy.devstack import home, ports, system
from deploy.devstack.programs import SERVICES, STARTS_WITHIN, Programs, answers
from tests.architecture.tree import ROOT

FOLDER = ROOT / "deploy" / "monitoring"
OF_PROMETHEUS = {"up", "ALERTS"}
WORDS = {"and", "or", "unless", "by", "on", "bool", "offset", "without", "ignoring"}
FAMILY = re.compile(r"^# TYPE (\S+) (\S+)", re.MULTILINE)
pytestmark = pytest.mark.timeout(200)


def names(query: str) -> set[str]:
    """The metrics that a query asks for."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", query)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", bare)
    bare = re.sub(r"\b(by|on|without|ignoring)\s*\([^)]*\)", "", bare)
    return {one for one in re.findall(r"[a-zA-Z_:][\w:]*(?!\w|\s*\()", bare) if one not in WORDS}


def rules() -> list[dict[str, Any]]:
    files = sorted((FOLDER / "rules").glob("*.yml"))
    return [rule for file in files for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def asked() -> set[str]:
    boards = [json.loads(file.read_text()) for file in sorted((FOLDER / "dashboards").glob("*.json"))]
    queries = [rule["expr"] for rule in rules()]
    queries += [target["expr"] for board in boards for panel in board["panels"] for target in panel["targets"]]
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    return set().union(*map(names, queries)) - recorded - OF_PROMETHEUS


def families(told: str) -> set[str]:
    """Names as a query would use them."""
    parts = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}
    return {name + end for name, kind in FAMILY.findall(told) for end in parts.get(kind, ("",))}


@pytest.fixture(scope="module")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, set[str]]]:
    """What each part of a running system shows, the watcher beside it with a backup that was made and looked at."""
    folder = tmp_path_factory.mktemp("watched")
    async with system.started(folder, ports.free()) as (running, _), aiohttp.ClientSession() as http:
        host = f"http://{ports.LOOPBACK}"
        broker = f"{host}:{json.loads((folder / 'rabbitmq' / 'ports.json').read_text())['metrics']}"
        watcher = Programs(folder, _watching(folder))
        await watcher.once("note-backup", "deploy.monitoring", "note", "backup")
        await watcher.once("note-verified", "deploy.monitoring", "note", "verified")
        async with watcher.kept_up("watcher", "deploy.monitoring") as child:
            where = f"{host}:{watcher.settings['STILLPOINT_PORT']}"
            await child.ready(lambda: answers(f"{where}/metrics"), within=STARTS_WITHIN)
            addresses = {service: f"{running.origin}/{service}/metrics" for service in SERVICES}
            addresses |= {
                "rabbitmq": f"{broker}/metrics",
                "queues": f"{broker}/metrics/detailed?{_asked_of_queues()}",
                "watcher": f"{where}/metrics",
            }
            yield {name: families(await _text(http, address)) for name, address in addresses.items()}


def _watching(folder: Path) -> dict[str, str]:
    address = re.search(r"//(?:[^@/]*@)?([^/]+)/", home.settings(folder)["STILLPOINT_MONGO_URL"])
    assert address is not None
    return {
        "STILLPOINT_PUBLIC_ORIGIN": "https://a.test",
        "STILLPOINT_WATCH_TLS": f"{ports.LOOPBACK}:{ports.free()}",
        "STILLPOINT_WATCH_FACTS": str(folder / "facts"),
        "STILLPOINT_MONGO_MEMBERS": address[1],
        "STILLPOINT_HOST": ports.LOOPBACK,
        "STILLPOINT_PORT": str(ports.free()),
    }


def _asked_of_queues() -> str:
    jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    asked = next(job["params"] for job in jobs if job["job_name"] == "queues")
    return "&".join(f"{name}={value}" for name, values in asked.items() for value in values)


async def _text(http: aiohttp.ClientSession, address: str) -> str:
    async with http.get(address) as answer:
        assert answer.status == 200, address
        return await answer.text()


def test_the_names_of_a_query_are_found() -> None:
    query = (
        'sum by (job) (rate(one_total{a=~"b|c"}[5m])) > 2 and on () max(two:three) unless histogram_quantile(0.9, four)'
    )

    assert names(query) == {"one_total", "two:three", "four"}


@pytest.mark.parametrize("metric", sorted(asked()))
async def test_a_metric_that_is_asked_for_is_shown(shown: dict[str, set[str]], metric: str) -> None:
    assert [part for part, told in shown.items() if metric in told], f"nobody shows {metric}"
