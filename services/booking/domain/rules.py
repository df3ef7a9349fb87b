"""The rules of availability for one question, each as the spans of start minutes that it allows or takes away."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from services.booking.domain import calendar
from services.booking.domain.calendar import Stretch
from services.booking.domain.footprint import Footprint, footprint_from, kept_apart_from, kept_apart_from_all
from services.booking.domain.load import overworked
from services.booking.domain.practice import Block, Hours, Place, Practitioner
from services.booking.domain.question import Busy, Question, Reason, Where
from services.booking.domain.spans import Span, clipped, holds, merged, overlapping, without


class Rules:
    """All rules for one practitioner at one place, each as spans of starts, worked out when first looked at."""

    def __init__(
        self, question: Question, person: Practitioner, place: Place, theirs: Sequence[Busy] | None = None
    ) -> None:
        """`theirs` is what the question says is taken of the practitioner, if the caller has picked it out."""
        self._question = question
        self._theirs = theirs
        self._visits_by_day: dict[int, int] = {}
        self._person = person
        self._place = place
        self._zone = ZoneInfo(place.zone)
        self._shape = footprint_from(question.service, person, 0, question.practice.buffers)

    def offered(self) -> Iterator[tuple[int, range, Where]]:
        """What the rules leave, as minutes on the raster and where: those of a room that comes first by id come last.

        With the ordinal of the local date of the hours that the minutes lie in.
        """
        left = without(clipped(self._fitting, *self._bounds), self._taken)
        step = self._question.service.step_minutes
        for room, taken in reversed(self._rooms):
            where = (self._person.id, self._place.id, room)
            for stretch, span in overlapping(self._stretches, without(left, taken) if taken else left):
                yield stretch.ordinal, stretch.raster(span, step), where

    def against(self, at: datetime) -> Iterator[Reason]:
        """The rules that the start at `at` breaks; it is offered exactly if there are none."""
        minute = calendar.minute_of(at)
        if not holds(self._fitting, minute):
            yield self._why_closed(minute)
        elif calendar.instant_of(minute) != at or not self._is_a_step(minute):
            yield Reason.STEP
        earliest, latest = self._policy_bounds
        if minute < earliest:
            yield Reason.NOTICE
        if minute >= latest:
            yield Reason.HORIZON
        yield from self._why_taken(minute)
        if all(holds(taken, minute) for _, taken in self._rooms):
            yield Reason.ROOM

    def visits_on(self, ordinal: int) -> int:
        """How many visits the practitioner has on the local date of that ordinal, of any service and anywhere."""
        number = self._visits_by_day.get(ordinal)
        if number is None:
            first, last = (calendar.day_start(date.fromordinal(ordinal + ahead), self._zone) for ahead in (0, 1))
            number = bisect_left(self._visit_starts, last) - bisect_left(self._visit_starts, first)
            self._visits_by_day[ordinal] = number
        return number

    @cached_property
    def _bounds(self) -> Span:
        """The window asked for, inside notice and horizon."""
        earliest, latest = self._policy_bounds
        starts_from = calendar.minute_after(self._question.starts_from)
        return max(earliest, starts_from), min(latest, calendar.minute_after(self._question.starts_until))

    @cached_property
    def _policy_bounds(self) -> Span:
        """Notice is elapsed time; the horizon ends with the local date that lies so many days ahead of today's."""
        now, service = self._question.now, self._question.service
        notice = timedelta(minutes=service.notice_minutes)
        today = now.astimezone(self._zone).date()
        ends = calendar.day_start(today + timedelta(days=service.horizon_days + 1), self._zone)
        return calendar.minute_after(now + notice), ends

    def _is_a_step(self, minute: int) -> bool:
        step = self._question.service.step_minutes
        return any(minute in stretch.raster((minute, minute + 1), step) for stretch in self._stretches)

    def _why_closed(self, minute: int) -> Reason:
        day = calendar.local_date(minute, self._zone)
        return Reason.EXCEPTION if day in self._exceptions else Reason.HOURS

    def _why_taken(self, minute: int) -> Iterator[Reason]:
        length = self._question.service.length_minutes
        near = [busy for busy in self._busy if holds([kept_apart_from(self._shape, busy.footprint)], minute)]
        over = [busy for busy in near if busy.footprint.starts < minute + length and minute < busy.footprint.ends]
        reasons = {busy.reason for busy in over}
        yield from (reason for reason in Reason if reason in reasons)
        if len(near) > len(over):
            yield Reason.BUFFER
        if holds(self._overworked, minute):
            yield Reason.LOAD

    @cached_property
    def _stretches(self) -> tuple[Stretch, ...]:
        """The hours of every local date that the window or a visit begun in it can touch; disjoint, in order."""
        first = calendar.local_date(calendar.minute_of(self._question.starts_from), self._zone).toordinal() - 1
        last = calendar.local_date(calendar.minute_after(self._question.starts_until), self._zone).toordinal() + 1
        return tuple(
            stretch
            for day in map(date.fromordinal, range(first, last + 1))
            for stretch in calendar.stretches(day, self._ranges_on(day), self._zone)
        )

    def _ranges_on(self, day: date) -> tuple[Span, ...]:
        """An exception replaces the weekly hours of its date at every place."""
        if day in self._exceptions:
            return tuple((hours.starts, hours.ends) for hours in self._exceptions[day] if hours.place == self._place.id)
        return self._week[day.weekday()]

    @cached_property
    def _exceptions(self) -> dict[date, tuple[Hours, ...]]:
        return {exception.day: exception.hours for exception in self._person.exceptions}

    @cached_property
    def _week(self) -> list[tuple[Span, ...]]:
        """The weekly ranges at this place, Monday first."""
        week: list[list[Span]] = [[] for _ in range(7)]
        for hours in self._person.hours:
            if hours.place == self._place.id:
                week[hours.weekday].append((hours.starts, hours.ends))
        return [tuple(ranges) for ranges in week]

    @cached_property
    def _fitting(self) -> list[Span]:
        """Starts from which the whole visit lies in the hours; its needs before and after it may lie outside."""
        length = self._question.service.length_minutes
        open_ = merged((stretch.starts, stretch.ends) for stretch in self._stretches)
        return merged((starts, ends - length + 1) for starts, ends in open_)

    @cached_property
    def _busy(self) -> tuple[Busy, ...]:
        """The practitioner's visits and blocks; a block has no needs of its own, but a visit beside it has."""
        blocks = (self._block(block) for block in self._person.blocks)
        theirs = self._theirs
        if theirs is None:
            theirs = [busy for busy in self._question.busy if busy.practitioner == self._person.id]
        return (*theirs, *blocks)

    @cached_property
    def _taken(self) -> list[Span]:
        return merged((*self._near(self._busy), *self._overworked))

    @cached_property
    def _overworked(self) -> list[Span]:
        visits = ((one.footprint.starts, one.footprint.ends) for one in self._visits)
        return overworked(visits, self._question.service.length_minutes, self._person.load)

    @cached_property
    def _rooms(self) -> list[tuple[str | None, list[Span]]]:
        """The rooms to choose from, by id, and the starts that each cannot take; None where none is needed."""
        if not self._question.service.needs_room:
            return [(None, [])]
        rooms = self._question.practice.rooms_at(self._place.id)
        return [(room.id, self._near(busy for busy in self._question.busy if busy.room == room.id)) for room in rooms]

    @cached_property
    def _visit_starts(self) -> list[int]:
        return sorted(busy.footprint.starts for busy in self._visits)

    @cached_property
    def _visits(self) -> list[Busy]:
        return [busy for busy in self._busy if busy.reason is Reason.VISIT]

    def _block(self, block: Block) -> Busy:
        """Time off on the wall is as long as it can be: from the first pass of its start to the last of its end."""
        starts_at, ends_at = block.starts_at, block.ends_at
        zone = ZoneInfo(self._question.practice.zone)
        if starts_at.tzinfo is None:
            starts_at, ends_at = calendar.first_instant(starts_at, zone), calendar.last_instant(ends_at, zone)
        taken = Footprint(starts=calendar.minute_of(starts_at), ends=calendar.minute_after(ends_at))
        return Busy(practitioner=self._person.id, room=None, footprint=taken, reason=Reason.BLOCK)

    def _near(self, taken: Iterable[Busy]) -> list[Span]:
        return merged(kept_apart_from_all(self._shape, (busy.footprint for busy in taken)))
