"""The page behind the link that offers a freed time: what it is, until when, and one button to take it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from services.booking.actions import Booking
from services.booking.actions.claiming import Shown
from services.booking.domain.appointment import Appointment, State
from services.booking.domain.freed import Offered, OfferId
from services.booking.page import addresses, words
from services.booking.page.addresses import see
from services.booking.page.visiting import between, token
from services.booking.routes.appointments import Pass
from services.booking.routes.hand import hand_of
from services.booking.routes.waitlist_payloads import state_of
from shared.clock import Clock
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Door
from shared.page import Pages


class OfferPage:
    def __init__(self, booking: Booking, pages: Pages, pass_: Pass, door: Door, now: Clock) -> None:
        self._booking = booking
        self._pages = pages
        self._pass = pass_
        self._door = door
        self._now = now

    async def show_offer(self, ask: Ask[None, None]) -> Answer:
        return await self._shown(ask, await self._own(ask))

    async def take_offer(self, ask: Ask[None, None]) -> Answer:
        offer = await self._own(ask)
        try:
            visit = await self._booking.claims.claim(offer.offered.id, hand=hand_of(ask))
        except Refusal as refusal:
            return await self._shown(ask, await self._own(ask), why=refusal)
        return see(self._next(visit))

    def _next(self, visit: Appointment) -> str:
        """The health check while it is still to be filled in."""
        own = self._pass.token(visit)
        if visit.state is State.REQUESTED:
            return addresses.check(visit.id, token=own, service=visit.offer.service)
        return addresses.visit(visit.id, token=own)

    async def _own(self, ask: Ask[None, None]) -> Shown:
        """The offer whose token the address carries; raises `TokenInvalid`."""
        self._door.claim(ask.request)
        return await self._booking.claims.look(OfferId(ask.path["offer"]))

    async def _shown(self, ask: Ask[None, None], offer: Shown, *, why: Refusal | None = None) -> Answer:
        offered, client = offer.offered, offer.waiting.client
        practice = (await self._booking.profiles.get(offered.practice)).practice
        state = "refused" if why is not None and offer.can_be_had else state_of(offer)
        zone = ZoneInfo(client.zone)
        return self._pages.show(
            "offer.html",
            200 if why is None else why.kind,
            state=state,
            practice=practice,
            offer=offered,
            length=(offered.ends_at - offered.starts_at).seconds // 60,
            when=between(offered.starts_at, offered.ends_at, place=ZoneInfo(offered.zone), zone=zone),
            until=_until(offered, zone, self._now()),
            visit=self._visit_address(offered) if state == "claimed" else "",
            told=self._pages.words(why) if state == "refused" and why is not None else "",
            token=token(ask),
            address=addresses,
            words=words,
        )

    def _visit_address(self, offered: Offered) -> str:
        own = self._pass.tokens.mint(offered.appointment, offered.practice, offered.ends_at + self._pass.term)
        return addresses.visit(offered.appointment, token=own)


def _until(offered: Offered, zone: ZoneInfo, now: datetime) -> str:
    """The hour alone while it is today."""
    until = offered.expires_at.astimezone(zone)
    return words.clock(until) if until.date() == now.astimezone(zone).date() else words.moment(until, zone)
