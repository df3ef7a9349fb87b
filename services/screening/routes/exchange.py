"""What leaves for other hands: the form and cases as FHIR, and a client's export as JSON, FHIR or a page to print."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from services.screening import record
from services.screening.actions import (
    CaseUnknown,
    Clients,
    EmergencyNumberMissing,
    ExportUnknown,
    NoHealthCheck,
    Opened,
    Retention,
    Screening,
)
from services.screening.chapters import Seen
from services.screening.domain.catalogue import Catalogue, FormUnknown
from services.screening.domain.questionnaire import Questionnaire
from services.screening.fhir import bundle, checked, form_out
from services.screening.fhir.names import CONTENT
from services.screening.ports import PracticeUnknown
from services.screening.record.spoken import Spoken, words
from services.screening.routes import case_payloads as c
from services.screening.routes import case_view, views
from services.screening.routes import payloads as p
from services.screening.routes.audit import accesses
from services.screening.routes.hand import hand_of
from services.screening.routes.parts import CLOSED, PRIVATE
from shared.httpkit import Answer, Ask, Route, Who

HTML = "text/html"


class ExportQuery(p.LocaleQuery):
    """As data of ours, one FHIR Bundle, or a page; `locale` is the practice's language unless another is asked for."""

    format: Literal["json", "fhir", "html"] = "json"


class ExchangeRoutes:
    def __init__(self, screening: Screening, clients: Clients, retention: Retention, catalogue: Catalogue) -> None:
        self._screening, self._clients, self._retention = screening, clients, retention
        self._catalogue = catalogue

    async def questionnaire_as_fhir(self, ask: Ask[None, p.QuestionnaireQuery]) -> Answer:
        form, profile = await self._screening.questionnaire(ask.path["practice"], service=ask.query.service)
        locale = self._catalogue.texts_for(ask.query.locale or profile.locale).locale
        return _fhir(await asyncio.to_thread(_form, _Pinned(form.questionnaire), locale), private=False)

    async def case_as_fhir(self, ask: Ask[None, p.LocaleQuery]) -> Answer:
        opened = await self._clients.exported_case(ask.path["appointment"], hand_of(ask))
        profile = await self._clients.profile(opened.case.practice)
        return await self._bundle(opened.case.id, [opened], ask.query.locale or profile.locale)

    async def export(self, ask: Ask[None, ExportQuery]) -> Answer:
        """What is opened here is noted before, whatever it is shown as."""
        name, practice = ask.path["ask"], ask.path["practice"]
        opened = await self._clients.exported(name, practice, hand_of(ask))
        if ask.query.format == "html":
            return await self._page(practice, opened, ask.query.locale)
        if ask.query.format == "fhir":
            profile = await self._clients.profile(practice)
            return await self._bundle(name, opened, ask.query.locale or profile.locale)
        locale = self._catalogue.texts_for(ask.query.locale or self._catalogue.default_locale).locale
        seen = accesses(await self._clients.seen(opened))
        remembered = views.remembered(await self._clients.remembered(opened))
        return Answer(200, case_view.export(name, opened, seen, remembered, locale, self._clients.now), headers=PRIVATE)

    async def _bundle(self, name: str, opened: Sequence[Opened], locale: str) -> Answer:
        made = bundle.of_cases(
            name,
            opened,
            remembered=await self._clients.remembered(opened),
            seen=await self._seen(opened),
            locale=self._catalogue.texts_for(locale).locale,
            at=self._clients.now,
        )
        return _fhir(await asyncio.to_thread(checked.text, made))

    async def _page(self, practice: str, opened: Sequence[Opened], locale: str | None) -> Answer:
        profile = await self._clients.profile(practice)
        texts = self._catalogue.texts_for(locale or profile.locale)
        shown = record.show(
            opened,
            until={one.case.id: await self._retention.until(one.case) for one in opened},
            remembered=await self._clients.remembered(opened),
            seen=await self._seen(opened),
            spoken=Spoken(texts=texts, words=words(texts.locale), zone=ZoneInfo(profile.zone)),
            at=self._clients.now,
        )
        return Answer(200, text=shown, content_type=HTML, headers=record.HEADERS)

    async def _seen(self, opened: Sequence[Opened]) -> list[Seen]:
        found = accesses(await self._clients.seen(opened))
        return [Seen(case=one.appointment, at=one.at, by=one.by, what=one.what) for one in found]


class _Pinned:
    """A form that is the same one as any of its digest, however large it is."""

    def __init__(self, form: Questionnaire) -> None:
        self.form = form

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Pinned) and (other.form.id, other.form.digest) == (self.form.id, self.form.digest)

    def __hash__(self) -> int:
        return hash((self.form.id, self.form.digest))


@lru_cache(maxsize=64)
def _form(pinned: _Pinned, locale: str) -> str:
    return checked.text(form_out.of_form(pinned.form, locale))


def _fhir(text: str, *, private: bool = True) -> Answer:
    return Answer(200, text=text, content_type=CONTENT, headers=PRIVATE if private else {})


def routes(screening: Screening, clients: Clients, retention: Retention, catalogue: Catalogue) -> Sequence[Route]:
    to = ExchangeRoutes(screening, clients, retention, catalogue)
    return (
        Route(
            method="GET",
            path="/v1/practices/{practice}/questionnaire/fhir",
            handler=to.questionnaire_as_fhir,
            summary="The health form as a FHIR R4B Questionnaire",
            query=p.QuestionnaireQuery,
            answers={200: None},
            gives=(CONTENT,),
            refuses=(PracticeUnknown, NoHealthCheck, EmergencyNumberMissing, FormUnknown),
        ),
        Route(
            method="GET",
            path="/v1/cases/{appointment}/fhir",
            handler=to.case_as_fhir,
            summary="One case with all its rounds as a FHIR R4B Bundle",
            query=p.LocaleQuery,
            answers={200: None},
            gives=(CONTENT,),
            refuses=(CaseUnknown, PracticeUnknown, *CLOSED),
            who=Who.OPERATOR,
        ),
        Route(
            method="GET",
            path="/v1/practices/{practice}/exports/{ask}",
            handler=to.export,
            summary="All health checks of a client, for the export that booking was asked for",
            query=ExportQuery,
            answers={200: c.ExportOut},
            gives=(CONTENT, HTML),
            refuses=(ExportUnknown, PracticeUnknown, *CLOSED),
            who=Who.OPERATOR,
        ),
    )
