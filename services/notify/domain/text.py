"""The letters of a text: made plain, filled in, and counted as the provider bills them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from shared.errors import Kind, Refusal
from shared.lexicon import ALPHABET, health_word

# GSM 03.38: the default alphabet, and the characters that cost two septets because they are sent with an escape.
BASIC = ALPHABET | {"\n", "\r"}
EXTENDED = frozenset("\f^{}\\[~]|€")
CHEAP = BASIC | EXTENDED

# Look-alikes that no rule of Unicode leads to a plain character; the rest is swapped by kind, in `_swapped`.
PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02b9\u02bb\u02bc\u02bd\u00b4\u0060\u2039\u203a", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u02ba\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2212\u2022\u2043\u00b7", "-"),
        **dict.fromkeys("\u2044\u2215\u00f7", "/"),
        **dict.fromkeys("\u000b\u0085\u2028\u2029", "\n"),
        "\t": " ",
        "\u00d7": "x",
        "\u2026": "...",
    }
)
BY_KIND = {"Zs": " ", "Cf": "", "Pd": "-"}
"""Spaces of any width, what is not seen at all, and dashes of any length."""

PLACEHOLDERS = frozenset({"practice", "date", "time", "link", "phone", "count", "until", "code", "emergency"})
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_LEFT_ACCENTS = re.compile(rf"(?<=[{''.join(sorted(filter(str.isalpha, BASIC)))}])[\u0300-\u036f]+")


class UnknownPlaceholder(Refusal):
    """A template asks for something that may not go into a text."""

    slug: ClassVar[str] = "unknown-placeholder"
    kind: ClassVar[Kind] = Kind.INVALID


class ForbiddenWord(Refusal):
    """The words would tell about somebody's health."""

    slug: ClassVar[str] = "forbidden-word"
    kind: ClassVar[Kind] = Kind.INVALID


@dataclass(frozen=True, slots=True)
class Size:
    """`units` are septets in GSM-7, 16-bit units in UCS-2."""

    encoding: str
    units: int
    segments: int


def plain(text: str) -> str:
    """Line feeds for line ends, plain characters for typographic ones, and no accent that doubles what a text costs.

    Spanish keeps the é, ñ, ü, ¿ and ¡ that the alphabet has, and is read as well without its other accents.
    """
    swapped = text.replace("\r\n", "\n").replace("\r", "\n").translate(PLAIN)
    if CHEAP.issuperset(swapped):
        return swapped
    composed = unicodedata.normalize("NFC", _each(swapped, _swapped))
    return _LEFT_ACCENTS.sub("", _each(composed, _bare))


def _each(text: str, swap: Callable[[str], str]) -> str:
    return "".join(char if char in CHEAP else swap(char) for char in text)


@lru_cache(maxsize=1024)
def _swapped(char: str) -> str:
    """By its kind, or what it stands for (a full-width letter, a ligature, an ordinal) if that is in the alphabet."""
    by_kind = BY_KIND.get(unicodedata.category(char))
    meant = unicodedata.normalize("NFKC", char)
    return by_kind if by_kind is not None else meant if CHEAP.issuperset(meant) else char


@lru_cache(maxsize=1024)
def _bare(char: str) -> str:
    """The letter without its accent, if that is in the alphabet."""
    first = unicodedata.normalize("NFD", char)[0]
    return first if first.isalpha() and first in BASIC else char


@lru_cache(maxsize=1024)
def size(text: str) -> Size:
    """What a provider would bill (3GPP TS 23.040, concatenation).

    No character is split over two segments, and in UCS-2 no cluster that is read as one either: so the published
    calculator of the provider counts, which then is never less than what is billed.
    """
    if CHEAP.issuperset(text):
        return _packed("GSM-7", [2 if char in EXTENDED else 1 for char in text], alone=160, joined=153)
    return _packed("UCS-2", [_units(cluster) for cluster in _clusters(text)], alone=70, joined=67)


def _packed(encoding: str, costs: list[int], *, alone: int, joined: int) -> Size:
    if sum(costs) <= alone:
        return Size(encoding, sum(costs), 1)
    segments, room = 1, joined
    for cost in costs:
        if cost > room:
            segments, room = segments + 1, joined
        room -= cost
    return Size(encoding, sum(costs), segments)


def _units(text: str) -> int:
    return sum(2 if ord(char) > 0xFFFF else 1 for char in text)


def _clusters(text: str) -> Iterator[str]:
    """What is read as one: a letter with its accents, a flag, an emoji with what is joined to it."""
    cluster = ""
    for char in text:
        if cluster and _units(cluster) < 60 and _goes_on(cluster, char):
            cluster += char
            continue
        if cluster:
            yield cluster
        cluster = char
    yield cluster


def _goes_on(cluster: str, char: str) -> bool:
    if cluster[-1] in "\r\n":
        return cluster[-1] + char == "\r\n"
    flag = len(cluster) == 1 and _is_half_flag(cluster) and _is_half_flag(char)
    joined = cluster[-1] == "\u200d" and ord(char) > 0x2000
    tone = "\U0001f3fb" <= char <= "\U0001f3ff"
    return flag or joined or tone or char == "\u200d" or unicodedata.category(char) in ("Mn", "Me", "Mc")


def _is_half_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


@lru_cache(maxsize=1024)
def placeholders(template: str) -> frozenset[str]:
    """The names used in a template; raises `UnknownPlaceholder` for any that is not allowed, and for a stray brace."""
    names = frozenset(_PLACEHOLDER.findall(template))
    for name in sorted(names - PLACEHOLDERS):
        raise UnknownPlaceholder(f"{{{name}}} is not a placeholder; there are {', '.join(sorted(PLACEHOLDERS))}")
    if re.search(r"[{}]", _PLACEHOLDER.sub("", template)):
        raise UnknownPlaceholder("a brace stands alone")
    return names


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put the values in; what a value holds is never read as a placeholder."""
    return plain(_PLACEHOLDER.sub(lambda found: values[found[1]], template))


def refuse_health(text: str) -> None:
    """Raises `ForbiddenWord` for words that would tell about health, in any language."""
    found = health_word(text)
    if found is not None:
        raise ForbiddenWord(f"{found!r} may not stand in a text", word=found)
