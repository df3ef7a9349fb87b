"""deploy/env.example lists every variable of every service, with its default, and nothing else."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from pydantic_settings import BaseSettings

from deploy.monitoring.settings import WatchSettings
from deploy.stillpoint.settings import ApiSettings, DatabaseSettings
from services.__main__ import TopologySettings
from tests.architecture.tree import ROOT, SERVICES

EXAMPLE = ROOT / "deploy" / "env.example"
VARIABLE = re.compile(r"^#? ?STILLPOINT_(\w+)=(.*)$", re.MULTILINE)


def settings() -> dict[str, type[BaseSettings]]:
    found = {service: import_module(f"services.{service}.settings").Settings for service in SERVICES}
    return {
        **found,
        "topology": TopologySettings,
        "api": ApiSettings,
        "databases": DatabaseSettings,
        "watch": WatchSettings,
    }


def test_every_variable_of_every_service_is_in_the_example() -> None:
    fields = {name.upper() for kind in settings().values() for name in kind.model_fields}
    listed = {name for name, _ in VARIABLE.findall(EXAMPLE.read_text())}

    assert fields <= listed


@pytest.mark.parametrize("service", settings())
def test_every_default_in_the_example_is_the_real_one(service: str) -> None:
    listed = dict(VARIABLE.findall(EXAMPLE.read_text()))
    optional = {n: f for n, f in settings()[service].model_fields.items() if not f.is_required()}
    wrong = {
        name: listed[name.upper()]
        for name, field in optional.items()
        if listed[name.upper()] not in {str(field.default if field.default is not None else ""), ""}
    }

    assert wrong == {}


@pytest.mark.parametrize("service", settings())
def test_every_variable_says_what_it_is_for(service: str) -> None:
    assert [n for n, f in settings()[service].model_fields.items() if not f.description] == []
