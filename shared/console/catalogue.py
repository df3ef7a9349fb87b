"""What the staff's pages say, in other languages: the English words are the key, and a hole keeps the service down."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SPOKEN: Final = {"en": "English", "es": "Español"}
DEFAULT: Final = "en"
OTHER: Final = "refused:other"


class WordsBroken(Exception):
    """One sentence that names the file and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Translations by language; `en` holds only what is not told by its own key, such as why something is refused."""

    words: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, folders: Iterable[Path]) -> Catalogue:
        """Raises `WordsBroken` where blanks differ, or where a language lacks what the other has of the refusals."""
        looked_in = tuple(folders)
        words = {locale: dict(_all(looked_in, locale)) for locale in SPOKEN}
        for locale in SPOKEN.keys() - {DEFAULT}:
            for key, told in words[locale].items():
                if _blanks(told) != _blanks(words[DEFAULT].get(key, key)):
                    raise WordsBroken(f"{locale}.toml: {key!r} has other blanks than its translation")
            if lacking := sorted(words[DEFAULT].keys() - words[locale].keys()):
                raise WordsBroken(f"{locale}.toml lacks {lacking}")
        return cls(words)

    def speaking(self, locale: str) -> Callable[..., str]:
        """Of a key and what stands in its blanks; English where there is no translation."""
        own, english = self.words.get(locale, {}), self.words[DEFAULT]

        def translated(key: str, **blanks: object) -> str:
            told = own.get(key) or english.get(key, key)
            return told.format(**blanks) if blanks else told

        return translated

    def refused(self, locale: str, slug: str) -> str:
        """Why something did not work, for a person."""
        speak = self.speaking(locale)
        key = f"refused:{slug}"
        return speak(key if key in self.words[DEFAULT] else OTHER)


def _all(folders: Iterable[Path], locale: str) -> Iterator[tuple[str, str]]:
    """Of each folder and the folders in it, so that a part of the pages may keep its words apart."""
    seen: dict[str, str] = {}
    for file in (found for folder in folders for found in sorted(folder.rglob(f"{locale}.toml"))):
        for key, told in _load(file).items():
            if seen.setdefault(key, told) != told:
                raise WordsBroken(f"{file.name}: {key!r} is told in two ways")
            yield key, told


def _load(file: Path) -> Mapping[str, str]:
    try:
        return {key: str(told) for key, told in tomllib.loads(file.read_text("utf-8")).items()}
    except tomllib.TOMLDecodeError as error:
        raise WordsBroken(f"{file.name}: {error}") from error


def _blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
