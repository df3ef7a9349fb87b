"""Telling which times are free, and finding the one that somebody wants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from services.booking.domain import availability, imported
from services.booking.domain.appointment import AppointmentId
from services.booking.domain.availability import REACH, Question, Reason, Start
from services.booking.domain.calendar import minute_of
from services.booking.domain.imported import Imported
from services.booking.domain.policy import Policy
from services.booking.domain.practice import Practice, Practitioner, Service
from services.booking.domain.refusals import NoSuchPractice, NoSuchPractitioner, NoSuchService, refused
from services.booking.domain.search import Wish, windows
from services.booking.ports import Stores
from shared.clock import Clock

MINUTE = timedelta(minutes=1)
FURTHEST_DAYS = 730


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A start that somebody wants; `practitioner` None is any. `by_practice` waives notice and horizon."""

    service: str
    practitioner: str | None
    starts_at: datetime
    by_practice: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A free start, with what an offer is made of."""

    practice: Practice
    service: Service
    start: Start


@dataclass(frozen=True, slots=True)
class Free:
    """Free starts under their dates in `zone`, the viewer's."""

    practice: Practice
    zone: ZoneInfo
    days: dict[date, list[Start]]
    stale: tuple[str, ...] = ()
    """Who of those asked about has an outside calendar that could not be read for long."""


@dataclass(frozen=True, slots=True)
class Soonest:
    """The next free starts, for a viewer in `zone`; `stale` as above."""

    practice: Practice
    zone: ZoneInfo
    starts: list[Start]
    stale: tuple[str, ...] = ()


class Times:
    def __init__(self, stores: Stores, policy: Policy, now: Clock) -> None:
        self._practices = stores.practices
        self._appointments = stores.appointments
        self._calendars = stores.calendars
        self._policy = policy
        self._now = now

    async def free(
        self, practice: str, *, service: str, practitioner: str | None, first: date | None, days: int, zone: str | None
    ) -> Free:
        """The list: `days` dates from `first`, today by default, as they begin in the viewer's zone."""
        kept = await self._practice(practice)
        viewer = ZoneInfo(zone or kept.zone)
        asked = _question(kept, Wanted(service=service, practitioner=practitioner, starts_at=self._now()), self._now())
        starts, stale = await self._listed(asked, first or asked.now.astimezone(viewer).date(), days, viewer)
        return Free(kept, viewer, availability.by_day(starts, viewer), stale)

    async def soonest(
        self,
        practice: str,
        wish: Wish,
        *,
        service: str,
        practitioner: str | None,
        first: date | None,
        most: int,
        zone: str | None,
    ) -> Soonest:
        """The next starts of the list that meet the wish, from `first` or today on until the horizon."""
        kept = await self._practice(practice)
        viewer = ZoneInfo(zone or kept.zone)
        asked = _question(kept, Wanted(service=service, practitioner=practitioner, starts_at=self._now()), self._now())
        today = asked.now.astimezone(viewer).date()
        # Where the place is, it may be a day later than where the viewer is.
        last = today + timedelta(days=asked.service.horizon_days + 1)
        found: list[Start] = []
        late: tuple[str, ...] = ()
        for day, days in windows(max(first or today, today), last):
            starts, late = await self._listed(asked, day, days, viewer)
            found += [start for start in starts if wish.is_met_by(start, viewer)]
            if len(found) >= most:
                break
        return Soonest(kept, viewer, found[:most], late)

    async def find(self, practice: str, wanted: Wanted, *, moving: AppointmentId | None = None) -> Found:
        """The start that is wanted, as the list offers it; raises why not. A visit never stands in its own way."""
        asked = _question(await self._practice(practice), wanted, self._now())
        asked = await self._filled(asked, moving)
        start = availability.free_start(asked, wanted.starts_at)
        if start is None:
            raise refused(availability.explain(asked, wanted.starts_at).values())
        return Found(asked.practice, asked.service, start)

    async def offered(self, practice: str, service: str) -> tuple[Practice, Service]:
        kept = await self._practice(practice)
        return kept, _service(kept, service)

    async def stretch(self, practice: str, wanted: Wanted, starts_until: datetime) -> Question:
        """What `find` asks of one start, of all from that one on."""
        asked = _question(await self._practice(practice), wanted, self._now())
        return await self._filled(replace(asked, starts_until=starts_until))

    async def explain(self, practice: str, wanted: Wanted) -> dict[str, tuple[Reason, ...]]:
        """Per practitioner, every rule in the way of this start."""
        asked = await self._filled(_question(await self._practice(practice), wanted, self._now()))
        return availability.explain(asked, wanted.starts_at)

    async def _practice(self, practice: str) -> Practice:
        kept = await self._practices.get(practice)
        if kept is None:
            raise NoSuchPractice(f"there is no practice {practice!r}")
        return kept.practice

    async def _listed(
        self, asked: Question, first: date, days: int, viewer: ZoneInfo
    ) -> tuple[list[Start], tuple[str, ...]]:
        starts_from, starts_until = availability.window(first, days, viewer)
        asked, stale = await self._filled_in(replace(asked, starts_from=starts_from, starts_until=starts_until))
        return availability.free_starts(asked), stale

    async def _filled(self, asked: Question, but: AppointmentId | None = None) -> Question:
        return (await self._filled_in(asked, but))[0]

    async def _filled_in(self, asked: Question, but: AppointmentId | None = None) -> tuple[Question, tuple[str, ...]]:
        """With everything that is taken, and who has a stale calendar; one query, and one more for calendars."""
        first, last = asked.starts_from - REACH, asked.starts_until + REACH
        busy = await self._appointments.busy(asked.practice.id, first, last, now=asked.now, but=but)
        named = [
            source
            for source in imported.sources(asked.practice, asked.practitioner)
            if asked.service.id in asked.practice.practitioner(source.practitioner).services
        ]
        if not named:
            return replace(asked, busy=busy), ()
        states = await self._calendars.states([source.id for source in named])
        elsewhere = chain.from_iterable(
            imported.busy(state, minute_of(first), minute_of(last)) for state in states.values()
        )
        stale = {source.practitioner for source in named if self._is_stale(states.get(source.id), asked.now)}
        return replace(asked, busy=(*busy, *elsewhere)), tuple(sorted(stale))

    def _is_stale(self, state: Imported | None, now: datetime) -> bool:
        return state is None or state.is_stale(now, self._policy.calendars_count_for)


def _question(practice: Practice, wanted: Wanted, now: datetime) -> Question:
    service = _service(practice, wanted.service)
    if wanted.by_practice:
        service = replace(service, notice_minutes=0, horizon_days=FURTHEST_DAYS)
    person = None if wanted.practitioner is None else _practitioner(practice, wanted.practitioner).id
    return Question(
        practice=practice,
        service=service,
        practitioner=person,
        now=now,
        starts_from=wanted.starts_at,
        starts_until=wanted.starts_at + MINUTE,
    )


def _service(practice: Practice, service: str) -> Service:
    try:
        return practice.service(service)
    except KeyError as error:
        raise NoSuchService(f"there is no service {service!r}", field="service") from error


def _practitioner(practice: Practice, practitioner: str) -> Practitioner:
    try:
        return practice.practitioner(practitioner)
    except KeyError as error:
        raise NoSuchPractitioner(f"there is no practitioner {practitioner!r}", field="practitioner") from error
