"""The texts: loaded and checked at start, and filled in for one visit."""

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

from services.notify.domain.text import fill, placeholders, plain, refuse_health, size
from services.notify.domain.visit import Practice, Visit
from shared.errors import Kind, Refusal

TEMPLATES: Final = Path(__file__).parent / "templates"
FALLBACK: Final = "en"
MOST_SEGMENTS: Final = 2

# The longest values that one segment must hold: a neutral practice name, an E.164 number, a link on a short domain.
LONGEST: Final = {"practice": "P" * 21, "phone": "+" + "9" * 15, "link": "https://" + "l" * 18}


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

    def render(self, template: str, visit: Visit, practice: Practice, link: str) -> str:
        """The text for one visit; raises `TooLong` or `ForbiddenWord`.

        The visit's time is told as the clocks at its place show it. The practice's own name is its own choice and the
        link is opaque: neither is searched for words about health.
        """
        locale = _locale(visit.locale) or _locale(practice.locale) or Locale(FALLBACK)
        starts = visit.starts_at.astimezone(ZoneInfo(visit.zone))
        values = {"practice": practice.sms_name, "phone": practice.phone, "link": link}
        values |= _when(starts, self._spoken(locale))
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
    """One segment at its longest, no word about health, and a link: that makes each text unlike any other one."""
    if "link" not in placeholders(wording):
        raise BadTemplate(f"{language}/{name} has no {{link}}")
    refuse_health(fill(wording, dict.fromkeys(placeholders(wording), "")))
    longest = size(fill(wording, {**LONGEST, **_longest_when(language)}))
    if longest.segments > 1:
        raise BadTemplate(f"{language}/{name} takes {longest.units} units of {longest.encoding} at its longest")


def _when(starts: datetime, locale: Locale) -> dict[str, str]:
    date = format_skeleton("MMMEd", starts, tzinfo=starts.tzinfo, locale=locale)
    return {"date": plain(date), "time": plain(format_time(starts, "short", locale=locale))}


@lru_cache
def _longest_when(language: str) -> dict[str, str]:
    """The longest date and the longest time of a year in a language."""
    locale = Locale(language)
    hours = [datetime(2027, 1, 1, 0, 30, tzinfo=UTC) + timedelta(hours=25 * n) for n in range(366)]
    told = [_when(at, locale) for at in hours]
    return {name: max((when[name] for when in told), key=len) for name in ("date", "time")}


@lru_cache
def _locale(name: str) -> Locale | None:
    try:
        return Locale.parse(name, sep="-") if "-" in name else Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return None
