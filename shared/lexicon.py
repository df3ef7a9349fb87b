"""What may stand in a text to a phone: the letters that cost little, and no word that would tell about health."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "lexicon"

# GSM 03.38, the default alphabet, without line ends: one character beyond it halves what fits into a segment.
ALPHABET: Final = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_LETTER: Final = r"[^\W\d_]"
_SIGNS: Final = re.compile(rf"(?<={_LETTER})(?:[^\w\s]|_)+(?={_LETTER})")
_SPELT: Final = re.compile(rf"(?<!\w){_LETTER}(?:[\W_]+{_LETTER}){{3,}}(?!\w)")


def health_word(text: str) -> str | None:
    """The first word in it about health, care or a body, in any language; no accent, case, hyphen or gap hides one."""
    seen = folded(text)
    return _found(seen) or (_found(joined) if (joined := _joined(seen)) != seen else None)


def _found(seen: str) -> str | None:
    if not any(stem in seen for stem in _LITERAL):  # a hundred times faster, and says no of nearly every text
        return None
    found = _FORBIDDEN.search(seen)
    return found[0] if found is not None else None


def folded(text: str) -> str:
    """Lower case without accents and without what is not seen."""
    if text.isascii():
        return text.lower()
    seen = (char for char in unicodedata.normalize("NFKD", text) if unicodedata.category(char) not in ("Mn", "Cf"))
    return "".join(seen).casefold()


def _joined(seen: str) -> str:
    """With no sign between two letters, and no gaps in a word that is spelt letter by letter."""
    spelt = _SPELT.sub(lambda word: "".join(filter(str.isalpha, word[0])), seen)
    return _SIGNS.sub("", spelt)


def stems(language: str) -> tuple[str, ...]:
    lines = (line.strip() for line in (FOLDER / f"{language}.txt").read_text("utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def _pattern(stem: str) -> str:
    before = rf"{_LETTER}*" if stem.startswith("*") else rf"(?<!{_LETTER})"
    after = rf"(?!{_LETTER})" if stem.endswith("$") else rf"{_LETTER}*"
    return before + re.escape(_literal(stem)) + after


def _literal(stem: str) -> str:
    return stem.strip("*$")


LANGUAGES: Final = tuple(sorted(path.stem for path in FOLDER.glob("*.txt")))
_STEMS: Final = tuple(stem for language in LANGUAGES for stem in stems(language))
_LITERAL: Final = tuple(sorted({_literal(stem) for stem in _STEMS}))
_FORBIDDEN: Final = re.compile("|".join(map(_pattern, _STEMS)))
