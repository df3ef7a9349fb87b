"""What booking can do: keep profiles, tell times, and take appointments through their turns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.booking.actions.admission import Admission
from services.booking.actions.asks import Asks
from services.booking.actions.auditing import Auditing
from services.booking.actions.clients import Clients
from services.booking.actions.feeds import Feeds
from services.booking.actions.keys import Keys
from services.booking.actions.limits import Allowed, Limits
from services.booking.actions.numbers import Proving
from services.booking.actions.profiles import Profiles
from services.booking.actions.times import Times
from services.booking.actions.visits import Visits
from services.booking.domain.policy import Policy
from services.booking.ports import Stores
from shared.clock import Clock
from shared.events import Envelope
from shared.events.booking import AppointmentEvent

Reaction = Callable[[Envelope[AppointmentEvent]], Awaitable[None]]
"""What booking does about a turn after it was announced; hearing of the same turn again changes nothing."""


@dataclass(frozen=True, slots=True)
class Booking:
    profiles: Profiles
    times: Times
    visits: Visits
    auditing: Auditing
    keys: Keys
    feeds: Feeds
    proving: Proving
    clients: Clients
    asks: Asks
    reactions: tuple[Reaction, ...] = ()

    @classmethod
    def of(cls, stores: Stores, policy: Policy, now: Clock, limits: Limits | None = None) -> Booking:
        """Without `limits` anybody may ask as often as they like."""
        times = Times(stores.practices, stores.appointments, now)
        proving = Proving(stores.numbers, now)
        admission = Admission(stores.appointments, proving, limits or Limits(Allowed()), now)
        clients = Clients(stores, now)
        return cls(
            profiles=Profiles(stores.practices, stores.appointments, stores.audit, now),
            times=times,
            visits=Visits(times, stores.appointments, admission, policy, now),
            proving=proving,
            auditing=Auditing(stores.audit, (stores.practices, stores.keys, stores.feeds)),
            keys=Keys(stores, now),
            feeds=Feeds(stores, now),
            clients=clients,
            asks=Asks(stores, clients, now),
            reactions=(clients.file,),
        )
