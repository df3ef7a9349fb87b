"""Offering freed times to those who wait, round by round, until somebody claims one or nobody is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.booking.actions.claiming import Claims
from services.booking.actions.times import Found, Times, Wanted
from services.booking.actions.visits import Visits
from services.booking.domain.appointment import Appointment
from services.booking.domain.availability import free_starts
from services.booking.domain.freed import Freed, Offered, Seat, Standing, made
from services.booking.domain.offering import offer
from services.booking.domain.practice import Practice
from services.booking.domain.waitlist import Waiting, WaitingId, fits
from services.booking.outbox import waitlist_offered
from services.booking.ports import Added, Could, Stores
from shared.clock import Clock
from shared.events import Envelope
from shared.events.booking import (
    AppointmentCancelled,
    AppointmentDeclined,
    AppointmentEvent,
    AppointmentLapsed,
    AppointmentMoved,
)

PAGE: Final = 100
BATCH: Final = 100
DAY: Final = timedelta(days=1)


@dataclass(slots=True)
class Round:
    """What is left of it: its free seats, for those who get a text and for those who are called."""

    practice: Practice
    freed: Freed
    number: int
    seats: dict[bool, list[Seat]]
    had: set[WaitingId]


class Offering:
    def __init__(self, stores: Stores, times: Times, visits: Visits, claims: Claims, now: Clock) -> None:
        self._line = stores.line
        self._offers = stores.offers
        self._practices = stores.practices
        self._times = times
        self._visits = visits
        self._claims = claims
        self._now = now

    async def freed(self, heard: Envelope[AppointmentEvent], visit: Appointment) -> None:
        """What got free goes to the first in line."""
        freed = _freed_by(heard, visit)
        if freed is not None:
            await self._offer(heard.practice, freed, number=1)

    async def keep_time(self) -> None:
        """End what is over, and go on to the next in line; any number of replicas may do so at once."""
        now = self._now()
        await self._line.end_over(now)
        while due := await self._offers.due(now, BATCH):
            for one in due:
                if one.state is Standing.OPEN:
                    await self._expire(one)
            for one in {(one.practice, one.seat.freed.event, one.seat.round): one for one in due}.values():
                await self._go_on(one)
            await self._offers.moved_on([one.id for one in due])
            if len(due) < BATCH:
                return

    async def _offer(self, practice: str, freed: Freed, *, number: int) -> None:
        """Fill the seats of a round; some may have been filled before."""
        offers = await self._offers.of_event(practice, freed.event)
        if any(one.state is Standing.CLAIMED or one.seat.round > number for one in offers):
            return
        kept = await self._practices.get(practice)
        if kept is None or self._now() >= freed.ends_at:
            return
        taken = {one.seat for one in offers}
        seats = {by_text: _free(kept.practice, freed, number, taken, by_text=by_text) for by_text in (True, False)}
        passed = await self._offers.starting(practice, freed.starts_at, freed.ends_at)
        had = {one.waiting for one in offers} | {one.waiting for one in passed if _let_pass(one, freed)}
        this = Round(kept.practice, freed, number, seats, had)
        async for waiting, found in self._who_fits(this):
            await self._give(this, waiting, found)
            if not this.seats[True]:
                return

    async def _who_fits(self, this: Round) -> AsyncIterator[tuple[Waiting, Found]]:
        """Who waits for a start that is free now within the stretch, with the first such start, in line."""
        starts: dict[str, list[Found]] = {}
        after: Waiting | None = None
        while this.seats[True]:
            page = await self._line.who_could(_could(this), after=after, limit=PAGE)
            for waiting in (one for one in page if one.id not in this.had):
                if waiting.service not in starts:
                    starts[waiting.service] = await self._starts(this, waiting.service)
                found = next((one for one in starts[waiting.service] if _fits(waiting, one)), None)
                if found is not None:
                    yield waiting, found
            if len(page) < PAGE:
                return
            after = page[-1]

    async def _starts(self, this: Round, service: str) -> list[Found]:
        freed = this.freed
        wanted = Wanted(service=service, practitioner=freed.practitioner, starts_at=freed.starts_at)
        asked = await self._times.stretch(this.practice.id, wanted, freed.ends_at)
        return [Found(asked.practice, asked.service, start) for start in free_starts(asked)]

    async def _give(self, this: Round, waiting: Waiting, found: Found) -> None:
        """The first free seat, unless the client has another open offer or may not have that service."""
        seats, terms = this.seats[waiting.by_text], offer(found.practice, found.service, found.start)
        if not await self._claims.may_claim(waiting.client, this.practice.id, terms, found.start.starts_at):
            return
        while seats:
            offered = made(
                waiting, terms, found.start.starts_at, seat=seats[0], practice=this.practice, now=self._now()
            )
            if offered is None:
                return
            offered = replace(offered, instant=await self._is_instant(offered, waiting, terms.screening))
            said = waitlist_offered(offered, waiting.client) if waiting.by_text else ()
            added = await self._offers.add(offered, said)
            if added is Added.HAS_ONE:
                return
            seats.pop(0)
            if added is Added.MADE:
                return

    async def _is_instant(self, offered: Offered, waiting: Waiting, screening: str | None) -> bool:
        if screening is None:
            return True
        cleared = await self._claims.cleared(offered.practice, waiting.client, screening)
        return cleared is not None and offered.starts_at.astimezone(ZoneInfo(offered.zone)).date() <= cleared.until

    async def _expire(self, offered: Offered) -> None:
        """Unless it was claimed by a process that did not live to say so."""
        if await self._claims.visit_of(offered) is not None:
            await self._claims.settle(offered)
        else:
            await self._offers.turn(offered.id, Standing.EXPIRED, of={Standing.OPEN}, due_at=offered.due_at)

    async def _go_on(self, offered: Offered) -> None:
        """To the next round, when the whole of this one has passed."""
        offers = await self._offers.of_event(offered.practice, offered.seat.freed.event)
        if not any(one.state is Standing.OPEN and one.seat.round == offered.seat.round for one in offers):
            await self._offer(offered.practice, offered.seat.freed, number=offered.seat.round + 1)


def _freed_by(heard: Envelope[AppointmentEvent], visit: Appointment) -> Freed | None:
    fact, whose, starts_at = heard.data, heard.data.practitioner, heard.data.starts_at
    match fact:
        case AppointmentMoved():
            whose, starts_at = _was_with(visit, heard.sequence) or whose, fact.moved_from
        case AppointmentCancelled() | AppointmentDeclined() | AppointmentLapsed():
            pass
        case _:
            return None
    ends_at = starts_at + (fact.ends_at - fact.starts_at)
    return Freed(event=heard.id, practitioner=whose, starts_at=starts_at, ends_at=ends_at)


def _was_with(visit: Appointment, version: int) -> str | None:
    """With whom the visit was before that turn moved it, if it changed: its history knows, the event does not."""
    changes = next((turn.changes for turn in visit.history if turn.version == version), ())
    return next((one.old for one in changes if one.field == "practitioner"), None)


def _free(practice: Practice, freed: Freed, number: int, taken: set[Seat], *, by_text: bool) -> list[Seat]:
    """A practice that is to call somebody has seats of its own for that: nobody is texted later because of it."""
    kind = "text" if by_text else "call"
    seats = (Seat(freed=freed, round=number, name=f"{kind}-{n}") for n in range(practice.waitlist.batch))
    return [seat for seat in seats if seat not in taken]


def _let_pass(offered: Offered, freed: Freed) -> bool:
    """Whoever did not want that time is not asked about it again, however often it gets free."""
    return offered.state is Standing.EXPIRED and offered.practitioner == freed.practitioner


def _could(this: Round) -> Could:
    """Dates of the places may be a day ahead or behind those of UTC."""
    services = next((one.services for one in this.practice.practitioners if one.id == this.freed.practitioner), ())
    return Could(
        practice=this.practice.id,
        practitioner=this.freed.practitioner,
        services=services,
        first=(this.freed.starts_at - DAY).date(),
        last=(this.freed.ends_at + DAY).date(),
    )


def _fits(waiting: Waiting, found: Found) -> bool:
    zone = ZoneInfo(found.practice.place(found.start.place).zone)
    return fits(waiting.ranges, found.start.starts_at, zone)
