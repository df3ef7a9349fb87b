"""The page that shows an owner how to put the booking pages on a web site of their own, with the snippet and a look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from services.booking.actions import Booking
from services.booking.page import addresses, words
from services.booking.snippet import snippet
from shared.assets import Asset
from shared.console.catalogue import DEFAULT, SPOKEN, Catalogue
from shared.httpkit import Answer, Ask, Route
from shared.page import Pages

FOLDER: Final = Path(__file__).parent
EMBED: Final = Asset.read(FOLDER / "static" / "embed.js", elsewhere=True)
EMBED_PATH: Final = "/embed.js"
SHAPES: Final = ("inline", "popover")
ALSO: Final = "; frame-src 'self'"


class Embedding:
    def __init__(self, booking: Booking, pages: Pages, origin: str) -> None:
        self._booking = booking
        self._pages = pages
        self._origin = origin.rstrip("/")
        self._catalogue = Catalogue.read([FOLDER / "embed_words"])

    def routes(self, practice: str) -> Sequence[Route]:
        summary = "The page that shows how to put the booking pages on a web site"
        return [
            EMBED.route(EMBED_PATH, "The script that shows the booking pages on a practice's own web site"),
            self._pages.route("GET", f"{practice}/embed", self.show_embed, summary),
        ]

    async def show_embed(self, ask: Ask[None, None]) -> Answer:
        """Anybody may look: it says nothing that the headers of the other pages do not say."""
        practice = (await self._booking.profiles.get(ask.path["practice"])).practice
        lang = _language(ask, practice.locale)
        speak, link = self._catalogue.speaking(lang), self._catalogue.speaking(practice.locale[:2])("Book a visit")
        shown = self._pages.show(
            "embed.html",
            lang=lang,
            skip=speak("Skip to the content"),
            _=speak,
            practice=practice,
            snippets={shape: self._snippet(practice.id, shape, link) for shape in SHAPES},
            script=f"/booking{EMBED_PATH}",
            here=addresses.practice(practice.id),
            words=words,
        )
        rules = shown.headers["Content-Security-Policy"] + ALSO
        return replace(shown, headers={**shown.headers, "Content-Security-Policy": rules})

    def _snippet(self, practice: str, shape: str, link: str) -> str:
        return snippet(self._origin, practice, shape=shape, words=link)


def _language(ask: Ask[None, None], locale: str) -> str:
    """As the address says, else as the browser does, else the practice's."""
    wanted = (ask.request.query.get("lang", ""), ask.headers.get("Accept-Language", ""), locale)
    return next((one[:2] for one in wanted if one[:2] in SPOKEN), DEFAULT)
