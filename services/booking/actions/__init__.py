"""What booking can do: keep profiles, tell times, and take appointments through their turns."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.booking.actions.admission import Admission
from services.booking.actions.asks import Asks
from services.booking.actions.auditing import Auditing
from services.booking.actions.calendars import Calendars
from services.booking.actions.claiming import Claims
from services.booking.actions.clients import Clients
from services.booking.actions.course_changes import CourseChanges
from services.booking.actions.course_plans import CoursePlans
from services.booking.actions.courses import Courses
from services.booking.actions.deliveries import Deliveries
from services.booking.actions.feeds import Feeds
from services.booking.actions.keys import Keys
from services.booking.actions.limits import Allowed, Limits
from services.booking.actions.numbers import Proving
from services.booking.actions.offering import Offering
from services.booking.actions.profiles import Profiles
from services.booking.actions.resting import Resting
from services.booking.actions.times import Times
from services.booking.actions.visits import Visits
from services.booking.actions.waitlist import Waitlist
from services.booking.actions.webhooks import Webhooks
from services.booking.domain.appointment import Appointment
from services.booking.domain.policy import Policy
from services.booking.domain.webhook import Signer
from services.booking.ports import Stores
from shared.clock import Clock
from shared.events import Envelope
from shared.events.booking import AppointmentEvent

Reaction = Callable[[Envelope[AppointmentEvent], Appointment], Awaitable[None]]
"""What booking does about a turn after it was announced; hearing of the same turn again changes nothing.

With the visit as it is by now: an event that comes late knows what is not true any more.
"""


@dataclass(frozen=True, slots=True)
class Booking:
    profiles: Profiles
    times: Times
    visits: Visits
    auditing: Auditing
    keys: Keys
    feeds: Feeds
    calendars: Calendars
    proving: Proving
    clients: Clients
    asks: Asks
    webhooks: Webhooks
    deliveries: Deliveries
    waitlist: Waitlist
    claims: Claims
    offering: Offering
    courses: Courses
    course_plans: CoursePlans
    course_changes: CourseChanges
    resting: Resting
    reactions: tuple[Reaction, ...] = ()

    @classmethod
    def of(
        cls,
        stores: Stores,
        policy: Policy,
        now: Clock,
        limits: Limits | None = None,
        signer: Signer | None = None,
        *,
        plain_webhooks: bool = False,
    ) -> Booking:
        """Without `limits` anybody may ask as often as they like; without `signer` nobody can verify a webhook."""
        times = Times(stores, policy, now)
        proving = Proving(stores.numbers, now)
        limits = limits or Limits(Allowed())
        clients = Clients(stores, now)
        admission = Admission(stores.appointments, clients.refs, proving, limits, now)
        visits = Visits(times, stores.appointments, admission, policy, now)
        courses, course_plans = Courses(times, visits, stores.appointments, now), CoursePlans(times, now)
        claims = Claims(stores, times, visits, admission, clients.refs, policy, now)
        offering = Offering(stores, times, visits, claims, now)
        resting = Resting(stores.histories, visits, clients.refs, now)
        webhooks = Webhooks(stores, signer or Signer(secrets.token_hex()), now, plain=plain_webhooks)
        deliveries = Deliveries(stores, webhooks, now)
        return cls(
            profiles=Profiles(stores.practices, stores.appointments, stores.audit, now),
            times=times,
            visits=visits,
            proving=proving,
            auditing=Auditing(stores.audit, (stores.practices, stores.keys, stores.feeds, stores.webhooks)),
            keys=Keys(stores, now),
            feeds=Feeds(stores, now),
            calendars=Calendars(stores, policy, now),
            clients=clients,
            asks=Asks(stores, clients, now),
            webhooks=webhooks,
            deliveries=deliveries,
            waitlist=Waitlist(stores, claims, proving, limits, now),
            claims=claims,
            offering=offering,
            courses=courses,
            course_plans=course_plans,
            course_changes=CourseChanges(courses, course_plans, times, visits, policy, now),
            resting=resting,
            # Filing comes last: it gathers for a moment, for which nothing else has to wait.
            reactions=(courses.heard, resting.heard, deliveries.heard, claims.taken, offering.freed, clients.file),
        )
