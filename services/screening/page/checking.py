"""The page of the health check as it stands: the form while answers are wanted, and else what we say to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.screening.actions import Screening, Wanted
from services.screening.domain.catalogue import Form
from services.screening.domain.told import May, Told
from services.screening.page import addresses, sheet
from services.screening.page.questions import Section, sections
from services.screening.page.reception import Reception, Visitor
from services.screening.page.sheet import Posted, Problems
from services.screening.routes import payloads as p
from services.screening.routes import views
from shared.clock import Clock
from shared.errors import Refusal
from shared.httpkit import Answer

OLDEST_YEARS: Final = 110
BORN: Final = "born"
STEPS: Final = ("words", "file", "review", "change", "withdraw", "seen")
NOTHING: Final[Mapping[str, str]] = {}


class Checking:
    def __init__(self, screening: Screening, reception: Reception, now: Clock) -> None:
        self._screening = screening
        self._reception = reception
        self._now = now

    async def show_check(self, visitor: Visitor) -> Answer:
        return await self.as_it_is(visitor)

    async def take_check(self, visitor: Visitor) -> Answer:
        form, posted = (await self.wanted(visitor)).form, visitor.ask.form
        answers, unread = sheet.read(form.questionnaire, posted, visitor.words)
        today = self._now().astimezone(visitor.zone).date()
        problems = dict(sheet.problems(form.questionnaire, answers, today, visitor.words)) | unread
        if problems:
            return await self.as_it_is(visitor, posted=posted, problems=problems, status=422)
        try:
            await self._screening.take_answers(
                *visitor.whose,
                questionnaire=form.questionnaire.id,
                answers=answers,
                locale=visitor.locale,
                hand=visitor.hand,
            )
        except Refusal as refusal:
            return await self.refused(visitor, refusal)
        return addresses.see(addresses.check(visitor.ask))

    async def told(self, visitor: Visitor) -> Told:
        return await self._screening.outcome(*visitor.whose, locale=visitor.locale)

    async def wanted(self, visitor: Visitor) -> Wanted:
        service = visitor.ask.request.query.get("service") or None
        return await self._screening.wanted(*visitor.whose, service=service)

    async def refused(self, visitor: Visitor, refusal: Refusal) -> Answer:
        """The page as it is now, with why something did not work."""
        return await self.as_it_is(visitor, refused=visitor.words.refused(refusal), status=refusal.kind)

    async def as_it_is(
        self,
        visitor: Visitor,
        *,
        posted: Posted = NOTHING,
        problems: Problems = NOTHING,
        note: str = "",
        refused: str = "",
        status: int = 200,
    ) -> Answer:
        """`posted` fills in the form, `note` says how it comes to be there; if it is not wanted, neither is shown."""
        told = await self.told(visitor)
        done = visitor.words.said["done"].get(visitor.ask.request.query.get("done", ""), "")
        again = {"told": views.outcome(told), "turns": _turns(visitor), "refused": refused, "done": done}
        if May.ANSWER not in told.may:
            return self._told(visitor, told, status, again)
        wanted = await self.wanted(visitor)
        shown = self.shown(visitor, wanted)
        in_order = [one.id for one in shown.questions if one.id in problems]
        named = {one.id: _first_sentence(one.text) for one in shown.questions if one.id in problems}
        if BORN in problems:
            named |= {BORN: visitor.words.said["returning"]["born"]}
        return self._reception.show(
            "check.html",
            visitor,
            status,
            **again,
            **self.asking(visitor, wanted, posted),
            problems={name: problems[name] for name in (*in_order, *(name for name in problems if name == BORN))},
            asked_again=named,
            note=note,
            urgent_now=_ticked_urgent(wanted.form, posted),
            recognise=addresses.check(visitor.ask, "recognise") if wanted.recalls and not posted else "",
            born=visitor.ask.form,
            post=addresses.check(visitor.ask),
            visit=addresses.visit(visitor.ask),
        )

    def shown(self, visitor: Visitor, wanted: Wanted) -> p.QuestionnaireOut:
        return views.questionnaire(wanted.form.questionnaire, visitor.texts, wanted.profile.emergency_number)

    def asking(self, visitor: Visitor, wanted: Wanted, posted: Posted) -> dict[str, object]:
        """What the questions of a form are shown with."""
        shown = self.shown(visitor, wanted)
        is_guardian = posted.get("respondent_role") == "guardian"
        this_year = self._now().astimezone(visitor.zone).year
        return {
            "check": shown,
            "sections": self.sections(visitor, wanted),
            "urgent_text": shown.urgent_text_guardian if is_guardian else shown.urgent_text,
            "form": posted,
            "months": visitor.texts.months,
            "years": range(this_year, this_year - OLDEST_YEARS, -1),
            "unsure": wanted.form.questionnaire.labels["unsure"][visitor.locale],
        }

    def sections(self, visitor: Visitor, wanted: Wanted) -> list[Section]:
        return list(sections(wanted.form.questionnaire, self.shown(visitor, wanted), visitor.words))

    def _told(self, visitor: Visitor, told: Told, status: int, again: Mapping[str, object]) -> Answer:
        return self._reception.show(
            "told.html",
            visitor,
            status,
            **again,
            is_urgent=any(one.urgent for one in told.messages),
            visit=addresses.visit(visitor.ask, answered="yes"),
        )


def _turns(visitor: Visitor) -> dict[str, str]:
    """Where the forms and links lead that are there after the answers."""
    return {
        name: addresses.check(visitor.ask, name) for name in ("words", "file", "review", "change", "withdraw", "seen")
    }


def _first_sentence(text: str) -> str:
    """The question itself, without what explains it."""
    asked, mark, _ = text.partition("?")
    return asked + mark


def _ticked_urgent(form: Form, posted: Posted) -> bool:
    return any(
        option.urgent and (f"{question.id}.{option.value}" in posted or posted.get(question.id) == option.value)
        for question in form.questionnaire.questions
        for option in question.options
    )
