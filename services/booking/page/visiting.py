"""The visit behind the link in a text: the details of a held time, and afterwards how the visit stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.booking.actions import Booking
from services.booking.domain.appointment import Appointment, AppointmentId, State
from services.booking.domain.practice import Practice, Service
from services.booking.page import addresses, details, words
from services.booking.routes import views
from shared.clock import Clock
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Door
from shared.page import Pages, patient

NO_PROBLEMS: details.Problems = {}


@dataclass(frozen=True, slots=True)
class When:
    """A visit's time at its place, and how the client's clock shows it if that differs."""

    day: str
    time: str
    place_city: str
    elsewhere: str


class Visiting:
    def __init__(self, booking: Booking, pages: Pages, door: Door, now: Clock) -> None:
        self._booking = booking
        self._pages = pages
        self._door = door
        self._now = now

    async def own(self, ask: Ask[None, None]) -> Appointment:
        """The appointment whose token the address carries; raises `TokenInvalid`."""
        self._door.claim(ask.request)
        return await self._booking.visits.get(AppointmentId(ask.path["appointment"]))

    async def show_visit(self, ask: Ask[None, None]) -> Answer:
        return await self.shown(ask, await self.own(ask))

    async def refused(self, ask: Ask[None, None], refusal: Refusal) -> Answer:
        """How the visit stands now, with why what was asked did not work."""
        now_is = await self.own(ask)
        shown = await self.shown(ask, now_is, told=self._pages.words(refusal), status=refusal.kind)
        return patient(shown, refusal)

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
        now = self._now()
        practice = (await self._booking.profiles.get(visit.practice)).practice
        view = views.appointment_view(visit, now=now)
        zone = self._zone(ask, visit)
        held = view.state is State.HELD
        return self._pages.show(
            template or ("details.html" if held else "visit.html"),
            status,
            visit=view,
            practice=practice,
            service=next((one for one in practice.services if one.id == visit.offer.service), None),
            when=when(visit, zone),
            zone=zone.key,
            kept_until=_kept_until(visit, zone, now),
            check_from="" if view.check_from is None else words.day(view.check_from.astimezone(zone).date()),
            headline=words.CHECK_HEADLINES[view.check] if view.check else _headline(visit, view.state, now),
            over=view.state is State.ATTENDED or (view.state is State.CONFIRMED and now >= visit.ends_at),
            consent=details.consent_wording(practice.name),
            consent_to_offers=details.offers_wording(practice.name),
            form=ask.form,
            asks_born=visit.offer.age_from is not None or visit.offer.age_until is not None,
            problems=problems,
            told=told,
            is_well=status < 400,
            answered="answered" in ask.request.query,
            token=token(ask),
            address=addresses,
            words=words,
            **more,
        )

    def _zone(self, ask: Ask[None, None], visit: Appointment) -> ZoneInfo:
        """The client's own zone: as given with the request, as chosen on the way there, or the place's."""
        wanted = ask.form.get("zone") or ask.request.query.get("zone") or visit.offer.zone
        known = any(wanted in named for named in words.zones().values())
        if visit.client is not None:
            return ZoneInfo(visit.client.zone)
        return ZoneInfo(wanted if known else visit.offer.zone)


def token(ask: Ask[None, None]) -> str:
    return ask.request.query.get("token", "")


def service_of(practice: Practice, visit: Appointment) -> Service | None:
    return next((service for service in practice.services if service.id == visit.offer.service), None)


def when(visit: Appointment, zone: ZoneInfo) -> When:
    return between(visit.starts_at, visit.ends_at, place=ZoneInfo(visit.offer.zone), zone=zone)


def between(starts_at: datetime, ends_at: datetime, *, place: ZoneInfo, zone: ZoneInfo) -> When:
    there, here = starts_at.astimezone(place), starts_at.astimezone(zone)
    ends = ends_at.astimezone(place)
    same = there.replace(tzinfo=None) == here.replace(tzinfo=None)
    elsewhere = "" if same else f"{words.clock(here)} on {words.day(here.date())} in {words.city(zone.key)}"
    return When(
        day=f"{words.day(there.date())} {there.year}",
        time=f"{words.clock(there)} to {words.clock(ends)}",
        place_city=words.city(place.key),
        elsewhere=elsewhere,
    )


def _kept_until(visit: Appointment, zone: ZoneInfo, now: datetime) -> str:
    """The hour alone while it is today."""
    if visit.held_until is None:
        return ""
    until = visit.held_until.astimezone(zone)
    return words.clock(until) if until.date() == now.astimezone(zone).date() else words.moment(until, zone)


def _headline(visit: Appointment, state: State, now: datetime) -> str:
    return words.HEADLINES[State.ATTENDED if state is State.CONFIRMED and now >= visit.ends_at else state]
