"""The alert rules: each fires and keeps quiet as it should, is explained in RUNBOOK.md, and every query can be read."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.tree import ROOT

FOLDER = ROOT / "deploy" / "monitoring"
RULES = sorted((FOLDER / "rules").glob("*.yml"))
CASES = sorted((FOLDER / "tests").glob("*.yml"))
BOARDS = sorted((FOLDER / "dashboards").glob("*.json"))
PANELS = {"timeseries", "stat"}
COMMANDS = re.compile(r"```sh\n(.+?)\n\s*```", re.DOTALL)


def rules() -> Iterator[dict[str, Any]]:
    for file in RULES:
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


ALERTS = [rule for rule in rules() if "alert" in rule]


def panels() -> Iterator[dict[str, Any]]:
    for board in BOARDS:
        yield from json.loads(board.read_text())["panels"]


def promtool(*arguments: str) -> str:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def entry(alert: str) -> str:
    """What RUNBOOK.md says under the alert's own heading."""
    parts = re.split(r"^#+ ", (ROOT / "RUNBOOK.md").read_text(), flags=re.MULTILINE)
    return next((part for part in parts if part.partition("\n")[0] == alert), "")


def test_promtool_takes_every_rule() -> None:
    promtool("check", "rules", *map(str, RULES))


def test_every_alert_fires_and_keeps_quiet_as_its_cases_say() -> None:
    promtool("test", "rules", *map(str, CASES))


@pytest.mark.parametrize("alert", [rule["alert"] for rule in ALERTS])
def test_every_alert_has_a_case_where_it_fires_and_one_where_it_does_not(alert: str) -> None:
    cases = [case for file in CASES for case in yaml.safe_load(file.read_text())["tests"]]
    expected = [bool(told["exp_alerts"]) for case in cases for told in case["alert_rule_test"]
                if told["alertname"] == alert]  # fmt: skip

    assert set(expected) == {True, False}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_has_an_entry_with_commands_in_the_runbook(rule: dict[str, Any]) -> None:
    alert = rule["alert"]

    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["runbook"] == f"RUNBOOK.md#{alert.lower()}"
    assert COMMANDS.search(entry(alert)), f"RUNBOOK.md has no entry with commands for {alert}"


def test_the_runbook_speaks_of_no_alert_that_is_gone() -> None:
    text = (ROOT / "RUNBOOK.md").read_text()
    section = text.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    told = re.findall(r"^### (\w+)$", section, re.MULTILINE)

    assert sorted(told) == sorted(rule["alert"] for rule in ALERTS)


def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    told = (FOLDER / "prometheus.yml").read_text()
    assert "/etc/prometheus/rules" in told
    (tmp_path / "prometheus.yml").write_text(told.replace("/etc/prometheus/rules", str(FOLDER / "rules")))

    promtool("check", "config", str(tmp_path / "prometheus.yml"))


@pytest.mark.parametrize("board", BOARDS, ids=lambda file: file.stem)
def test_a_dashboard_is_whole(board: Path) -> None:
    """By its structure: Grafana itself is in no package that could be installed here."""
    told = json.loads(board.read_text())
    ids, places = [one["id"] for one in told["panels"]], [one["gridPos"] for one in told["panels"]]

    assert told["uid"] == f"stillpoint-{board.stem}"
    assert told["schemaVersion"] >= 39
    assert len(ids) == len(set(ids)) > 0
    assert {one["type"] for one in told["panels"]} <= PANELS
    assert all(at["x"] >= 0 and at["x"] + at["w"] <= 24 for at in places)
    squares = [(x, y) for at in places for x in range(at["x"], at["x"] + at["w"])
               for y in range(at["y"], at["y"] + at["h"])]  # fmt: skip
    assert len(squares) == len(set(squares)), "panels lie over one another"
    assert all(target["datasource"]["uid"] == "stillpoint" for one in told["panels"] for target in one["targets"])
    assert all(one["title"] and one["targets"] for one in told["panels"])


def test_every_query_of_a_dashboard_can_be_read(tmp_path: Path) -> None:
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]
    asked = [{"record": f"panel:{at}", "expr": query} for at, query in enumerate(queries)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": asked}]}))

    promtool("check", "rules", str(tmp_path / "queries.yml"))
