"""A form of the practice on its way: shown as it is kept, saved by the action, or shown again with what was typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.booking.actions import Booking
from services.booking.actions.profiles import ChangedMeanwhile
from services.booking.console import fields, spoken
from services.booking.console.fields import Choices, Group, Values
from services.booking.console.hand import hand
from services.booking.domain.practice import Practice
from services.booking.domain.practice_check import InvalidPractice
from shared.console import Console, see
from shared.httpkit import Answer, Ask
from shared.staff import Staff

SAVED: Final = "saved=yes"
ELSEWHERE: Final = "elsewhere"


def _nothing(_: Values) -> Iterable[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What one form changes: `changed` puts its values into the practice, `field_of` says whose field a path is.

    `slips` names the fields whose values cannot be put there at all; `id` is that of a part which is there already.
    """

    part: str
    title: str
    groups: Sequence[Group]
    kept: Mapping[str, Any]
    changed: Callable[[Practice, Values], Practice]
    field_of: Callable[[str], str]
    choices: Choices = field(default_factory=dict)
    slips: Callable[[Values], Iterable[str]] = _nothing
    id: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


Make = Callable[[Practice], Sheet]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What all pages that change the practice need; `here` is where a saved form leads: the list of a part."""

    booking: Booking
    console: Console
    here: str
    template: str = "sheet.html"
    is_part: bool = True

    async def show(self, ask: Ask[None, None], staff: Staff, make: Make) -> Answer:
        stored = await self.booking.profiles.get(staff.practice)
        sheet = make(stored.practice)
        form = {**fields.typed(sheet.groups, sheet.kept), "version": str(stored.version)}
        said = await self.said(ask, staff)
        return self._page(staff, sheet, form, {}, **said)

    async def save(self, ask: Ask[Any, Any], staff: Staff, make: Make) -> Answer:
        stored = await self.booking.profiles.get(staff.practice)
        sheet, speak = make(stored.practice), self.console.translated(staff)
        values, wrong = fields.read(sheet.groups, sheet.choices, ask.form)
        wrong |= set() if wrong else set(sheet.slips(values))
        if wrong:
            return self._again(staff, sheet, ask.form, wrong)
        try:
            await self.edit(ask, staff, lambda practice: sheet.changed(practice, values))
        except InvalidPractice as refusal:
            paths = [str(problem["field"]) for problem in refusal.extra["problems"]]
            return self._again(staff, sheet, ask.form, {sheet.field_of(path) for path in paths})
        except ChangedMeanwhile:
            form = {**ask.form, "version": str(stored.version)}
            told = {ELSEWHERE: speak("The practice was changed meanwhile. Look at this and save it once more.")}
            return self._page(staff, sheet, form, told, 409)
        return see(f"{self.here}?{SAVED}")

    async def edit(self, ask: Ask[Any, Any], staff: Staff, change: Callable[[Practice], Practice]) -> None:
        """Raises `ChangedMeanwhile` when the form was made from another state than the one that stands."""
        version = ask.form.get("version", "")
        relied_on = int(version) if fields.DIGITS.fullmatch(version) else -1
        await self.booking.profiles.edit(staff.practice, change, hand=hand(ask, staff), version=relied_on)

    async def said(self, ask: Ask[None, None], staff: Staff) -> Mapping[str, Any]:
        """That it went well, and the booked visits that no longer fit; to change nothing tells of them."""
        if SAVED not in ask.request.query_string:
            return {"saved": False, "outside": ()}
        edited = await self.booking.profiles.edit(staff.practice, lambda practice: practice, hand=hand(ask, staff))
        zone = ZoneInfo(edited.kept.practice.zone)
        visits = [one.appointment for one in edited.outside]
        told = [(visit.id, spoken.moment(visit.starts_at, zone, staff.locale)) for visit in visits]
        return {"saved": True, "outside": told}

    def _again(self, staff: Staff, sheet: Sheet, form: Mapping[str, str], wrong: Iterable[str]) -> Answer:
        """In the order of the page; what is wrong elsewhere in the practice comes last."""
        speak, names = self.console.translated(staff), set(wrong)
        told = {one.name: fields.why(sheet.part, one, speak) for one in fields.every(sheet.groups) if one.name in names}
        if names - told.keys():
            told[ELSEWHERE] = speak("Something else in the practice has to be put right first.")
        return self._page(staff, sheet, form, told, 422)

    def _page(
        self,
        staff: Staff,
        sheet: Sheet,
        form: Mapping[str, str],
        problems: Mapping[str, str],
        status: int = 200,
        **values: Any,
    ) -> Answer:
        speak = self.console.translated(staff)
        given: dict[str, Any] = {"saved": False, "outside": (), "sheet": sheet, "form": form, "problems": problems}
        given |= {"label": partial(fields.label, sheet.part, speak=speak)}
        given |= {"is_part": self.is_part}
        given |= {"hint": partial(fields.hint, sheet.part, speak=speak)}
        return self.console.show(self.template, staff, status, here=self.here, **(given | dict(sheet.more) | values))
