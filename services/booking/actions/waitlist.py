"""Waiting for a time: getting into the line, seeing who stands in it, and leaving it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.booking.actions.admission import texts_go_to
from services.booking.actions.claiming import Claims
from services.booking.actions.limits import Limits
from services.booking.actions.numbers import Proving, Sent
from services.booking.actions.visits import Person, client_of
from services.booking.domain.appointment import By, Client, Hand
from services.booking.domain.availability import Start
from services.booking.domain.calendar import day_start, instant_of
from services.booking.domain.eligibility import check_age
from services.booking.domain.freed import Offered, Standing
from services.booking.domain.identity import appointment_id, fingerprint
from services.booking.domain.offering import offer
from services.booking.domain.practice import Practice
from services.booking.domain.refusals import KeyReused, NoSuchPractice, NoSuchService, NotOffered
from services.booking.domain.waitlist import (
    AlreadyWaiting,
    NoSuchWaiting,
    Range,
    Wait,
    Waiting,
    WaitingId,
    check_ranges,
    over_at,
)
from services.booking.ports import Stores
from shared.clock import Clock
from shared.errors import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody waits for; `practitioner` None is any."""

    service: str
    practitioner: str | None
    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """An entry, and what it is offered right now."""

    waiting: Waiting
    offered: Offered | None


class Waitlist:
    def __init__(self, stores: Stores, claims: Claims, proving: Proving, limits: Limits, now: Clock) -> None:
        self._claims = claims
        self._proving = proving
        self._line = stores.line
        self._offers = stores.offers
        self._practices = stores.practices
        self._limits = limits
        self._now = now

    async def join(
        self, practice: str, wish: Wish, person: Person, *, key: str, hand: Hand, code: str | None = None
    ) -> Waiting:
        """Into the line. The same key, or the same wish of the same client, gives the same entry.

        `code` proves the number, where the practice wants that. A client who waits already is not told to whoever
        wishes for something else in their name.
        """
        await self._limits.request(practice, hand)
        there = await self._practice(practice)
        wanted = self._entry(there, wish, person, key)
        await self._limits.client(wanted.client.ref, hand)
        if there.verify_numbers and hand.by is By.CLIENT:
            await self._proving.prove(practice, texts_go_to(wanted.client), code)
        kept = await self._line.add(wanted)
        if kept.asked == wanted.asked:
            return kept
        if kept.id == wanted.id:
            raise KeyReused("this Idempotency-Key was used for another request")
        raise AlreadyWaiting("this client waits for that already; leave that entry first")

    async def send_code(self, practice: str, phone: str, *, locale: str, hand: Hand) -> Sent:
        """To the number of somebody who wants to wait; nothing is sent where none is asked for."""
        await self._limits.request(practice, hand)
        return await self._proving.send_to_wait(await self._practice(practice), phone, locale=locale)

    async def get(self, id_: WaitingId) -> Place:
        waiting = await self._line.get(id_)
        if waiting is None:
            raise NoSuchWaiting("there is no such entry in the waitlist")
        return (await self._with_offers([waiting]))[0]

    async def listed(self, practice: str, *, after: WaitingId | None, limit: int) -> Sequence[Place]:
        """Those who wait, the oldest first."""
        await self._practice(practice)
        return await self._with_offers(await self._line.listed(practice, after=after, limit=limit))

    async def leave(self, id_: WaitingId) -> Place:
        """Out of the line; what the client is offered goes to the next one at once."""
        await self.get(id_)
        await self._line.end(id_, Wait.LEFT, self._now())
        for offered in await self._offers.open_of([id_]):
            await self._claims.end(offered, Standing.WITHDRAWN)
        return await self.get(id_)

    async def _practice(self, practice: str) -> Practice:
        kept = await self._practices.get(practice)
        if kept is None:
            raise NoSuchPractice(f"there is no practice {practice!r}")
        return kept.practice

    def _entry(self, practice: Practice, wish: Wish, person: Person, key: str) -> Waiting:
        now = self._now()
        _check_offered(practice, wish)
        until = over_at(wish.ranges, practice)
        check_ranges(until, now)
        client = client_of(practice.id, person, now, country=practice.country, countries=practice.countries)
        _check_age(practice, wish, client)
        return Waiting(
            id=WaitingId(appointment_id(practice.id, f"waiting {key}")),
            practice=practice.id,
            service=wish.service,
            practitioner=wish.practitioner,
            client=client,
            ranges=wish.ranges,
            since=now,
            until=until,
            asked=fingerprint(*map(str, (*astuple(wish), *astuple(person)))),
        )

    async def _with_offers(self, waiting: Sequence[Waiting]) -> Sequence[Place]:
        now = self._now()
        offers = await self._offers.open_of([one.id for one in waiting])
        offered = {one.waiting: one for one in offers if one.is_open(now)}
        return [Place(one, offered.get(one.id)) for one in waiting]


def _check_age(practice: Practice, wish: Wish, client: Client) -> None:
    """A claim can say no more than was said here: what it would be refused for on any of the days is refused now."""
    person, place = practice.who_offers(wish.service)[0], practice.places[0]
    terms = offer(practice, practice.service(wish.service), Start(0, person.id, place.id, None))
    first, last = min(one.first for one in wish.ranges), max(one.last for one in wish.ranges)
    try:
        check_age(terms, client, _morning(first, terms.zone))
    except Refusal:
        check_age(terms, client, _morning(last, terms.zone))


def _morning(day: date, zone: str) -> datetime:
    return instant_of(day_start(day, ZoneInfo(zone)))


def _check_offered(practice: Practice, wish: Wish) -> None:
    offering = practice.who_offers(wish.service)
    if wish.service not in {service.id for service in practice.services}:
        raise NoSuchService(f"there is no service {wish.service!r}", field="service")
    if wish.practitioner not in {None, *(person.id for person in offering)} or not offering:
        raise NotOffered("this service is not offered by whom was asked for")
