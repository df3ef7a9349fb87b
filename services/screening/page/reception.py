"""Who is at the door of the page, and in which language they are spoken to, also when they are refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from services.screening.actions import Screening
from services.screening.domain.audit import Hand
from services.screening.domain.wording import Texts
from services.screening.page import addresses
from services.screening.page.dressing import dress
from services.screening.page.words import Words
from services.screening.ports import Profile
from services.screening.routes.hand import hand_of
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Door, Route
from shared.language import closest, preferred
from shared.page import TOLD, Dress, Pages, again, patient, refusal_of

DEFAULT = "en"
LANGUAGE = "lang"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whoever shows the link of a visit. `profile` is None while booking has not announced the practice."""

    ask: Ask[Any, Any]
    appointment: str
    practice: str
    words: Words
    texts: Texts
    profile: Profile | None

    @property
    def whose(self) -> tuple[str, str]:
        return self.appointment, self.practice

    @property
    def locale(self) -> str:
        return self.words.locale

    @property
    def hand(self) -> Hand:
        return hand_of(self.ask)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.profile.zone if self.profile else "UTC")

    @property
    def emergency_number(self) -> str:
        return self.profile.emergency_number if self.profile else ""


Handler = Callable[[Visitor], Awaitable[Answer]]


class Reception:
    """`spoken` are the words and `texts` the messages by language."""

    def __init__(
        self, screening: Screening, pages: Pages, door: Door, *, spoken: Mapping[str, Words], texts: Mapping[str, Texts]
    ) -> None:
        self._screening, self._pages, self._door = screening, pages, door
        self._spoken, self._texts = spoken, texts

    def route(self, method: str, path: str, handler: Handler, summary: str) -> Route:
        """What `handler` refuses becomes a page of its own, in the language of whoever is there."""

        async def handle(ask: Ask[Any, Any]) -> Answer:
            words, worn = self._spoken[self._asked_for(ask) or DEFAULT], Dress()
            try:
                visitor = await self._admit(ask)
                words, worn = visitor.words, dress(visitor.profile)
                return await handler(visitor)
            except TOLD as error:
                refusal = refusal_of(error)
                return patient(self._refused(refusal, words, worn, again(ask, refusal)), refusal)

        return self._pages.route(method, path, handle, summary)

    def show(self, template: str, visitor: Visitor, status: int = 200, **values: object) -> Answer:
        """With all that every page needs: its words, the other languages, and whom to call."""
        step = visitor.ask.request.path.partition(visitor.appointment)[2].strip("/")
        shown = step if visitor.ask.request.method == "GET" else ""
        return self._pages.show(
            template,
            status,
            **self._said(visitor.words),
            languages=[
                (one.locale, one.said["name"], addresses.check(visitor.ask, shown, lang=one.locale))
                for one in self._spoken.values()
            ],
            emergency_number=visitor.emergency_number,
            here=addresses.check(visitor.ask),
            dress=dress(visitor.profile),
            **values,
        )

    async def _admit(self, ask: Ask[Any, Any]) -> Visitor:
        claim = self._door.claim(ask.request)
        profile = await self._screening.practice(claim.practice)
        theirs = closest(profile.locale, self._spoken) if profile else None
        locale = self._asked_for(ask) or theirs or DEFAULT
        return Visitor(
            ask=ask,
            appointment=claim.appointment,
            practice=claim.practice,
            words=self._spoken[locale],
            texts=self._texts[locale],
            profile=profile,
        )

    def _asked_for(self, ask: Ask[Any, Any]) -> str | None:
        """What the page was asked for in so many words, or else what the browser prefers."""
        named = closest(ask.request.query.get(LANGUAGE, ""), self._spoken)
        return named or preferred(ask.headers.get("Accept-Language", ""), self._spoken)

    def _refused(self, refusal: Refusal, words: Words, worn: Dress, lost: Mapping[str, object]) -> Answer:
        titled = {"title": words.refused_title(refusal.kind), "words": words.refused(refusal), "kind": refusal.kind}
        return self._pages.show("refused.html", refusal.kind, **self._said(words), **titled, **lost, dress=worn)

    @staticmethod
    def _said(words: Words) -> dict[str, object]:
        return {"lang": words.locale, "skip": words.said["skip"], "w": words.said}
