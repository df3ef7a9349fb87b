"""Booking's pages on its twins: what they offer, what they keep, and how they say no."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.booking import page
from services.booking.domain.appointment import Appointment, State
from services.booking.domain.availability import Busy
from services.booking.domain.checking import Outcome
from services.booking.domain.practice import DayException
from services.booking.outbox import announce
from services.booking.routes.appointments import Pass
from shared import httpkit
from shared.events.booking import AppointmentRequested
from shared.httpkit import Door
from shared.tokens import Tokens
from tests.support.booking import HOUR, TEN, House, a_house, wants

DETAILS = {"name": "Kim Doe", "phone": "079 123 45 67", "zone": "Europe/Zurich", "texts": "yes"}
TIMES = "/booking/book/still-water/times"
HOLD = "/booking/book/still-water/hold"
TEN_WITH_ANA = f"{TEN:%Y-%m-%dT%H:%MZ}/ana"


@dataclass(frozen=True, slots=True)
class Shown:
    status: int
    location: str
    html: str
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """What is read, without markup and line breaks."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.html)).split())

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.html)
        assert found is not None, name
        return found[1]


class Browsing:
    """A browser that follows nothing by itself."""

    def __init__(self, house: House, tokens: Tokens, client: TestClient) -> None:
        self.house = house
        self.tokens = tokens
        self.client = client

    async def get(self, address: str, accepts: str = "") -> Shown:
        """`accepts` is which languages the browser prefers."""
        return await self._ask("GET", address, accepts=accepts)

    async def post(self, address: str, **form: str) -> Shown:
        return await self._ask("POST", address, {name.rstrip("_"): value for name, value in form.items()})

    async def hold(self, slot: str = TEN_WITH_ANA, *, key: str = "key", service: str = "session") -> Shown:
        return await self.post(HOLD, slot=slot, key=key, service=service)

    def address(self, visit: Appointment, step: str = "") -> str:
        token = self.tokens.mint(visit.id, visit.practice, visit.ends_at + timedelta(days=30))
        return f"/booking/visit/{visit.id}{step}?token={token}"

    async def visit(self, visit: Appointment, step: str = "") -> Shown:
        return await self.get(self.address(visit, step))

    async def _ask(self, method: str, address: str, form: Mapping[str, str] | None = None, accepts: str = "") -> Shown:
        headers = {"Accept-Language": accepts} if accepts else {}
        asked = self.client.request(method, address, data=form, headers=headers, allow_redirects=False)
        async with asked as answer:
            location = answer.headers.get("Location", "")
            return Shown(answer.status, location, await answer.text(), answer.headers)


async def browsing(house: House) -> AsyncIterator[Browsing]:
    tokens = Tokens("signing-" + "s" * 32)

    async def ready() -> Mapping[str, bool]:
        return {}

    door = Door(tokens, "operator-" + "o" * 32, ready, house.time)
    routes = page.routes(
        house.booking, Pass(tokens, timedelta(days=30)), door, house.time, origin="https://book.example"
    )
    app = httpkit.application("booking", routes, AsyncExitStack(), door)
    async with TestClient(TestServer(httpkit.mounted({"booking": app}))) as client:
        yield Browsing(house, tokens, client)


@pytest.fixture
async def browser() -> AsyncIterator[Browsing]:
    async for one in browsing(House()):
        yield one


async def test_the_first_page_names_the_practice_and_what_it_offers(browser: Browsing) -> None:
    shown = await browser.get("/booking/book/still-water")

    assert shown.status == 200
    assert "Still Water" in shown.text
    assert "Session 60 minutes" in shown.text
    assert f'href="{TIMES}?service=session"' in shown.html


async def test_a_page_may_load_nothing_but_its_stylesheet_and_is_kept_nowhere(browser: Browsing) -> None:
    shown = await browser.get("/booking/book/still-water")
    policy = shown.headers["Content-Security-Policy"]

    assert "default-src 'none'; style-src 'self'; form-action 'self'" in policy
    assert "frame-ancestors 'self'" in policy
    assert shown.headers["Cache-Control"] == "no-store"
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert not re.search(r"<script(?! src=)|<style| style=| on\w+=", shown.html)


async def test_the_stylesheet_is_served(browser: Browsing) -> None:
    shown = await browser.get("/booking/page/style.css")

    assert (shown.status, shown.headers["Content-Type"]) == (200, "text/css; charset=utf-8")


async def test_an_unknown_practice_is_said_in_words(browser: Browsing) -> None:
    shown = await browser.get("/booking/book/nobody")

    assert shown.status == 404
    assert "No practice can be booked under this address." in shown.text


async def test_every_time_on_the_page_can_be_held(browser: Browsing) -> None:
    shown = await browser.get(f"{TIMES}?service=session")
    slots = re.findall(r'name="slot" value="([^"]+)"', shown.html)

    assert len(slots) > 20
    for slot in slots[::11]:
        browser.house.appointments.kept.clear()
        assert (await browser.hold(slot)).status == 303


async def test_times_are_shown_in_the_zone_that_was_chosen(browser: Browsing) -> None:
    shown = await browser.get(f"{TIMES}?service=session&zone=Asia/Tokyo&from=2027-03-02")

    assert "Times are in Tokyo time; the practice is in Zurich." in shown.text
    assert f'value="{TEN_WITH_ANA}" aria-label="18:00 with Ana, Tuesday 2 March"' in shown.html


@pytest.mark.parametrize(
    "query", ["zone=Mars/Base", "from=never", "from=9999-12-31", "practitioner=nobody", "from=0001-01-01"]
)
async def test_what_an_address_asks_wrongly_counts_as_not_asked(browser: Browsing, query: str) -> None:
    assert (await browser.get(f"{TIMES}?service=session&{query}")).status == 200


async def test_an_empty_month_leads_to_the_next_free_day() -> None:
    closed = tuple(DayException(day=date(2027, 3, 1) + timedelta(days=n)) for n in range(41))
    people = tuple(replace(person, exceptions=closed) for person in a_house().practitioners)
    async for browser in browsing(House(a_house(practitioners=people))):
        shown = await browser.get(f"{TIMES}?service=session&from=2027-03-05")

        assert "Nothing is free in March 2027." in shown.text
        assert "Next free day: Sunday 11 April" in shown.text
        assert 'from=2027-04-11#day"' in shown.html


async def test_a_double_click_holds_once_and_each_page_view_has_a_key_of_its_own(browser: Browsing) -> None:
    first, second = await browser.get(f"{TIMES}?service=session"), await browser.get(f"{TIMES}?service=session")
    key = first.hidden("key")
    held, again = await browser.hold(key=key), await browser.hold(key=key)

    assert key != second.hidden("key")
    assert held.location.startswith("/booking/visit/")
    assert held.location == again.location
    assert len(browser.house.appointments.kept) == 1


async def test_another_time_picked_from_the_same_page_is_another_hold(browser: Browsing) -> None:
    await browser.hold()
    other = await browser.hold(f"{TEN + 3 * HOUR:%Y-%m-%dT%H:%MZ}/ana")

    assert (other.status, len(browser.house.appointments.kept)) == (303, 2)


async def test_the_second_client_is_told_on_the_page_and_can_pick_another_time(browser: Browsing) -> None:
    await browser.hold(key="first")
    shown = await browser.hold(key="second")

    assert shown.status == 409
    assert "Somebody was faster" in shown.text
    assert 'name="slot"' in shown.html


@pytest.mark.parametrize(
    "slot", ["", "now", "2027-03-02T09:00Z", "2027-03-02T09:00Z/nobody", "2027-03-02T03:33Z/ana", "\x00/\x00"]
)
async def test_a_slot_that_no_button_posts_brings_the_times_again(browser: Browsing, slot: str) -> None:
    shown = await browser.hold(slot)

    assert shown.status in {409, 422}
    assert 'name="slot"' in shown.html
    assert not browser.house.appointments.kept


async def test_a_key_that_was_used_up_gives_nobody_the_token(browser: Browsing) -> None:
    held = await browser.hold()
    await browser.post(held.location.replace("?", "/request?"), **DETAILS)

    shown = await browser.hold()
    assert (shown.status, shown.location) == (409, "")


async def test_a_held_time_asks_for_details_and_keeps_what_was_typed(browser: Browsing) -> None:
    held = await browser.house.hold()
    shown = await browser.visit(held)
    assert "We are keeping this time for you until 04:10" in shown.text
    assert "Tuesday 2 March 2027 10:00 to 11:00" in shown.text

    wrong = await browser.post(browser.address(held, "/request"), **DETAILS | {"phone": "<044>"})
    assert wrong.status == 422
    assert '<a href="#phone">Please give a mobile number that can get texts.</a>' in wrong.html
    assert 'value="Kim Doe"' in wrong.html
    assert 'value="&lt;044&gt;"' in wrong.html


async def test_a_guardian_needs_a_name_and_a_number(browser: Browsing) -> None:
    held = await browser.house.hold()
    shown = await browser.post(browser.address(held, "/request"), **DETAILS, guardian_name="Ada Doe")

    assert shown.status == 422
    assert "the mobile number of the parent or guardian" in shown.text


async def test_details_lead_to_the_health_check_and_are_kept_with_the_wording_that_was_shown(browser: Browsing) -> None:
    held = await browser.house.hold()
    wording = re.search(r'name="texts" value="yes"> <span>([^<]+)<', (await browser.visit(held)).html)
    shown = await browser.post(browser.address(held, "/request"), **DETAILS)
    client = browser.house.appointments.kept[held.id].client

    assert shown.status == 303
    assert shown.location.startswith(f"/screening/check/{held.id}?token=")
    assert shown.location.endswith("&service=session&lang=en")
    assert client is not None
    assert wording is not None
    assert (client.phone, client.locale, client.consent.texts) == ("+41791234567", "en-GB", True)
    assert client.consent.wording == unescape(wording[1])


async def test_without_the_box_ticked_there_is_no_consent(browser: Browsing) -> None:
    held = await browser.house.hold()
    await browser.post(browser.address(held, "/request"), name="Kim Doe", phone="+41791234567", zone="Europe/Zurich")
    client = browser.house.appointments.kept[held.id].client

    assert client is not None
    assert client.consent.texts is False


@pytest.mark.parametrize(("ticked", "told"), [({"offers": "yes"}, True), ({}, None)])
async def test_what_a_client_agrees_to_beside_texts_about_visits_is_told_as_that(
    browser: Browsing, ticked: Mapping[str, str], told: bool | None
) -> None:
    held = await browser.house.hold()
    await browser.post(browser.address(held, "/request"), **{**DETAILS, **ticked})

    [said] = announce(browser.house.appointments.kept[held.id])

    assert type(said.data) is AppointmentRequested
    assert (said.data.client.consent.texts, said.data.client.consent.offers) == (True, told)


async def test_a_service_without_a_health_check_is_booked_by_the_details(browser: Browsing) -> None:
    held = await browser.house.hold(wants(service="call"))
    shown = await browser.post(browser.address(held, "/request"), **DETAILS)

    assert shown.location.startswith(f"/booking/visit/{held.id}?token=")
    booked = await browser.get(shown.location)
    assert "You are booked" in booked.text
    assert "massage table" not in booked.text


async def test_a_hold_that_ran_out_says_so_and_offers_the_times(browser: Browsing) -> None:
    held = await browser.house.hold()
    browser.house.time.pass_(HOUR)
    shown = await browser.post(browser.address(held, "/request"), **DETAILS)

    assert shown.status == 409
    assert "it was given back" in shown.text
    assert f'href="{TIMES}?service=session"' in shown.html


async def test_letting_a_held_time_go_gives_it_back_and_returns_to_the_times(browser: Browsing) -> None:
    held = await browser.house.hold()
    shown = await browser.post(browser.address(held, "/cancel"))

    assert (shown.status, shown.location) == (303, f"{TIMES}?service=session")
    assert browser.house.appointments.kept[held.id].state is State.CANCELLED


@pytest.mark.parametrize(("outcome", "said"), [
    (Outcome.CLEARED, "You are booked"),
    (Outcome.NEEDS_REVIEW, "We are looking at your booking"),
    (Outcome.DECLINED, "We could not confirm this booking"),
])  # fmt: skip
async def test_the_visit_page_says_how_it_stands_and_never_why(browser: Browsing, outcome: Outcome, said: str) -> None:
    requested = await browser.house.request()
    waiting = await browser.visit(requested)
    assert f'href="/screening/check/{requested.id}?' in waiting.html

    shown = await browser.visit(await browser.house.decide(requested, outcome))
    assert said in shown.text
    assert not re.search("contraindication|screening result|not safe|declined|refused", shown.text)


async def test_a_move_shows_free_times_and_takes_the_new_one_with_a_new_token(browser: Browsing) -> None:
    visit = await browser.house.book()
    times = await browser.visit(visit, "/move")
    assert "Your time stays yours until you pick another." in times.text
    later = TEN + timedelta(days=3)

    moved = await browser.post(browser.address(visit, "/move"), slot=f"{later:%Y-%m-%dT%H:%MZ}/ben")
    shown = await browser.get(moved.location)
    assert "Friday 5 March 2027 10:00 to 11:00" in shown.text
    assert "Ben" in shown.text


async def test_a_move_onto_a_taken_time_says_so_and_keeps_the_old_one(browser: Browsing) -> None:
    await browser.house.hold(wants(TEN + timedelta(days=3)), key="another")
    visit = await browser.house.book(wants(TEN + timedelta(days=2)))
    shown = await browser.post(browser.address(visit, "/move"), slot=f"{TEN + timedelta(days=3):%Y-%m-%dT%H:%MZ}/ana")

    assert shown.status == 409
    assert "Somebody was faster" in shown.text
    assert browser.house.appointments.kept[visit.id].starts_at == visit.starts_at


async def test_inside_the_window_a_visit_can_be_cancelled_but_not_moved(browser: Browsing) -> None:
    visit = await browser.house.book(wants(TEN + timedelta(days=2)))
    browser.house.time.pass_(timedelta(days=2, hours=12))
    shown = await browser.visit(visit)
    asked = await browser.visit(visit, "/cancel")
    cancelled = await browser.post(browser.address(visit, "/cancel"))

    assert "It is too late to move this visit here." in shown.text
    assert "Choose another time" not in shown.text
    assert "You can still cancel" in asked.text
    assert "This visit is cancelled" in (await browser.get(cancelled.location)).text


async def test_after_the_visit_its_page_has_the_notes(browser: Browsing) -> None:
    visit = await browser.house.book()
    browser.house.time.pass_(timedelta(days=2))
    shown = await browser.visit(visit)

    assert "Thank you for coming" in shown.text
    assert "usually gone within a day" in shown.text
    assert "In an emergency call 112" in shown.text


async def test_the_times_of_a_client_elsewhere_are_told_in_both_zones(browser: Browsing) -> None:
    held = await browser.house.hold()
    shown = await browser.get(f"{browser.address(held)}&zone=America/New_York")

    assert "Zurich time; that is 04:00 on Tuesday 2 March in New York" in shown.text


@pytest.mark.parametrize("step", ["", "/move", "/cancel"])
async def test_without_its_own_token_a_visit_is_not_shown(browser: Browsing, step: str) -> None:
    visit = await browser.house.book()
    other = await browser.house.hold(wants(TEN + 3 * HOUR), key="other")
    stolen = browser.address(other).partition("?")[2]

    for query in ("", "?token=x", f"?{stolen}"):
        shown = await browser.get(f"/booking/visit/{visit.id}{step}{query}")
        assert shown.status == 401
        assert "This link does not work any more" in shown.text
        assert "Seestrasse" not in shown.text


async def test_the_grid_has_every_day_of_the_month_and_links_those_that_are_free(browser: Browsing) -> None:
    shown = await browser.get(f"{TIMES}?service=session&from=2027-03-05")
    table = shown.html[shown.html.index("<table") : shown.html.index("</table>")]

    assert len(re.findall(r"<td><(?:a|span)", table)) == 31
    assert 'from=2027-03-05#day" aria-current="date" aria-label="Friday 5 March, 61 free times"' in table
    assert "Free on Friday 5 March" in shown.text


async def test_the_next_six_free_times_come_first_and_can_be_held(browser: Browsing) -> None:
    shown = await browser.get(f"{TIMES}?service=session")
    soonest = re.findall(r'name="slot" value="([^"]+)"', shown.html.partition("<table")[0])

    assert len(soonest) == 6
    assert soonest == sorted(soonest)
    assert (await browser.hold(soonest[-1])).status == 303


@pytest.mark.parametrize("query", ["", "&from=2027-03-05", "&from=2027-05-01"])
async def test_a_page_of_times_looks_once_at_what_is_taken(
    browser: Browsing, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    looks = list[datetime]()
    busy = browser.house.appointments.busy

    async def counted(practice: str, first: datetime, *more: Any, **named: Any) -> Sequence[Busy]:
        looks.append(first)
        return await busy(practice, first, *more, **named)

    monkeypatch.setattr(browser.house.appointments, "busy", counted)
    await browser.get(f"{TIMES}?service=session{query}")

    assert len(looks) == 1


async def test_a_held_time_says_how_long_it_is_kept_and_says_less_as_it_passes(browser: Browsing) -> None:
    held = await browser.house.hold()
    assert "About 10 minutes are left." in (await browser.visit(held)).text

    browser.house.time.pass_(timedelta(minutes=8, seconds=30))
    assert "About one minute is left." in (await browser.visit(held)).text


async def test_only_a_page_that_waits_may_ask_how_things_stand(browser: Browsing) -> None:
    requested = await browser.visit(await browser.house.request())
    services = await browser.get("/booking/book/still-water")

    assert "connect-src 'self'" in requested.headers["Content-Security-Policy"]
    assert re.search(r'data-events="/booking/v1/appointments/\w+/events\?token=', requested.html)
    assert "connect-src" not in services.headers["Content-Security-Policy"]


async def test_a_place_can_be_looked_up_on_a_map_unless_the_practice_tells_the_way(browser: Browsing) -> None:
    held = await browser.house.hold()

    assert 'href="https://www.openstreetmap.org/search?query=Seestrasse' in (await browser.visit(held)).html


async def test_script_and_style_of_the_booking_page_are_small(browser: Browsing) -> None:
    held = await browser.house.hold()
    shown = await browser.visit(held)
    loaded = re.findall(r'(?:<script src|stylesheet" href)="([^"]+)"', shown.html)
    packed = [len(gzip.compress((await browser.get(unescape(one))).html.encode())) for one in loaded]

    assert len(loaded) >= 3
    assert sum(packed) <= 25_000


async def test_the_script_is_kept_for_good_under_the_name_of_its_version(browser: Browsing) -> None:
    shown = await browser.visit(await browser.house.hold())
    [address] = re.findall(r'src="(/booking/page/visit.js[^"]+)"', shown.html)

    assert "immutable" in (await browser.get(address)).headers["Cache-Control"]
