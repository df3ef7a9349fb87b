"""The page behind the link that offers a freed time: what it is, until when, and one button to take it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from services.booking.actions import Booking
from services.booking.actions.claiming import Shown
from services.booking.domain.appointment import Appointment, State
from services.booking.domain.freed import Offered, OfferId
from services.booking.page.addresses import see
from services.booking.page.reception import Guest, Reception
from services.booking.page.visiting import between, token
from services.booking.routes.appointments import Pass
from services.booking.routes.hand import hand_of
from services.booking.routes.waitlist_payloads import state_of
from shared.clock import Clock
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Door


class OfferPage:
    def __init__(self, booking: Booking, reception: Reception, pass_: Pass, door: Door, now: Clock) -> None:
        self._booking = booking
        self._reception = reception
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
        return see(_next(visit, self._pass.token(visit), await self._guest(ask, offer)))

    async def _guest(self, ask: Ask[None, None], offer: Shown) -> Guest:
        practice = (await self._booking.profiles.get(offer.offered.practice)).practice
        return self._reception.guest(ask, practice, offer.waiting.client.locale)

    async def _own(self, ask: Ask[None, None]) -> Shown:
        """The offer whose token the address carries; raises `TokenInvalid`."""
        self._door.claim(ask.request)
        return await self._booking.claims.look(OfferId(ask.path["offer"]))

    async def _shown(self, ask: Ask[None, None], offer: Shown, *, why: Refusal | None = None) -> Answer:
        offered, client = offer.offered, offer.waiting.client
        practice = (await self._booking.profiles.get(offered.practice)).practice
        state = "refused" if why is not None and offer.can_be_had else state_of(offer)
        zone, guest = ZoneInfo(client.zone), await self._guest(ask, offer)
        return self._reception.show(
            "offer.html",
            guest,
            200 if why is None else why.kind,
            state=state,
            practice=practice,
            offer=offered,
            length=(offered.ends_at - offered.starts_at).seconds // 60,
            when=between(
                offered.starts_at, offered.ends_at, place=ZoneInfo(offered.zone), zone=zone, words=guest.words
            ),
            until=guest.words.until(offered.expires_at, zone, self._now()),
            visit=self._visit_address(offered, guest) if state == "claimed" else "",
            told=guest.words.refused(why) if state == "refused" and why is not None else "",
            token=token(ask),
        )

    def _visit_address(self, offered: Offered, guest: Guest) -> str:
        own = self._pass.tokens.mint(offered.appointment, offered.practice, offered.ends_at + self._pass.term)
        return guest.address.visit(offered.appointment, token=own)


def _next(visit: Appointment, own: str, guest: Guest) -> str:
    """The health check while it is still to be filled in."""
    if visit.state is State.REQUESTED:
        return guest.address.check(visit.id, token=own, service=visit.offer.service)
    return guest.address.visit(visit.id, token=own)
