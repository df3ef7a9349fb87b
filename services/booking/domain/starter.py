"""A practice from a few facts: what somebody can tell in five minutes, and what they most likely want besides."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from services.booking.domain.practice import Place, Practice, Practitioner, Service, WeeklyHours
from services.booking.domain.practice_check import LONGEST_SMS_NAME
from shared.lexicon import ALPHABET, health_word

LONGEST_ID: Final = 40
LONGEST_JOINING: Final = 3
NEUTRAL: Final = "Your appointment"
WHOLE_EUROPE: Final = (
    "AD AT BE BG CH CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MC MT NL NO PL PT RO SE SI SK SM"
)
# The number to call for an ambulance; whoever begins a practice in another country is asked for it.
EMERGENCY: Final[Mapping[str, str]] = {
    **dict.fromkeys(WHOLE_EUROPE.split(), "112"),
    **dict.fromkeys(("CA", "CR", "DO", "EC", "MX", "PA", "PR", "SV", "US", "UY"), "911"),
    "AU": "000",
    "BR": "192",
    "CL": "131",
    "CO": "123",
    "GB": "999",
    "IN": "112",
    "JP": "119",
    "KR": "119",
    "NZ": "111",
    "SG": "995",
    "ZA": "112",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Checked by nobody yet. `language` is that of the clients; times of day are in minutes, `pause` is half-open."""

    id: str
    name: str
    country: str
    zone: str
    language: str
    phone: str
    emergency_number: str
    address: str
    person: str
    services: tuple[str, ...]
    weekdays: tuple[int, ...]
    starts: int
    ends: int
    pause: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """A service to begin with; `names` and `preparations` by language."""

    id: str
    names: Mapping[str, str]
    length_minutes: int
    buffer_after_minutes: int
    screening: str | None
    preparations: Mapping[str, str]


# Open to everybody: who came before the practice was here counts as new, and would find nothing under "returning".
STARTERS: Final = (
    Starter(
        id="first-visit",
        names={"en": "First visit", "es": "Primera visita"},
        length_minutes=75,
        buffer_after_minutes=15,
        screening="cst-intake",
        preparations={
            "en": "Wear comfortable clothes. We begin with a talk, so please come a few minutes early.",
            "es": "Venga con ropa cómoda. Empezamos con una charla, así que venga unos minutos antes, por favor.",
        },
    ),
    Starter(
        id="session",
        names={"en": "Session", "es": "Sesión"},
        length_minutes=60,
        buffer_after_minutes=15,
        screening="cst-core",
        preparations={"en": "Wear comfortable clothes.", "es": "Venga con ropa cómoda."},
    ),
    Starter(
        id="call",
        names={"en": "A short call before booking", "es": "Una llamada breve antes de reservar"},
        length_minutes=15,
        buffer_after_minutes=0,
        screening=None,
        preparations={"en": "", "es": ""},
    ),
)
NOTICE_MINUTES: Final = 120


def begun(facts: Facts) -> Practice:
    """One place, one person who offers all of it, and everything else as it is where nobody says otherwise."""
    services = tuple(_service(one, facts.language) for one in STARTERS if one.id in facts.services)
    person = Practitioner(
        id=slug(facts.person) or "one",
        name=facts.person,
        services=tuple(one.id for one in services),
        hours=tuple(_week(facts)),
    )
    return Practice(
        id=facts.id,
        name=facts.name,
        sms_name=neutral(facts.name, facts.person),
        country=facts.country,
        zone=facts.zone,
        locale=f"{facts.language}-{facts.country}",
        phone=facts.phone,
        emergency_number=facts.emergency_number,
        places=(Place(id=PLACE, name=facts.name, address=facts.address, zone=facts.zone),),
        services=services,
        practitioners=(person,),
    )


PLACE: Final = "practice"


def slug(name: str) -> str:
    """What can stand in an address; empty where no letter of the basic alphabet is left."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_ID].rstrip("-")


def neutral(*names: str) -> str:
    """The name that texts open with: the first that tells nothing of health, without the words that would."""
    for name in names:
        words = [word for word in _plain(name).split() if health_word(word) is None]
        short = _shortened(words)
        if short and health_word(short) is None:
            return short
    return NEUTRAL


def _shortened(words: list[str]) -> str:
    """As many whole words as texts have room for, and no word at the end that only joined others."""
    while words and (len(" ".join(words)) > LONGEST_SMS_NAME or _joins(words[-1])):
        words = words[:-1]
    return " ".join(words)


def _joins(word: str) -> bool:
    """Such as &, and, y, für, de."""
    return not any(char.isalnum() for char in word) or (len(word) <= LONGEST_JOINING and word.islower())


def _plain(name: str) -> str:
    return "".join(_letter(char) for char in name)


def _letter(char: str) -> str:
    if char in ALPHABET:
        return char
    return "".join(part for part in unicodedata.normalize("NFKD", char) if part in ALPHABET)


def _service(starter: Starter, language: str) -> Service:
    return Service(
        id=starter.id,
        name=starter.names[language],
        length_minutes=starter.length_minutes,
        buffer_after_minutes=starter.buffer_after_minutes,
        notice_minutes=NOTICE_MINUTES,
        screening=starter.screening,
        preparation=starter.preparations[language],
    )


def _week(facts: Facts) -> Iterator[WeeklyHours]:
    away, back = facts.pause or (facts.ends, facts.ends)
    spans = ((facts.starts, min(facts.ends, away)), (max(facts.starts, back), facts.ends))
    for weekday in facts.weekdays:
        for starts, ends in spans:
            if starts < ends:
                yield WeeklyHours(weekday=weekday, place=PLACE, starts=starts, ends=ends)
