"""What booking can do: keep profiles, tell times, and take appointments through their turns."""

from __future__ import annotations

from dataclasses import dataclass

from services.booking.actions.profiles import Profiles
from services.booking.actions.times import Times
from services.booking.actions.visits import Visits
from services.booking.domain.policy import Policy
from services.booking.ports import Appointments, Practices
from shared.clock import Clock


@dataclass(frozen=True, slots=True)
class Booking:
    profiles: Profiles
    times: Times
    visits: Visits

    @classmethod
    def of(cls, practices: Practices, appointments: Appointments, policy: Policy, now: Clock) -> Booking:
        times = Times(practices, appointments, now)
        return cls(Profiles(practices, now), times, Visits(times, appointments, policy, now))
