"""Reads the forms, rules and texts that come with the service, and refuses to start with a set that has a hole."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from services.screening import examplefile, soundness, zones
from services.screening.domain.catalogue import Catalogue, Form
from services.screening.domain.questionnaire import Questionnaire
from services.screening.domain.wording import Texts
from services.screening.tables import MessagesTable, QuestionnaireTable, RulesetTable

HERE: Final = Path(__file__).parent
Shape = TypeVar("Shape", bound=BaseModel)
Made = TypeVar("Made")


class LibraryBroken(Exception):
    """One sentence that names the file and what is wrong with it."""


def read(folder: Path = HERE) -> Catalogue:
    """Everything under `questionnaires`, `rules` and `messages`. Raises `LibraryBroken`.

    A rule set names its questionnaire and need not be called like it; the newest of several for one judges.
    """
    messages, messages_digest, texts = _texts(folder)
    questionnaires = {q.id: q for q in _questionnaires(folder)}
    forms: dict[str, Form] = {}
    rulesets: dict[str, Form] = {}
    for file in _oldest_first(folder / "rules"):
        table, digest = _load(file, RulesetTable)
        ruleset = _made(file, partial(table.ruleset, digest))
        if ruleset.questionnaire not in questionnaires:
            raise LibraryBroken(f"{file.name}: there is no questionnaire {ruleset.questionnaire}")
        form = Form(questionnaires[ruleset.questionnaire], ruleset)
        for trouble in chain(soundness.of_questionnaire(form.questionnaire, texts), soundness.of_rules(form, texts)):
            raise LibraryBroken(f"{file.name}: {trouble}")
        forms[form.questionnaire.id] = rulesets[ruleset.id] = form
    newest = {form.questionnaire.name: form for form in sorted(forms.values(), key=_version)}
    if not forms:
        raise LibraryBroken(f"{folder}: there are no rules")
    return Catalogue(
        forms=forms,
        newest=newest,
        messages=messages,
        messages_digest=messages_digest,
        texts=texts,
        rulesets=rulesets,
        examples={name: examplefile.read(folder / "rules" / "cases" / f"{name}.toml") for name in rulesets},
        zones=zones.version(),
    )


def digests(folder: Path = HERE) -> dict[str, str]:
    """Of every version there is, by folder and name. Raises `LibraryBroken`."""
    shapes: dict[str, type[BaseModel]] = {
        "questionnaires": QuestionnaireTable,
        "rules": RulesetTable,
        "messages": MessagesTable,
    }
    return {
        f"{part}/{file.stem}": _load(file, shape)[1]
        for part, shape in shapes.items()
        for file in _oldest_first(folder / part)
    }


def _version(form: Form) -> tuple[int, ...]:
    return _numbers(form.questionnaire.version)


def _numbers(version: str) -> tuple[int, ...]:
    """In the order of releases: 2026.10.0 comes after 2026.9.0."""
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _oldest_first(folder: Path) -> list[Path]:
    """By the version in the name of the file, which `_load` holds it to."""
    return sorted(folder.glob("*.toml"), key=lambda file: (_numbers(file.stem.partition("@")[2]), file.name))


def _load(file: Path, shape: type[Shape]) -> tuple[Shape, str]:
    """The file's content, and the digest of that content whatever its layout."""
    try:
        raw: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        table = shape.model_validate(raw)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LibraryBroken(f"{file.name}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise LibraryBroken(f"{file.name}: {where}: {first['msg']}") from error
    canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if file.stem != f"{raw['name']}@{raw['version']}":
        raise LibraryBroken(f"{file.name}: the file must be named {raw['name']}@{raw['version']}.toml")
    return table, hashlib.sha256(canonical.encode()).hexdigest()


def _questionnaires(folder: Path) -> Iterator[Questionnaire]:
    for file in _oldest_first(folder / "questionnaires"):
        table, digest = _load(file, QuestionnaireTable)
        yield _made(file, partial(table.questionnaire, digest))


def _made(file: Path, make: Callable[[], Made]) -> Made:
    try:
        return make()
    except ValueError as error:
        raise LibraryBroken(f"{file.name}: {error}") from error


def _texts(folder: Path) -> tuple[str, str, dict[str, Texts]]:
    """The newest set of client texts, with its id and digest."""
    files = _oldest_first(folder / "messages")
    if not files:
        raise LibraryBroken(f"{folder}: there are no messages")
    table, digest = _load(files[-1], MessagesTable)
    texts = {locale: one.texts(locale) for locale, one in table.locale.items()}
    for locale, one in texts.items():
        for reader, by_key in one.texts.items():
            for trouble in soundness.of_texts(by_key):
                raise LibraryBroken(f"{files[-1].name}: {locale}.{reader}: {trouble}")
    return f"{table.name}@{table.version}", digest, texts
