"""The waitlist in the console: who waits for what is seen, somebody is taken off, and nobody of another practice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from html import unescape

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.booking import console
from services.booking.actions.team import Team
from services.booking.actions.waitlist import Wish
from services.booking.console import line_up
from services.booking.domain.waitlist import Hours, Range, Wait, Waiting
from shared import httpkit
from shared.httpkit import Door
from shared.staff import COOKIE, Passes, Role, Staff
from shared.tokens import Tokens
from tests.support.booking import CLIENT, NOW, House, a_person
from tests.support.booking_team import PlainPasswords

SIGNING, ORIGIN, LIST = "signing-" + "k" * 32, "http://still.example", "/booking/console/waitlist"
DESK = Staff(user="u1", name="Dora", practice="still-water", role=Role.DESK, session="s1")
DAYS = Range(
    first=NOW.date() + timedelta(days=3),
    last=NOW.date() + timedelta(days=9),
    hours=(Hours(weekday=1, starts=9 * 60, ends=12 * 60),),
)


class Browser:
    def __init__(self, house: House, http: TestClient) -> None:
        self.house, self.http, self.passes = house, http, Passes(SIGNING)

    async def see(self, query: str = "", staff: Staff = DESK) -> tuple[int, str]:
        async with self.http.get(LIST + query, headers=self._shown(staff)) as answer:
            return answer.status, unescape(await answer.text())

    async def take_off(self, waiting: Waiting, staff: Staff = DESK, csrf: str | None = None) -> int:
        form = {"csrf": self.passes.form(staff.session) if csrf is None else csrf}
        path = f"{LIST}/{waiting.id}/leave"
        async with self.http.post(path, data=form, headers=self._shown(staff), allow_redirects=False) as answer:
            return answer.status

    async def wait(self, number: int = 0, *, texts: bool = True) -> Waiting:
        self.house.time.pass_(timedelta(minutes=1))
        wish = Wish(service="session", practitioner="ana", ranges=(DAYS,))
        person = a_person(phone=f"+4179123456{number}", name=f"Client {number}", texts=texts)
        return await self.house.booking.waitlist.join("still-water", wish, person, key=f"k{number}", hand=CLIENT)

    def _shown(self, staff: Staff) -> Mapping[str, str]:
        return {"Cookie": f"{COOKIE}={self.passes.mint(staff, self.house.time())}"}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    house = House()

    async def ready() -> Mapping[str, bool]:
        return {}

    team = Team(house.stores, PlainPasswords(), house.time)
    routes = console.routes(house.booking, team, Passes(SIGNING), origin=ORIGIN, now=house.time)
    app = httpkit.application("booking", routes, AsyncExitStack(), Door(Tokens(SIGNING), "o" * 32, ready, house.time))
    async with TestClient(TestServer(httpkit.mounted({"booking": app}))) as http:
        yield Browser(house, http)


async def test_who_waits_is_shown_with_what_for_and_whether_they_are_texted(browser: Browser) -> None:
    assert "Nobody waits for a time." in (await browser.see())[1]
    await browser.wait(1)
    await browser.wait(2, texts=False)

    status, page = await browser.see()

    assert status == 200
    assert page.index("Client 1") < page.index("Client 2")
    assert "Tue 09:00–12:00" in page
    assert 'href="tel:+41791234561"' in page
    assert page.count("to be called") == 1
    assert "Ana" in page


async def test_somebody_is_taken_off_and_nobody_by_a_foreign_form(browser: Browser) -> None:
    waiting = await browser.wait(1)

    assert await browser.take_off(waiting, csrf="foreign") == 403
    assert (await browser.house.booking.waitlist.get(waiting.id)).waiting.state is Wait.WAITING
    assert await browser.take_off(waiting) == 303
    assert (await browser.house.booking.waitlist.get(waiting.id)).waiting.state is Wait.LEFT
    assert "Client 1" not in (await browser.see())[1]


async def test_another_practices_line_is_not_there(browser: Browser) -> None:
    waiting = await browser.wait(1)
    stranger = Staff(user="u2", name="Eve", practice="elsewhere", role=Role.OWNER, session="s2")

    assert await browser.take_off(waiting, stranger) == 404
    assert (await browser.see(staff=stranger))[0] == 404
    assert (await browser.house.booking.waitlist.get(waiting.id)).waiting.state is Wait.WAITING


async def test_a_long_line_is_read_page_by_page(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_up, "AT_ONCE", 2)
    waiting = [await browser.wait(number) for number in range(3)]

    first = (await browser.see())[1]
    assert f"{LIST}?after={waiting[1].id}" in first
    assert "Client 2" not in first
    rest = (await browser.see(f"?after={waiting[1].id}"))[1]
    assert "Client 2" in rest
    assert "Client 1" not in rest
