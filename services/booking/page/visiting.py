"""The visit behind the link in a text: the details of a held time, and afterwards how the visit stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.booking.actions import Booking
from services.booking.domain.appointment import Appointment, AppointmentId, State
from services.booking.domain.practice import Practice, Service
from services.booking.page import details
from services.booking.page.reception import Guest, Reception
from services.booking.page.words import Words, zones
from services.booking.routes import views
from shared.clock import Clock
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Door
from shared.page import patient

NO_PROBLEMS: details.Problems = {}
WAITS: Final = frozenset({State.REQUESTED, State.IN_REVIEW})
"""For something that comes without the client's doing, so that its page looks for it."""


@dataclass(frozen=True, slots=True)
class When:
    """A visit's time at its place, and how the client's clock shows it if that differs."""

    day: str
    time: str
    place_city: str
    elsewhere: str


class Visiting:
    def __init__(self, booking: Booking, reception: Reception, door: Door, now: Clock) -> None:
        self._booking = booking
        self._reception = reception
        self._door = door
        self._now = now

    async def own(self, ask: Ask[None, None]) -> Appointment:
        """The appointment whose token the address carries; raises `TokenInvalid`."""
        self._door.claim(ask.request)
        return await self._booking.visits.get(AppointmentId(ask.path["appointment"]))

    async def guest(self, ask: Ask[None, None], visit: Appointment) -> Guest:
        practice = (await self._booking.profiles.get(visit.practice)).practice
        return self._reception.guest(ask, practice, "" if visit.client is None else visit.client.locale)

    async def show_visit(self, ask: Ask[None, None]) -> Answer:
        return await self.shown(ask, await self.own(ask))

    async def refused(self, ask: Ask[None, None], refusal: Refusal) -> Answer:
        """How the visit stands now, with why what was asked did not work."""
        now_is = await self.own(ask)
        told = (await self.guest(ask, now_is)).words.refused(refusal)
        return patient(await self.shown(ask, now_is, told=told, status=refusal.kind), refusal)

    async def shown(
        self,
        ask: Ask[None, None],
        visit: Appointment,
        *,
        template: str = "",
        problems: details.Problems = NO_PROBLEMS,
        told: str = "",
        status: int = 200,
        **more: object,
    ) -> Answer:
        now, guest = self._now(), await self.guest(ask, visit)
        words = guest.words
        practice = (await self._booking.profiles.get(visit.practice)).practice
        view = views.appointment_view(visit, now=now)
        zone = zone_of(ask, visit)
        return self._reception.show(
            template or _template(visit, view.state),
            guest,
            status,
            live=visit.state in WAITS,
            visit=view,
            practice=practice,
            service=service_of(practice, visit),
            when=when(visit, zone, words),
            kept_until="" if visit.held_until is None else words.until(visit.held_until, zone, now),
            seconds_left=seconds_left(visit, now),
            check_from="" if view.check_from is None else words.day(view.check_from.astimezone(zone).date()),
            headline=headline(visit, now, words),
            over=view.state is State.ATTENDED or (view.state is State.CONFIRMED and now >= visit.ends_at),
            waits=visit.state in WAITS,
            told=told,
            answered="answered" in ask.request.query,
            token=token(ask),
            seat=visit.seat,
            follows=_follows(visit, view.state),
            **asking(ask, practice, visit, words, zone, problems, status),
            **more,
        )


def asking(
    ask: Ask[None, None],
    practice: Practice,
    visit: Appointment,
    words: Words,
    zone: ZoneInfo,
    problems: details.Problems,
    status: int,
) -> dict[str, object]:
    """What the details form is shown with."""
    return {
        "zone": zone.key,
        "consent": details.consent_wording(practice.name, words),
        "consent_to_offers": details.offers_wording(practice.name, words),
        "form": ask.form,
        "asks_born": visit.offer.age_from is not None or visit.offer.age_until is not None,
        "problems": problems,
        "is_well": status < 400,
    }


def zone_of(ask: Ask[None, None], visit: Appointment) -> ZoneInfo:
    """The client's own zone: as given with the request, as chosen on the way there, or the place's."""
    if visit.client is not None:
        return ZoneInfo(visit.client.zone)
    wanted = ask.form.get("zone") or ask.request.query.get("zone") or visit.offer.zone
    known = any(wanted in named for named in zones().values())
    return ZoneInfo(wanted if known else visit.offer.zone)


def token(ask: Ask[None, None]) -> str:
    return ask.request.query.get("token", "")


def service_of(practice: Practice, visit: Appointment) -> Service | None:
    return next((service for service in practice.services if service.id == visit.offer.service), None)


def seconds_left(visit: Appointment, now: datetime) -> int:
    """Of a hold."""
    return 0 if visit.held_until is None else max(0, int((visit.held_until - now).total_seconds()))


def when(visit: Appointment, zone: ZoneInfo, words: Words) -> When:
    return between(visit.starts_at, visit.ends_at, place=ZoneInfo(visit.offer.zone), zone=zone, words=words)


def between(starts_at: datetime, ends_at: datetime, *, place: ZoneInfo, zone: ZoneInfo, words: Words) -> When:
    there, here = starts_at.astimezone(place), starts_at.astimezone(zone)
    ends, form = ends_at.astimezone(place), words.said["format"]
    same = there.replace(tzinfo=None) == here.replace(tzinfo=None)
    told = form["in_city"].format(time=words.clock(here), day=words.day(here.date()), city=words.city(zone.key))
    return When(
        day=words.dated(there.date()),
        time=form["between"].format(start=words.clock(there), end=words.clock(ends)),
        place_city=words.city(place.key),
        elsewhere="" if same else told,
    )


def _template(visit: Appointment, state: State) -> str:
    """The times of a course are asked for together, so that a held one by itself has no form."""
    if state is not State.HELD:
        return "visit.html"
    return "details.html" if visit.seat is None else "seat.html"


def headline(visit: Appointment, now: datetime, words: Words) -> str:
    """How it stands, in a few words."""
    view = views.appointment_view(visit, now=now)
    is_over = view.state is State.CONFIRMED and now >= visit.ends_at
    state = State.ATTENDED if is_over else view.state
    return str(words.said["headline"][view.check or ("later" if _follows(visit, state) else state.value)])


def _follows(visit: Appointment, state: State) -> bool:
    """Whether it waits for the health check of the first of its course, and for nothing of its own."""
    return visit.follows and state is State.REQUESTED and not visit.is_postponed and not visit.is_asked_again
