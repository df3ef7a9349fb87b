"""In which language somebody is spoken to, what every page is shown with, and what they read when they are refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from services.booking.domain.practice import Practice
from services.booking.page.addresses import Addresses
from services.booking.page.words import DEFAULT, Words, way
from shared.assets import Asset
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Route
from shared.language import closest, preferred
from shared.page import TOLD, Pages, again, patient, refusal_of

LANGUAGE: Final = "lang"
CONNECTS: Final = "; connect-src 'self'"
STEPS: Final = frozenset({"request", "renew", "code", "leave"})
"""What is posted, and shown again on the page that it was posted from."""
KEPT: Final = ("service", "practitioner", "zone", "from", "until", "count", "weekday", "hour")
"""What a form says of a wish; who it is for is not written into any address."""
Handler = Callable[[Ask[Any, Any]], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Guest:
    """Whoever looks at a page, and how they are spoken to."""

    ask: Ask[Any, Any]
    words: Words
    address: Addresses

    @property
    def said(self) -> Mapping[str, Any]:
        return self.words.said

    def locale(self, practice: Practice) -> str:
        """The language in which they want to be texted: the practice's own way of it where that is one of ours."""
        own = closest(practice.locale, (self.words.language,)) is not None
        unknown = not self.address.lang and self.words.language == DEFAULT and not _speaks(self.ask)
        return practice.locale if own or unknown else self.words.language


class Reception:
    """`spoken` is what the pages say, by language."""

    def __init__(self, pages: Pages, spoken: Mapping[str, Mapping[str, Any]], script: Asset, path: str) -> None:
        self._pages = pages
        self._spoken = spoken
        self._script = f"/booking{path}?v={script.version}"

    def guest(self, ask: Ask[Any, Any], practice: Practice | None = None, locale: str = "") -> Guest:
        """As the address says, else as they were texted (`locale`), else as their browser or the practice does."""
        chosen = closest(ask.request.query.get(LANGUAGE, ""), self._spoken) or ""
        own = closest(locale, self._spoken) or ""
        theirs = preferred(ask.headers.get("Accept-Language", ""), self._spoken)
        of_practice = closest(practice.locale, self._spoken) if practice else None
        language = chosen or own or theirs or of_practice or DEFAULT
        words = Words(language, self._spoken[language], way(language, practice))
        return Guest(ask, words, Addresses(chosen or own, language))

    def route(self, method: str, path: str, handler: Handler, summary: str) -> Route:
        """What `handler` refuses becomes a page of its own, in the language of whoever is there."""

        async def handle(ask: Ask[Any, Any]) -> Answer:
            try:
                return await handler(ask)
            except TOLD as error:
                refusal = refusal_of(error)
                return patient(self._refused(self.guest(ask), refusal), refusal)

        return self._pages.route(method, path, handle, summary)

    def show(self, template: str, guest: Guest, status: int = 200, *, live: bool = False, **values: object) -> Answer:
        """With all that every page needs. A `live` one may ask its own origin how things stand."""
        shown = self._pages.show(
            template,
            status,
            lang=guest.words.language,
            skip=guest.said["skip"],
            w=guest.said,
            words=guest.words,
            address=guest.address,
            languages=self._languages(guest.ask),
            script=self._script,
            **values,
        )
        if not live:
            return shown
        rules = shown.headers["Content-Security-Policy"] + CONNECTS
        return replace(shown, headers={**shown.headers, "Content-Security-Policy": rules})

    def _languages(self, ask: Ask[Any, Any]) -> list[tuple[str, str, str]]:
        here, query = _here(ask)
        return [
            (name, str(said["name"]), f"{here}?{urlencode({**query, LANGUAGE: name})}")
            for name, said in self._spoken.items()
        ]

    def _refused(self, guest: Guest, refusal: Refusal) -> Answer:
        titled = {"title": guest.words.refused_title(refusal.kind), "words": guest.words.refused(refusal)}
        lang, skip = guest.words.language, guest.said["skip"]
        lost = again(guest.ask, refusal)
        return self._pages.show(
            "refused.html", refusal.kind, lang=lang, skip=skip, kind=refusal.kind, w=guest.said, **titled, **lost
        )


def _speaks(ask: Ask[Any, Any]) -> bool:
    return preferred(ask.headers.get("Accept-Language", ""), (DEFAULT,)) is not None


def _here(ask: Ask[Any, Any]) -> tuple[str, dict[str, str]]:
    """An address that shows this page when it is opened, also where something was posted; no name or number in it."""
    path, query = ask.request.path, {**ask.request.query}
    if ask.request.method == "GET":
        return path, query
    above, _, step = path.rpartition("/")
    if step in STEPS:
        return above, query
    kept = {name: ask.form[name] for name in KEPT if ask.form.get(name)}
    if step == "hold":
        # A course is held from the page of its plan, and a time from that of the times.
        return (above if above.endswith("/course") else f"{above}/times"), {**kept, **query}
    return path, {**kept, **query}
