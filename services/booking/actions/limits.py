"""How often strangers may ask: per address, per practice and per number, so that nobody can take every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from limits import RateLimitItem, parse_many
from limits.aio.storage import Storage
from limits.aio.strategies import FixedWindowRateLimiter

from services.booking.counters import Memory
from services.booking.domain.appointment import By, Hand
from services.booking.domain.proof import too_many
from shared.clock import Clock, utc_now

SUBSCRIBER: Final = 64
"""Bits of an IPv6 address that a provider gives to one subscriber, who has all the others to choose from."""
Rates = Sequence[RateLimitItem]
SET_UPS: Final[Rates] = parse_many("5/hour")
"""Tries to begin a practice from one address; always on, for what would be guessed at is the operator's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What may be asked for how often; none means that it is not counted. `coming` visits may lie before a number."""

    holds_by_address: Rates = ()
    holds_at_practice: Rates = ()
    requests_by_address: Rates = ()
    requests_at_practice: Rates = ()
    requests_by_number: Rates = ()
    coming: int = 0


class Limits:
    """Counts clients only, set-ups aside: whoever shows a key is the practice's own.

    A window begins with the first that is counted.
    `clock` is the real one even where tests travel in time, as that of the counting is.
    """

    def __init__(self, allowed: Allowed, storage: Storage | None = None, clock: Clock = utc_now) -> None:
        self.coming = allowed.coming
        self._allowed = allowed
        self._limiter = FixedWindowRateLimiter(storage or Memory())
        self._clock = clock

    async def hold(self, practice: str, hand: Hand, *, times: int = 1) -> None:
        """So many times are to be held; raises `TooMany`."""
        if hand.by is By.CLIENT:
            await self._count(self._allowed.holds_by_address, "hold", "from", _subscriber(hand.where), cost=times)
            await self._count(self._allowed.holds_at_practice, "hold", "at", practice, cost=times)

    async def request(self, practice: str, hand: Hand) -> None:
        """A request, or a code for one; raises `TooMany`."""
        if hand.by is By.CLIENT:
            await self._count(self._allowed.requests_by_address, "request", "from", _subscriber(hand.where))
            await self._count(self._allowed.requests_at_practice, "request", "at", practice)

    async def set_up(self, hand: Hand) -> None:
        """A try to begin a practice, whoever tries; raises `TooMany`."""
        await self._count(SET_UPS, "set-up", "from", _subscriber(hand.where))

    async def client(self, ref: str, hand: Hand) -> None:
        """A request for the client of this number; raises `TooMany`."""
        if hand.by is By.CLIENT:
            await self._count(self._allowed.requests_by_number, "request", "for", ref)

    async def _count(self, rates: Rates, *what: str, cost: int = 1) -> None:
        for rate in rates:
            if not await self._limiter.hit(rate, *what, cost=cost):
                until, _ = await self._limiter.get_window_stats(rate, *what)
                wait = timedelta(seconds=until - self._clock().timestamp())
                raise too_many(f"more than {rate.amount} of these is too many at once", wait)


def _subscriber(address: str | None) -> str:
    """Whoever has one address of a network of the sixth version has the whole of it."""
    if address is None:
        return "unknown"
    host = ip_address(address.partition("%")[0])
    if isinstance(host, IPv6Address) and host.ipv4_mapped is None:
        return str(IPv6Address(int(host) >> 128 - SUBSCRIBER << 128 - SUBSCRIBER))
    return str(getattr(host, "ipv4_mapped", None) or host)
