"""The staff's day as a stream: what is told of it, to whom, and when it ends."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html import unescape

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from services.booking import console
from services.booking.actions.team import Team
from services.booking.console import live
from services.booking.domain.appointment import By, Hand
from services.booking.domain.team import Session
from shared import httpkit
from shared.httpkit import Door
from shared.staff import COOKIE, GOOD_FOR, Passes, Role, Staff
from shared.tokens import Tokens
from tests.support.booking import HOUR, House
from tests.support.booking_team import PlainPasswords

KEY, ORIGIN = "signing-" + "k" * 32, "http://still.example"
OWNER = Staff(user="u1", name="Olga", practice="still-water", role=Role.OWNER, session="s1")
MINUTE = timedelta(minutes=1)
SOON = 5
HAND = Hand(by=By.PRACTICE, who="user:u1")


@dataclass(slots=True)
class Wall:
    """A page that hangs on the wall, and what it hears."""

    house: House
    http: TestClient
    team: Team
    closing: asyncio.Event
    passes: Passes = field(default_factory=lambda: Passes(KEY))

    def shown(self, staff: Staff = OWNER) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.passes.mint(staff, self.house.time())}"}

    async def page(self, path: str = "/", staff: Staff = OWNER) -> str:
        async with self.http.get(f"/booking/console{path}", headers=self.shown(staff)) as answer:
            assert answer.status == 200
            return unescape(await answer.text())

    async def follow(self, address: str, staff: Staff = OWNER, **headers: str) -> ClientResponse:
        return await self.http.get(address, headers={**self.shown(staff), **headers}, allow_redirects=False)

    async def follow_page(self, path: str = "/", staff: Staff = OWNER) -> ClientResponse:
        return await self.follow(await self.events(path, staff), staff)

    async def events(self, path: str, staff: Staff = OWNER) -> str:
        found = re.search(r'data-events="([^"]+)"', await self.page(path, staff))
        assert found is not None
        return found[1]

    async def open_session(self, session: str) -> None:
        now = self.house.time()
        made = Session(
            id=session, user="u1", practice="still-water", agent="", made_at=now, seen_at=now, expires_at=now + HOUR
        )
        await self.house.sessions.add(made)


@pytest.fixture
async def wall(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wall]:
    monkeypatch.setattr(live, "LOOK_EVERY", timedelta(milliseconds=10))
    house = House()

    async def ready() -> Mapping[str, bool]:
        return {}

    team, closing = Team(house.stores, PlainPasswords(), house.time), asyncio.Event()
    routes = console.routes(house.booking, team, Passes(KEY), origin=ORIGIN, now=house.time, closing=closing)
    app = httpkit.application("booking", routes, AsyncExitStack(), Door(Tokens(KEY), "o" * 32, ready, house.time))
    async with TestClient(TestServer(httpkit.mounted({"booking": app}))) as http:
        made = Wall(house, http, team, closing)
        await made.open_session("s1")
        yield made


async def heard(answer: ClientResponse, word: bytes) -> bytes:
    """The first line that holds the word; fails where the stream is silent or over."""
    async with asyncio.timeout(SOON):
        while word not in (line := await answer.content.readline()):
            assert line, "the stream has ended"
    return line


async def rest(answer: ClientResponse) -> bytes:
    async with asyncio.timeout(SOON):
        return await answer.read()


async def test_a_page_hears_that_its_day_has_changed_and_another_days_page_hears_nothing(wall: Wall) -> None:
    visit = await wall.house.book()
    pages = [f"/?day={visit.starts_at:%Y-%m-%d}", f"/week?day={visit.starts_at:%Y-%m-%d}"]
    streams = [await wall.follow_page(page) for page in pages]
    other = await wall.follow_page("/?day=2031-01-01")
    for stream in (*streams, other):
        assert (stream.status, stream.headers["Content-Type"], stream.headers["Cache-Control"]) == (
            200,
            "text/event-stream",
            "no-store",
        )
        await heard(stream, b"still here")
    await wall.house.booking.visits.cancel(visit.id, hand=HAND)

    for page, stream in zip(pages, streams, strict=True):
        told = await heard(stream, b"data: ")
        assert re.fullmatch(rb"data: [0-9a-f]{16}\n", told)
        assert f"seen={told[6:-1].decode()}" in await wall.page(page)
    wall.closing.set()
    assert b"changed" not in await rest(other)


async def test_what_changed_while_nobody_listened_is_told_to_who_comes_back(wall: Wall) -> None:
    visit = await wall.house.book()
    address = await wall.events(f"/?day={visit.starts_at:%Y-%m-%d}")
    await wall.house.booking.visits.cancel(visit.id, hand=HAND)

    told = (await heard(await wall.follow(address), b"data: "))[6:-1].decode()
    again = await wall.follow(address, **{"Last-Event-ID": told})

    wall.closing.set()
    all_of_it = await rest(again)
    assert (b"still here" in all_of_it, b"changed" in all_of_it) == (True, False)


async def test_that_a_visit_begins_is_a_change_though_nobody_touched_it(wall: Wall) -> None:
    visit = await wall.house.book()
    wall.house.time.pass_(visit.starts_at - wall.house.time() - MINUTE)
    await wall.open_session("s1")
    stream = await wall.follow_page()
    await heard(stream, b"still here")
    wall.house.time.pass_(MINUTE)

    await heard(stream, b"event: changed")


async def test_a_stream_ends_before_its_pass_does_and_with_its_session_and_with_the_service(wall: Wall) -> None:
    assert live.LONGEST < GOOD_FOR
    aged = await wall.follow_page()
    await heard(aged, b"still here")
    wall.house.time.pass_(live.LONGEST)
    await rest(aged)

    ended = await wall.follow_page()
    await heard(ended, b"still here")
    await wall.team.sign_out("u1", "s1")
    await rest(ended)
    assert (await wall.follow(await wall.events("/"))).status == 204

    await wall.open_session("s1")
    closed = await wall.follow_page()
    await heard(closed, b"still here")
    wall.closing.set()
    await rest(closed)


async def test_a_page_tells_a_browser_without_scripts_how_to_load_it_anew(wall: Wall) -> None:
    page = await wall.page("/week?who=all&day=2031-01-01")

    assert '<a class="away" href="/booking/console/week?who=all&day=2031-01-01">Load this page anew</a>' in page
    async with wall.http.get(re.findall(r'<script src="([^"]+)"', page)[0]) as script:
        assert (script.status, script.headers["Content-Type"].split(";")[0]) == (200, "text/javascript")


async def test_nothing_of_another_practice_is_followed_and_nothing_without_a_pass(wall: Wall) -> None:
    visit = await wall.house.book()
    ours = wall.house.practices.kept["still-water"]
    wall.house.practices.kept["another"] = replace(ours, practice=replace(ours.practice, id="another"))
    stranger = replace(OWNER, practice="another")
    stream = await wall.follow_page(f"/?day={visit.starts_at:%Y-%m-%d}", stranger)
    await heard(stream, b"still here")
    await wall.house.booking.visits.cancel(visit.id, hand=HAND)

    async with wall.http.get("/booking/console/events?day=2031-01-01", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"].partition("?")[0]) == (307, "/booking/console/renew")
    wall.closing.set()
    assert b"changed" not in await rest(stream)
