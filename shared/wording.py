"""Words of pages, one file for each language; a language with a hole in it keeps a service from starting."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any


class WordsBroken(Exception):
    """One sentence that names the file and what is wrong with it."""


def read(locales: Iterable[str], folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """The file of each of these languages, as it is. Raises `WordsBroken` where two are not of one shape."""
    spoken = {locale: _load(folder / f"{locale}.toml") for locale in sorted(locales)}
    first, *others = spoken
    for other in others:
        for trouble in _apart(dict(_leaves(spoken[first])), dict(_leaves(spoken[other]))):
            raise WordsBroken(f"{other}.toml is not as {first}.toml: {trouble}")
    return spoken


def _load(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise WordsBroken(f"{file.name}: {error}") from error


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        match value:
            case dict():
                yield from _leaves(value, f"{above}{key}.")
            case list():
                yield from ((f"{above}{key}.{number}", str(one)) for number, one in enumerate(value))
            case _:
                yield f"{above}{key}", str(value)


def _apart(one: Mapping[str, str], other: Mapping[str, str]) -> Iterator[str]:
    """Words that only one of them has or leaves empty, and blanks that are not the same."""
    for key in sorted(one.keys() ^ other.keys()):
        yield key
    for key in sorted(one.keys() & other.keys()):
        if not (one[key].strip() and other[key].strip()) or _blanks(one[key]) != _blanks(other[key]):
            yield key


def _blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
