"""Whether somebody may hold a time or ask for it: not too often, with a proven number, and of those it is for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from services.booking.actions.limits import Limits
from services.booking.actions.numbers import Proving
from services.booking.domain import eligibility
from services.booking.domain.appointment import Appointment, By, Client, Hand, Offer
from services.booking.domain.practice import Audience
from services.booking.ports import Appointments
from shared.clock import Clock
from shared.errors import Kind, Refusal

Refs = Callable[[str, str], Awaitable[Sequence[str]]]
"""All references at a practice of the client who has one of them, as records were merged there."""


class TooManyVisits(Refusal):
    """As many visits lie before this number as one may have; the next one can be asked for when one is over."""

    slug = "too-many-visits"
    kind = Kind.CONFLICT


class Admission:
    def __init__(self, appointments: Appointments, refs: Refs, proving: Proving, limits: Limits, now: Clock) -> None:
        self._appointments = appointments
        self._refs = refs
        self._proving = proving
        self._limits = limits
        self._now = now

    async def to_hold(self, practice: str, hand: Hand, *, times: int = 1) -> None:
        await self._limits.hold(practice, hand, times=times)

    async def to_send_code(self, held: Appointment, hand: Hand) -> None:
        await self._limits.request(held.practice, hand)

    async def to_request(self, held: Appointment, client: Client, *, code: str | None, hand: Hand) -> bool:
        """Whether the client was ever there, as far as it matters for this service; raises what speaks against it.

        What can be said without knowing who it is comes first, so that a wrong birth date uses up no code, and
        nobody learns who is a client here without reading that client's texts.
        """
        await self._limits.request(held.practice, hand)
        eligibility.check_age(held.offer, client, held.starts_at)
        await self._limits.client(client.ref, hand)
        if held.offer.verify_number and hand.by is By.CLIENT:
            await self._proving.prove(held.practice, texts_go_to(client), code)
        await self._check_room(held, client, hand)
        return await self._attended(held.practice, held.offer, client)

    async def is_for(self, client: Client, practice: str, offer: Offer, starts_at: datetime) -> bool:
        """Whether they may have the service at all, as far as it is known of them."""
        try:
            eligibility.check(offer, client, starts_at, attended=await self._attended(practice, offer, client))
        except Refusal:
            return False
        return True

    async def _attended(self, practice: str, offer: Offer, client: Client) -> bool:
        if offer.audience is Audience.ALL:
            return False
        for ref in await self._refs(practice, client.ref):
            if await self._appointments.has_attended(practice, ref):
                return True
        return False

    async def _check_room(self, held: Appointment, client: Client, hand: Hand) -> None:
        """A brake, not a promise: of several requests in the same moment more than one may get through."""
        most = self._limits.coming
        if most == 0 or hand.by is not By.CLIENT:
            return
        if await self._appointments.coming(held.practice, client.ref, now=self._now(), most=most) >= most:
            raise TooManyVisits(f"{most} visits are asked for or booked with this number already", most=most)


def texts_go_to(client: Client) -> str:
    """The guardian's number if there is one: it is the one that is proven."""
    return client.phone if client.guardian is None else client.guardian.phone
