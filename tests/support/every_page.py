"""Every page of the product in one table, and the visits that they are about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from shared.console import MENU
from tests.support import screening as twin
from tests.support.phone import Phone
from tests.support.story import CONSENT, Booking, Widget, daylight
from tests.support.waiting import until

SETTLED_WITHIN: Final = 20
SERVICE: Final = "session"
WITH: Final = "ana"
ZONE: Final = "Europe/Zurich"
MORNING: Final = 8  # o'clock, UTC
# The state that a visit ends in, and what is answered to its health check; None asks for none of it.
ANSWERS: Final[Mapping[str, Mapping[str, Any] | None]] = {
    "held": None,
    "requested": None,
    "confirmed": twin.CLEAR,
    "in_review": twin.REVIEWED,
    "declined": twin.DECLINED,
    "cancelled": twin.CLEAR,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A practice with a visit in each state. Tokens ride in the addresses, as they do for clients."""

    origin: str
    practice: str
    phone: Phone
    visits: Mapping[str, Booking]
    offer: str = field(repr=False)
    courses: Mapping[str, str] = field(repr=False)
    place: str = field(repr=False)

    def book(self, step: str = "", **query: str) -> str:
        return _address(f"{self.origin}/booking/book/{self.practice}{step}", query)

    def visit(self, state: str, step: str = "", **query: str) -> str:
        one = self.visits[state]
        return _address(f"{self.origin}/booking/visit/{one.id}{step}", {"token": one.token, **query})

    def course(self, state: str, step: str = "") -> str:
        path, _, query = self.courses[state].partition("?")
        return f"{path}{step}?{query}"

    def check(self, state: str, step: str = "", **query: str) -> str:
        one = self.visits[state]
        return _address(f"{self.origin}/screening/check/{one.id}{step}", {"token": one.token, **query})


# A row for each page that a client sees; a page that is not here is held to nothing.
CLIENTS: Final[Mapping[str, Callable[[Scene], str]]] = {
    "the services": lambda at: at.book(),
    "the times": lambda at: at.book("/times", service=SERVICE),
    "the times in another zone": lambda at: at.book("/times", service="call", zone="Asia/Tokyo"),
    "the details": lambda at: at.visit("held"),
    "a visit before its health check": lambda at: at.visit("requested"),
    "a visit that is confirmed": lambda at: at.visit("confirmed"),
    "a visit that is looked at": lambda at: at.visit("in_review"),
    "a visit that is declined": lambda at: at.visit("declined"),
    "a visit that is cancelled": lambda at: at.visit("cancelled"),
    "another time": lambda at: at.visit("confirmed", "/move"),
    "whether to cancel": lambda at: at.visit("confirmed", "/cancel"),
    "an offered time": lambda at: at.offer,
    "what to wish for in a course": lambda at: at.book("/course", service=SERVICE),
    "a plan for a course": lambda at: at.book("/course", service=SERVICE, count="4", hour="16"),
    "a course without a plan": lambda at: at.book("/course", service=SERVICE, count="3", **{"from": "2100-01-01"}),
    "the details of a course": lambda at: at.course("held"),
    "a course": lambda at: at.course("requested"),
    "whether to cancel a course": lambda at: at.course("requested", "/cancel"),
    "the waitlist": lambda at: at.book("/waitlist", service=SERVICE),
    "the waitlist in Spanish": lambda at: at.book("/waitlist", service=SERVICE, lang="es"),
    "a place in line": lambda at: at.place,
    "where a practice begins": lambda at: f"{at.origin}/booking/console/begin",
    "where a practice begins, in Spanish": lambda at: f"{at.origin}/booking/console/begin?lang=es",
    "the health check": lambda at: at.check("requested", service=SERVICE),
    "the health check in Spanish": lambda at: at.check("requested", service=SERVICE, lang="es"),
    "the health check that is clear": lambda at: at.check("confirmed"),
    "the health check that is looked at": lambda at: at.check("in_review"),
    "the health check that is declined": lambda at: at.check("declined"),
    "whether something has changed": lambda at: at.check("confirmed", "/change"),
    "whether to take consent back": lambda at: at.check("confirmed", "/withdraw"),
    "who has read the answers": lambda at: at.check("confirmed", "/seen"),
}
# What is refused is a page too.
REFUSED: Final[Mapping[str, Callable[[Scene], str]]] = {
    "no such practice": lambda at: f"{at.origin}/booking/book/nobody",
    "an address that leads nowhere": lambda at: f"{at.origin}/booking/nowhere",
    "a visit that is not theirs": lambda at: at.visit("held", token="of-somebody"),
    "a health check that is not theirs": lambda at: at.check("held", token="of-somebody"),
}
# Of the staff, for an owner who is signed in: whatever the menu names, and what only a link leads to.
CONSOLE: Final = (
    *(entry.address for entry in MENU),
    "/booking/console/begun",
    "/booking/console/add-service",
    "/booking/console/add-person",
    "/booking/console/add-place",
    "/booking/console/add-room",
    "/notify/console/wordings/en/booked",
)
PHONE: Final = "the phone of the emulator"


def phone_page(at: Scene) -> str:
    return _address(f"{at.phone.origin}/", {"with": at.phone.number})


async def staged(widget: Widget, phone: Phone, origin: str) -> Scene:
    """Every state at once, each by a client of its own."""
    found = await widget.times(SERVICE, practitioner=WITH, **_from_the_day_after_tomorrow())
    mornings = [slot for slot in found if datetime.fromisoformat(slot["starts_at"]).astimezone(UTC).hour == MORNING]
    slots = list({slot["starts_at"][:10]: slot for slot in mornings}.values())  # one a day, so all of them are free
    walks = [_walk(widget, state, slots[at], at) for at, state in enumerate(ANSWERS)]
    visits, offer = await asyncio.gather(asyncio.gather(*walks), _offer(widget, phone))
    courses = {state: await _course(widget, origin, state) for state in ("held", "requested")}
    place = await _place(widget, origin)
    return Scene(origin, widget.practice, phone, dict(zip(ANSWERS, visits, strict=True)), offer, courses, place)


async def _walk(widget: Widget, state: str, slot: Mapping[str, str], number: int) -> Booking:
    booking = await widget.hold(SERVICE, slot)
    if state == "held":
        return booking
    await booking.request(f"+4179200000{number}", zone=ZONE)
    answers = ANSWERS[state]
    if answers is not None:
        await booking.answer({"questionnaire": twin.FORM, "answers": answers})
        await until(lambda: booking.is_("confirmed" if state == "cancelled" else state), within=SETTLED_WITHIN)
    if state == "cancelled":
        await booking.cancel()
    return booking


async def _course(widget: Widget, origin: str, state: str) -> str:
    at = f"/booking/v1/practices/{widget.practice}/courses"
    wish = {"service": SERVICE, "count": 3, "practitioner": WITH, "hour": "15:00"}
    plan = (await widget.call("POST", f"{at}/plan", body=wish))["visits"]
    visits = [{name: one[name] for name in ("starts_at", "practitioner")} for one in plan]
    held = await widget.call("POST", at, body={"service": SERVICE, "visits": visits}, key=f"every-page-course-{state}")
    if state == "requested":
        body = {
            "client": {"name": "Kim Doe", "phone": "+41792000077", "locale": "en", "zone": ZONE},
            "consent": {"texts": True, "wording": CONSENT},
        }
        await widget.call("POST", f"/booking/v1/courses/{held['id']}/request", token=held["token"], body=body)
    return _address(f"{origin}/booking/course/{held['id']}", {"token": held["token"]})


async def _place(widget: Widget, origin: str) -> str:
    """In the waitlist, for evenings that nobody else is told of."""
    first = datetime.now(UTC).date() + timedelta(days=60)
    evenings = {"days": ["tue", "thu"], "starts": "17:00", "ends": "24:00"}
    body = {
        "service": SERVICE,
        "ranges": [{"from": first.isoformat(), "until": (first + timedelta(days=9)).isoformat(), "hours": [evenings]}],
        "client": {"name": "Kim Doe", "phone": "+41792000078", "locale": "en", "zone": ZONE},
        "consent": {"texts": True, "wording": CONSENT},
    }
    path = f"/booking/v1/practices/{widget.practice}/waitlist"
    waits = await widget.call("POST", path, body=body, key="every-page-place")
    return _address(f"{origin}/booking/waiting/{waits['id']}", {"token": waits["token"]})


async def _offer(widget: Widget, phone: Phone) -> str:
    """The link in the text that offers a freed time to somebody who waited for it."""
    slot = (await widget.times("call", **_from_the_day_after_tomorrow()))[0]
    booked = await widget.hold("call", slot)
    await booked.request("+41792000099")
    await until(lambda: booked.is_("confirmed"), within=SETTLED_WITHIN)
    day = slot["starts_at"][:10]
    body = {
        "service": "call",
        "ranges": [{"from": day, "until": day}],
        "client": {"name": "Kim Doe", "phone": phone.number, "locale": "en", "zone": daylight()},
        "consent": {"texts": True, "wording": CONSENT},
    }
    await widget.call("POST", f"/booking/v1/practices/{widget.practice}/waitlist", body=body, key="every-page-waits")
    await booked.cancel()
    told: str = await until(lambda: phone.saw("/n/"), within=SETTLED_WITHIN)
    return next(word for word in told.split() if "/n/" in word).rstrip(".")


def _from_the_day_after_tomorrow() -> dict[str, str]:
    """So that every visit can still be moved and cancelled."""
    first = datetime.now(UTC).date() + timedelta(days=2)
    return {"from": first.isoformat(), "days": "21"}


def _address(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query, quote_via=quote)}" if query else path
