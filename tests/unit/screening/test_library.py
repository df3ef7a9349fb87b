"""A set with a hole in it does not start, and says in one sentence why."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from services.screening import library
from services.screening.domain.catalogue import FormUnknown
from services.screening.library import LibraryBroken

RULES = "rules/cst-core@2026.1.0.toml"
QUESTIONS = "questionnaires/cst-core@2026.1.0.toml"
LOCKED = 'code = "ANEURYSM_DIAGNOSED"\nmessages = ["DECLINED"]\nlock = true'
MESSAGES = "messages/client@2026.1.0.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part in ("questionnaires", "rules", "messages"):
        shutil.copytree(library.HERE / part, tmp_path / part)
    return tmp_path


def test_what_comes_with_the_service_is_sound() -> None:
    catalogue = library.read()
    form = catalogue.form("cst-core")
    assert form is catalogue.form("cst-core@2026.1.0")
    assert form.ruleset.questionnaire == form.questionnaire.id
    assert catalogue.texts_for("en-GB") is catalogue.texts_for("xx") is catalogue.texts["en"]


def test_an_unknown_form_is_refused_without_repeating_its_name() -> None:
    with pytest.raises(FormUnknown) as refused:
        library.read().form("my-illness")
    assert "illness" not in str(refused.value)


def test_a_digest_follows_the_content_and_not_the_layout(folder: Path) -> None:
    was = library.read(folder).form("cst-core").ruleset.digest
    file = folder / RULES
    file.write_text("# a remark\n" + file.read_text())
    assert library.read(folder).form("cst-core").ruleset.digest == was
    file.write_text(file.read_text().replace("A severe bleeding disorder.", "Severe bleeding disorder."))
    assert library.read(folder).form("cst-core").ruleset.digest != was


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        (RULES, 'question = "q_aneurysm", is = "yes"', 'question = "q_anuerysm", is = "yes"', "R01 names a question"),
        (RULES, 'question = "q_aneurysm", is = "yes"', 'question = "q_aneurysm", is = "yse"', "R01 expects yse"),
        (RULES, 'question = "q_aneurysm", is = "yes"', 'question = "q_aneurysm"', "a condition is one of"),
        (RULES, 'messages = ["DECLINED"]', 'messages = ["DECLINE"]', "R01 needs a message that exists"),
        (RULES, 'messages = ["DECLINED"]', "", "R01 needs a message that exists"),
        (RULES, 'sources = ["DOC", "UPL", "CC17"]', "sources = []", "rule.0.sources"),
        (RULES, 'sources = ["DOC", "UPL", "CC17"]', 'sources = ["HEARSAY"]', "R01 names a source that is not listed"),
        (RULES, 'outcome = "declined"\ncode = "ANEURYSM', 'outcome = "note"\ncode = "ANEURYSM', "R01 must be there"),
        (
            RULES,
            'code = "ANEURYSM_DIAGNOSED"\nmessages = ["DECLINED"]\nlock = true',
            'code = "ANEURYSM_DIAGNOSED"\nmessages = ["DECLINED"]',
            "R01 must be there, locked",
        ),
        (RULES, 'id = "R21"', 'id = "R29"', "R21 must be there"),
        (RULES, 'code = "MISSING:*"', 'code = "MISSING"', "R72 needs a \\* in its code"),
        (RULES, "days = { from = 0, below = 42 }", "days = { from = 0 }", "R03 is limited in time without"),
        (RULES, 'explanation.en = "A severe bleeding disorder."', 'explanation.de = "?"', "R02 has no explanation"),
        (RULES, 'questionnaire = "cst-core@2026.1.0"', 'questionnaire = "cst-more@1.0.0"', "there is no questionnaire"),
        (RULES, 'version = "2026.1.0"', 'version = "2026.1.1"', "the file must be named cst-core@2026.1.1.toml"),
        (RULES, 'clearance_questions = ["q_skull', 'clearance_questions = ["q_scull', "unknown clearance question"),
        (RULES, 'each = "missing"', 'each = "absent"', "absent"),
        (RULES, "[[rule]]", "[[rule]", "cst-core@2026.1.0.toml: "),
        (
            QUESTIONS,
            'shown_when = { question = "q_head_injury", is = "yes" }',
            'shown_when = { question = "q_other_text", is = "yes" }',
            "unknown there",
        ),
        (QUESTIONS, 'text.en = "When did it happen?"', 'text.de = "Wann?"', "q_skull_fracture_date has no text in en"),
        (
            QUESTIONS,
            'id = "dob"\ngroup = "about"\ntype = "date"\nessential = true',
            'id = "dob"\ngroup = "about"\ntype = "date"',
            "dob must be an essential date",
        ),
        (QUESTIONS, 'id = "q_aneurysm"', 'id = "q_brain_bleed"', "q_brain_bleed is asked twice"),
        (QUESTIONS, 'type = "bool"', 'type = "boolean"', "boolean"),
        (MESSAGES, "call {emergency_number}", "call {doctor}", "URGENT has an unknown field doctor"),
        (MESSAGES, 'REVIEW = "Thank', 'REVUE = "Thank', "there is no text for REVIEW"),
    ],
)
def test_a_hole_is_named(folder: Path, file: str, old: str, new: str, why: str) -> None:
    path = folder / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(LibraryBroken, match=why) as refused:
        library.read(folder)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("part", ["rules", "messages"])
def test_an_empty_library_does_not_start(folder: Path, part: str) -> None:
    shutil.rmtree(folder / part)
    with pytest.raises(LibraryBroken, match="there are no"):
        library.read(folder)
