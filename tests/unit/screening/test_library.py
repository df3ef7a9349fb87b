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
FULL = "rules/cst-rules@2026.1.0.toml"


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


def test_a_form_and_its_rules_need_not_share_a_name() -> None:
    form = library.read().form("cst-intake")
    assert (form.questionnaire.id, form.ruleset.id) == ("cst-intake@2026.1.0", "cst-rules@2026.1.0")
    with pytest.raises(FormUnknown):
        library.read().form("cst-rules")


def test_the_newest_of_several_rule_sets_judges_and_ten_is_newer_than_nine(folder: Path) -> None:
    for version in ("2026.9.0", "2026.10.0"):
        text = (folder / FULL).read_text().replace('version = "2026.1.0"', f'version = "{version}"')
        (folder / "rules" / f"cst-rules@{version}.toml").write_text(text)
    assert library.read(folder).form("cst-intake").ruleset.id == "cst-rules@2026.10.0"


def test_the_newest_messages_are_told_and_ten_is_newer_than_nine(folder: Path) -> None:
    for version in ("2026.9.0", "2026.10.0"):
        text = (folder / MESSAGES).read_text().replace('version = "2026.1.0"', f'version = "{version}"')
        (folder / "messages" / f"client@{version}.toml").write_text(text)
    assert library.read(folder).messages == "client@2026.10.0"


def test_a_group_of_more_than_six_questions_is_refused(folder: Path) -> None:
    path = folder / "questionnaires/cst-intake@2026.1.0.toml"
    text = path.read_text().replace('[[group]]\nid = "last"\ntitle.en = "Anything else"\ntitle.es = "Algo más"\n', "")
    path.write_text(text.replace('group = "last"', 'group = "general"'))
    with pytest.raises(LibraryBroken, match="group general asks more than 6 questions"):
        library.read(folder)


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
        (MESSAGES, "call {emergency_number}", "call 112", "en.self: URGENT does not name its emergency_number"),
        (MESSAGES, "llame al {emergency_number}", "pida ayuda", "es.self: URGENT does not name its emergency_number"),
        (MESSAGES, "in touch by {deadline}", "in touch", "REVIEW does not name its deadline"),
        (MESSAGES, "from {retry_after}", "later", "DECLINED_RETRY does not name its retry_after"),
        (
            RULES,
            'explanation.es = "Un trastorno grave',
            'explanation.pt = "Um distúrbio',
            "R02 has no explanation in es",
        ),
        (QUESTIONS, 'es = "Cuestionario de salud"', "", "the title has no text in es"),
        (QUESTIONS, 'es = "No lo sé"\n', "", "unsure has no text in es"),
        (QUESTIONS, 'title.es = "La sangre"\n', "", "group blood has no title in es"),
        (QUESTIONS, 'text.es = "Leve"', 'text.pt = "Leve"', "q_bleeding_severity has no text in es"),
        (
            QUESTIONS,
            'id = "q_aneurysm"\ngroup = "head"',
            'id = "q_aneurysm"\ngroup = "skull"',
            "the groups are not those",
        ),
        (
            QUESTIONS,
            'id = "q_brain_bleed"\ngroup = "head"',
            'id = "q_brain_bleed"\ngroup = "blood"',
            "the groups are not those",
        ),
        (FULL, "approve_for = { default = 28", "approve_for = { default = 60", "R42 says how long an approval counts"),
        (FULL, "approve_for = { default = 28", "approve_for = { default = 0", "rule.*approve_for.default"),
        (
            FULL,
            "time_limited = true",
            "approve_for = { default = 1, most = 2 }",
            "R03 says how long an approval counts",
        ),
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
