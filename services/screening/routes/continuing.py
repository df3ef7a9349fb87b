"""The client's side after the answers, over HTTP: words and files, an appeal, a change, a consent taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.screening.actions import CaseUnknown, Continuing
from services.screening.domain.case import Reopening
from services.screening.domain.files import LARGEST_FILE
from services.screening.domain.refusals import (
    CaseClosed,
    FileRefused,
    NobodyLooks,
    NotDeclined,
    NothingToVoid,
    TooManyForms,
    TooMuchAdded,
)
from services.screening.domain.told import Told
from services.screening.ports import PracticeUnknown
from services.screening.routes import payloads as p
from services.screening.routes import views
from services.screening.routes.hand import hand_of
from services.screening.routes.parts import CLOSED, KINDS, PRIVATE, claim_of
from shared.httpkit import Answer, Ask, Route, Who

WITHDRAWN: Final = {"consent": Reopening.WITHDRAWN, "guardian": Reopening.GUARDIAN_WITHDRAWN}


class ContinuingRoutes:
    def __init__(self, continuing: Continuing) -> None:
        self._continuing = continuing

    async def words(self, ask: Ask[p.WordsIn, p.LocaleQuery]) -> Answer:
        return _told(await self._continuing.explain(*_whose(ask), ask.body.words, **_how(ask)))

    async def attach(self, ask: Ask[None, p.LocaleQuery]) -> Answer:
        return _told(await self._continuing.attach(*_whose(ask), ask.content, **_how(ask)))

    async def review(self, ask: Ask[p.AppealIn, p.LocaleQuery]) -> Answer:
        return _told(await self._continuing.ask_for_review(*_whose(ask), ask.body.words, **_how(ask)))

    async def change(self, ask: Ask[None, p.LocaleQuery]) -> Answer:
        return _told(await self._continuing.void(*_whose(ask), Reopening.CHANGED, **_how(ask)))

    async def withdraw(self, ask: Ask[p.WithdrawIn, p.LocaleQuery]) -> Answer:
        return _told(await self._continuing.void(*_whose(ask), WITHDRAWN[ask.body.what], **_how(ask)))


def _whose(ask: Ask[Any, Any]) -> tuple[str, str]:
    claim = claim_of(ask)
    return claim.appointment, claim.practice


def _how(ask: Ask[Any, p.LocaleQuery]) -> dict[str, Any]:
    return {"locale": ask.query.locale, "hand": hand_of(ask)}


def _told(told: Told) -> Answer:
    return Answer(200, views.outcome(told), headers=PRIVATE)


def routes(continuing: Continuing) -> Sequence[Route]:
    to = ContinuingRoutes(continuing)
    every: dict[str, Any] = {"method": "POST", "query": p.LocaleQuery, "answers": {200: p.OutcomeOut}, "who": Who.TOKEN}
    known = (CaseUnknown, PracticeUnknown, CaseClosed, *CLOSED)
    return (
        Route(
            **every,
            path="/v1/appointments/{appointment}/words",
            handler=to.words,
            summary="Words for the person who looks at the answers, or asked for more",
            body=p.WordsIn,
            refuses=(*known, NobodyLooks, TooMuchAdded),
        ),
        Route(
            **every,
            path="/v1/appointments/{appointment}/attachments",
            handler=to.attach,
            summary="A file for the person who looks at the answers: a PDF, JPEG or PNG of at most 5 MB",
            takes=KINDS,
            largest=LARGEST_FILE + 1,  # so that one which is too large is refused in words
            refuses=(*known, FileRefused, NobodyLooks, TooMuchAdded),
        ),
        Route(
            **every,
            path="/v1/appointments/{appointment}/review",
            handler=to.review,
            summary="Ask a person to look again at what the rules declined",
            body=p.AppealIn,
            refuses=(*known, NotDeclined),
        ),
        Route(
            **every,
            path="/v1/appointments/{appointment}/change",
            handler=to.change,
            summary="Something about the client's health has changed: the form is asked again",
            refuses=(*known, NothingToVoid, TooManyForms),
        ),
        Route(
            **every,
            path="/v1/appointments/{appointment}/withdraw",
            handler=to.withdraw,
            summary="A consent is taken back: what was answered counts no longer",
            body=p.WithdrawIn,
            refuses=(*known, NothingToVoid, TooManyForms),
        ),
    )
