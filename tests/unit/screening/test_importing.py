"""The command that reads a foreign Questionnaire: what it prints, what it says, and how it ends."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from services.screening.importing import import_fhir
from services.screening.overlays import OverlayTable
from tests.support.fhir_forms import Json, a_form, item


def written(folder: Path, form: Json) -> Path:
    file = folder / "form.json"
    file.write_text(json.dumps(form))
    return file


def test_a_draft_is_printed_and_what_became_of_it_is_said_beside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_fhir(written(tmp_path, a_form(item("jaw", "boolean", prefix="1"))), form="cst-core", release="2.0.0")
    told = capsys.readouterr()
    overlay = OverlayTable.model_validate_json(told.out)
    assert ([one.id for one in overlay.question], overlay.release) == (["p_jaw"], "2.0.0")
    assert "changed: item[0]: can also be answered unsure and skip" in told.err
    assert "left out: item[0].prefix: has no place here" in told.err


def test_every_place_that_does_not_fit_is_listed_and_nothing_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, a_form(item("a", "decimal"), item("b", "boolean", readOnly=True)))
    with pytest.raises(SystemExit) as ended:
        import_fhir(file, form="cst-core")
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (1, "")
    assert told.err.splitlines() == [
        "refused: item[0].type: decimal is not supported",
        "refused: item[1].readOnly: is not supported",
    ]


@pytest.mark.parametrize(
    ("name", "form", "why"), [("gone.json", "cst-core", "no such file"), ("form.json", "none", "no such questionnaire")]
)
def test_what_is_not_there_is_one_sentence(
    name: str, form: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, a_form(item("jaw", "boolean")))
    with pytest.raises(SystemExit) as ended:
        import_fhir(tmp_path / name, form=form)
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


def test_it_reads_what_is_piped_into_it_up_to_its_bound(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Piped:
        buffer = io.BytesIO(b" " * 10_000_000)

    monkeypatch.setattr(sys, "stdin", Piped())
    with pytest.raises(SystemExit):
        import_fhir(Path("-"), form="cst-core")
    assert "is larger than" in capsys.readouterr().err
    assert Piped.buffer.tell() < 1_000_000
