"""The staff's pages in Spanish: whatever a template or a module says has a translation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.console import HERE, MENU, SHARED_WORDS
from shared.console.catalogue import Catalogue, WordsBroken

ROOT = Path(__file__).parents[2]
CONSOLES = sorted(path for path in (ROOT / "services").glob("*/console") if path.is_dir())
SAID = re.compile(r"""_\(\s*"((?:[^"\\]|\\.)+)"\s*[,)]|speak\(\s*"((?:[^"\\]|\\.)+)"\s*[,)]""")


def said(folder: Path) -> Iterator[str]:
    for file in [*folder.rglob("*.html"), *folder.rglob("*.py")]:
        for one, other in SAID.findall(file.read_text("utf-8")):
            yield one or other


@pytest.mark.parametrize("folder", [HERE, *CONSOLES], ids=lambda path: path.parent.name)
def test_everything_that_is_said_is_said_in_spanish_too(folder: Path) -> None:
    spanish = Catalogue.read([SHARED_WORDS, folder / "words"]).words["es"]
    wanted = {key for key in said(folder) if not key.endswith(":")}

    assert wanted
    assert sorted(wanted - spanish.keys()) == []


def test_the_menu_is_translated() -> None:
    spanish = Catalogue.read([SHARED_WORDS]).words["es"]

    assert [entry.name for entry in MENU if entry.name not in spanish] == []


def test_a_translation_with_other_blanks_or_a_hole_keeps_the_service_down(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('"refused:x" = "No {count}"\n')
    (tmp_path / "es.toml").write_text('"refused:x" = "No"\n')
    with pytest.raises(WordsBroken, match="blanks"):
        Catalogue.read([tmp_path])
    (tmp_path / "es.toml").write_text("")
    with pytest.raises(WordsBroken, match="lacks"):
        Catalogue.read([tmp_path])
    (tmp_path / "es.toml").write_text("what")
    with pytest.raises(WordsBroken, match=r"es\.toml"):
        Catalogue.read([tmp_path])


def test_words_may_be_kept_apart_by_part_and_are_not_told_in_two_ways(tmp_path: Path) -> None:
    (tmp_path / "hours").mkdir()
    (tmp_path / "es.toml").write_text('"Save" = "Guardar"\n')
    (tmp_path / "hours" / "es.toml").write_text('"Save" = "Guardar"\n"Closed" = "Cerrado"\n')
    assert Catalogue.read([tmp_path]).words["es"] == {"Save": "Guardar", "Closed": "Cerrado"}

    (tmp_path / "hours" / "es.toml").write_text('"Save" = "Salvar"\n')
    with pytest.raises(WordsBroken, match="two ways"):
        Catalogue.read([tmp_path])


def test_words_are_told_in_the_readers_language_or_in_english() -> None:
    catalogue = Catalogue({"en": {"refused:x": "Not {count}", "refused:other": "No"}, "es": {"Hi": "Hola"}})

    assert catalogue.speaking("es")("Hi") == "Hola"
    assert catalogue.speaking("de")("Hi") == "Hi"
    assert catalogue.speaking("en")("refused:x", count=3) == "Not 3"
    assert catalogue.refused("en", "never-heard-of") == "No"
