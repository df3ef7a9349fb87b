"""Everything booking answers over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from services.booking.actions import Booking
from services.booking.actions.team import Team
from services.booking.routes.appointments import AppointmentRoutes, Pass
from services.booking.routes.audit import AuditRoutes
from services.booking.routes.clients import ClientRoutes
from services.booking.routes.courses import CourseRoutes
from services.booking.routes.feeds import FeedRoutes
from services.booking.routes.holding import HoldRoutes
from services.booking.routes.keys import KeyRoutes
from services.booking.routes.parts import PartRoutes
from services.booking.routes.practices import PracticeRoutes
from services.booking.routes.settings import SettingRoutes
from services.booking.routes.time_off import TimeOffRoutes
from services.booking.routes.times import TimeRoutes
from services.booking.routes.users import UserRoutes
from services.booking.routes.waitlist import WaitlistRoutes
from services.booking.routes.webhooks import WebhookRoutes
from shared.clock import Clock
from shared.httpkit import Route


def routes(booking: Booking, team: Team, pass_: Pass, now: Clock, *, origin: str) -> Sequence[Route]:
    practices = PracticeRoutes(booking, now)
    appointments = AppointmentRoutes(booking, pass_, now)
    courses = CourseRoutes(booking, pass_, now)
    webhooks = WebhookRoutes(booking)
    return [
        *practices.public(),
        *TimeRoutes(booking).routes(),
        *SettingRoutes(booking).routes(),
        *PartRoutes(booking).routes(),
        *TimeOffRoutes(booking).routes(),
        *AuditRoutes(booking).routes(),
        *practices.running(),
        *KeyRoutes(booking).routes(),
        *UserRoutes(team).routes(),
        *ClientRoutes(booking, now).routes(),
        *FeedRoutes(booking, origin).routes(),
        *webhooks.keeping(),
        *webhooks.ending(),
        *webhooks.sending(),
        *appointments.asking(),
        *HoldRoutes(booking, now).routes(),
        *appointments.changing(),
        *appointments.closing(),
        *WaitlistRoutes(booking, pass_, now).routes(),
        *courses.asking(),
        *courses.seeing(),
        *courses.changing(),
    ]
