"""The golden samples: every event ever shipped can still be read, says the same, and is a CloudEvent to others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat

from shared.events import decode, registry

GOLDEN = Path(__file__).parent / "events"
NEVER = {
    "answer",
    "reason",
    "note",
    "urgent",
    "urgency",
    "dob",
    "birth",
    "clearance",
    "diagnosis",
    "condition",
    "free_text",
}


def test_every_registered_event_has_a_golden_sample() -> None:
    assert {_type(path) for path in GOLDEN.glob("*.json")} == set(registry())


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_golden_sample_is_read_and_said_again_without_a_change(path: Path) -> None:
    sample = path.read_bytes()

    assert json.loads(decode(_type(path), sample).to_json()) == json.loads(sample)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_golden_sample_is_a_cloud_event_to_an_independent_reader(path: Path) -> None:
    event = JSONFormat().read(None, path.read_bytes())

    assert event.get_specversion() == "1.0"
    assert event.get_type() == _type(path)
    assert event.get_subject()


@pytest.mark.parametrize("name", sorted(registry()))
def test_no_event_has_a_field_for_anything_about_health(name: str) -> None:
    words = {word for field in _fields(registry()[name].model_json_schema()) for word in field.split("_")}

    assert not words & NEVER


@pytest.mark.parametrize("name", sorted(registry()))
def test_what_may_be_absent_has_a_default_because_nulls_are_not_sent(name: str) -> None:
    schema = registry()[name].model_json_schema()
    models = [schema, *schema.get("$defs", {}).values()]
    nullable = {
        (model["title"], name)
        for model in models
        for name, part in model.get("properties", {}).items()
        if {"type": "null"} in part.get("anyOf", [])
    }
    required = {(model["title"], name) for model in models for name in model.get("required", [])}

    assert nullable & required == set()


def _type(path: Path) -> str:
    """What stands behind a tilde says what is special about the sample."""
    return path.stem.partition("~")[0]


def _fields(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_fields, schema))
    if not isinstance(schema, dict):
        return set()
    found = set(schema.get("properties", {}))
    return found.union(*map(_fields, schema.values()))
