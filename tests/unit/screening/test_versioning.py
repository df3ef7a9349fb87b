"""Versions of forms on the command line: compared and proven in plain sentences, and never changed once published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.screening import library, versioning
from services.screening.__main__ import app
from tests.support.screening_drafts import overlay

BASE = "cst-core@2026.1.0"


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        app(words)
    return int(ended.value.code or 0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(overlay()))
    return path


def test_what_was_published_is_what_it_was() -> None:
    """A published version is never edited: what changes gets a new version, and `pin` notes it."""
    noted = json.loads(versioning.DIGESTS.read_text())
    assert library.digests() == noted


def test_a_digest_is_noted_once_and_never_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noted = tmp_path / "digests.json"
    name = "rules/cst-core@2026.1.0"
    noted.write_text(json.dumps({name: "0" * 64}))
    assert run("pin", str(noted)) == 1
    assert capsys.readouterr().err.startswith(f"{name} was changed or removed after it was published")
    kept = json.loads(noted.read_text())
    assert kept[name] == "0" * 64
    assert kept.keys() == library.digests().keys()


def test_a_version_does_not_differ_from_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("diff", BASE, BASE) == 0
    assert capsys.readouterr().out == ""


def test_a_practices_own_set_is_compared_with_its_base(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("diff", BASE, str(file)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == [
        "This is a minor step.",
        "question p_migraine: added",
        "group own: added",
        "rule P01: added",
        "rule R03: changed (when)",
    ]
    assert "P01-fires-own-0: cleared -> needs_review OWN_MIGRAINE" in lines
    assert run("diff", str(file), BASE) == 1
    assert "softer: P01 is gone" in capsys.readouterr().out


def test_a_stricter_set_is_proven_and_another_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "own.toml"
    file.write_text(f'base = "{BASE}"\nruleset = "{BASE}"\nrelease = "1.0.0"\n')
    assert run("prove", str(file), "--clients", "30") == 0
    assert capsys.readouterr().out == f"{BASE}+1.0.0 is nowhere softer than {BASE}\n"
    file.write_text(file.read_text() + '[[change]]\nrule = "R50"\ndays = { from = 42, below = 60 }\n')
    assert run("prove", str(file), "--clients", "30") == 1
    assert capsys.readouterr().out == "R50 fires in fewer cases\n"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"base": "cst-core@1.0.0"}, "the library has no cst-core@1.0.0"),
        ({"release": "one"}, "release: String should match"),
        ({"change": [{"rule": "R98"}]}, "a change names an unknown rule: R98"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_a_sentence(
    file: Path, changes: dict[str, Any], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(json.dumps(overlay(**changes)))
    assert run("prove", str(file)) == 2
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("diff", BASE, "cst-intake@2026.1.0"), "are not versions of one form"),
        (("diff", BASE, "cst-core@1.0.0"), "the library has no cst-core@1.0.0"),
        (("prove", "/nowhere.json"), "/nowhere.json: cannot be read"),
    ],
)
def test_what_is_not_there_is_named(words: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    assert why in capsys.readouterr().err
