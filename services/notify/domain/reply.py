"""What a client means by a text, and which text answers it."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from services.notify.domain.text import plain


class Meaning(StrEnum):
    """`CALL` is the wish for a call; `UNCLEAR` is any other text in words, which a person reads."""

    CONFIRM = "confirm"
    RESCHEDULE = "reschedule"
    STOP = "stop"
    START = "start"
    HELP = "help"
    CALL = "call"
    UNCLEAR = "unclear"


SAID: Final[Mapping[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
TABLE: Final[Mapping[str, Mapping[str, Meaning]]] = {
    section: {word: Meaning(meaning) for meaning, words in SAID[section].items() for word in words}
    for section in ("providers", "signs", "whole")
}
# These the provider answers itself. YES opts in there too, and still means yes to a reminder.
PROVIDERS = frozenset({Meaning.STOP, Meaning.START, Meaning.HELP})
IN_WORDS = frozenset({Meaning.UNCLEAR, Meaning.CALL})
# No text is read further than this: ten segments.
READ: Final = 1600


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


STOPS, NOT_STOPS = _any_of(SAID["within"]["stop"]), _any_of(SAID["within"]["but"])
CALLS = _any_of(SAID["within"]["call"])
WORRIES, NO_WORRIES = _any_of(SAID["worries"]["any"]), _any_of(SAID["worries"]["but"])


@dataclass(frozen=True, slots=True)
class Heard:
    """`by_keyword` when the whole text was one of the provider's words, so that the provider may have answered it.

    `worried` when something in it should not wait until a person reads it.
    """

    meaning: Meaning
    by_keyword: bool
    worried: bool = False

    @property
    def in_words(self) -> bool:
        """More was said than one of the short answers, and a person should read it."""
        return self.meaning in IN_WORDS or self.worried


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a meaning is answered. `until_start` bounds it by the visit, `to_stopped` lets it pass an opt-out once.

    `once_a_day` texts are not sent to the same number twice in 24 hours.
    """

    step: str
    useful: timedelta
    until_start: bool = False
    to_stopped: bool = False
    once_a_day: bool = False


ANSWERS: Mapping[Meaning, Answer] = {
    Meaning.RESCHEDULE: Answer(step="reschedule", useful=timedelta(days=1), until_start=True),
    Meaning.HELP: Answer(step="help", useful=timedelta(hours=1)),
    Meaning.STOP: Answer(step="stopped", useful=timedelta(minutes=5), to_stopped=True, once_a_day=True),
    Meaning.CALL: Answer(step="auto", useful=timedelta(hours=1), once_a_day=True),
    Meaning.UNCLEAR: Answer(step="auto", useful=timedelta(hours=1), once_a_day=True),
}

# A C or an R when there is no visit that it could be about.
ABOUT_NOTHING = Answer(step="unclear", useful=timedelta(hours=1), once_a_day=True)
# Whatever is said about an offer but STOP, START and HELP: only its link takes the time.
ABOUT_AN_OFFER = Answer(step="offer_link", useful=timedelta(hours=1), until_start=True, once_a_day=True)

ANSWER_STEPS: Mapping[str, Answer] = {
    answer.step: answer for answer in (*ANSWERS.values(), ABOUT_NOTHING, ABOUT_AN_OFFER)
}


def classify(body: str, opt_out_type: str | None, *, has_stopped: bool) -> Heard:
    """`opt_out_type` is the provider's own verdict and wins; a YES from somebody who had stopped starts again."""
    words = bare(body[:READ])
    worried = WORRIES.search(NO_WORRIES.sub(" ~ ", words)) is not None
    told = {"STOP": Meaning.STOP, "START": Meaning.START, "HELP": Meaning.HELP}.get((opt_out_type or "").upper())
    if told is not None:
        return Heard(told, by_keyword=True, worried=worried)
    keyword = TABLE["providers"].get(words)
    if keyword is not None or (words == "yes" and has_stopped):
        return Heard(keyword or Meaning.START, by_keyword=True)
    whole = TABLE["whole"].get(words) or (TABLE["signs"].get(_sign(body)) if not words else None)
    if whole is not None:
        return Heard(whole, by_keyword=False)
    return Heard(_within(words), by_keyword=False, worried=worried)


def _within(words: str) -> Meaning:
    # Spelt with spaces it means the same to us, but the provider knows no such keyword.
    if TABLE["providers"].get(words.replace(" ", "")) is Meaning.STOP or STOPS.search(NOT_STOPS.sub(" ~ ", words)):
        return Meaning.STOP
    return Meaning.CALL if CALLS.search(words) else Meaning.UNCLEAR


def bare(body: str) -> str:
    """Its words in small letters, without accents, apostrophes and punctuation."""
    split = unicodedata.normalize("NFKD", plain(body).casefold())
    letters = "".join(char for char in split if not unicodedata.combining(char) and char != "'")
    return re.sub(r"[\W_]+", " ", letters).strip()


def _sign(body: str) -> str:
    """An emoji without its skin and form."""
    return re.sub("[\ufe0f\u200d\U0001f3fb-\U0001f3ff\\s!.]", "", body)[:1]


def answer(heard: Heard, opt_out_type: str | None, *, provider_answers: bool) -> Answer | None:
    """The text that answers, or None: a C needs none, and what the provider answers itself is not answered twice.

    By default the provider answers its own keywords, and says so only where Advanced Opt-Out is on.
    """
    if opt_out_type or (provider_answers and heard.by_keyword and heard.meaning in PROVIDERS):
        return None
    return ANSWERS.get(heard.meaning)
