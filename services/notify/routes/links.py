"""The short links in texts."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from services.notify.actions.pages import LinkExpired, Pages
from shared.httpkit import Answer, Ask, Route
from shared.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Links:
    pages: Pages
    tokens: Tokens
    public_origin: str

    def routes(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path="/n/{code}",
                handler=self.link,
                summary="The link in a text leads to its visit or its offered time",
                answers={303: None},
                refuses=(LinkExpired,),
            )
        ]

    async def link(self, ask: Ask[None, None]) -> Answer:
        page = await self.pages.page(ask.path["code"])
        token = self.tokens.mint(page.id, page.practice, page.expires_at)
        address = f"{self.public_origin}/booking/{page.leads_to}/{page.id}?{urlencode({'token': token})}"
        return Answer(303, headers={"Location": address, "Referrer-Policy": "no-referrer"})
