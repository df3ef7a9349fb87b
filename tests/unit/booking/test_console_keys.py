"""The keys of the API in the console: made for the own practice, shown once, revoked, and for owners alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.booking import console
from services.booking.actions.keys import Wish
from services.booking.actions.team import Team
from services.booking.domain.appointment import By, Hand
from services.booking.domain.key import Scope, digest
from shared import httpkit
from shared.httpkit import Door
from shared.staff import COOKIE, Passes, Role, Staff
from shared.tokens import Tokens
from tests.support.booking import House
from tests.support.booking_team import PlainPasswords

SIGNING, ORIGIN, KEYS = "signing-" + "k" * 32, "http://still.example", "/booking/console/keys"
OWNER = Staff(user="u1", name="Olga", practice="still-water", role=Role.OWNER, session="s1")
SECRET = re.compile(r"sk_[a-z2-7]{16}_[A-Za-z0-9_-]{43}")


class Desk:
    def __init__(self, house: House, http: TestClient) -> None:
        self.house, self.http, self.passes = house, http, Passes(SIGNING)

    async def see(self, staff: Staff = OWNER) -> tuple[int, str]:
        async with self.http.get(KEYS, headers=self._shown(staff), allow_redirects=False) as answer:
            return answer.status, unescape(await answer.text())

    async def do(
        self, path: str = "", staff: Staff = OWNER, *, csrf: str | None = None, **form: str
    ) -> tuple[int, str]:
        named = {name.replace("__", ".").replace("_to_", ":"): value for name, value in form.items()}
        sent = {"csrf": self.passes.form(staff.session) if csrf is None else csrf, **named}
        headers = self._shown(staff)
        async with self.http.post(KEYS + path, data=sent, headers=headers, allow_redirects=False) as answer:
            return answer.status, unescape(await answer.text())

    def _shown(self, staff: Staff) -> Mapping[str, str]:
        return {"Cookie": f"{COOKIE}={self.passes.mint(staff, self.house.time())}"}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    house = House()

    async def ready() -> Mapping[str, bool]:
        return {}

    team = Team(house.stores, PlainPasswords(), house.time)
    routes = console.routes(house.booking, team, Passes(SIGNING), origin=ORIGIN, now=house.time)
    app = httpkit.application("booking", routes, AsyncExitStack(), Door(Tokens(SIGNING), "o" * 32, ready, house.time))
    async with TestClient(TestServer(httpkit.mounted({"booking": app}))) as http:
        yield Desk(house, http)


async def test_a_key_is_shown_once_and_belongs_to_the_practice_of_whoever_makes_it(desk: Desk) -> None:
    status, page = await desk.do(name=" The  calendar ", scope__visits_to_read="yes", days="90")

    assert status == 200
    shown = SECRET.search(page)
    assert shown is not None
    assert 'role="status"' in page
    (kept,) = desk.house.keys.kept.values()
    assert (kept.practice, kept.name, kept.scopes) == ("still-water", "The calendar", (Scope.VISITS_READ,))
    assert kept.digest == digest(shown[0])
    assert kept.made_by == "user:u1"
    assert kept.expires_at == desk.house.time() + timedelta(days=90)
    _, later = await desk.see()
    assert "The calendar" in later
    assert "not used yet" in later
    assert SECRET.search(later) is None


async def test_a_key_in_use_says_when_and_one_without_an_end_says_so(desk: Desk) -> None:
    _, page = await desk.do(name="Site", scope__visits_to_read="yes", scope__keys_to_write="yes", days="")
    shown = SECRET.search(page)
    assert shown is not None
    await desk.house.booking.keys.holder(shown[0], scope="visits:read", practice="still-water", subjects={})
    await desk.house.booking.keys.note_uses()

    _, page = await desk.see()
    _, spanish = await desk.see(replace(OWNER, locale="es"))

    assert "used last" in page
    assert "does not end" in page
    assert "usada por última vez" in spanish
    assert "leer las citas" in spanish


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": " ", "scope__visits_to_read": "yes"}, "name"),
        ({"name": "Mine", "days": "30"}, "scopes"),
        ({"name": "Mine", "scope__visits_to_read": "yes", "days": "9999"}, "days"),
        ({"name": "Mine", "scope__everything": "yes"}, "scopes"),
    ],
)
async def test_what_is_wrong_is_told_beside_what_was_typed(desk: Desk, form: dict[str, str], field: str) -> None:
    status, page = await desk.do(**form)

    assert status == 422
    assert f'href="#{field}"' in page
    assert 'value="Mine"' in page or field == "name"
    assert ("checked" in page) == ("scope__visits_to_read" in form)
    assert desk.house.keys.kept == {}


async def test_a_revoked_key_opens_nothing_and_stays_on_the_list_as_revoked(desk: Desk) -> None:
    _, page = await desk.do(name="Site", scope__visits_to_read="yes")
    shown = SECRET.search(page)
    assert shown is not None
    (key,) = desk.house.keys.kept

    status, _ = await desk.do(f"/{key}/revoke")

    assert status == 303
    keys = desk.house.booking.keys
    assert await keys.holder(shown[0], scope="visits:read", practice="still-water", subjects={}) is None
    _, page = await desk.see()
    assert '<span class="tag alert">revoked</span>' in page
    assert f"{key}/revoke" not in page


async def test_a_key_that_is_over_is_told_and_not_revoked(desk: Desk) -> None:
    await desk.do(name="Site", scope__visits_to_read="yes", days="30")
    desk.house.time.pass_(timedelta(days=31))

    _, page = await desk.see()

    assert '<span class="tag alert">over</span>' in page


@pytest.mark.parametrize("csrf", ["", "0" * 64])
async def test_a_form_of_nobody_makes_and_revokes_nothing(desk: Desk, csrf: str) -> None:
    await desk.do(name="Site", scope__visits_to_read="yes")
    (key,) = desk.house.keys.kept

    assert (await desk.do(csrf=csrf, name="Theirs", scope__keys_to_write="yes"))[0] == 403
    assert (await desk.do(f"/{key}/revoke", csrf=csrf))[0] == 403
    assert [one.revoked_at for one in desk.house.keys.kept.values()] == [None]


@pytest.mark.parametrize("role", [Role.PRACTITIONER, Role.DESK])
async def test_keys_are_for_owners(desk: Desk, role: Role) -> None:
    other = replace(OWNER, role=role)

    assert (await desk.see(other))[0] == 403
    assert (await desk.do(staff=other, name="Mine", scope__visits_to_read="yes"))[0] == 403
    assert desk.house.keys.kept == {}


async def test_a_key_of_another_practice_is_not_there(desk: Desk) -> None:
    other = replace(desk.house.practice, id="elsewhere")
    desk.house.practices.kept[other.id] = replace(desk.house.practices.kept["still-water"], practice=other)
    wish = Wish(name="Not theirs", scopes=(Scope.VISITS_READ,))
    key, _ = await desk.house.booking.keys.make("elsewhere", wish, hand=Hand(by=By.PRACTICE, who="operator"))

    _, page = await desk.see()
    status, _ = await desk.do(f"/{key.id}/revoke")

    assert "Not theirs" not in page
    assert status == 404
    assert desk.house.keys.kept[key.id].revoked_at is None
