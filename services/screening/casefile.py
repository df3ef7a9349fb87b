"""Judging the cases of a file as the operator API would; every failure is one plain sentence that repeats no answer."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from services.screening.domain.catalogue import Catalogue
from services.screening.routes.evaluating import evaluate
from services.screening.routes.payloads import EvaluateIn, EvaluationOut
from shared.errors import Refusal

STDIN: Final = Path("-")
# What a case says beside the body of `evaluate`.
EXPECTED: Final = "expected"
NAME: Final = "name"
MANY: Final = "case"
_FIELDS: Final = EvaluateIn.model_fields.keys() | {"dob"}  # other words of a file may say something of a client
_SETS: Final = ("reason_codes", "note_codes")


class Unreadable(Exception):
    """Nothing was judged; the message says why, for whoever wrote the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """`expected` is None for a case that says nothing of its result."""

    name: str
    result: EvaluationOut
    expected: Mapping[str, Any] | None

    def differences(self) -> Iterator[str]:
        found = self.result.model_dump(mode="json")
        for key, wanted in sorted((self.expected or {}).items()):
            if _comparable(key, found[key]) != _comparable(key, wanted):
                yield f"{self.name}: {key} is {_shown(found[key])}, expected {_shown(wanted)}"


def judge_file(file: Path, catalogue: Catalogue) -> list[Judged]:
    """Every case of a JSON, JSON lines or TOML file, in its order. Raises `Unreadable`."""
    return [_judged(number, case, catalogue) for number, case in enumerate(_cases(_content(file), file.suffix), 1)]


def _judged(number: int, case: object, catalogue: Catalogue) -> Judged:
    name = f"case {number}"
    if not isinstance(case, dict):
        raise Unreadable(f"{name} is not an object")
    if isinstance(case.get(NAME), str):
        name += f" ({case[NAME]})"
    expected = case.get(EXPECTED)
    if expected is not None and (not isinstance(expected, dict) or expected.keys() - EvaluationOut.model_fields):
        raise Unreadable(f"{name}: {EXPECTED} may hold {', '.join(EvaluationOut.model_fields)}, and nothing else")
    body = {key: value for key, value in case.items() if key not in (NAME, EXPECTED)}
    try:
        asked = EvaluateIn.model_validate_json(to_json(body))
        result = evaluate(asked, catalogue.form(asked.questionnaire))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"] if str(part) in _FIELDS)
        raise Unreadable(f"{name}: {where or 'a field'}: {first['msg']}") from error
    except Refusal as refused:
        raise Unreadable(f"{name}: {refused}{_named(refused.extra)}") from refused
    return Judged(name=name, result=result, expected=expected)


def _content(file: Path) -> str:
    try:
        return (sys.stdin.buffer.read() if file == STDIN else file.read_bytes()).decode("utf-8-sig")
    except OSError as error:
        raise Unreadable(f"cannot be read: {(error.strerror or 'unknown').lower()}") from error
    except UnicodeDecodeError as error:
        raise Unreadable("is not UTF-8 text") from error


def _cases(content: str, suffix: str) -> Sequence[object]:
    """As the name of the file says, or else as whichever it can be read as."""
    readers = _READERS.get(suffix.lower(), (_json, _json_lines, _toml))
    for read in readers:
        try:
            found = read(content)
        except (ValueError, RecursionError, PydanticSerializationError):
            continue
        if isinstance(found, dict) and found.keys() == {MANY}:
            found = found[MANY]
        cases = found if isinstance(found, list) else [found]
        if not cases:
            raise Unreadable("holds no case")
        return cases
    raise Unreadable(f"is not {' or '.join(_FORMATS[read] for read in readers)}")


def _json(content: str) -> object:
    return from_json(content)


def _json_lines(content: str) -> object:
    return [from_json(line) for line in content.splitlines() if line.strip()]


def _toml(content: str) -> object:
    """Dates as text, as JSON has them."""
    return from_json(to_json(tomllib.loads(content)))


_FORMATS: Final[Mapping[Callable[[str], object], str]] = {_json: "JSON", _json_lines: "JSON lines", _toml: "TOML"}
_READERS: Final[Mapping[str, tuple[Callable[[str], object], ...]]] = {
    ".json": (_json,),
    ".jsonl": (_json_lines,),
    ".ndjson": (_json_lines,),
    ".toml": (_toml,),
}


def _named(extra: Mapping[str, Any]) -> str:
    """The ids that a refusal names, and how many there are that it does not."""
    told = [f"{key}: {', '.join(map(str, ids)) if isinstance(ids, list) else ids}" for key, ids in extra.items() if ids]
    return f" ({'; '.join(told)})" if told else ""


def _comparable(key: str, value: object) -> object:
    """Codes are sets, in whatever order somebody wrote them down."""
    return sorted(map(str, value)) if key in _SETS and isinstance(value, list) else value


def _shown(value: object) -> str:
    return to_json(value).decode()
