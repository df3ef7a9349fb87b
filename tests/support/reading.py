"""How hard a text is to read: own counters, because those of the registries need word lists from the network.

English by the grade of Flesch and Kincaid (1975). Spanish by the scale INFLESZ on the formula of Szigriszt-Pazos, made
for Spanish and tried on what patients are given to read (Barrio-Cantalejo et al., An Sist Sanit Navar 2008); the older
one of Fernández Huerta only carries English over. A number counts as one syllable, however long it is said.
So does a name among `names`, of an illness or a medicine: who has it knows it, and how long it is says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Set
from typing import Final

NORMAL: Final = 55  # from here on the scale calls a text normal, below it rather hard
RATHER_EASY: Final = 65  # bastante fácil

Names = Set[str]
NO_NAMES: Final[Names] = frozenset()
_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_END: Final = re.compile(r"[.!?]+(?=\s|$)")
_ODD: Final = {
    **dict.fromkeys(("aches", "does"), 1),
    **dict.fromkeys(("fluid", "headaches", "people", "platelet", "safety"), 2),
    **dict.fromkeys(("aneurysm", "diabetes"), 4),
}
_SILENT: Final = re.compile(r"[^aeiouy]e[ds]?$")
_SPOKEN: Final = re.compile(r"[td]ed$|(?:[sxz]|[cs]h|[cg])es$|[^aeiouy]les?$")
_APART: Final = re.compile(r"ia(?!l$|n$)|io(?!n|us)|eo(?!u)|[^aeiouqg]ua|[aeiouy]ing$|uou|iet|ien[ct]")
_STRONG: Final = "aeoáéó"
_STRESSED: Final = "íú"


def grade(texts: Iterable[str], names: Names = NO_NAMES) -> float:
    """School years in the United States that it takes, for all of the texts together."""
    words, sentences, syllables = _counted(texts, english_syllables, names)
    return 0.39 * words / sentences + 11.8 * syllables / words - 15.59


def inflesz(texts: Iterable[str], names: Names = NO_NAMES) -> float:
    """From 0 to 100, the easier the higher, for all of the texts together. Means little for a text of a few words."""
    words, sentences, syllables = _counted(texts, spanish_syllables, names)
    return 206.835 - 62.3 * syllables / words - words / sentences


def words_of(text: str) -> list[str]:
    return _WORD.findall(text)


def sentences_of(text: str) -> list[str]:
    """A text that ends without a mark ends a sentence all the same."""
    return [part for part in _END.split(text) if words_of(part)]


def english_syllables(word: str) -> int:
    """Groups of vowels, less those that are not spoken, plus those that are spoken apart; capitals are spelt."""
    if len(word) > 1 and word.isupper():
        return len(word)
    return sum(_of_part(part) for part in re.split(r"[-’']", word.lower()) if part and part not in ("s", "t"))


def spanish_syllables(word: str) -> int:
    """One for each vowel, less those that flow together: two strong ones never do, nor does a weak one with a mark."""
    sounds = re.sub(r"qu(?=[eiéí])|gu(?=[eiéí])", "k", word.lower()).replace("ü", "u")
    vowels = 0
    before = ""
    for place, letter in enumerate(sounds):
        last = place == len(sounds) - 1
        vowel = letter if letter in "aeiouáéíóú" else "i" if letter == "y" and (last and before) else ""
        if vowel and not _flows(before, vowel):
            vowels += 1
        before = vowel
    return max(vowels, 1)


def _flows(before: str, vowel: str) -> bool:
    if not before or before in _STRESSED or vowel in _STRESSED:
        return False
    return not (before in _STRONG and vowel in _STRONG) and before != vowel


def _of_part(part: str) -> int:
    if part in _ODD:
        return _ODD[part]
    spoken = len(re.findall(r"[aeiouy]+", part)) + len(_APART.findall(part))
    if _SILENT.search(part) and not _SPOKEN.search(part):
        spoken -= 1
    return max(spoken, 1)


def _counted(texts: Iterable[str], syllables: Callable[[str], int], names: Names) -> tuple[int, int, int]:
    listed = list(texts)
    words = [word for text in listed for word in words_of(text)]
    spoken = sum(1 if word.lower() in names else syllables(word) for word in words)
    return len(words), sum(len(sentences_of(text)) for text in listed), spoken
