"""The cases beside the rules of the library, as values."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from services.screening.domain.examples import Example, Examples


def read(file: Path) -> Examples:
    """None at all where there is no file: that each rule has its cases is for the tests to say."""
    if not file.exists():
        return Examples(as_of=date.min)
    found = tomllib.loads(file.read_text(encoding="utf-8"))
    as_of, bases = date.fromisoformat(found.pop("as_of")), found.pop("base")
    return Examples(as_of=as_of, bases=bases, cases=tuple(_cases(found, bases, as_of)))


def _cases(found: Mapping[str, Any], bases: Mapping[str, Any], as_of: date) -> Iterator[Example]:
    for rule, kinds in found.items():
        for kind, cases in kinds.items():
            for number, case in enumerate(cases):
                yield Example(
                    name=f"{rule}-{kind}-{number}",
                    rule=rule,
                    fires=kind == "fires",
                    answers=_answers(case, bases, as_of),
                    as_of=as_of,
                    prior_yes=frozenset(case.get("prior_yes", ())),
                )


def _answers(case: Mapping[str, Any], bases: Mapping[str, Any], as_of: date) -> dict[str, object]:
    answers = {**bases[case.get("base", "adult")], **case.get("set", {})}
    for question in case.get("unset", ()):
        answers.pop(question, None)
    for question, days in case.get("days", {}).items():
        answers[question] = {"kind": "date", "value": (as_of - timedelta(days=days)).isoformat()}
    return answers
