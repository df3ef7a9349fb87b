"""The texts: loaded and checked at start, and filled in for one visit or notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time

from services.notify.domain.notice import Notice
from services.notify.domain.practice import Practice
from services.notify.domain.text import fill, placeholders, plain, refuse_health, size
from services.notify.domain.visit import Visit
from shared.errors import Kind, Refusal

TEMPLATES: Final = Path(__file__).parent / "templates"
FALLBACK: Final = "en"
MOST_SEGMENTS: Final = 2

# The longest values that one segment must hold: a neutral practice name, an E.164 number, a link on a short domain.
LONGEST: Final = {
    "practice": "P" * 21,
    "phone": "+" + "9" * 15,
    "link": "https://" + "l" * 18,
    "count": "99",
    "code": "9" * 8,
    "emergency": "9" * 6,
}
# What every handset understands where a practice of an older release has not told its country's own number.
EMERGENCY: Final = "112"
# What a text may hold, by template: no other one has a value for more than the usual.
USUAL: Final = frozenset({"practice", "phone", "link", "date", "time"})
MAY_HOLD: Final = {
    "booked_course": USUAL | {"count"},
    "offer": USUAL | {"until"},
    "offer_link": USUAL | {"until"},
    "code": frozenset({"practice", "phone", "code", "until"}),
    "review_due": frozenset({"practice", "date", "time", "code", "until"}),
    "call_asked": frozenset({"practice", "code"}),
    "undelivered": frozenset({"practice", "code"}),
    "check_in": USUAL | {"emergency"},
    "auto": frozenset({"practice", "phone", "link", "emergency"}),
}
# What makes a text unlike any other one to that number, so that it is found by its words: its own link in every text
# but those that lead nowhere, because who reads them may not be meant or is the practice.
UNLIKE_BY: Final = dict.fromkeys(("code", "review_due", "call_asked", "undelivered"), "code")


class BadTemplate(Refusal):
    """A template is missing, or cannot be sent as it is."""

    slug: ClassVar[str] = "bad-template"
    kind: ClassVar[Kind] = Kind.INVALID


class TooLong(Refusal):
    """The filled text would cost more segments than a text may."""

    slug: ClassVar[str] = "text-too-long"
    kind: ClassVar[Kind] = Kind.INVALID


@dataclass(frozen=True, slots=True)
class Library:
    """Templates by language and name."""

    texts: Mapping[str, Mapping[str, str]]

    def render(self, template: str, about: Visit | Notice, practice: Practice, link: str) -> str:
        """The text for one visit or notice; raises `TooLong` or `ForbiddenWord`.

        A visit's time is told as the clocks at its place show it. The practice's own name is its own choice and the
        link is opaque: neither is searched for words about health.
        """
        locale = _locale(about.locale) or _locale(practice.locale) or Locale(FALLBACK)
        values = {"practice": practice.sms_name, "phone": practice.phone, "link": link}
        values |= {"emergency": practice.emergency or EMERGENCY} | _facts(about, self._spoken(locale))
        wording = self._wording(locale, template)
        refuse_health(fill(wording, {**values, "practice": "", "link": ""}))
        text = fill(wording, values)
        if size(text).segments > MOST_SEGMENTS:
            raise TooLong(f"{template} would take {size(text).segments} segments")
        return text

    def _spoken(self, locale: Locale) -> Locale:
        """How dates are written: as the client does if the words are in that language and its usual letters."""
        if locale.language not in self.texts:
            return Locale(FALLBACK)
        return locale if locale.script is None else Locale(locale.language)

    def _wording(self, locale: Locale, template: str) -> str:
        return self.texts.get(locale.language, self.texts[FALLBACK])[template]


def load(folder: Path = TEMPLATES) -> Library:
    """Every template of every language, checked; raises `BadTemplate` or what `check` raises."""
    texts = {
        language.name: {file.stem: plain(file.read_text("utf-8")).strip() for file in sorted(language.glob("*.txt"))}
        for language in sorted(folder.iterdir())
        if language.is_dir()
    }
    for language, wordings in texts.items():
        if wordings.keys() != texts[FALLBACK].keys():
            raise BadTemplate(f"{language} and {FALLBACK} differ in {sorted(wordings.keys() ^ texts[FALLBACK].keys())}")
        for name, wording in wordings.items():
            check(name, wording, language)
    return Library(texts)


def check(name: str, wording: str, language: str) -> None:
    """One segment at its longest, no word about health, only what it has values for, and something of its own."""
    used, needed = placeholders(wording), UNLIKE_BY.get(name, "link")
    if needed not in used:
        raise BadTemplate(f"{language}/{name} has no {{{needed}}}")
    for strange in sorted(used - MAY_HOLD.get(name, USUAL)):
        raise BadTemplate(f"{language}/{name} may not hold {{{strange}}}")
    refuse_health(fill(wording, dict.fromkeys(placeholders(wording), "")))
    longest = size(fill(wording, {**LONGEST, **_longest_when(language)}))
    if longest.segments > 1:
        raise BadTemplate(f"{language}/{name} takes {longest.units} units of {longest.encoding} at its longest")


def _facts(about: Visit | Notice, locale: Locale) -> dict[str, str]:
    """What is told of this visit or notice; `until` names the day, because a text may be read the next morning."""
    zone = ZoneInfo(about.zone)
    values: dict[str, str] = {}
    if about.starts_at is not None:
        values |= _when(about.starts_at.astimezone(zone), locale)
    if isinstance(about, Notice):
        values["until"] = _until(about.expires_at.astimezone(zone), locale)
        return values if about.code is None else values | {"code": about.code}
    return values if about.seat is None or about.seat.count is None else values | {"count": str(about.seat.count)}


def _until(at: datetime, locale: Locale) -> str:
    day = format_skeleton("E", at, tzinfo=at.tzinfo, locale=locale)
    return f"{plain(day)} {_when(at, locale)['time']}"


def _when(starts: datetime, locale: Locale) -> dict[str, str]:
    date = format_skeleton("MMMEd", starts, tzinfo=starts.tzinfo, locale=locale)
    return {"date": plain(date), "time": plain(format_time(starts, "short", locale=locale))}


@lru_cache
def _longest_when(language: str) -> dict[str, str]:
    """The longest date, the longest time and the longest end of a term of a year in a language."""
    locale = Locale(language)
    hours = [datetime(2027, 1, 1, 0, 30, tzinfo=UTC) + timedelta(hours=25 * n) for n in range(366)]
    told = [_when(at, locale) | {"until": _until(at, locale)} for at in hours]
    return {name: max((when[name] for when in told), key=len) for name in ("date", "time", "until")}


@lru_cache
def _locale(name: str) -> Locale | None:
    try:
        return Locale.parse(name, sep="-") if "-" in name else Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return None
