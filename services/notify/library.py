"""The texts: loaded and checked at start, and filled in for one visit or notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import structlog
from babel import Locale

from services.notify import telling
from services.notify.domain import wording
from services.notify.domain.notice import Notice
from services.notify.domain.practice import Practice
from services.notify.domain.text import Size, UnknownPlaceholder, fill, placeholders, plain, refuse_health, size
from services.notify.domain.visit import Visit
from services.notify.domain.wording import LONGEST, MOST_SEGMENTS, TooLong
from shared.errors import Kind, Refusal

log = structlog.get_logger()

TEMPLATES: Final = Path(__file__).parent / "templates"
FALLBACK: Final = "en"
# What every handset understands where a practice of an older release has not told its country's own number.
EMERGENCY: Final = "112"


class BadTemplate(Refusal):
    """A template is missing, or cannot be sent as it is."""

    slug: ClassVar[str] = "bad-template"
    kind: ClassVar[Kind] = Kind.INVALID


class UnknownTemplate(Refusal):
    """No text has this name, or none is written in this language."""

    slug: ClassVar[str] = "unknown-template"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


@dataclass(frozen=True, slots=True)
class Library:
    """Templates by language and name; `link` is as long as the links of this installation are."""

    texts: Mapping[str, Mapping[str, str]]
    link: str = LONGEST["link"]

    def render(self, template: str, about: Visit | Notice, practice: Practice, link: str) -> str:
        """The text for one visit or notice, in the practice's own words if they still may be sent.

        A visit's time is told as the clocks at its place show it. The practice's own name is its own choice and the
        link is opaque, and nothing else that is filled in can tell about health. Raises `TooLong` or `ForbiddenWord`.
        """
        locale = telling.known(about.locale) or telling.known(practice.locale) or Locale(FALLBACK)
        values = {"practice": practice.sms_name, "phone": practice.phone, "link": link}
        values |= {"emergency": practice.emergency or EMERGENCY} | _facts(about, self._spoken(locale))
        language = locale.language if locale.language in self.texts else FALLBACK
        own = practice.wordings.get(f"{language}/{template}")
        if own is not None:
            try:
                self.judge(language, template, own)
                return _filled(template, own, values)
            except Refusal as refusal:  # it was kept by a release that allowed it; the client is told all the same
                log.warning("wording.not_used", practice=practice.id, template=template, refused=refusal.slug)
        return _filled(template, self.texts[language][template], values)

    def judge(self, language: str, template: str, words: str) -> Size:
        """What these words cost at their longest; raises what forbids them in place of the built-in ones."""
        built_in = self.texts.get(language, {}).get(template)
        if built_in is None:
            raise UnknownTemplate(f"there is no template {language}/{template}")
        wording.check(template, words, built_in)
        longest = worst(words, language, self.link)
        if longest.segments > MOST_SEGMENTS:
            raise TooLong(f"{template} would take {longest.segments} segments at its longest", units=longest.units)
        return longest

    def _spoken(self, locale: Locale) -> Locale:
        """How dates are written: as the client does if the words are in that language and its usual letters."""
        if locale.language not in self.texts:
            return Locale(FALLBACK)
        return locale if locale.script is None else Locale(locale.language)


def load(folder: Path = TEMPLATES, link: str = LONGEST["link"]) -> Library:
    """Every template of every language, checked; raises `BadTemplate` or what `check` raises."""
    texts = {
        language.name: {file.stem: plain(file.read_text("utf-8")).strip() for file in sorted(language.glob("*.txt"))}
        for language in sorted(folder.iterdir())
        if language.is_dir()
    }
    library, dear = Library(texts, link), []
    for language, words in texts.items():
        if words.keys() != texts[FALLBACK].keys():
            raise BadTemplate(f"{language} and {FALLBACK} differ in {sorted(words.keys() ^ texts[FALLBACK].keys())}")
        for name, one in words.items():
            check(name, one, language)
            if library.judge(language, name, one).segments > 1:
                dear.append(f"{language}/{name}")
    if dear:
        log.warning("templates.cost_two_segments", templates=dear, link_length=len(link))
    return library


def check(name: str, words: str, language: str) -> None:
    """What every text must keep, and for those that come with a release one segment at its longest."""
    wording.check(name, words, words)
    longest = worst(words, language)
    if longest.segments > 1:
        raise BadTemplate(f"{language}/{name} takes {longest.units} units of {longest.encoding} at its longest")


@lru_cache(maxsize=4096)
def worst(words: str, language: str, link: str = LONGEST["link"]) -> Size:
    """Over every date and time of any year, as every country that has the language writes them."""
    sizes = (size(fill(words, {**LONGEST, "link": link, **at})) for at in telling.longest(language))
    return max(sizes, key=lambda one: (one.segments, one.units))


def _filled(template: str, words: str, values: Mapping[str, str]) -> str:
    if lacking := placeholders(words) - values.keys():
        raise UnknownPlaceholder(f"{template} has no value for {sorted(lacking)} here")
    _refuse_health(words)
    text = fill(words, values)
    if size(text).segments > MOST_SEGMENTS:
        raise TooLong(f"{template} would take {size(text).segments} segments")
    return text


@lru_cache(maxsize=4096)
def _refuse_health(words: str) -> None:
    """What is filled in is the practice's own name, its number, an opaque link, or a date, time, count or code."""
    refuse_health(fill(words, dict.fromkeys(placeholders(words), "")))


def _facts(about: Visit | Notice, locale: Locale) -> dict[str, str]:
    """What is told of this visit or notice."""
    zone = ZoneInfo(about.zone)
    values: dict[str, str] = {}
    if about.starts_at is not None:
        values |= telling.when(about.starts_at.astimezone(zone), locale)
    if isinstance(about, Notice):
        values["until"] = telling.until(about.expires_at.astimezone(zone), locale)
        return values if about.code is None else values | {"code": about.code}
    return values if about.seat is None or about.seat.count is None else values | {"count": str(about.seat.count)}
