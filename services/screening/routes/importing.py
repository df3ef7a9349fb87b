"""A foreign FHIR Questionnaire over HTTP: read into the overlay that a draft can begin with; nothing is kept of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field

from services.screening.actions import Clients
from services.screening.domain.catalogue import Catalogue, FormUnknown
from services.screening.fhir import form_in
from services.screening.fhir.incoming import LARGEST, NotSupported, Remark
from services.screening.fhir.names import CONTENT
from services.screening.overlays import OverlayTable
from services.screening.ports import PracticeUnknown
from services.screening.routes.parts import PRIVATE
from services.screening.routes.payloads import Shown
from services.screening.tables import Name, Version
from shared.httpkit import Answer, Ask, Payload, Route, Who

TAKES: Final = (CONTENT, "application/json")


class ImportQuery(Payload):
    """`form` is the one of the library that the questions are added to, `release` the practice's own version."""

    form: Annotated[Name, Field(description="bare name of a form of the library")]
    release: Version = "1.0.0"


class RemarkOut(Shown):
    path: str
    what: str


class ImportedOut(Shown):
    """`overlay` is the body of a draft; `changed` and `left_out` are the places where it is not what was sent."""

    overlay: OverlayTable
    changed: list[RemarkOut]
    left_out: list[RemarkOut]


class ImportRoutes:
    def __init__(self, clients: Clients, catalogue: Catalogue) -> None:
        self._clients, self._catalogue = clients, catalogue

    async def imported(self, ask: Ask[None, ImportQuery]) -> Answer:
        if ask.request.content_type not in TAKES:
            raise web.HTTPUnsupportedMediaType
        await self._clients.profile(ask.path["practice"])
        base = self._catalogue.form(ask.query.form)
        read = await asyncio.to_thread(form_in.read, ask.content, base, self._catalogue, release=ask.query.release)
        shown = ImportedOut(overlay=read.overlay, changed=_remarks(read.changed), left_out=_remarks(read.left_out))
        return Answer(200, shown, headers=PRIVATE)


def _remarks(remarks: Sequence[Remark]) -> list[RemarkOut]:
    return [RemarkOut(path=one.path, what=one.what) for one in remarks]


def routes(clients: Clients, catalogue: Catalogue) -> Sequence[Route]:
    to = ImportRoutes(clients, catalogue)
    return (
        Route(
            method="POST",
            path="/v1/practices/{practice}/forms/import",
            handler=to.imported,
            summary="Read a FHIR R4B Questionnaire into what a draft can begin with, or say all that is not supported",
            takes=TAKES,
            largest=LARGEST,
            query=ImportQuery,
            answers={200: ImportedOut},
            refuses=(PracticeUnknown, FormUnknown, NotSupported),
            who=Who.OPERATOR,
        ),
    )
