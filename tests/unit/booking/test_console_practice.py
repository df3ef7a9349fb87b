"""What an owner changes of the practice in the console: by the rules of the practice, and beside what was typed."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from html import unescape

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.booking import console
from services.booking.actions.team import Team
from services.booking.domain.appointment import By, Hand
from services.booking.domain.editing import part, with_part
from services.booking.domain.practice import Practice, Practitioner, Price, Room, Service
from shared import httpkit
from shared.httpkit import Door
from shared.staff import COOKIE, Passes, Role, Staff
from shared.tokens import Tokens
from tests.support.booking import House
from tests.support.booking_team import PlainPasswords

SIGNING, ORIGIN, CONSOLE = "signing-" + "k" * 32, "http://still.example", "/booking/console"
OWNER = Staff(user="u1", name="Olga", practice="still-water", role=Role.OWNER, session="s1")
ANYBODY = Hand(by=By.PRACTICE, who="somebody")
INPUT = re.compile(r"<input\b[^>]*>")
SELECT = re.compile(r'<select [^>]*name="([^"]+)".*?</select>', re.DOTALL)
TEXTAREA = re.compile(r'<textarea [^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', re.DOTALL)


class Owner:
    """Whoever opens a page and sends its form back, as a browser does."""

    def __init__(self, house: House, http: TestClient) -> None:
        self.house, self.http, self.passes = house, http, Passes(SIGNING)

    @property
    def practice(self) -> Practice:
        return self.house.practices.kept["still-water"].practice

    async def see(self, path: str, staff: Staff = OWNER) -> tuple[int, str]:
        async with self.http.get(CONSOLE + path, headers=self._shown(staff), allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def send(self, path: str, form: Mapping[str, str], staff: Staff = OWNER) -> tuple[int, str]:
        async with self.http.post(
            CONSOLE + path, data=form, headers=self._shown(staff), allow_redirects=False
        ) as answer:
            return answer.status, answer.headers.get("Location", "") or await answer.text()

    async def change(self, path: str, staff: Staff = OWNER, *, without: str = "", **typed: str) -> tuple[int, str]:
        """All fields as the page has them but these."""
        _, page = await self.see(path, staff)
        form = {**filled(page), **{name.replace("__", "."): value for name, value in typed.items()}}
        form.pop(without, None)
        return await self.send(path, form, staff)

    def _shown(self, staff: Staff) -> Mapping[str, str]:
        return {"Cookie": f"{COOKIE}={self.passes.mint(staff, self.house.time())}"}


def filled(page: str) -> dict[str, str]:
    """What a browser would send of the page's main form."""
    _, _, form = page.partition('<form method="post" id="elsewhere"')
    form = form.partition("</form>")[0]
    found: dict[str, str] = {}
    for tag in INPUT.findall(form):
        said = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if "name" in said and (said.get("type") != "checkbox" or " checked" in tag):
            found[said["name"]] = unescape(said.get("value", ""))
    for select in SELECT.finditer(form):
        chosen = re.search(r'value="([^"]*)" selected', select[0]) or re.search(r'value="([^"]*)"', select[0])
        found[select[1]] = unescape(chosen[1]) if chosen else ""
    return found | {name: unescape(text) for name, text in TEXTAREA.findall(form)}


@pytest.fixture
async def owner() -> AsyncIterator[Owner]:
    house = House()

    async def ready() -> Mapping[str, bool]:
        return {}

    team = Team(house.stores, PlainPasswords(), house.time)
    routes = console.routes(house.booking, team, Passes(SIGNING), origin=ORIGIN, now=house.time)
    app = httpkit.application("booking", routes, AsyncExitStack(), Door(Tokens(SIGNING), "o" * 32, ready, house.time))
    async with TestClient(TestServer(httpkit.mounted({"booking": app}))) as http:
        yield Owner(house, http)


async def test_a_form_that_is_sent_back_as_it_came_changes_nothing(owner: Owner) -> None:
    before = owner.practice
    parts = {"service": before.services, "person": before.practitioners, "place": before.places, "room": before.rooms}
    for name, path in (("service", "services"), ("person", "people"), ("place", "places"), ("room", "places")):
        assert parts[name]
        for one in parts[name]:
            assert await owner.change(f"/{name}/{one.id}") == (303, f"{CONSOLE}/{path}?saved=yes")
    for path in ("practice", "look"):
        assert await owner.change(f"/{path}") == (303, f"{CONSOLE}/{path}?saved=yes")

    assert owner.practice == before
    assert owner.house.practices.kept["still-water"].version == 1


async def test_a_service_is_added_with_what_it_costs_and_who_gives_it(owner: Owner) -> None:
    person = owner.practice.practitioners[0]
    status, _ = await owner.change(
        "/add-service",
        name=" Quiet  hour ",
        price="80,50",
        currency="eur",
        screening="off",
        **{f"who.{person.id}": "yes"},
    )

    assert status == 303
    made = part(owner.practice, Service, "quiet-hour")
    assert (made.name, made.price, made.screening) == ("Quiet hour", Price(minor_units=8050, currency="EUR"), None)
    assert "quiet-hour" in part(owner.practice, Practitioner, person.id).services
    stored = owner.house.practices.kept["still-water"].changed
    assert stored is not None
    assert stored.who == "user:u1"
    _, page = await owner.see("/services?saved=yes")
    assert "Quiet hour" in page
    assert 'role="status"' in page
    await owner.change("/add-service", name="Quiet hour")
    assert part(owner.practice, Service, "quiet-hour-2").name == "Quiet hour"


async def test_a_service_that_is_offered_no_more_leaves_everybody_who_gave_it(owner: Owner) -> None:
    gone = next(
        one.id for one in owner.practice.services for who in owner.practice.practitioners if one.id in who.services
    )
    _, page = await owner.see(f"/service/{gone}")
    form = filled(page)

    status, _ = await owner.send(f"/service/{gone}/remove", {"csrf": form["csrf"], "version": form["version"]})

    assert status == 303
    assert gone not in {one.id for one in owner.practice.services}
    assert not [who for who in owner.practice.practitioners if gone in who.services]
    assert (await owner.see(f"/service/{gone}"))[0] == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "  "),
        ("length_minutes", "62"),
        ("length_minutes", "an hour"),
        ("length_minutes", ""),
        ("horizon_days", "100000"),
        ("price", "a lot"),
        ("price", "1.234"),
        ("price", "-5"),
        ("price", "NaN"),
        ("screening", "cst-none-such"),
        ("age_until", "3"),
        ("course_days_until", "1"),
    ],
)
async def test_what_is_wrong_with_a_service_is_told_beside_its_field(owner: Owner, field: str, value: str) -> None:
    before = owner.practice
    typed = {"aftercare": "Rest a while", "age_from": "16", "course_days_from": "5", "age_until": ""}
    status, page = await owner.change(f"/service/{before.services[0].id}", **(typed | {field: value}))

    assert status == 422
    assert f'href="#{field}"' in page
    assert f'id="{field}-problem"' in page
    assert "wrong:" not in page
    assert "Rest a while" in page
    assert owner.practice == before


async def test_a_practice_that_was_changed_meanwhile_is_not_overwritten_unseen(owner: Owner) -> None:
    service = owner.practice.services[0]
    _, page = await owner.see(f"/service/{service.id}")
    form = filled(page) | {"name": "Mine"}
    await owner.house.booking.profiles.edit(
        "still-water", lambda now: with_part(now, replace(service, name="Theirs")), hand=ANYBODY
    )

    status, page = await owner.send(f"/service/{service.id}", form)

    assert status == 409
    assert part(owner.practice, Service, service.id).name == "Theirs"
    assert "changed meanwhile" in page
    again = filled(page)
    assert again["name"] == "Mine"
    assert (await owner.send(f"/service/{service.id}", again))[0] == 303
    assert part(owner.practice, Service, service.id).name == "Mine"


async def test_another_session_s_form_and_a_part_that_is_not_there_change_nothing(owner: Owner) -> None:
    before = owner.practice
    for csrf in ("", owner.passes.form("another")):
        status, _ = await owner.send("/add-service", {"csrf": csrf, "version": "1", "name": "Foreign"})
        assert status == 403
    csrf = owner.passes.form("s1")
    for path in ("/service/none-such", "/service/none-such/remove"):
        assert (await owner.send(path, {"csrf": csrf, "version": "1"}))[0] == 404

    assert owner.practice == before


async def test_the_practice_s_own_words_and_rules_are_changed_and_all_else_stays(owner: Owner) -> None:
    before = owner.practice
    status, _ = await owner.change(
        "/practice", name="Quiet Room", country="CH", phone="044 668 18 00", quiet_from="20:00", batch="3"
    )

    assert status == 303
    now = owner.practice
    assert (now.name, now.phone, now.waitlist.batch) == ("Quiet Room", "+41446681800", 3)
    assert f"{now.texting.quiet_from:%H:%M}" == "20:00"
    assert (now.services, now.practitioners, now.texting.steps) == (
        before.services,
        before.practitioners,
        before.texting.steps,
    )


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("/practice", "sms_name", "The Migraine Room"),
        ("/practice", "phone", "12"),
        ("/practice", "website", "example"),
        ("/practice", "zone", "Mars/Base"),
        ("/practice", "review_hours", "0"),
        ("/look", "accent", "red"),
        ("/look", "accent", "#fff000"),
        ("/look", "ground", "#222222"),
        ("/look", "dark_ground", "#ffffff"),
        ("/look", "logo", "bm90IGEgcGljdHVyZQ=="),
        ("/look", "sites", "https://good.example\njavascript:alert(1)"),
        ("/look", "font", "comic"),
        ("/add-person", "alerts_phone", "nobody"),
        ("/add-person", "directories", "no address"),
        ("/add-person", "most_in_a_row", "99"),
        ("/add-place", "address", ""),
        ("/add-place", "zone", "America"),
        ("/add-room", "place", "nowhere"),
    ],
)
async def test_what_is_wrong_is_told_beside_its_field(owner: Owner, path: str, field: str, value: str) -> None:
    before = owner.practice
    named = {} if path in {"/practice", "/look"} else {"name": "Iris"}
    status, page = await owner.change(path, **({"address": "Lake Street 4"} | named | {field: value}))

    assert status == 422
    assert f'href="#{field}"' in page
    assert f'id="{field}-problem"' in page
    assert "wrong:" not in page
    assert owner.practice == before


async def test_a_look_is_kept_and_its_logo_stays_until_it_is_to_go(owner: Owner) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><circle r="4"/></svg>'
    logo = base64.b64encode(svg).decode()
    status, _ = await owner.change("/look", accent="#2A5D4A", font="serif", logo=logo, sites="https://a.example/\n")

    assert status == 303
    look = owner.practice.branding
    assert (look.accent, look.font, look.logo) == ("#2a5d4a", "serif", logo)
    assert owner.practice.sites == ("https://a.example",)
    await owner.change("/look", font="plain")
    assert owner.practice.branding.logo == logo
    await owner.change("/look", no_logo="yes")
    assert owner.practice.branding.logo == ""


async def test_somebody_new_and_a_room_come_and_go_and_a_place_in_use_stays(owner: Owner) -> None:
    service, place = owner.practice.services[0].id, owner.practice.places[0].id
    await owner.change("/add-person", name="Iris Vale", profession="Therapist")
    iris = part(owner.practice, Practitioner, "iris-vale")
    assert service in iris.services
    assert "Has no hours yet" in (await owner.see("/people"))[1]
    await owner.change("/person/iris-vale", without=f"services.{service}", alerts_phone="+41 79 200 00 01")
    iris = part(owner.practice, Practitioner, "iris-vale")
    assert service not in iris.services
    assert iris.alerts_phone == "+41792000001"
    await owner.change("/add-room", name="Iris Vale", place=place)
    assert part(owner.practice, Room, "iris-vale-2").place == place

    async def remove(path: str) -> int:
        form = filled((await owner.see(path))[1])
        return (await owner.send(f"{path}/remove", {"csrf": form["csrf"], "version": form["version"]}))[0]

    assert await remove("/room/iris-vale-2") == 303
    assert await remove("/person/iris-vale") == 303
    assert await remove(f"/place/{place}") == 409
    assert place in {one.id for one in owner.practice.places}
    assert {one.id for one in (*owner.practice.rooms, *owner.practice.practitioners)}.isdisjoint(
        {"iris-vale", "iris-vale-2"}
    )


PAGES = (
    "/services",
    "/add-service",
    "/practice",
    "/look",
    "/people",
    "/add-person",
    "/places",
    "/add-place",
    "/add-room",
)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("locale", ["en", "es"])
async def test_every_word_of_a_page_is_told_in_the_owner_s_language(owner: Owner, path: str, locale: str) -> None:
    status, page = await owner.see(path, replace(OWNER, locale=locale))

    assert status == 200
    assert not re.search(r">[^<]*\b[a-z]+:[a-z_]+(:[a-z_]+)?[^<]*<", page)
