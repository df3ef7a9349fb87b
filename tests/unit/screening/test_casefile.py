"""The command line judges a file of cases, says what differs, and never says what was answered."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.screening.__main__ import app
from tests.support import screening_oracle as oracle
from tests.support.screening import CATALOGUE, CLEAR
from tests.support.screening_cases import Made, a_case

ANSWERS = {key: value for key, value in CLEAR.items() if key not in ("dob", "respondent_role")}
CASE: dict[str, Any] = {
    "questionnaire": "cst-core",
    "practice_tz": "Europe/Berlin",
    "submitted_at": "2026-11-20T09:30:00Z",
    "client": {"dob": "1980-05-04"},
    "respondent_role": "self",
    "answers": ANSWERS,
}
CLEARED = {
    "outcome": "cleared",
    "urgent": False,
    "reason_codes": [],
    "note_codes": [],
    "clearance_required": False,
    "retry_after": None,
}
HURT = {
    "q_head_injury": "yes",
    "q_head_injury_date": {"kind": "date", "value": "2026-11-10"},
    "q_head_injury_checked": "yes",
    "q_head_injury_symptoms": "unsure",
}
HURT_COMES_TO = {
    "outcome": "declined",
    "reason_codes": ["UNSURE:q_head_injury_symptoms", "HEAD_INJURY_LT_6W"],
    "retry_after": "2026-12-22",
}
TOML = """
[[case]]
name = "nothing at all"
questionnaire = "cst-core@2026.1.0"
practice_tz = "Pacific/Kiritimati"
submitted_at = 2026-11-20T11:00:00Z
client = { dob = 2008-11-21 }
respondent_role = "self"
expected = { outcome = "cleared", reason_codes = [] }
[case.answers]
q_red_flags = ["none"]
q_head_injury = "no"
q_skull_fracture = "no"
q_brain_bleed = "no"
q_aneurysm = "no"
q_bleeding_disorder = "no"
q_blood_thinners = "none"
"""


def case(**changes: Any) -> dict[str, Any]:
    return CASE | changes


def answering(**changes: Any) -> dict[str, Any]:
    return case(answers=ANSWERS | changes)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        app(["evaluate", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, out, err


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cases"


def written(file: Path, *cases: object) -> Path:
    file.write_text(json.dumps(cases[0] if len(cases) == 1 else cases), encoding="utf-8")
    return file


def test_one_case_gives_what_the_api_answers(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, written(file, answering(q_blood_thinners="antiplatelet_only")))
    result = json.loads(out)
    (finding,) = [one for one in result["trace"] if one["rule"] == "N02"]
    assert (code, err, result | {"trace": []}) == (0, "", CLEARED | {"note_codes": ["ANTIPLATELET"], "trace": []})
    assert (finding["outcome"], finding["inputs"]) == ("note", {"q_blood_thinners": "antiplatelet_only"})


@pytest.mark.parametrize("shape", ["list", "lines", "table"])
def test_many_cases_come_as_a_list_as_lines_or_as_a_table(
    shape: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = [case(), answering(**HURT) | {"expected": HURT_COMES_TO}]
    shapes = {
        "list": json.dumps(cases),
        "lines": "\n".join(map(json.dumps, cases)) + "\n\n",
        "table": json.dumps({"case": cases}, indent=1),
    }
    file.write_text(shapes[shape], encoding="utf-8")
    code, out, err = run(capsys, file)
    assert [json.loads(line)["outcome"] for line in out.splitlines()] == ["cleared", "declined"]
    assert (code, err) == (0, "")


def test_made_up_clients_of_the_full_form_come_to_what_the_second_judge_says(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pick = random.Random(9).randrange
    made = [a_case(CATALOGUE.form("cst-intake"), pick) for _ in range(100)]
    file.write_text("\n".join(json.dumps(body(one)) for one in made), encoding="utf-8")
    assert run(capsys, file, "--expect") == (0, "", "")


def body(made: Made) -> dict[str, Any]:
    said = oracle.judged(made.answers, made.as_of, made.prior_yes)
    return {
        "questionnaire": made.form.questionnaire.id,
        "practice_tz": made.zone,
        "submitted_at": made.submitted_at.isoformat(),
        "client": {"dob": made.answers["dob"]},
        "respondent_role": made.answers["respondent_role"],
        "guardian_consent": made.answers.get("guardian_consent"),
        "prior_yes": sorted(made.prior_yes),
        "answers": {
            name: answer
            for name, answer in made.answers.items()
            if name not in ("dob", "respondent_role", "guardian_consent")
        },
        "expected": said | {"retry_after": said["retry_after"] and said["retry_after"].isoformat()},
    }


def test_toml_dates_count_in_the_zone_of_the_practice(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(TOML, encoding="utf-8")
    assert run(capsys, file, "--expect") == (0, "", "")
    file.with_suffix(".toml").write_text(TOML.replace("Kiritimati", "Pago_Pago"), encoding="utf-8")
    code, out, err = run(capsys, file.with_suffix(".toml"), "--expect")
    assert (code, out) == (1, "")
    assert 'case 1 (nothing at all): outcome is "needs_review", expected "cleared"\n' in err


def test_what_differs_is_listed_and_the_results_still_come(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(
        capsys, written(file, case(expected=CLEARED), answering(**HURT) | {"name": "hurt", "expected": CLEARED})
    )
    assert (code, len(out.splitlines())) == (1, 2)
    assert err.splitlines() == [
        'case 2 (hurt): outcome is "declined", expected "cleared"',
        'case 2 (hurt): reason_codes is ["HEAD_INJURY_LT_6W","UNSURE:q_head_injury_symptoms"], expected []',
        'case 2 (hurt): retry_after is "2026-12-22", expected null',
    ]


def test_asked_to_compare_a_case_must_say_with_what(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, written(file, case(expected=CLEARED), case()), "--expect")
    assert (code, out, err) == (1, "", "case 2: says nothing of what it expects\n")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "holds no case"),
        (b"?", "is not JSON or JSON lines or TOML"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"[]", "holds no case"),
        (b"[1]", "case 1 is not an object"),
        (b"[" * 100_000, "is not JSON"),
        (b"a = " + b"[" * 100_000, "is not JSON"),
        (b"a = " + b"9" * 10_000, "is not JSON"),
        (json.dumps(case(practice_tz="Mars/Olympus")).encode(), "practice_tz is not an IANA time zone"),
        (json.dumps(case(questionnaire="cst-else")).encode(), "there is no such questionnaire"),
        (json.dumps(case(submitted_at="2026-11-20T09:30:00")).encode(), "submitted_at: "),
        (json.dumps(case(client={"dob": "PLANTED"})).encode(), "client.dob: "),
        (json.dumps(case(client={"dob": "2026-11-21"})).encode(), "misfit: dob"),
        (json.dumps(case(client={"dob": "0001-01-01"})).encode(), "misfit: dob"),
        (json.dumps(case(PLANTED="PLANTED")).encode(), "case 1: a field: "),
        (json.dumps(case(expected={"PLANTED": 1})).encode(), "expected may hold outcome, urgent"),
        (json.dumps(case(expected=["cleared"])).encode(), "expected may hold outcome, urgent"),
        (json.dumps(case(prior_yes=["q_new"])).encode(), "unknown: q_new"),
        (json.dumps(case(prior_yes=["My PLANTED"])).encode(), "unknown_count: 1"),
        (json.dumps(answering(dob="1980-05-04")).encode(), "twice: dob"),
        (json.dumps(answering(q_new="PLANTED")).encode(), "unknown: q_new"),
        (json.dumps(answering(q_aneurysm="PLANTED", q_brain_bleed=None)).encode(), "misfit: q_aneurysm, q_brain_bleed"),
        (json.dumps(answering(q_aneurysm=10**3000)).encode(), "misfit: q_aneurysm"),
        (json.dumps(answering(q_aneurysm=[[[{"PLANTED": []}]]])).encode(), "misfit: q_aneurysm"),
    ],
)
def test_what_cannot_be_judged_is_said_in_one_sentence_without_an_answer(
    file: Path, content: bytes, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(content)
    code, out, err = run(capsys, file)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert sentence in err
    assert "PLANTED" not in err


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, tmp_path / "none")[::2] == (
        2,
        f"{tmp_path / 'none'}: cannot be read: no such file or directory\n",
    )
    assert run(capsys, tmp_path)[::2] == (2, f"{tmp_path}: cannot be read: is a directory\n")


def test_cases_may_come_through_a_pipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(case()).encode())))
    code, out, _ = run(capsys, "-")
    assert (code, json.loads(out)["outcome"]) == (0, "cleared")


def test_it_runs_as_a_program_with_nothing_set_and_nothing_running() -> None:
    program = subprocess.run(
        [sys.executable, "-m", "services.screening", "evaluate", "-"],
        input=json.dumps(case(expected={"outcome": "declined"})).encode(),
        capture_output=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("STILLPOINT")},
        cwd=Path(__file__).parents[3],
        timeout=60,
        check=False,
    )
    assert (program.returncode, program.stderr) == (1, b'case 1: outcome is "cleared", expected "declined"\n')
    assert json.loads(program.stdout)["outcome"] == "cleared"
