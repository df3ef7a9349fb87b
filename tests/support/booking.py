"""Booking's twins: every port in memory, and a practice, clients and a clock to book with."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.booking.actions import Booking
from services.booking.actions.times import Wanted
from services.booking.actions.visits import Person
from services.booking.domain import turns
from services.booking.domain.appointment import BOOKED, Appointment, AppointmentId, By, Client, Consent, Hand, State
from services.booking.domain.audit import Entry
from services.booking.domain.availability import Busy, Start
from services.booking.domain.calendar import minute_of
from services.booking.domain.checking import Outcome, Word
from services.booking.domain.identity import appointment_id
from services.booking.domain.offering import offer
from services.booking.domain.policy import Policy
from services.booking.domain.practice import Place, Practice, Practitioner, Room, Service, WeeklyHours
from services.booking.domain.refusals import SlotTaken
from services.booking.ports import AlreadyMade, Kept, Stores
from shared.events import Envelope
from shared.relay import Said
from tests.support.booking_audit import MemoryAudit
from tests.support.booking_calendars import MemoryCalendars
from tests.support.booking_clients import MemoryAsks, MemoryClients, MemoryHistories
from tests.support.booking_feeds import MemoryFeeds
from tests.support.booking_keys import MemoryBelonging, MemoryKeys
from tests.support.booking_numbers import MemoryNumbers
from tests.support.booking_team import MemorySessions, MemoryUsers
from tests.support.booking_waiting import MemoryLine, MemoryOffers
from tests.support.booking_webhooks import MemoryDeliveries, MemoryWebhooks

POLICY = Policy()
CLIENT = Hand(by=By.CLIENT, who="client")
STAFF = Hand(by=By.PRACTICE, who="operator")
# A Monday, four in the morning in Zurich.
NOW = datetime(2027, 3, 1, 3, 0, tzinfo=UTC)
# The day after, ten in the morning there.
TEN = datetime(2027, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class Time:
    """A clock that stands still until it is told to go on."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, length: timedelta) -> None:
        self.at += length


class MemoryPractices:
    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.said: list[Envelope[Any]] = []

    async def get(self, practice: str) -> Kept | None:
        await asyncio.sleep(0)
        return self.kept.get(practice)

    async def put(self, kept: Kept, said: Said) -> bool:
        await asyncio.sleep(0)
        stored = self.kept.get(kept.practice.id)
        if (0 if stored is None else stored.version) != kept.version - 1:
            return False
        self.kept[kept.practice.id] = kept
        self.said.extend(said)
        return True

    async def with_calendars(self) -> Sequence[Kept]:
        await asyncio.sleep(0)
        return [kept for kept in self.kept.values() if any(one.calendars for one in kept.practice.practitioners)]

    async def last_changes(self, practice: str) -> Sequence[Entry]:
        kept = await self.get(practice)
        return () if kept is None or kept.changed is None else (kept.changed,)


class MemoryAppointments:
    """Gives way once before each operation, as a network would, and is atomic within it."""

    def __init__(self) -> None:
        self.kept: dict[AppointmentId, Appointment] = {}
        self.said: list[Envelope[Any]] = []

    async def get(self, appointment: AppointmentId) -> Appointment | None:
        await asyncio.sleep(0)
        return self.kept.get(appointment)

    async def add(self, held: Appointment, said: Said) -> None:
        await asyncio.sleep(0)
        if held.id in self.kept:
            raise AlreadyMade(held.id)
        self._claim(held)
        self.kept[held.id] = held
        self.said.extend(said)

    async def save(self, turned: Appointment, said: Said) -> bool:
        await asyncio.sleep(0)
        was = self.kept.get(turned.id)
        if was is None or was.version != turned.version - 1:
            return False
        self._claim(turned)
        self.kept[turned.id] = turned
        self.said.extend(said)
        return True

    async def busy(
        self, practice: str, starts_from: datetime, starts_until: datetime, *, now: datetime, but: AppointmentId | None
    ) -> Sequence[Busy]:
        standing = await self.agenda(practice, starts_from, starts_until)
        return [
            Busy(practitioner=one.offer.practitioner, room=one.offer.room, footprint=one.footprint)
            for one in standing
            if one.id != but and not one.is_expired(now)
        ]

    async def in_the_way(self, wanted: Appointment, now: datetime) -> Sequence[Appointment]:
        await asyncio.sleep(0)
        return [one for one in self._sharing(wanted) if one.is_overdue(now)]

    async def due(self, now: datetime, limit: int) -> Sequence[Appointment]:
        await asyncio.sleep(0)
        due = [(one.due_at, one) for one in self.kept.values() if one.due_at is not None and one.due_at <= now]
        return [one for _, one in sorted(due, key=lambda pair: pair[0])][:limit]

    async def has_attended(self, practice: str, ref: str) -> bool:
        await asyncio.sleep(0)
        return any(one.state is State.ATTENDED for one in self._of(practice, ref))

    async def coming(self, practice: str, ref: str, *, now: datetime, most: int) -> int:
        await asyncio.sleep(0)
        ahead = [one for one in self._of(practice, ref) if one.state in BOOKED and one.starts_at > now]
        return min(len(ahead), most)

    async def agenda(
        self, practice: str, starts_from: datetime, starts_until: datetime, *, practitioner: str | None = None
    ) -> Sequence[Appointment]:
        await asyncio.sleep(0)
        standing = [
            one
            for one in self.kept.values()
            if one.practice == practice and one.cells and starts_from <= one.starts_at < starts_until
            if practitioner in {None, one.offer.practitioner}
        ]
        return sorted(standing, key=lambda one: one.starts_at)

    def _of(self, practice: str, ref: str) -> list[Appointment]:
        ours = [one for one in self.kept.values() if one.practice == practice]
        return [one for one in ours if one.client is not None and one.client.ref == ref]

    async def of_course(self, course: str) -> Sequence[Appointment]:
        await asyncio.sleep(0)
        seated = [(one.seat.index, one) for one in self.kept.values() if one.seat and one.seat.course == course]
        return [one for _, one in sorted(seated, key=lambda pair: pair[0])]

    def _claim(self, wanted: Appointment) -> None:
        if any(one.id != wanted.id for one in self._sharing(wanted)):
            raise SlotTaken("this time has been taken")

    def _sharing(self, wanted: Appointment) -> list[Appointment]:
        cells = set(wanted.cells)
        return [
            one for one in self.kept.values() if one.practice == wanted.practice and not cells.isdisjoint(one.cells)
        ]


def a_house(**changes: Any) -> Practice:
    """Two practitioners, two rooms; sessions of an hour with a quarter after them, and calls without a health check."""
    every_day = tuple(WeeklyHours(place="lake", weekday=weekday, starts=6 * 60, ends=22 * 60) for weekday in range(7))
    session = Service(id="session", name="Session", buffer_after_minutes=15, needs_room=True, horizon_days=180)
    call = Service(id="call", name="Call", length_minutes=15, step_minutes=5, screening=None, horizon_days=365)
    long = Service(id="long", name="Long session", length_minutes=90, needs_room=True, horizon_days=180)
    offered = ("session", "call", "long")
    fields: dict[str, Any] = {
        "id": "still-water",
        "name": "Still Water",
        "sms_name": "Still Water",
        "country": "CH",
        "zone": "Europe/Zurich",
        "locale": "en-GB",
        "phone": "+41440000000",
        "emergency_number": "112",
        "places": (Place(id="lake", name="At the lake", address="Seestrasse 1", zone="Europe/Zurich"),),
        "rooms": (Room(id="heron", place="lake"), Room(id="kingfisher", place="lake")),
        "practitioners": (
            Practitioner(id="ana", name="Ana", services=offered, hours=every_day),
            Practitioner(id="ben", name="Ben", services=offered, hours=every_day),
        ),
        "services": (session, call, long),
    }
    return Practice(**fields | changes)


def wants(
    starts_at: datetime = TEN, *, service: str = "session", practitioner: str | None = "ana", by_practice: bool = False
) -> Wanted:
    return Wanted(service=service, practitioner=practitioner, starts_at=starts_at, by_practice=by_practice)


def a_person(**changes: Any) -> Person:
    fields: dict[str, Any] = {
        "name": "Kim Doe",
        "phone": "+41791234567",
        "locale": "en-GB",
        "zone": "Europe/Zurich",
        "texts": True,
        "wording": "Text me about my visit.",
    }
    return Person(**fields | changes)


def a_client() -> Client:
    consent = Consent(texts=True, wording="Text me about my visit.", given_at=NOW)
    return Client(
        ref="0" * 20, name="Kim Doe", phone="+41791234567", locale="en-GB", zone="Europe/Zurich", consent=consent
    )


def a_hold(
    starts_at: datetime = TEN,
    *,
    key: str = "key",
    service: str = "session",
    practitioner: str = "ana",
    room: str | None = "heron",
    now: datetime = NOW,
    practice: Practice | None = None,
) -> Appointment:
    house = practice or a_house()
    start = Start(minute_of(starts_at), practitioner, "lake", room if house.service(service).needs_room else None)
    return turns.hold(
        id_=appointment_id(house.id, key),
        practice=house.id,
        offer=offer(house, house.service(service), start),
        starts_at=starts_at,
        asked=f"asked with {key}",
        now=now,
        policy=POLICY,
    )


def a_request(now: datetime = NOW, **held: Any) -> Appointment:
    return turns.request(a_hold(**held, now=now), a_client(), asked="asked", now=now, policy=POLICY)


def a_visit(now: datetime = NOW, **held: Any) -> Appointment:
    return turns.confirm(a_request(now, **held), cleared_until=None, event="cleared", now=now)


def a_word(outcome: Outcome | None, *, version: int = 1, until: date | None = None, event: str | None = None) -> Word:
    """What screening says of a case; None voids it."""
    return Word(version=version, event=event or f"decided:{version}", outcome=outcome, cleared_until=until)


class House:
    """Booking on its twins, with one practice loaded."""

    def __init__(self, practice: Practice | None = None) -> None:
        self.time = Time()
        self.practices = MemoryPractices()
        self.appointments = MemoryAppointments()
        self.audit = MemoryAudit()
        self.calendars = MemoryCalendars()
        self.keys = MemoryKeys()
        self.belonging = MemoryBelonging()
        self.clients = MemoryClients()
        self.asks = MemoryAsks()
        self.feeds = MemoryFeeds()
        self.webhooks = MemoryWebhooks()
        self.deliveries = MemoryDeliveries()
        self.numbers = MemoryNumbers()
        self.offers = MemoryOffers()
        self.line = MemoryLine(self.offers)
        self.users, self.sessions = MemoryUsers(), MemorySessions()
        self.stores = Stores(
            practices=self.practices,
            appointments=self.appointments,
            calendars=self.calendars,
            audit=self.audit,
            keys=self.keys,
            belonging=self.belonging,
            clients=self.clients,
            histories=MemoryHistories(lambda: self.appointments.kept),
            asks=self.asks,
            feeds=self.feeds,
            webhooks=self.webhooks,
            deliveries=self.deliveries,
            numbers=self.numbers,
            line=self.line,
            offers=self.offers,
            users=self.users,
            sessions=self.sessions,
            of_clients=(self.line, self.deliveries, self.numbers),
        )
        self.practice = practice or a_house()
        self.practices.kept[self.practice.id] = Kept(self.practice, 1)
        self.booking = Booking.of(self.stores, POLICY, self.time)

    @property
    def said(self) -> list[str]:
        """The names of all events, without service and version."""
        return [said.type.split(".")[2] for said in self.appointments.said]

    async def hold(self, wanted: Wanted | None = None, *, key: str = "key") -> Appointment:
        return await self.booking.visits.hold(self.practice.id, wanted or wants(), key=key, hand=CLIENT)

    async def request(self, wanted: Wanted | None = None, *, key: str = "key") -> Appointment:
        held = await self.hold(wanted, key=key)
        return await self.booking.visits.request(held.id, a_person(), hand=CLIENT)

    async def book(self, wanted: Wanted | None = None, *, key: str = "key") -> Appointment:
        """Held, requested and cleared by the health check."""
        requested = await self.request(wanted, key=key)
        return await self.decide(requested, Outcome.CLEARED)

    async def decide(self, appointment: Appointment, outcome: Outcome, *, until: date | None = None) -> Appointment:
        """The newest word of the health check, whatever was said before."""
        version = self.appointments.kept[appointment.id].checked + 1
        return await self.booking.visits.told(appointment.id, a_word(outcome, version=version, until=until))

    async def void(self, appointment: Appointment) -> Appointment:
        version = self.appointments.kept[appointment.id].checked + 1
        return await self.booking.visits.told(appointment.id, a_word(None, version=version))
