"""What typed words come to: as a client reads them, at their longest, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.notify.actions.wordings import Wording, Wordings
from services.notify.domain.practice import Practice
from services.notify.domain.text import Size, UnknownPlaceholder
from services.notify.domain.wording import may_hold
from services.notify.prices import PRICES, Price
from shared.errors import Refusal

LONGEST: Final = 640
Speak = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Seen:
    """`body` is about a made-up visit; `longest` is the text with the longest of everything, and `price` of that."""

    problem: str = ""
    body: str = ""
    longest: Size | None = None
    price: Price | None = None

    @property
    def room(self) -> int:
        """How many characters as many texts hold."""
        return 160 if self.longest is None or self.longest.segments == 1 else 153 * self.longest.segments


def tried(wordings: Wordings, practice: Practice, wording: Wording, words: str, speak: Speak) -> Seen:
    """The words are judged as if they were to be set, and nothing is."""
    if not words.strip():
        return Seen(speak("wording:empty"))
    if len(words) > LONGEST:
        return Seen(speak("wording:text-too-long", units=len(words)))
    language, template = wording.language, wording.template
    try:
        longest = wordings.longest(language, template, words)
        body, _ = wordings.preview(practice, language, template, words, wordings.some_visit(practice))
    except Refusal as refusal:
        return Seen(why(speak, refusal, template))
    known = PRICES.get(practice.country)
    return Seen("", body, longest, None if known is None else known.times(longest.segments))


def why(speak: Speak, refusal: Refusal, template: str) -> str:
    """What is wrong with the words, for who wrote them."""
    blanks: dict[str, object] = {name: refusal.extra[name] for name in ("word", "units") if name in refusal.extra}
    if "letters" in refusal.extra:
        blanks["letters"] = " ".join(refusal.extra["letters"])
    if "placeholder" in refusal.extra:
        blanks["placeholder"] = f"{{{refusal.extra['placeholder']}}}"
    if isinstance(refusal, UnknownPlaceholder):
        blanks["known"] = ", ".join(f"{{{name}}}" for name in sorted(may_hold(template)))
    return speak(f"wording:{refusal.slug}", **blanks)
