"""The staff's day, week and visits: what is shown to whom, and what can be done from there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.booking import console
from services.booking.actions.team import Team
from services.booking.domain.appointment import Appointment, Deed, State
from services.booking.domain.client import record_of
from services.booking.domain.team import Session
from shared import httpkit
from shared.httpkit import Door
from shared.staff import COOKIE, Passes, Role, Staff
from shared.tokens import Tokens
from tests.support.booking import HOUR, House
from tests.support.booking_team import PlainPasswords

KEY, ORIGIN = "signing-" + "k" * 32, "http://still.example"
OWNER = Staff(user="u1", name="Olga", practice="still-water", role=Role.OWNER, session="s1")


@dataclass(slots=True)
class Desk:
    house: House
    http: TestClient
    passes: Passes = field(default_factory=lambda: Passes(KEY))

    async def see(self, path: str, staff: Staff = OWNER) -> tuple[int, str]:
        shown = {"Cookie": f"{COOKIE}={self.passes.mint(staff, self.house.time())}"}
        async with self.http.get(f"/booking{path}", headers=shown, allow_redirects=False) as answer:
            return answer.status, unescape(await answer.text())

    async def do(self, path: str, staff: Staff = OWNER, **form: str) -> tuple[int, Mapping[str, str]]:
        shown = {"Cookie": f"{COOKIE}={self.passes.mint(staff, self.house.time())}"}
        sent = {"csrf": self.passes.form(staff.session), **form}
        async with self.http.post(f"/booking{path}", data=sent, headers=shown, allow_redirects=False) as answer:
            return answer.status, answer.headers

    def kept(self, visit: Appointment) -> Appointment:
        return self.house.appointments.kept[visit.id]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    house = House()

    async def ready() -> Mapping[str, bool]:
        return {}

    team = Team(house.stores, PlainPasswords(), house.time)
    routes = console.routes(house.booking, team, Passes(KEY), origin=ORIGIN, now=house.time)
    app = httpkit.application("booking", routes, AsyncExitStack(), Door(Tokens(KEY), "o" * 32, ready, house.time))
    async with TestClient(TestServer(httpkit.mounted({"booking": app}))) as http:
        yield Desk(house, http)


def day_of(visit: Appointment) -> str:
    return f"{visit.starts_at:%Y-%m-%d}"


async def test_a_day_shows_who_comes_when_in_the_readers_language(desk: Desk) -> None:
    visit = await desk.house.book()
    assert visit.client is not None

    status, english = await desk.see(f"/console/?day={day_of(visit)}")
    _, spanish = await desk.see(f"/console/?day={day_of(visit)}", replace(OWNER, locale="es"))

    assert status == 200
    for shown, state in ((english, "confirmed"), (spanish, "confirmada")):
        assert visit.client.name in shown
        assert f"/booking/console/visits/{visit.id}" in shown
        assert state in shown
    assert '<html lang="es">' in spanish
    assert "Nobody is booked." in (await desk.see("/console/?day=2031-01-01"))[1]


async def test_now_and_next_are_on_top_and_a_begun_visit_can_be_closed_with_one_press(desk: Desk) -> None:
    visit = await desk.house.book()
    desk.house.time.pass_(visit.starts_at - desk.house.time() - HOUR)
    before = (await desk.see("/console/"))[1]
    desk.house.time.pass_(HOUR + timedelta(minutes=5))
    during = (await desk.see("/console/"))[1]

    assert "<h2>Next</h2>" in before
    assert "<h2>Now</h2>" not in before
    assert f"{visit.id}/attended" not in before
    assert "<h2>Now</h2>" in during
    assert during.count(f"{visit.id}/attended") == 1

    status, headers = await desk.do(f"/console/visits/{visit.id}/attended")

    assert (status, headers["Location"]) == (303, f"/booking/console/visits/{visit.id}")
    turn = desk.kept(visit).history[-1]
    assert (desk.kept(visit).state, turn.deed, turn.who) == (State.ATTENDED, Deed.ATTENDED, "user:u1")
    assert "came" in (await desk.see("/console/"))[1]


async def test_who_did_not_come_is_noted(desk: Desk) -> None:
    visit = await desk.house.book()
    desk.house.time.pass_(visit.starts_at - desk.house.time() + HOUR)

    assert (await desk.do(f"/console/visits/{visit.id}/missed"))[0] == 303
    assert desk.kept(visit).state is State.MISSED


async def test_a_visit_tells_how_it_came_to_be_so_and_is_cancelled_after_a_question(desk: Desk) -> None:
    visit = await desk.house.book()
    assert visit.client is not None
    _, shown = await desk.see(f"/console/visits/{visit.id}")

    assert f'href="tel:{visit.client.phone}"' in shown
    assert [deed in shown for deed in ("The time was picked", "The visit was asked for", "confirmed")] == [True] * 3
    assert "Cancel this visit?" in (await desk.see(f"/console/visits/{visit.id}/cancel"))[1]
    assert (await desk.do(f"/console/visits/{visit.id}/cancel"))[0] == 303
    assert desk.kept(visit).state is State.CANCELLED
    assert "cannot be cancelled any more" in (await desk.see(f"/console/visits/{visit.id}/cancel"))[1]
    assert (await desk.do(f"/console/visits/{visit.id}/cancel"))[0] in {303, 409}


async def test_a_visit_of_another_practice_is_not_there(desk: Desk) -> None:
    visit = await desk.house.book()
    desk.house.time.pass_(visit.starts_at - desk.house.time() + HOUR)
    stranger = replace(OWNER, practice="another")
    desk.house.practices.kept["another"] = desk.house.practices.kept["still-water"]

    for path in ("", "/cancel"):
        assert (await desk.see(f"/console/visits/{visit.id}{path}", stranger))[0] == 404
    for deed in ("attended", "missed", "cancel"):
        assert (await desk.do(f"/console/visits/{visit.id}/{deed}", stranger))[0] == 404
    assert desk.kept(visit).state is State.CONFIRMED


async def test_who_gives_visits_sees_their_own_day_first_and_others_on_request(desk: Desk) -> None:
    visit = await desk.house.book()
    mine = replace(OWNER, role=Role.PRACTITIONER, practitioner=visit.offer.practitioner)
    others = replace(
        mine, practitioner=next(p.id for p in desk.house.practice.practitioners if p.id != mine.practitioner)
    )

    assert visit.id in (await desk.see(f"/console/?day={day_of(visit)}", mine))[1]
    assert visit.id not in (await desk.see(f"/console/?day={day_of(visit)}", others))[1]
    assert visit.id in (await desk.see(f"/console/?day={day_of(visit)}&who=all", others))[1]


async def test_a_week_goes_from_monday_and_what_is_asked_wrongly_is_not_asked(desk: Desk) -> None:
    visit = await desk.house.book()
    status, shown = await desk.see(f"/console/week?day={day_of(visit)}")
    days = re.findall(r'<h2 id="d([\d-]+)"', shown)

    assert status == 200
    assert len(days) == 7
    assert day_of(visit) in days
    assert visit.id in shown
    for wrong in ("?day=yesterday", "?day=0001-01-01", "?day=9999-12-31", "?who=nobody"):
        assert (await desk.see(f"/console/week{wrong}"))[0] == 200
        assert (await desk.see(f"/console/{wrong}"))[0] == 200


async def test_a_form_without_the_sessions_proof_changes_nothing(desk: Desk) -> None:
    visit = await desk.house.book()
    desk.house.time.pass_(visit.starts_at - desk.house.time() + HOUR)

    assert (await desk.do(f"/console/visits/{visit.id}/attended", csrf=""))[0] == 403
    assert (await desk.do(f"/console/visits/{visit.id}/attended", csrf=desk.passes.form("s2")))[0] == 403
    assert desk.kept(visit).state is State.CONFIRMED


async def test_without_a_pass_the_same_request_goes_by_way_of_a_new_one(desk: Desk) -> None:
    async with desk.http.post("/booking/console/team?x=1", data={"a": "b"}, allow_redirects=False) as answer:
        assert answer.status == 307
        assert answer.headers["Location"] == "/booking/console/renew?to=%2Fbooking%2Fconsole%2Fteam%3Fx%3D1"


async def test_a_client_is_found_by_name_and_number_and_shown_with_their_visits(desk: Desk) -> None:
    visit = await desk.house.book()
    client = visit.client
    assert client is not None
    filed = record_of(visit)
    assert filed is not None
    await desk.house.clients.file(filed)

    async def find(who: str, staff: Staff = OWNER) -> str:
        shown = {"Cookie": f"{COOKIE}={desk.passes.mint(staff, desk.house.time())}"}
        form = {"csrf": desk.passes.form(staff.session), "who": who}
        async with desk.http.post("/booking/console/clients", data=form, headers=shown) as answer:
            assert answer.status == 200
            return unescape(await answer.text())

    page = f"/booking/console/clients/{client.ref}"
    for who in (client.name[:3].upper(), client.phone, f" {client.phone[:6]} {client.phone[6:]}"):
        assert page in await find(who)
    for who in ("nobody", "12345", "", "+", "(" * 40):
        assert page not in await find(who)
    assert page not in await find(client.name, replace(OWNER, practice="another"))

    status, shown = await desk.see(f"/console/clients/{client.ref}")
    assert status == 200
    assert f'href="tel:{client.phone}"' in shown
    assert visit.id in shown
    assert (await desk.see(f"/console/clients/{client.ref}", replace(OWNER, practice="another")))[0] == 404
    assert (await desk.see("/console/clients/nobody"))[0] == 404


async def test_a_visit_leads_to_its_texts_and_for_who_may_know_to_how_its_health_check_stands(desk: Desk) -> None:
    visit = await desk.house.book()
    outcome = f'data-part href="/screening/console/visits/{visit.id}"'
    practitioner = replace(OWNER, role=Role.PRACTITIONER, practitioner="ana")

    for staff, sees in ((OWNER, True), (practitioner, True), (replace(OWNER, role=Role.DESK), False)):
        _, page = await desk.see(f"/console/visits/{visit.id}", staff)
        assert (outcome in page) is sees
        assert f'data-part href="/notify/console/visits/{visit.id}"' in page
        assert "/screening/console/cases/" not in page


async def test_where_one_is_signed_in_is_told_in_words_and_by_the_practices_clock(desk: Desk) -> None:
    now = desk.house.time()
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) Version/26.1 Safari/604.1"
    opened = Session(
        id="s1", user="u1", practice="still-water", agent=phone, made_at=now, seen_at=now, expires_at=now + HOUR
    )
    await desk.house.sessions.add(opened)
    local = now.astimezone(ZoneInfo(desk.house.practice.zone))

    _, page = await desk.see("/console/sessions")
    _, spanish = await desk.see("/console/sessions", replace(OWNER, locale="es"))

    assert f"{local:%H:%M}" != f"{now:%H:%M}"
    assert "<strong>Safari on iPhone</strong>" in page
    assert f"{local:%Y}, {local:%H:%M}" in page
    assert "Safari en iPhone" in spanish
    assert "UTC" not in page
