"""The words of a practice's texts: all of them, one to be changed with what a client would read, and back again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from services.notify.actions.wordings import ChangedMeanwhile, Wording, Wordings
from services.notify.console.clock import told
from services.notify.console.shelves import SHELVES
from services.notify.console.trying import Seen, tried
from services.notify.domain.practice import Practice
from services.notify.library import UnknownTemplate
from shared.assets import Asset
from shared.console import OWNERS, Console, see
from shared.console.catalogue import SPOKEN
from shared.errors import Kind
from shared.httpkit import Answer, Ask, Route
from shared.staff import Staff

ALL: Final = "/console/wordings"
ONE: Final = ALL + "/{locale}/{template}"
HERE: Final = "/notify/console/wordings"
PREVIEW: Final = Asset.read(Path(__file__).parent / "static" / "preview.js")
PREVIEW_PATH: Final = "/page/preview.js"
NO_EDITS: Final = -1


class Rewording:
    def __init__(self, wordings: Wordings, console: Console) -> None:
        self._wordings, self._console = wordings, console

    def routes(self) -> Sequence[Route]:
        route = self._console.route
        return [
            route("GET", ALL, self.show_all, "The words of all texts", OWNERS),
            route("GET", ONE, self.show_one, "The words of one text, to be changed", OWNERS),
            route("POST", ONE, self.change, "Show what a client would read, or set the words", OWNERS),
            route("POST", f"{ONE}/preview", self.preview, "What a client would read, for the page's script", OWNERS),
            route("POST", f"{ONE}/built-in", self.drop, "Go back to the built-in words", OWNERS),
            PREVIEW.route(PREVIEW_PATH, "What shows a text while it is typed"),
        ]

    async def show_all(self, ask: Ask[None, None], staff: Staff) -> Answer:
        practice = await self._wordings.practice(staff.practice)
        language = ask.request.query.get("language", practice.locale.partition("-")[0])
        found = {one.template: one for one in self._wordings.all(practice) if one.language == language}
        if not found:
            raise UnknownTemplate("no text is written in this language")
        shelves = {name: [found[template] for template in shelf] for name, shelf in SHELVES.items()}
        return self._console.show(
            "wordings.html", staff, here=HERE, shelves=shelves, language=language, languages=SPOKEN
        )

    async def show_one(self, ask: Ask[None, None], staff: Staff) -> Answer:
        practice, wording = await self._found(ask, staff)
        words = wording.built_in if wording.own is None else wording.own
        seen = self._tried(practice, wording, words, staff)
        return self._page(practice, wording, staff, words, seen, saved=ask.request.query.get("saved") == "yes")

    async def change(self, ask: Ask[None, None], staff: Staff) -> Answer:
        practice, wording = await self._found(ask, staff)
        words, read = ask.form.get("words", ""), ask.form.get("edits", "")
        seen = self._tried(practice, wording, words, staff)
        if seen.problem or ask.form.get("do") != "save":
            return self._page(practice, wording, staff, words, seen, 422 if seen.problem else 200)
        edits = int(read) if read.isdecimal() else NO_EDITS
        try:
            await self._wordings.put(
                staff.practice, wording.language, wording.template, words, edits=edits, by=staff.name
            )
        except ChangedMeanwhile:
            late = replace(seen, problem=self._console.translated(staff)("wording:changed-meanwhile"))
            return self._page(*await self._found(ask, staff), staff, words, late, Kind.CONFLICT)
        return see(f"{_address(wording)}?saved=yes")

    async def preview(self, ask: Ask[None, None], staff: Staff) -> Answer:
        practice, wording = await self._found(ask, staff)
        seen = self._tried(practice, wording, ask.form.get("words", ""), staff)
        status = 422 if seen.problem else 200
        return self._console.show("wording_seen.html", staff, status, seen=seen, spoken=wording.language)

    async def drop(self, ask: Ask[None, None], staff: Staff) -> Answer:
        _, wording = await self._found(ask, staff)
        await self._wordings.drop(staff.practice, wording.language, wording.template, edits=None)
        return see(f"{_address(wording)}?saved=yes")

    async def _found(self, ask: Ask[None, None], staff: Staff) -> tuple[Practice, Wording]:
        practice = await self._wordings.practice(staff.practice)
        return practice, self._wordings.one(practice, ask.path["locale"], ask.path["template"])

    def _tried(self, practice: Practice, wording: Wording, words: str, staff: Staff) -> Seen:
        return tried(self._wordings, practice, wording, words, self._console.translated(staff))

    def _page(
        self,
        practice: Practice,
        wording: Wording,
        staff: Staff,
        words: str,
        seen: Seen,
        status: int = 200,
        *,
        saved: bool = False,
    ) -> Answer:
        return self._console.show(
            "wording.html",
            staff,
            status,
            here=HERE,
            one=wording,
            spoken=wording.language,
            language=SPOKEN.get(wording.language, wording.language),
            set_at=told(wording.worded.at, ZoneInfo(practice.zone), staff) if wording.worded else "",
            address=_address(wording),
            words=words,
            seen=seen,
            problems={"words": seen.problem} if seen.problem else {},
            edits=practice.edits,
            saved=saved,
            script=f"/notify{PREVIEW_PATH}?v={PREVIEW.version}",
        )


def _address(wording: Wording) -> str:
    return f"{HERE}/{wording.language}/{wording.template}"
