"""When somebody gives visits: weekly hours, single dates and time off, and which booked visits no longer fit then."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel import Locale

from services.booking.actions import Booking
from services.booking.actions.profiles import ChangedMeanwhile
from services.booking.console import hours_form, hours_shown, spoken
from services.booking.console.hand import hand
from services.booking.domain import editing
from services.booking.domain.outside import Outside
from services.booking.domain.practice import DayException, Practice, Practitioner
from services.booking.domain.practice_check import InvalidPractice
from services.booking.ports import Kept
from shared.assets import Asset
from shared.clock import Clock
from shared.console import Console, NotYours, see
from shared.httpkit import Answer, Ask, Route
from shared.staff import Role, Staff

HOURS: Final = "/console/hours"
HERE: Final = f"/booking{HOURS}"
SCRIPT: Final = Asset.read(Path(__file__).parent / "static" / "week.js")
SCRIPT_PATH: Final = "/console/week.js"
THEIRS: Final = frozenset({Role.OWNER, Role.PRACTITIONER})
MEANWHILE: Final = "The practice was changed meanwhile. Look at this and save it once more."
ELSEWHERE: Final = "Something else in the practice has to be put right first."
Form = Mapping[str, str]
Wrong = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HoursPages:
    """Owners change everybody's, practitioners their own."""

    booking: Booking
    console: Console
    now: Clock

    def routes(self) -> Sequence[Route]:
        route, day = self.console.route, f"{HOURS}/{{who}}/days/{{date}}"
        blocks = f"{HOURS}/{{who}}/blocks"
        return [
            route("GET", HOURS, self.show, "When somebody gives visits", THEIRS),
            route("POST", f"{HOURS}/{{who}}/week", self.save_week, "Change somebody's weekly hours", THEIRS),
            route("GET", day, self.show_day, "The hours of a single date", THEIRS),
            route("POST", day, self.save_day, "Change the hours of a single date", THEIRS),
            route("POST", f"{day}/remove", self.remove_day, "The weekly hours count again on a date", THEIRS),
            route("POST", blocks, self.add_block, "Take time off", THEIRS),
            route("POST", f"{blocks}/{{block}}/remove", self.remove_block, "Give time off up", THEIRS),
            SCRIPT.route(SCRIPT_PATH, "The week to tap on"),
        ]

    async def show(self, ask: Ask[None, None], staff: Staff) -> Answer:
        kept = await self.booking.profiles.get(staff.practice)
        who = ask.request.query.get("who") or _own(staff, kept.practice)
        if not who:
            return self.console.show("hours.html", staff, here=HERE, person=None)
        return self._week(kept, _person(kept, staff, who), staff, ask.request.query)

    async def save_week(self, ask: Ask[None, None], staff: Staff) -> Answer:
        kept, person = await self._asked(ask, staff)
        hours, wrong = hours_form.read_week(ask.form, _places(kept))

        def again(status: int, problems: Wrong, now: Kept) -> Answer:
            return self._week(now, person, staff, ask.form, status, week_form=ask.form, problems=problems)

        if wrong:
            return again(422, wrong, kept)
        return await self._changed(ask, staff, lambda one: editing.with_hours(one, person.id, hours), again)

    async def show_day(self, ask: Ask[None, None], staff: Staff) -> Answer:
        """`starts` and `ends` of the address are added to what is open, as if they had been typed."""
        kept, person = await self._asked(ask, staff)
        return self._day(kept, person, staff, _date(ask), added=ask.request.query)

    async def save_day(self, ask: Ask[None, None], staff: Staff) -> Answer:
        kept, person = await self._asked(ask, staff)
        day, read = _date(ask), hours_form.read(ask.form, "d", _places(kept))
        is_closed, note = "closed" in ask.form, " ".join(ask.form.get("note", "").split())

        def again(status: int, problems: Wrong, now: Kept) -> Answer:
            return self._day(now, person, staff, day, status, form=ask.form, problems=problems)

        wrong = {} if is_closed else dict(read.wrong)
        if not is_closed and not wrong and not read.hours:
            wrong["d.starts.0"] = "wrong:hours:none"
        if len(note) > hours_form.LONGEST_NOTE or not note.isprintable():
            wrong["note"] = "wrong:hours:note"
        if wrong:
            return again(422, wrong, kept)
        only = DayException(day=day, hours=() if is_closed else read.hours, note=note)
        return await self._changed(ask, staff, lambda one: editing.with_exception(one, person.id, only), again, day)

    async def remove_day(self, ask: Ask[None, None], staff: Staff) -> Answer:
        _, person = await self._asked(ask, staff)
        day = _date(ask)
        return await self._changed(ask, staff, lambda one: editing.without_exception(one, person.id, day), day=day)

    async def add_block(self, ask: Ask[None, None], staff: Staff) -> Answer:
        kept, person = await self._asked(ask, staff)
        block, wrong = hours_form.read_block(ask.form)

        def again(status: int, problems: Wrong, now: Kept) -> Answer:
            return self._week(now, person, staff, ask.form, status, off_form=ask.form, problems=problems)

        if block is None:
            return again(422, wrong, kept)
        day = block.starts_at.date()
        return await self._changed(ask, staff, lambda one: editing.with_block(one, person.id, block), again, day)

    async def remove_block(self, ask: Ask[None, None], staff: Staff) -> Answer:
        _, person = await self._asked(ask, staff)
        block = ask.path["block"]
        return await self._changed(ask, staff, lambda one: editing.without_block(one, person.id, block))

    async def _asked(self, ask: Ask[None, None], staff: Staff) -> tuple[Kept, Practitioner]:
        kept = await self.booking.profiles.get(staff.practice)
        return kept, _person(kept, staff, ask.path["who"])

    async def _changed(
        self,
        ask: Ask[None, None],
        staff: Staff,
        change: Callable[[Practice], Practice],
        again: Callable[[int, Wrong, Kept], Answer] | None = None,
        day: date | None = None,
    ) -> Answer:
        """On to the week, or to the visits that no longer fit. A form that was filled in is shown again if it has to.

        What is taken away is named by itself, so only a form relies on the version it was made from.
        """
        version = None if again is None else _version(ask.form)
        try:
            done = await self.booking.profiles.edit(staff.practice, change, hand=hand(ask, staff), version=version)
        except (ChangedMeanwhile, InvalidPractice) as refusal:
            if again is None:
                raise
            told = MEANWHILE if isinstance(refusal, ChangedMeanwhile) else ELSEWHERE
            return again(refusal.kind, {"form": told}, await self.booking.profiles.get(staff.practice))
        who = ask.path["who"]
        back = _at(who, day or hours_form.a_day(ask.form.get("day", "")))
        found = [one for one in done.outside if one.appointment.offer.practitioner == who]
        if not found:
            return see(f"{back}&saved=yes")
        return self._outside(done.kept.practice, staff, found, back)

    def _outside(self, practice: Practice, staff: Staff, found: Sequence[Outside], back: str) -> Answer:
        zone = ZoneInfo(practice.zone)
        lines = [(one, spoken.moment(one.appointment.starts_at, zone, staff.locale)) for one in found]
        return self.console.show("outside.html", staff, here=HERE, lines=lines, back=back)

    def _week(
        self, kept: Kept, person: Practitioner, staff: Staff, query: Form, status: int = 200, **values: Any
    ) -> Answer:
        practice, now = kept.practice, self.now()
        today = now.astimezone(ZoneInfo(practice.zone)).date()
        shown = hours_form.a_day(query.get("day", "")) or today
        monday = shown - timedelta(days=shown.weekday())
        form = values.get("week_form")
        weekdays = [
            hours_form.rows(hours_shown.weekly(person, day)) if form is None else hours_form.typed(form, f"d{day}")
            for day in range(7)
        ]
        given = {"problems": {}, "off_form": {}, "week_form": None, **values}
        given["problems"] = self._told(staff, given["problems"])
        return self.console.show(
            "hours.html",
            staff,
            status,
            here=HERE,
            person=person,
            people=practice.practitioners if staff.role is Role.OWNER else (),
            places=practice.places,
            zone=practice.zone,
            version=kept.version,
            today=today,
            monday=monday,
            days=hours_shown.week(practice, person, monday, staff.locale),
            usual=[hours_shown.opened(practice, hours_shown.weekly(person, day)) for day in range(7)],
            weekdays=weekdays,
            names=Locale.parse(staff.locale).days["stand-alone"]["wide"],
            blocks=hours_shown.time_off(practice, person, now, staff.locale),
            before=_at(person.id, monday - timedelta(days=7)),
            after=_at(person.id, monday + timedelta(days=7)),
            saved="saved" in query,
            script=f"/booking{SCRIPT_PATH}?v={SCRIPT.version}",
            **given,
        )

    def _day(
        self, kept: Kept, person: Practitioner, staff: Staff, day: date, status: int = 200, **values: Any
    ) -> Answer:
        shown = hours_shown.day_shown(kept.practice, person, day, staff.locale)
        hours = hours_shown.weekly(person, day.weekday()) if shown.only is None else shown.only.hours
        form, added = values.get("form"), values.get("added", {})
        rows = list(hours_form.rows(hours) if form is None else hours_form.typed(form, "d"))
        if added.get("starts") and added.get("ends"):
            empty = next(index for index, row in enumerate([*rows, hours_form.Row()]) if not row.starts)
            rows[empty : empty + 1] = [hours_form.Row("", added["starts"][:5], added["ends"][:5])]
        was_closed = shown.only is not None and not shown.only.hours and not added
        return self.console.show(
            "day_hours.html",
            staff,
            status,
            here=HERE,
            person=person,
            places=kept.practice.places,
            zone=kept.practice.zone,
            version=kept.version,
            day=shown,
            rows=rows,
            is_closed="closed" in form if form is not None else was_closed,
            note=form.get("note", "") if form is not None else shown.only.note if shown.only else "",
            back=_at(person.id, day),
            problems=self._told(staff, values.get("problems", {})),
        )

    def _told(self, staff: Staff, problems: Wrong) -> Wrong:
        speak = self.console.translated(staff)
        return {field: speak(words) for field, words in problems.items()}


def _own(staff: Staff, practice: Practice) -> str:
    """Whose hours somebody sees who asks for nobody's."""
    if staff.practitioner or staff.role is not Role.OWNER:
        return staff.practitioner or ""
    return practice.practitioners[0].id if practice.practitioners else ""


def _person(kept: Kept, staff: Staff, who: str) -> Practitioner:
    person = editing.part(kept.practice, Practitioner, who)
    if staff.role is not Role.OWNER and who != staff.practitioner:
        raise NotYours("the hours of somebody else")
    return person


def _places(kept: Kept) -> Sequence[str]:
    return [place.id for place in kept.practice.places]


def _date(ask: Ask[None, None]) -> date:
    day = hours_form.a_day(ask.path["date"])
    if day is None:
        raise editing.NoSuchPart("the address names no date like 2026-12-24")
    return day


def _version(form: Form) -> int:
    """A form without one was made from nothing that stands."""
    text = form.get("version", "")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def _at(who: str, day: date | None) -> str:
    return f"{HERE}?{urlencode({'who': who} | ({} if day is None else {'day': day.isoformat()}))}"
