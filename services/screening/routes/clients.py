"""What screening holds of one client, over HTTP: the other health checks, and the export."""

from __future__ import annotations

from collections.abc import Sequence

from services.screening.actions import CaseUnknown, Clients, ExportUnknown
from services.screening.domain.catalogue import Catalogue
from services.screening.routes import case_payloads as c
from services.screening.routes import case_view, views
from services.screening.routes import payloads as p
from services.screening.routes.audit import accesses
from services.screening.routes.hand import hand_of
from services.screening.routes.parts import CLOSED, PRIVATE
from shared.httpkit import Answer, Ask, Route, Who


class ClientRoutes:
    def __init__(self, clients: Clients, catalogue: Catalogue) -> None:
        self._clients = clients
        self._catalogue = catalogue

    async def earlier(self, ask: Ask[None, None]) -> Answer:
        cases = await self._clients.earlier(ask.path["appointment"])
        return Answer(200, views.earlier(cases), headers=PRIVATE)

    async def export(self, ask: Ask[None, None]) -> Answer:
        opened = await self._clients.exported(ask.path["ask"], ask.path["practice"], hand_of(ask))
        seen = accesses(await self._clients.seen(opened))
        remembered = views.remembered(await self._clients.remembered(opened))
        shown = case_view.export(
            ask.path["ask"], opened, seen, remembered, self._catalogue.default_locale, self._clients.now
        )
        return Answer(200, shown, headers=PRIVATE)


def routes(clients: Clients, catalogue: Catalogue) -> Sequence[Route]:
    to = ClientRoutes(clients, catalogue)
    return (
        Route(
            method="GET",
            path="/v1/cases/{appointment}/earlier",
            handler=to.earlier,
            summary="The other health checks of the same client, also under a record that was merged",
            answers={200: p.EarlierOut},
            refuses=(CaseUnknown,),
            who=Who.OPERATOR,
        ),
        Route(
            method="GET",
            path="/v1/practices/{practice}/exports/{ask}",
            handler=to.export,
            summary="All health checks of a client, for the export that booking was asked for",
            answers={200: c.ExportOut},
            refuses=(ExportUnknown, *CLOSED),
            who=Who.OPERATOR,
        ),
    )
