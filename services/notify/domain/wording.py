"""What the words of a template must keep, whoever wrote them."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from services.notify.domain.text import CHEAP, UnknownPlaceholder, fill, placeholders, refuse_health
from shared.errors import Kind, Refusal

MOST_SEGMENTS: Final = 2

# The longest values that a text must have room for: a neutral practice name, an E.164 number, a link on a short domain.
LONGEST: Final = {
    "practice": "P" * 21,
    "phone": "+" + "9" * 15,
    "link": "https://" + "l" * 18,
    "count": "99",
    "code": "9" * 8,
    "emergency": "9" * 6,
}
# What a text may hold, by template: there is a value for nothing else.
REACHED: Final = frozenset({"practice", "phone", "link", "emergency"})
USUAL: Final = REACHED | {"date", "time"}
TO_THE_PRACTICE: Final = frozenset({"practice", "code"})
MAY_HOLD: Final = {
    **dict.fromkeys(("auto", "help", "stopped", "unclear", "rebook"), REACHED),
    "message_left": REACHED,
    "booked_course": USUAL | {"count"},
    "offer": USUAL | {"until"},
    "offer_link": USUAL | {"until"},
    "code": frozenset({"practice", "phone", "code", "until"}),
    "review_due": TO_THE_PRACTICE | {"date", "time", "until"},
    "call_asked": TO_THE_PRACTICE,
    "undelivered": TO_THE_PRACTICE | {"date", "time"},
}
# What makes a text unlike any other one to that number, so that it is found by its words: its own link in every text
# but those that lead nowhere, because who reads them may not be meant or is the practice.
UNLIKE_BY: Final = dict.fromkeys(("code", "review_due", "call_asked", "undelivered"), "code")

OPT_OUT: Final = "STOP"
# Whoever answers with one of these opts out of all texts, or back in, whatever was meant.
_TAKEN: Final = "CANCEL|END|QUIT|REVOKE|OPTOUT|UNSUBSCRIBE|STOPALL|UNSTOP|YES"
TAKEN: Final = re.compile(rf"\b(?:{_TAKEN})\b")
# In small letters they are words like others, unless a client is asked to answer with them; a NO is read as a refusal.
_ASKED: Final = "reply|text|answer|respond|send|responda|responde|conteste|contesta|escriba|escribe|envie|envia|mande"
ADVERTISED: Final = re.compile(rf"\b(?i:(?:{_ASKED})(?: with| con)?) *[\"'(:]* *(?:(?i:{_TAKEN})|NO)\b")
# A phone makes a link of a bare name under one of these too; a mail address leads to no page.
_ENDS: Final = "com|net|org|info|biz|io|co|me|app|link|page|site|online|care|ly|us|uk|ca|es|mx|eu|ch|de|fr|example"
FOREIGN: Final = re.compile(
    rf"://|\bwww\.|\b[a-z0-9-]+\.[a-z]{{2,}}/|(?<![@\w.-])[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:{_ENDS})\b", re.IGNORECASE
)


class PlaceholderMissing(Refusal):
    """Without it nobody knows who texts, or the text is not told from any other one."""

    slug: ClassVar[str] = "placeholder-missing"
    kind: ClassVar[Kind] = Kind.INVALID


class OptOutMissing(Refusal):
    """The built-in words tell how to opt out, and so must any in their place."""

    slug: ClassVar[str] = "opt-out-missing"
    kind: ClassVar[Kind] = Kind.INVALID


class NotInAlphabet(Refusal):
    """A character that more than doubles what the text costs, and has no plain one in its place."""

    slug: ClassVar[str] = "not-in-alphabet"
    kind: ClassVar[Kind] = Kind.INVALID


class ForeignLink(Refusal):
    """A text leads to its own page only: carriers filter other links, and nobody can withdraw them."""

    slug: ClassVar[str] = "foreign-link"
    kind: ClassVar[Kind] = Kind.INVALID


class KeywordTaken(Refusal):
    """The client is asked to answer with a word that the provider takes for an opt-out, or for an opt-in."""

    slug: ClassVar[str] = "keyword-taken"
    kind: ClassVar[Kind] = Kind.INVALID


class TooLong(Refusal):
    """The filled text would cost more segments than a text may."""

    slug: ClassVar[str] = "text-too-long"
    kind: ClassVar[Kind] = Kind.INVALID


REFUSES: Final = (PlaceholderMissing, OptOutMissing, NotInAlphabet, ForeignLink, KeywordTaken, TooLong)


def check(template: str, words: str, built_in: str) -> None:
    """Raises what is wrong with these words in place of the built-in ones; how long they are is not looked at."""
    _check_placeholders(template, words)
    if OPT_OUT in built_in and not re.search(rf"\b{OPT_OUT}\b", words):
        raise OptOutMissing(f"the text must tell that {OPT_OUT} opts out")
    if strange := sorted(set(words) - CHEAP):
        raise NotInAlphabet(f"{''.join(strange)!r} would more than double what the text costs", letters=strange)
    if (taken := TAKEN.search(words) or ADVERTISED.search(words)) is not None:
        raise KeywordTaken(f"{taken[0]!r} has the client answer with a word that is taken for another", word=taken[0])
    if FOREIGN.search(words):
        raise ForeignLink("a text may hold no other link than {link}")
    refuse_health(fill(words, dict.fromkeys(placeholders(words), "")))
    refuse_health(fill(words, dict.fromkeys(placeholders(words), " ")))


def _check_placeholders(template: str, words: str) -> None:
    used, known = placeholders(words), may_hold(template)
    for strange in sorted(used - known):
        raise UnknownPlaceholder(f"{template} has no {{{strange}}}; there are {', '.join(sorted(known))}")
    for needed in ("practice", UNLIKE_BY.get(template, "link")):
        if needed not in used:
            raise PlaceholderMissing(f"{template} needs {{{needed}}}", placeholder=needed)


def may_hold(template: str) -> frozenset[str]:
    return MAY_HOLD.get(template, USUAL)
