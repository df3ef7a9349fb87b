"""What screening holds of one client, over HTTP: the other health checks."""

from __future__ import annotations

from collections.abc import Sequence

from services.screening.actions import CaseUnknown, Clients
from services.screening.routes import payloads as p
from services.screening.routes import views
from services.screening.routes.parts import PRIVATE
from shared.httpkit import Answer, Ask, Route, Who


class ClientRoutes:
    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def earlier(self, ask: Ask[None, None]) -> Answer:
        cases = await self._clients.earlier(ask.path["appointment"])
        return Answer(200, views.earlier(cases), headers=PRIVATE)


def routes(clients: Clients) -> Sequence[Route]:
    to = ClientRoutes(clients)
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
    )
