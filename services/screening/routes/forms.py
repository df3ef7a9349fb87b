"""A practice's own, stricter sets over HTTP: drafted, tried, compared, approved and published."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.screening.actions import Drafts, EmergencyNumberMissing, Simulating
from services.screening.actions.versions import DRAFT, VersionsUnlike
from services.screening.domain.catalogue import Catalogue, FormUnknown
from services.screening.domain.draft import (
    ApprovalsMissing,
    DraftChanged,
    DraftInvalid,
    DraftUnknown,
    NotesIncomplete,
    NotInTest,
    NotStricter,
    WrongRelease,
)
from services.screening.overlays import OverlayTable
from services.screening.ports import PracticeUnknown
from services.screening.routes import form_payloads as f
from services.screening.routes import form_views
from services.screening.routes.hand import hand_of
from services.screening.routes.parts import CLOSED
from shared.httpkit import Answer, Ask, InvalidRequest, Route, Who

FORMS: Final = "/v1/practices/{practice}/forms"
FORM: Final = f"{FORMS}/{{form}}"
ETAG: Final = re.compile(r'"([0-9]{1,9})"')


class FormRoutes:
    def __init__(self, drafts: Drafts, simulating: Simulating, catalogue: Catalogue) -> None:
        self._drafts, self._simulating, self._catalogue = drafts, simulating, catalogue

    async def listed(self, ask: Ask[None, None]) -> Answer:
        practice = ask.path["practice"]
        drafts = await self._drafts.of(practice)
        return Answer(200, form_views.listed(self._catalogue, await self._drafts.published(practice), drafts))

    async def read(self, ask: Ask[None, None]) -> Answer:
        draft = await self._drafts.read(ask.path["practice"], ask.path["form"])
        return Answer(200, form_views.draft(draft), headers=_etag(draft.version))

    async def write(self, ask: Ask[OverlayTable, None]) -> Answer:
        where = ask.path["practice"], ask.path["form"]
        draft = await self._drafts.write(*where, ask.body, version=_relied_on(ask), hand=hand_of(ask))
        return Answer(200, form_views.draft(draft), headers=_etag(draft.version))

    async def discard(self, ask: Ask[None, None]) -> Answer:
        await self._drafts.discard(ask.path["practice"], ask.path["form"], hand=hand_of(ask))
        return Answer(204)

    async def test(self, ask: Ask[None, None]) -> Answer:
        form = ask.path["form"]
        tried = await self._drafts.test(ask.path["practice"], form)
        return Answer(200, form_views.tried(tried, form))

    async def approve(self, ask: Ask[f.ApproveIn, None]) -> Answer:
        draft = await self._drafts.approve(
            ask.path["practice"], ask.path["form"], by=ask.body.name, digest=ask.body.digest, hand=hand_of(ask)
        )
        return Answer(200, form_views.draft(draft), headers=_etag(draft.version))

    async def publish(self, ask: Ask[None, None]) -> Answer:
        edition = await self._drafts.publish(ask.path["practice"], ask.path["form"], hand=hand_of(ask))
        return Answer(200, form_views.edition(edition))

    async def diff(self, ask: Ask[None, f.DiffQuery]) -> Answer:
        practice, form = ask.path["practice"], ask.path["form"]
        before, after = ask.query.from_ or form, ask.query.to or DRAFT
        found = await self._drafts.compare(practice, form, before, after)
        return Answer(200, form_views.comparison(found, before, after))

    async def simulate(self, ask: Ask[None, None]) -> Answer:
        found = await self._simulating.simulate(ask.path["practice"], ask.path["form"], hand_of(ask))
        return Answer(200, form_views.simulation(found))


def routes(drafts: Drafts, simulating: Simulating, catalogue: Catalogue) -> Sequence[Route]:
    to = FormRoutes(drafts, simulating, catalogue)
    return (*_drafting(to), *_publishing(to))


def _drafting(to: FormRoutes) -> Sequence[Route]:
    return (
        Route(
            method="GET",
            path=FORMS,
            handler=to.listed,
            summary="Every version of every form: the library's, the practice's own, and what is being drafted",
            answers={200: f.FormsOut},
            who=Who.OPERATOR,
        ),
        Route(
            method="GET",
            path=f"{FORM}/draft",
            handler=to.read,
            summary="What is being drafted on top of a form of the library",
            answers={200: f.DraftOut},
            refuses=(DraftUnknown, PracticeUnknown),
            who=Who.OPERATOR,
        ),
        Route(
            method="PUT",
            path=f"{FORM}/draft",
            handler=to.write,
            summary="The whole draft anew; it has to be tried and approved again",
            body=OverlayTable,
            answers={200: f.DraftOut},
            refuses=(DraftInvalid, DraftChanged, FormUnknown, PracticeUnknown),
            who=Who.OPERATOR,
            versioned=True,
        ),
        Route(
            method="DELETE",
            path=f"{FORM}/draft",
            handler=to.discard,
            summary="Nothing is being drafted",
            answers={204: None},
            refuses=(DraftUnknown, DraftChanged, PracticeUnknown),
            who=Who.OPERATOR,
        ),
        Route(
            method="POST",
            path=f"{FORM}/draft/test",
            handler=to.test,
            summary="Prove that the draft is nowhere softer than its base; takes some seconds",
            answers={200: f.TriedOut},
            refuses=(DraftUnknown, DraftInvalid, DraftChanged, PracticeUnknown),
            who=Who.OPERATOR,
        ),
    )


def _publishing(to: FormRoutes) -> Sequence[Route]:
    return (
        Route(
            method="POST",
            path=f"{FORM}/draft/approve",
            handler=to.approve,
            summary="Somebody agrees to exactly this draft",
            body=f.ApproveIn,
            answers={200: f.DraftOut},
            refuses=(DraftUnknown, DraftChanged, NotInTest, PracticeUnknown),
            who=Who.OPERATOR,
        ),
        Route(
            method="POST",
            path=f"{FORM}/draft/publish",
            handler=to.publish,
            summary="Prove it once more, and let it count from now on; takes some seconds",
            answers={200: f.VersionOut},
            refuses=(
                DraftUnknown,
                DraftInvalid,
                DraftChanged,
                NotInTest,
                NotStricter,
                WrongRelease,
                ApprovalsMissing,
                NotesIncomplete,
                EmergencyNumberMissing,
                PracticeUnknown,
            ),
            who=Who.OPERATOR,
        ),
        Route(
            method="GET",
            path=f"{FORM}/diff",
            handler=to.diff,
            summary="What differs between two versions, with every test case that comes to something else",
            query=f.DiffQuery,
            answers={200: f.ComparisonOut},
            refuses=(DraftUnknown, DraftInvalid, FormUnknown, VersionsUnlike, PracticeUnknown),
            who=Who.OPERATOR,
        ),
        Route(
            method="POST",
            path=f"{FORM}/draft/simulate",
            handler=to.simulate,
            summary="What the draft would have made of the test cases and of stored forms, as counts",
            answers={200: f.SimulationOut},
            refuses=(DraftUnknown, DraftInvalid, FormUnknown, PracticeUnknown, *CLOSED),
            who=Who.OPERATOR,
        ),
    )


def _relied_on(ask: Ask[Any, Any]) -> int | None:
    """The version that `If-Match` names, 0 for none yet; None if whichever there is will do."""
    named = ask.headers.get("If-Match", "*").strip()
    if named == "*":
        return None
    found = ETAG.fullmatch(named)
    if found is None:
        raise InvalidRequest('If-Match is not a version as an ETag names it, like "7"')
    return int(found[1])


def _etag(version: int) -> Mapping[str, str]:
    return {"ETag": f'"{version}"'}
