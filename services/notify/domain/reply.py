"""What a client means by a text, and which text answers it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from services.notify.domain.text import plain


class Meaning(StrEnum):
    CONFIRM = "confirm"
    RESCHEDULE = "reschedule"
    STOP = "stop"
    START = "start"
    HELP = "help"
    UNCLEAR = "unclear"


# Twilio, "Support for opt-out keywords": words that opt a number in or out when they are the whole text. REVOKE and
# OPTOUT were added in 2025. YES opts in there too, and still means yes to a reminder.
KEYWORDS: Mapping[str, Meaning] = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"), Meaning.STOP),
    **dict.fromkeys(("start", "unstop"), Meaning.START),
    **dict.fromkeys(("help", "info"), Meaning.HELP),
    **dict.fromkeys(("c", "1", "ok", "okay", "confirm", "confirmed", "yes", "y"), Meaning.CONFIRM),
    **dict.fromkeys(("r", "2", "reschedule", "change", "move"), Meaning.RESCHEDULE),
}

PROVIDERS = frozenset({Meaning.STOP, Meaning.START, Meaning.HELP})

# Any reasonable way of saying stop counts (FCC 24-24, 47 CFR 64.1200(a)(10)), so sentences are looked at as well.
STOP_PHRASES = re.compile(
    r"\b(?:"
    r"(?:stop|quit) (?:texting|messaging|sending)|stop (?:these|this|please|pls|it|now)"
    r"|(?:stop|quit) (?:receiving |getting )?(?:(?:the|these|those|your|any|more|all) )*(?:texts?|messages?|sms)"
    r"|(?:stop|quit) (?:receiving|getting) (?:these|those|them|any)"
    r"|(?:please|pls) stop|stop all|opt(?:ing)? (?:me )?out|unsubscribe|take me off|remove me"
    r"|(?:no more|don'?t send(?: me)?(?: any)?(?: more)?) (?:texts?|messages?)"
    r"|(?:do not|don'?t) (?:text|message|contact) me|leave me alone"
    r")\b"
)


@dataclass(frozen=True, slots=True)
class Heard:
    """`by_keyword` when the whole text was one of the provider's words, so that the provider may have answered it."""

    meaning: Meaning
    by_keyword: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a meaning is answered. `until_start` bounds it by the visit, `to_stopped` lets it pass an opt-out once.

    `once_a_day` texts are not repeated to the same visit or offer within a day.
    """

    step: str
    useful: timedelta
    until_start: bool = False
    to_stopped: bool = False
    once_a_day: bool = False


ANSWERS: Mapping[Meaning, Answer] = {
    Meaning.RESCHEDULE: Answer(step="reschedule", useful=timedelta(days=1), until_start=True),
    Meaning.HELP: Answer(step="help", useful=timedelta(hours=1)),
    Meaning.STOP: Answer(step="stopped", useful=timedelta(minutes=5), to_stopped=True),
    Meaning.UNCLEAR: Answer(step="unclear", useful=timedelta(hours=1), once_a_day=True),
}

# Whatever is said about an offer but STOP, START and HELP: only its link takes the time.
ABOUT_AN_OFFER = Answer(step="offer_link", useful=timedelta(hours=1), until_start=True, once_a_day=True)

ANSWER_STEPS: Mapping[str, Answer] = {answer.step: answer for answer in (*ANSWERS.values(), ABOUT_AN_OFFER)}


def classify(body: str, opt_out_type: str | None, *, has_stopped: bool) -> Heard:
    """`opt_out_type` is the provider's own verdict and wins; a YES from somebody who had stopped starts again."""
    told = {"STOP": Meaning.STOP, "START": Meaning.START, "HELP": Meaning.HELP}.get((opt_out_type or "").upper())
    if told is not None:
        return Heard(told, by_keyword=True)
    words = re.sub(r"[^\w']+", " ", plain(body).casefold()).strip()
    meaning = KEYWORDS.get(words)
    if meaning is not None:
        started = words == "yes" and has_stopped
        return Heard(Meaning.START if started else meaning, by_keyword=True)
    # "opt out" means the same to us, but the provider knows no keyword with a space in it.
    spaced = KEYWORDS.get(words.replace(" ", ""), Meaning.UNCLEAR)
    return Heard(Meaning.STOP if STOP_PHRASES.search(words) else spaced, by_keyword=False)


def answer(heard: Heard, opt_out_type: str | None, *, provider_answers: bool) -> Answer | None:
    """The text that answers, or None: a C needs none, and what the provider answers itself is not answered twice.

    By default the provider answers its own keywords, and says so only where Advanced Opt-Out is on.
    """
    if opt_out_type or (provider_answers and heard.by_keyword and heard.meaning in PROVIDERS):
        return None
    return ANSWERS.get(heard.meaning)
