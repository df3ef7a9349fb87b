"""The words of a text: which are allowed, how they are made plain, and how many segments they cost."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from shared.errors import Kind, Refusal

# GSM 03.38: the default alphabet, and the characters that cost two septets because they are sent with an escape.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")

# One character outside the alphabet halves what fits into a segment, so look-alikes are swapped for plain ones.
PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u00a0\u2007\u2009\u200a\u202f\u2002\u2003", " "),
        **dict.fromkeys("\u2018\u2019\u201a\u2032\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", ""),
        "\u2026": "...",
        "\u2022": "-",
    }
)

PLACEHOLDERS = frozenset({"practice", "date", "time", "link", "phone", "count", "until", "code", "emergency"})
_PLACEHOLDER = re.compile(r"\{(\w*)\}")

# A text may be read by whoever holds the phone: nothing in it may hint at care, a body or an answer.
# Stems match the beginning of a word, so that "declin" finds "declined" too.
FORBIDDEN_STEMS = (
    *("abus", "ache", "aching", "allerg", "aneurysm", "anxi", "bleed", "bodywork", "cancer", "clinic", "concuss"),
    *("condition", "contraindic", "cranio", "declin", "depress", "diagnos", "diseas", "disorder", "doctor", "dose"),
    *("fractur", "headache", "heal", "illness", "injur", "manual therap", "massag", "medic", "migrain", "neuro"),
    *("operation", "osteop", "pain", "patient", "physio", "practitioner", "pregnan", "prescri", "refus", "reject"),
    *("sacral", "screen", "session", "sick", "spine", "spinal", "stroke", "surg", "symptom", "therap", "trauma"),
    *("treat", "unwell", "wound"),
)
_FORBIDDEN = re.compile(rf"\b(?:{'|'.join(FORBIDDEN_STEMS)})\w*", re.IGNORECASE)


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
    """NFC, line feeds for line ends, plain characters for typographic ones, and letters without what costs too much."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").translate(PLAIN)
    return "".join(char if char in BASIC or char in EXTENDED else _bare(char) for char in text)


@lru_cache(maxsize=1024)
def _bare(char: str) -> str:
    """The letter without its accent if that one is in the alphabet: an accent may double what the whole text costs.

    Spanish keeps its é, ñ, ü, ¿ and ¡, which the alphabet has, and is read as well without its other accents.
    """
    first = unicodedata.normalize("NFD", char)[0]
    return first if first != char and first.isalpha() and first in BASIC else char


def size(text: str) -> Size:
    """What a provider would bill; a character is never split over two segments (3GPP TS 23.040, concatenation)."""
    if all(char in BASIC or char in EXTENDED for char in text):
        return _packed("GSM-7", [2 if char in EXTENDED else 1 for char in text], alone=160, joined=153)
    return _packed("UCS-2", [2 if ord(char) > 0xFFFF else 1 for char in text], alone=70, joined=67)


def _packed(encoding: str, costs: list[int], *, alone: int, joined: int) -> Size:
    if sum(costs) <= alone:
        return Size(encoding, sum(costs), 1)
    segments, room = 1, joined
    for cost in costs:
        if cost > room:
            segments, room = segments + 1, joined
        room -= cost
    return Size(encoding, sum(costs), segments)


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
    """Raises `ForbiddenWord` for words that would tell about health."""
    found = _FORBIDDEN.search(text)
    if found is not None:
        raise ForbiddenWord(f"{found[0]!r} may not stand in a text")
