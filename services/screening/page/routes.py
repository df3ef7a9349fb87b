"""The health check as a page: shown, taken, and answered; it calls the same actions as the JSON interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from services.screening.actions import Continuing, Screening
from services.screening.domain.case import State
from services.screening.domain.catalogue import Catalogue, Form
from services.screening.domain.told import Told
from services.screening.page import continuing as after_answers
from services.screening.page import sheet, words
from services.screening.page.continuing import ContinuingPages
from services.screening.page.questions import sections
from services.screening.ports import Profile
from services.screening.routes import views
from services.screening.routes.hand import hand_of
from shared.clock import Clock
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Door, Route
from shared.page import HEADERS, Pages, stylesheet
from shared.tokens import Claim, TokenInvalid

TEMPLATES: Final = Path(__file__).parent / "templates"
CHECK: Final = "/check/{appointment}"
OLDEST_YEARS: Final = 110
NO_PROBLEMS: sheet.Problems = {}


class Checking:
    def __init__(self, screening: Screening, catalogue: Catalogue, pages: Pages, door: Door, now: Clock) -> None:
        self._screening = screening
        self._catalogue = catalogue
        self._pages = pages
        self._door = door
        self._now = now

    async def show_check(self, ask: Ask[None, None]) -> Answer:
        """The form while there are no answers, afterwards what we said to them."""
        claim = self._claim(ask)
        told = await self._screening.outcome(claim.appointment, claim.practice, locale=None)
        if told.has_answers or told.state is State.CLOSED:
            return await self._told(ask, told)
        form, profile = await self._form(ask, claim)
        return self._asked(ask, form, profile, told=told)

    async def take_check(self, ask: Ask[None, None]) -> Answer:
        claim = self._claim(ask)
        form, profile = await self._form(ask, claim)
        answers, unread = sheet.read(form.questionnaire, ask.form)
        today = self._now().astimezone(ZoneInfo(profile.zone)).date()
        problems = dict(sheet.problems(form.questionnaire, answers, today)) | unread
        if problems:
            in_order = {q.id: problems[q.id] for q in form.questionnaire.questions if q.id in problems}
            return self._asked(ask, form, profile, problems=in_order, status=422)
        try:
            await self._screening.take_answers(
                claim.appointment,
                claim.practice,
                questionnaire=form.questionnaire.id,
                answers=answers,
                locale=None,
                hand=hand_of(ask),
            )
        except Refusal as refusal:
            return await self.refused(ask, refusal)
        return Answer(303, headers={**HEADERS, "Location": _address("/screening/check", ask)})

    async def refused(self, ask: Ask[None, None], refusal: Refusal) -> Answer:
        """The page as it is now, with why something did not work."""
        claim = self._claim(ask)
        told = await self._screening.outcome(claim.appointment, claim.practice, locale=None)
        return await self._told(ask, told, refused=self._pages.words(refusal), status=refusal.kind)

    def _claim(self, ask: Ask[None, None]) -> Claim:
        claim = self._door.claim(ask.request)
        if claim is None:
            raise TokenInvalid("the appointment token is missing, altered or out of date")
        return claim

    async def _form(self, ask: Ask[None, None], claim: Claim) -> tuple[Form, Profile]:
        """The form that the visit's service asks for, which the address names."""
        return await self._screening.questionnaire(claim.practice, service=ask.request.query.get("service") or None)

    def _asked(
        self,
        ask: Ask[None, None],
        form: Form,
        profile: Profile,
        *,
        problems: sheet.Problems = NO_PROBLEMS,
        status: int = 200,
        told: Told | None = None,
    ) -> Answer:
        """`told` says why the form is asked once more."""
        texts = self._catalogue.texts_for(profile.locale)
        shown = views.questionnaire(form.questionnaire, texts, profile.emergency_number)
        this_year = self._now().astimezone(ZoneInfo(profile.zone)).year
        return self._pages.show(
            "check.html",
            status,
            lang=texts.locale,
            check=shown,
            again=None if told is None else views.outcome(told),
            **_turns(ask),
            sections=sections(form.questionnaire, shown),
            urgent_now=_ticked_urgent(form, ask.form),
            urgent_text=shown.urgent_text_guardian
            if ask.form.get("respondent_role") == "guardian"
            else shown.urgent_text,
            form=ask.form,
            problems=problems,
            asked_again={one.id: _first_sentence(one.text) for one in shown.questions if one.id in problems},
            months=texts.months,
            years=range(this_year, this_year - OLDEST_YEARS, -1),
            post=_address("/screening/check", ask),
            visit=_address("/booking/visit", ask),
        )

    async def _told(self, ask: Ask[None, None], told: Told, *, refused: str = "", status: int = 200) -> Answer:
        return self._pages.show(
            "told.html",
            status,
            outcome=views.outcome(told),
            refused=refused,
            emergency_number=await self._emergency_number(ask) if any(one.urgent for one in told.messages) else "",
            again=_address("/screening/check", ask),
            **_turns(ask),
            visit=_address("/booking/visit", ask, answered="yes"),
        )

    async def _emergency_number(self, ask: Ask[None, None]) -> str:
        _, profile = await self._form(ask, self._claim(ask))
        return profile.emergency_number


def routes(
    screening: Screening, continuing: Continuing, catalogue: Catalogue, door: Door, now: Clock
) -> Sequence[Route]:
    pages = Pages("screening", TEMPLATES, words.refused)
    checking = Checking(screening, catalogue, pages, door, now)
    afterwards = ContinuingPages(continuing, door, checking.refused, _address)
    return [
        Route(method="GET", path="/page/style.css", handler=stylesheet, summary="The stylesheet", answers={200: None}),
        pages.route("GET", CHECK, checking.show_check, "The page with the health check, or with what we said to it"),
        pages.route("POST", CHECK, checking.take_check, "Take the health check, on to what we say to it"),
        *after_answers.routes(afterwards, pages, CHECK),
    ]


def _first_sentence(text: str) -> str:
    """The question itself, without what explains it."""
    asked, mark, _ = text.partition("?")
    return asked + mark


def _ticked_urgent(form: Form, posted: Mapping[str, str]) -> bool:
    return any(
        option.urgent and (f"{question.id}.{option.value}" in posted or posted.get(question.id) == option.value)
        for question in form.questionnaire.questions
        for option in question.options
    )


def _turns(ask: Ask[None, None]) -> dict[str, str]:
    """Where the forms lead that are there after the answers."""
    names = ("words", "file", "review", "change")
    return {f"{name}_form": _address("/screening/check", ask, below=f"/{name}") for name in names}


def _address(path: str, ask: Ask[None, None], below: str = "", **more: str) -> str:
    """A page of the same appointment, with the same token and service."""
    kept = {name: ask.request.query[name] for name in ("token", "service") if ask.request.query.get(name)}
    return f"{path}/{ask.path['appointment']}{below}?{urlencode(kept | more)}"
