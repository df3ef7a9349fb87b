"""Claiming the offer of a freed time: an ordinary visit, by the ordinary way, for the client who waited."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.booking.actions.admission import Admission, Refs
from services.booking.actions.times import Times, Wanted
from services.booking.actions.visits import Visits
from services.booking.domain import turns
from services.booking.domain.appointment import Appointment, AppointmentId, By, Client, Hand, Offer, State
from services.booking.domain.clearance import Clearance, clearance
from services.booking.domain.freed import UNCLAIMED, NoSuchOffer, Offered, OfferExpired, OfferId, Standing
from services.booking.domain.offering import offer
from services.booking.domain.policy import Policy
from services.booking.domain.practice import LONGEST_VISIT_MINUTES
from services.booking.domain.refusals import NoSuchAppointment
from services.booking.domain.waitlist import Wait, Waiting
from services.booking.outbox import waitlist_ended
from services.booking.ports import Stores
from shared.clock import Clock
from shared.errors import Refusal
from shared.events import Envelope
from shared.events.booking import AppointmentCheckAsked, AppointmentConfirmed, AppointmentEvent

LONGEST: Final = timedelta(minutes=LONGEST_VISIT_MINUTES)
VISITS_LOOKED_AT: Final = 50
"""The newest visits of a client among which the newest decision about their health check lies."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An offer, whose client it is for, and whether its time can still be had."""

    offered: Offered
    waiting: Waiting
    has_expired: bool
    can_be_had: bool


class Claims:
    def __init__(
        self, stores: Stores, times: Times, visits: Visits, admission: Admission, refs: Refs, policy: Policy, now: Clock
    ) -> None:
        self._line = stores.line
        self._offers = stores.offers
        self._histories = stores.histories
        self._refs = refs
        self._times = times
        self._visits = visits
        self._admission = admission
        self._policy = policy
        self._now = now

    async def look(self, id_: OfferId) -> Shown:
        offered, waiting = await self._get(id_)
        expired = self._now() >= offered.expires_at
        free = not expired and offered.state is Standing.OPEN and await self._is_free(offered)
        return Shown(offered, waiting, has_expired=expired, can_be_had=free)

    async def claim(self, id_: OfferId, *, hand: Hand) -> Appointment:
        """The visit that was offered. Claimed again, it is the same visit; somebody else may have been faster."""
        offered, waiting = await self._get(id_)
        visit = await self.visit_of(offered)
        if visit is None:
            visit = await self._taken(offered, waiting, hand)
        if offered.state is not Standing.CLAIMED:
            await self.settle(offered)
        return visit

    async def taken(self, heard: Envelope[AppointmentEvent], visit: Appointment) -> None:
        """Offers of a time that is asked for now are settled: claimed by this visit, or lost to it."""
        fact = heard.data
        was_silent = visit.follows and isinstance(fact, (AppointmentCheckAsked, AppointmentConfirmed))
        if heard.sequence != visit.asked_for_in and not was_silent:
            return
        near = await self._offers.starting(heard.practice, fact.starts_at - LONGEST, fact.ends_at)
        met = [one for one in near if one.practitioner == fact.practitioner and one.ends_at > fact.starts_at]
        met = [one for one in met if one.state is Standing.OPEN]
        if not met or not await self._stands(fact):
            return
        for one in met:
            if one.appointment == fact.appointment:
                await self.settle(one)
            else:
                await self.end(one, Standing.LOST)

    async def settle(self, claimed: Offered) -> None:
        """Its visit was asked for: the client waits no longer, and nobody else is offered this time.

        Out of the line first: as long as the offer stands open, its client is not offered another time.
        """
        await self._line.end(claimed.waiting, Wait.CLAIMED, self._now())
        await self._offers.turn(claimed.id, Standing.CLAIMED, of=UNCLAIMED)
        for other in await self._offers.of_event(claimed.practice, claimed.seat.freed.event):
            if other.state is Standing.OPEN:
                await self.end(other, Standing.LOST)

    async def visit_of(self, offered: Offered) -> Appointment | None:
        """The visit that was asked for by claiming it, if it was."""
        with suppress(NoSuchAppointment):
            visit = await self._visits.get(offered.appointment)
            return None if visit.requested_with is None else visit
        return None

    async def cleared(self, practice: str, client: Client, screening: str) -> Clearance | None:
        """The health check of an earlier visit, if it still counts."""
        refs = await self._refs(practice, client.ref)
        newest = await self._histories.newest(practice, refs, before=None, limit=VISITS_LOOKED_AT)
        return clearance(newest, client, screening=screening)

    async def may_claim(self, client: Client, practice: str, terms: Offer, starts_at: datetime) -> bool:
        """Nobody is offered what a claim would be refused for who they are."""
        return await self._admission.is_for(client, practice, terms, starts_at)

    async def _is_free(self, offered: Offered) -> bool:
        try:
            await self._times.find(offered.practice, _wanted(offered))
        except Refusal:
            return False
        return True

    async def _get(self, id_: OfferId) -> tuple[Offered, Waiting]:
        offered = await self._offers.get(id_)
        waiting = None if offered is None else await self._line.get(offered.waiting)
        if offered is None or waiting is None:
            raise NoSuchOffer("there is no such offer")
        return offered, waiting

    async def _taken(self, offered: Offered, waiting: Waiting, hand: Hand) -> Appointment:
        offered.check_open(self._now())
        if waiting.state is not Wait.WAITING:
            raise OfferExpired("whoever was offered this time has got another one")
        try:
            attended = await self._admitted(offered, waiting.client, hand)
            held = await self._visits.hold(offered.practice, _wanted(offered), key=offered.key, hand=hand)
            return await self._asked_for(held, offered, waiting.client, hand, attended=attended)
        except Refusal:
            # Another tap on the same link may be the very thing that is in the way.
            visit = await self.visit_of(offered)
            if visit is None:
                raise
            return visit

    async def _admitted(self, offered: Offered, client: Client, hand: Hand) -> bool:
        """Asked before the time is taken: who is told to come again later finds the offer as it was."""
        with suppress(NoSuchAppointment):
            held = await self._visits.get(offered.appointment)
            return await self._admission.to_request(_proven(held), client, code=None, hand=hand)
        found = await self._times.find(offered.practice, _wanted(offered))
        held = turns.hold(
            id_=offered.appointment,
            practice=offered.practice,
            offer=offer(found.practice, found.service, found.start),
            starts_at=offered.starts_at,
            asked=offered.key,
            now=self._now(),
            policy=self._policy,
        )
        return await self._admission.to_request(_proven(held), client, code=None, hand=hand)

    async def _asked_for(
        self, held: Appointment, offered: Offered, client: Client, hand: Hand, *, attended: bool
    ) -> Appointment:
        if held.requested_with == offered.key:
            return held
        if held.state_at(self._now()) is not State.HELD:
            raise OfferExpired("the time was held too long ago")
        cleared = await self._promised(held, offered, client)

        def asked_for(was: Appointment) -> Appointment:
            if was.requested_with == offered.key:
                return was
            return turns.request(
                was, client, asked=offered.key, now=self._now(), policy=self._policy, attended=attended, cleared=cleared
            )

        try:
            return await self._visits.turn(held.id, asked_for, hand=hand)
        except Refusal:
            await self._visits.turn(held.id, self._given_back, hand=hand)
            raise

    def _given_back(self, was: Appointment) -> Appointment:
        """Only what nobody asked for: another tap on the same link may have been faster."""
        return turns.cancel(was, by=By.CLIENT, now=self._now()) if was.state is State.HELD else was

    async def _promised(self, held: Appointment, offered: Offered, client: Client) -> Clearance | None:
        """What the offer promised may not be true any more, so it is looked up again."""
        if not offered.instant or held.offer.screening is None:
            return None
        return await self.cleared(held.practice, client, held.offer.screening)

    async def _stands(self, fact: AppointmentEvent) -> bool:
        """Whether the visit is there now: the very offers that were met may have been made because it is not."""
        with suppress(NoSuchAppointment):
            visit = await self._visits.get(AppointmentId(fact.appointment))
            return bool(visit.cells) and visit.starts_at == fact.starts_at
        return False

    async def end(self, offered: Offered, to: Standing) -> None:
        """It is open no more, and the line moves on; who would be texted in the morning is not."""
        now, waiting = self._now(), await self._line.get(offered.waiting)
        said = () if waiting is None or not waiting.by_text else waitlist_ended(offered, waiting.client, now)
        await self._offers.turn(offered.id, to, of={Standing.OPEN}, due_at=now, said=said)


def _wanted(offered: Offered) -> Wanted:
    return Wanted(service=offered.service, practitioner=offered.practitioner, starts_at=offered.starts_at)


def _proven(held: Appointment) -> Appointment:
    """Who shows an offer's token has read the text that brought it, so no code has to prove the number."""
    return replace(held, offer=replace(held.offer, verify_number=False))
