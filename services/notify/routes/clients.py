"""What notify holds of one client, for the export that booking was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.notify.actions.clients import Clients, ExportUnknown
from services.notify.routes.views import ExportAnswer
from shared.httpkit import Answer, Ask, Route, Who


@dataclass(frozen=True, slots=True)
class Exports:
    clients: Clients

    def routes(self) -> list[Route]:
        desk: dict[str, Any] = {"who": Who.OPERATOR}
        return [
            Route(
                method="GET",
                path="/v1/practices/{practice}/exports/{ask}",
                handler=self.export,
                summary="All texts, consents and replies of a client, for the export that booking was asked for",
                answers={200: ExportAnswer},
                refuses=(ExportUnknown,),
                **desk,
            )
        ]

    async def export(self, ask: Ask[None, None]) -> Answer:
        export = await self.clients.exported(ask.path["ask"], ask.path["practice"])
        return Answer(200, ExportAnswer.of(ask.path["ask"], export), headers={"Cache-Control": "no-store"})
