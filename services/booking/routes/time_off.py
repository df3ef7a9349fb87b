"""The routes of when a practitioner works: weekly hours, exceptions of a date, and time off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from services.booking import profile
from services.booking.actions import Booking
from services.booking.domain import editing
from services.booking.domain.editing import NoSuchPart, block_id
from services.booking.domain.practice import Practitioner
from services.booking.domain.refusals import NoSuchPractice
from services.booking.moments import FIRST_YEAR, LAST_YEAR
from services.booking.routes.hand import etag, hand_of, relied_on
from services.booking.routes.practices import PRACTICE
from services.booking.routes.settings import EDITING, edited
from services.booking.routes.settings_payloads import (
    Blocks,
    BlockView,
    ExceptionBody,
    HoursBody,
    Stored,
    StoredBlock,
    stored,
)
from shared.httpkit import Answer, Ask, InvalidRequest, Route, Who

PERSON = f"{PRACTICE}/practitioners/{{practitioner}}"


class TimeOffRoutes:
    def __init__(self, booking: Booking) -> None:
        self._booking = booking

    def routes(self) -> Sequence[Route]:
        return [*self._hours(), *self._blocks()]

    def _hours(self) -> Sequence[Route]:
        day = f"{PERSON}/exceptions/{{day}}"
        return [
            Route(
                method="PUT",
                path=f"{PERSON}/hours",
                handler=self.put_hours,
                summary="Replace the weekly hours of a practitioner",
                body=HoursBody,
                answers={200: Stored},
                refuses=(*EDITING, NoSuchPart),
                who=Who.OPERATOR,
                scope="practice:write",
                versioned=True,
            ),
            Route(
                method="PUT",
                path=day,
                handler=self.put_exception,
                summary="Replace all hours of one date, or close it",
                body=ExceptionBody,
                answers={200: Stored},
                refuses=(*EDITING, NoSuchPart),
                who=Who.OPERATOR,
                scope="practice:write",
                versioned=True,
            ),
            Route(
                method="DELETE",
                path=day,
                handler=self.remove_exception,
                summary="Let the weekly hours count again on a date",
                answers={200: Stored},
                refuses=(*EDITING, NoSuchPart),
                who=Who.OPERATOR,
                scope="practice:write",
                versioned=True,
            ),
        ]

    def _blocks(self) -> Sequence[Route]:
        return [
            Route(
                method="GET",
                path=f"{PERSON}/blocks",
                handler=self.list_blocks,
                summary="A practitioner's time off, and what each is addressed by",
                answers={200: Blocks},
                refuses=(NoSuchPractice, NoSuchPart),
                who=Who.OPERATOR,
                scope="practice:read",
            ),
            Route(
                method="POST",
                path=f"{PERSON}/blocks",
                handler=self.add_block,
                summary="Take time off; the same once more changes nothing",
                body=profile.Block,
                answers={201: StoredBlock},
                refuses=(*EDITING, NoSuchPart),
                who=Who.OPERATOR,
                scope="practice:write",
                versioned=True,
            ),
            Route(
                method="DELETE",
                path=f"{PERSON}/blocks/{{block}}",
                handler=self.remove_block,
                summary="Give time off up",
                answers={200: Stored},
                refuses=(*EDITING, NoSuchPart),
                who=Who.OPERATOR,
                scope="practice:write",
                versioned=True,
            ),
        ]

    async def put_hours(self, ask: Ask[HoursBody, None]) -> Answer:
        who, hours = ask.path["practitioner"], profile.week(ask.body.hours)
        return await edited(self._booking, ask, lambda practice: editing.with_hours(practice, who, hours))

    async def put_exception(self, ask: Ask[ExceptionBody, None]) -> Answer:
        who = ask.path["practitioner"]
        document = profile.DayException(day=_day(ask.path["day"]), hours=ask.body.hours, note=ask.body.note)
        wanted = profile.exception(document)
        return await edited(self._booking, ask, lambda practice: editing.with_exception(practice, who, wanted))

    async def remove_exception(self, ask: Ask[None, None]) -> Answer:
        who, day = ask.path["practitioner"], _day(ask.path["day"])
        return await edited(self._booking, ask, lambda practice: editing.without_exception(practice, who, day))

    async def list_blocks(self, ask: Ask[None, None]) -> Answer:
        kept = await self._booking.profiles.get(ask.path["practice"])
        person = editing.part(kept.practice, Practitioner, ask.path["practitioner"])
        blocks = [
            BlockView(id=block_id(one), starts_at=one.starts_at, ends_at=one.ends_at, note=one.note)
            for one in person.blocks
        ]
        return Answer(200, Blocks(blocks=blocks), headers=etag(kept.version))

    async def add_block(self, ask: Ask[profile.Block, None]) -> Answer:
        who, block = ask.path["practitioner"], profile.block(ask.body)
        done = await self._booking.profiles.edit(
            ask.path["practice"],
            lambda practice: editing.with_block(practice, who, block),
            hand=hand_of(ask),
            version=relied_on(ask),
        )
        view = StoredBlock(**dict(stored(done)), block=block_id(block))
        return Answer(201, view, headers=etag(done.kept.version))

    async def remove_block(self, ask: Ask[None, None]) -> Answer:
        who, block = ask.path["practitioner"], ask.path["block"]
        return await edited(self._booking, ask, lambda practice: editing.without_block(practice, who, block))


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        day = None
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidRequest("the address does not end in a date like 2026-12-24", field="day")
    return day
