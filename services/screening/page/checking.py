"""The page of the health check as it stands: the form while answers are wanted, and else what we say to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from services.screening.actions import Screening, Wanted
from services.screening.domain.told import May, Told
from services.screening.page import addresses, asking, script, sheet
from services.screening.page.groups import BACK, NEXT, STAY, TURNS, Group, number_in
from services.screening.page.reception import Reception, Visitor
from services.screening.page.sheet import Posted, Problems
from services.screening.routes import views
from shared.clock import Clock
from shared.errors import Refusal
from shared.httpkit import Answer

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
        """The last press sends; every other one leads to another group, with all answers so far on the page."""
        posted, wanted = visitor.ask.form, await self.wanted(visitor)
        form, today = wanted.form.questionnaire, self.today(visitor)
        answers, unread = sheet.read(form, posted, visitor.words)
        if posted.get("talk"):
            answers |= sheet.left_to_a_person(form, answers, today)
        problems = dict(sheet.problems(form, answers, today, visitor.words)) | unread
        if posted.get("go") in TURNS:
            return await self._turn(visitor, wanted, problems)
        if problems:
            return await self.as_it_is(visitor, posted=posted, problems=problems, tried=True)
        try:
            await self._screening.take_answers(
                *visitor.whose, questionnaire=form.id, answers=answers, locale=visitor.locale, hand=visitor.hand
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
        at: Group | None = None,
        tried: bool = False,
    ) -> Answer:
        """`posted` fills in the form, `note` says how it comes to be there; if it is not wanted, neither is shown.

        The form stands `at` a group, or at the first with a problem; `tried` is whether it was to be sent.
        """
        told = await self.told(visitor)
        done = visitor.words.said["done"].get(visitor.ask.request.query.get("done", ""), "")
        again = {"told": views.outcome(told), "turns": _turns(visitor), "refused": refused, "done": done}
        if May.ANSWER not in told.may:
            return self._told(visitor, told, status, again)
        wanted = await self.wanted(visitor)
        form, today = wanted.form.questionnaire, self.today(visitor)
        walk = asking.walk(visitor, wanted, posted, today)
        group = at or walk.holding(problems)
        turned = at is not None and not problems
        return self._reception.show(
            "check.html",
            visitor,
            422 if problems else status,
            **again,
            **asking.questions(visitor, wanted, posted, today),
            **asking.standing(visitor, walk, group, posted, tried=tried or "tried" in posted),
            **asking.wrong(visitor, group, form, problems),
            **asking.focus(walk, form, posted, problems, turned=turned),
            whole=not turned or posted.get("go") == STAY,
            script=script.ADDRESS,
            note=note,
            recognise=addresses.check(visitor.ask, "recognise") if wanted.recalls and not posted else "",
            born=visitor.ask.form,
            post=addresses.check(visitor.ask),
            visit=addresses.visit(visitor.ask),
        )

    def today(self, visitor: Visitor) -> date:
        return self._now().astimezone(visitor.zone).date()

    async def _turn(self, visitor: Visitor, wanted: Wanted, problems: Problems) -> Answer:
        """Back, or on once the group that was left is in order; or the same one in another language."""
        posted = visitor.ask.form
        walk = asking.walk(visitor, wanted, posted, self.today(visitor))
        number, go = number_in(posted, walk.groups), posted["go"]
        left = walk.at(number)
        if go == BACK:
            return await self.as_it_is(visitor, posted=posted, at=walk.at(number - 1))
        here = {name: words for name, words in problems.items() if go == NEXT and name in left.questions}
        at = walk.after(number) if go == NEXT and not here else left
        return await self.as_it_is(visitor, posted=posted, problems=here, at=at)

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
