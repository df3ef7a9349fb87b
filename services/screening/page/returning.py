"""The page for whoever comes again: known by a date of birth, asked for what has changed instead of the whole form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from services.screening.actions import EarlierFormGone, NotRecognised, Returning
from services.screening.domain.answers import AnswerType
from services.screening.domain.questionnaire import DOB, AnswersInvalid
from services.screening.domain.returning import RED_FLAGS
from services.screening.page import addresses, asking, refill, sheet
from services.screening.page.asking import BORN
from services.screening.page.checking import NOTHING, Checking
from services.screening.page.reception import Reception, Visitor
from services.screening.page.sheet import Problems
from shared.errors import Refusal
from shared.httpkit import Answer

PARTS: Final = ("day", "month", "year")


class ReturningPages:
    def __init__(self, returning: Returning, checking: Checking, reception: Reception) -> None:
        self._returning, self._checking, self._reception = returning, checking, reception

    async def recognise(self, visitor: Visitor) -> Answer:
        """Whoever is not recognised goes on with the form, in which their date of birth is filled in."""
        born = _born(visitor.ask.form)
        if born is None:
            problems = {BORN: visitor.words.misfit(AnswerType.DATE)}
            return await self._checking.as_it_is(visitor, problems=problems)
        try:
            found = await self._returning.recognise(*visitor.whose, dob=born)
        except Refusal as refusal:
            return await self._checking.refused(visitor, refusal)
        if found is None:
            posted = {f"{DOB}.{part}": visitor.ask.form[f"{BORN}.{part}"] for part in PARTS}
            return await self._checking.as_it_is(visitor, posted=posted, note=_said(visitor, "not_found"))
        if not found.stands:
            return await self._filled_in(visitor, found.proof)
        return await self._welcome(visitor, found.proof, found.since)

    async def unchanged(self, visitor: Visitor) -> Answer:
        form = (await self._checking.wanted(visitor)).form.questionnaire
        signs = sheet.answer_to(next(one for one in form.questions if one.id == RED_FLAGS), visitor.ask.form)
        proof, since = visitor.ask.form.get("proof", ""), _day(visitor.ask.form.get("since", ""))
        problems = {RED_FLAGS: visitor.words.missing(AnswerType.MULTI, form, RED_FLAGS)}
        if not isinstance(signs, list):
            return await self._welcome(visitor, proof, since, problems=problems)
        try:
            await self._returning.unchanged(
                *visitor.whose,
                proof=proof,
                red_flags=[str(sign) for sign in signs],
                locale=visitor.locale,
                hand=visitor.hand,
            )
        except AnswersInvalid:
            return await self._welcome(visitor, proof, since, problems=problems)
        except (NotRecognised, EarlierFormGone):
            return await self._checking.as_it_is(visitor, posted=_signs(visitor), note=_said(visitor, "gone"))
        except Refusal as refusal:
            return await self._checking.refused(visitor, refusal)
        return addresses.see(addresses.check(visitor.ask))

    async def changed(self, visitor: Visitor) -> Answer:
        return await self._filled_in(visitor, visitor.ask.form.get("proof", ""))

    async def _filled_in(self, visitor: Visitor, proof: str) -> Answer:
        """The whole form with the earlier answers in it, and the signs that were ticked just now."""
        try:
            answers = await self._returning.earlier_answers(*visitor.whose, proof=proof, hand=visitor.hand)
        except (NotRecognised, EarlierFormGone):
            return await self._checking.as_it_is(visitor, posted=_signs(visitor), note=_said(visitor, "gone"))
        except Refusal as refusal:
            return await self._checking.refused(visitor, refusal)
        form = (await self._checking.wanted(visitor)).form.questionnaire
        posted = {**refill.posted(form, answers), **_signs(visitor)}
        return await self._checking.as_it_is(visitor, posted=posted, note=_said(visitor, "filled"))

    async def _welcome(
        self, visitor: Visitor, proof: str, since: date | None, *, problems: Problems = NOTHING
    ) -> Answer:
        wanted = await self._checking.wanted(visitor)
        asked = [block.first for section in asking.parts(visitor, wanted) for block in section.blocks]
        signs = next(one for one in asked if one.shown.id == RED_FLAGS)
        return self._reception.show(
            "welcome.html",
            visitor,
            422 if problems else 200,
            **asking.questions(visitor, wanted, visitor.ask.form, self._checking.today(visitor)),
            signs=signs,
            problems=problems,
            asked_again=dict.fromkeys(problems, signs.shown.text),
            proof=proof,
            since=since.isoformat() if since else "",
            since_day=visitor.texts.written_day(since) if since else "",
            unchanged=addresses.check(visitor.ask, "unchanged"),
            changed=addresses.check(visitor.ask, "changed"),
            visit=addresses.visit(visitor.ask),
        )


def _born(posted: Mapping[str, str]) -> date | None:
    day, month, year = (posted.get(f"{BORN}.{part}", "").strip()[:4] for part in PARTS)
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _signs(visitor: Visitor) -> dict[str, str]:
    return {name: value for name, value in visitor.ask.form.items() if name.startswith(f"{RED_FLAGS}.")}


def _said(visitor: Visitor, key: str) -> str:
    return str(visitor.words.said["returning"][key])
