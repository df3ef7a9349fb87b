"""A practice from a few facts, and the page that asks for them: what is derived, refused, counted and kept."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from html import unescape

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from services.booking import console
from services.booking.actions.beginning import Beginning
from services.booking.actions.limits import Allowed, Limits
from services.booking.actions.team import Newcomer, Team
from services.booking.console.begin_form import CLOCK, PAUSES, read, usual
from services.booking.domain.practice_check import check
from services.booking.domain.starter import EMERGENCY, STARTERS, Facts, begun, neutral, slug
from services.booking.domain.team import Role
from shared import httpkit
from shared.httpkit import Door
from shared.staff import COOKIE, Passes, Staff
from shared.staff import Role as SeenAs
from shared.tokens import Tokens
from tests.support.booking import House
from tests.support.booking_team import PlainPasswords

SIGNING, ORIGIN, BEGIN = "signing-" + "k" * 32, "http://still.example", "/booking/console/begin"
OPERATOR = "operator-" + "o" * 32
FACTS = Facts(
    id="quiet-hands",
    name="Quiet Hands",
    country="CH",
    zone="Europe/Zurich",
    language="en",
    phone="+41446681800",
    emergency_number="112",
    address="Lake Street 4, Zurich",
    person="Ina Moser",
    services=("first-visit", "session", "call"),
    weekdays=(0, 1, 2, 3, 4),
    starts=9 * 60,
    ends=17 * 60,
    pause=(12 * 60, 13 * 60),
)
FILLED = {
    "name": "Quiet Hands",
    "place": "Lake Street 4, Zurich",
    "country": "CH",
    "zone": "Europe/Zurich",
    "locale": "en",
    "phone": "044 668 18 00",
    "emergency": "",
    "id": "",
    "service.first-visit": "yes",
    "service.session": "yes",
    "service.call": "yes",
    **{f"day.{weekday}": "yes" for weekday in range(5)},
    "from": "09:00",
    "until": "17:00",
    "pause": "12:00-13:00",
    "own_name": "Ina Moser",
    "login": "Ina@Quiet.example",
    "password": "twelve small stones",
    "key": OPERATOR,
}


@given(
    st.text(max_size=60),
    st.text(max_size=60),
    st.sampled_from(sorted(EMERGENCY)),
    st.sampled_from(["en", "es"]),
    st.sets(st.sampled_from([one.id for one in STARTERS]), min_size=1),
    st.sets(st.integers(0, 6), min_size=1),
    st.sampled_from(CLOCK),
    st.sampled_from(PAUSES),
)
def test_whatever_the_page_takes_is_a_practice_that_keeps_the_rules(
    name: str, person: str, country: str, language: str, services: set[str], days: set[int], until: str, pause: str
) -> None:
    form = {
        **{field: value for field, value in FILLED.items() if not field.startswith(("service.", "day."))},
        **{f"service.{one}": "yes" for one in services},
        **{f"day.{one}": "yes" for one in days},
        **{"name": name, "own_name": person, "country": country, "locale": language},
        **{"until": until, "pause": pause, "phone": "+41446681800"},
    }
    wanted, wrong = read(form, lang="en")

    assert (wanted is None) == bool(wrong)
    assert set(wrong) <= {"name", "own_name", "until", "id"}
    if wanted is not None and wanted.practice is not None:
        check(wanted.practice)
        assert wanted.practice.practitioners[0].hours


def test_what_was_told_is_open_as_told_and_what_was_not_is_as_always() -> None:
    practice = begun(FACTS)

    assert [one.length_minutes for one in practice.services] == [75, 60, 15]
    assert [one.screening for one in practice.services] == ["cst-intake", "cst-core", None]
    assert practice.locale == "en-CH"
    (ina,) = practice.practitioners
    assert (ina.id, ina.services) == ("ina-moser", FACTS.services)
    assert {(one.weekday, one.starts, one.ends) for one in ina.hours} == {
        (day, *span) for day in range(5) for span in ((540, 720), (780, 1020))
    }
    assert {one.zone for one in practice.places} == {"Europe/Zurich"}


@pytest.mark.parametrize(
    ("starts", "ends", "pause", "spans"),
    [
        (540, 1020, None, [(540, 1020)]),
        (750, 1020, (720, 780), [(780, 1020)]),
        (540, 750, (720, 780), [(540, 720)]),
        (540, 660, (720, 780), [(540, 660)]),
        (840, 1020, (720, 780), [(840, 1020)]),
    ],
)
def test_a_break_takes_away_what_of_it_lies_in_the_hours(
    starts: int, ends: int, pause: tuple[int, int] | None, spans: list[tuple[int, int]]
) -> None:
    practice = begun(replace(FACTS, weekdays=(2,), starts=starts, ends=ends, pause=pause))

    assert [(one.starts, one.ends) for one in practice.practitioners[0].hours] == spans


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (("Quiet Hands",), "Quiet Hands"),
        (("Therapy Quiet Hands",), "Quiet Hands"),
        (("Praxis für Craniosacral & Massage",), "Praxis"),
        (("Studio Am See",), "Studio Am See"),
        (("Quiet Hands Craniosacral Therapy",), "Quiet Hands"),
        (("Estudio Río Quieto y Alma",), "Estudio Rio Quieto"),
        (("Craniosacral Therapy", "Ina Moser"), "Ina Moser"),
        (("Тихая вода", "川"), "Your appointment"),
    ],
)
def test_texts_open_with_a_name_that_tells_nothing_of_health(names: tuple[str, ...], short: str) -> None:
    assert neutral(*names) == short


def test_an_address_is_made_of_a_name() -> None:
    assert slug("  Still & Quiet: Río  ") == "still-quiet-rio"
    assert slug("水") == ""
    assert len(slug("ab " * 40)) <= 40


@pytest.mark.parametrize(
    ("country", "phone", "zone", "emergency"),
    [("CH", "044 668 18 00", "Europe/Zurich", "112"), ("GB", "020 7946 0000", "Europe/London", "999")],
)
def test_where_the_country_says_it_all_nothing_more_is_asked(
    country: str, phone: str, zone: str, emergency: str
) -> None:
    """Even where the browser named another country, of which nothing may be left over."""
    guessed = usual("en", "US")
    wanted, _ = read({**FILLED, **guessed, "country": country, "phone": phone, "zone": ""}, lang="en")

    assert wanted is not None
    assert wanted.practice is not None
    assert (wanted.practice.zone, wanted.practice.emergency_number) == (zone, emergency)
    assert read({**FILLED, "country": "US", "phone": "212 555 0100", "zone": ""}, lang="en") == (None, ("zone",))


@dataclass(slots=True)
class Doorstep:
    """Of the house, for whoever stands before it without being signed in."""

    house: House
    http: TestClient
    team: Team
    passes: Passes = field(default_factory=lambda: Passes(SIGNING))

    async def see(self, **headers: str) -> str:
        async with self.http.get(BEGIN, headers=headers) as answer:
            assert answer.status == 200
            return unescape(await answer.text())

    async def send(self, *, origin: str = ORIGIN, **form: str) -> tuple[int, str, Mapping[str, str]]:
        headers, sent = {"Origin": origin}, {**FILLED, **form}
        async with self.http.post(BEGIN, data=sent, headers=headers, allow_redirects=False) as answer:
            return answer.status, unescape(await answer.text()), answer.headers

    @property
    def practices(self) -> set[str]:
        return set(self.house.practices.kept)

    @property
    def logins(self) -> set[str]:
        return {user.login for user in self.house.users.kept.values()}


@pytest.fixture
async def door() -> AsyncIterator[Doorstep]:
    house = House()

    async def ready() -> Mapping[str, bool]:
        return {}

    team = Team(house.stores, PlainPasswords(), house.time)
    beginning = Beginning(house.booking.profiles, team, Limits(Allowed()), OPERATOR)
    routes = console.beginning_routes(
        beginning, house.booking, Passes(SIGNING), origin=ORIGIN, now=house.time, phone_page="http://phone.example/"
    )
    app = httpkit.application("booking", routes, AsyncExitStack(), Door(Tokens(SIGNING), OPERATOR, ready, house.time))
    async with TestClient(TestServer(httpkit.mounted({"booking": app}))) as http:
        yield Doorstep(house, http, team)


async def test_one_page_of_at_most_25_fields_makes_a_practice_an_owner_and_a_session(door: Doorstep) -> None:
    page = await door.see()
    fields = set(re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]+)"', page))
    assert len(fields) == 25

    status, _, headers = await door.send()

    assert status == 303
    assert headers["Location"] == "/booking/console/renew?to=%2Fbooking%2Fconsole%2Fbegun"
    practice = door.house.practices.kept["quiet-hands"].practice
    assert practice == begun(FACTS)
    (ina,) = door.house.users.kept.values()
    assert (ina.login, ina.role, ina.practice, ina.practitioner) == (
        "ina@quiet.example", Role.OWNER, "quiet-hands", "ina-moser"
    )  # fmt: skip
    shown = re.fullmatch(r"__Host-staff-session=([^;]+);.*HttpOnly.*", headers["Set-Cookie"])
    assert shown is not None
    staff = await door.team.staff(shown[1])
    assert staff is not None
    assert staff.practice == "quiet-hands"
    (entry,) = [one for one in door.house.audit.kept.values() if one.practice == "quiet-hands"]
    assert (entry.deed, entry.who) == ("begun", "operator")


async def test_what_is_there_at_the_end_says_where_to_book_and_what_to_copy(door: Doorstep) -> None:
    await door.send()
    (ina,) = door.house.users.kept.values()
    staff = Staff(user=ina.id, name=ina.name, practice=ina.practice, role=SeenAs.OWNER, session="s1")
    shown = {"Cookie": f"{COOKIE}={door.passes.mint(staff, door.house.time())}"}
    async with door.http.get("/booking/console/begun", headers=shown) as answer:
        page = unescape(await answer.text())

    assert f"{ORIGIN}/booking/book/quiet-hands" in page
    assert f'<script src="{ORIGIN}/booking/embed.js" async></script>' in page
    assert "http://phone.example/" in page
    assert "/booking/console/team" in page


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ({"name": " "}, "name"),
        ({"country": "XX"}, "country"),
        ({"zone": "Etc/UTC"}, "zone"),
        ({"locale": "de"}, "locale"),
        ({"phone": "12"}, "phone"),
        ({"emergency": "help"}, "emergency"),
        ({"country": "AQ"}, "country"),
        ({"country": "KE", "phone": "+254202000000"}, "emergency"),
        ({"id": "No Spaces"}, "id"),
        ({"id": "x"}, "id"),
        ({"place": ""}, "place"),
        ({"own_name": ""}, "own_name"),
        ({"login": "ina"}, "login"),
        ({"password": "short"}, "password"),
        ({"from": "noon"}, "from"),
        ({"until": "08:00"}, "until"),
        ({"pause": "03:00-04:00"}, "pause"),
        ({"key": " "}, "key"),
    ],
)
async def test_what_is_wrong_is_told_and_what_was_typed_is_kept(
    door: Doorstep, form: dict[str, str], wrong: str
) -> None:
    status, page, _ = await door.send(**form)

    assert status == 422
    assert re.findall(r'href="#(\w+)">', page)[1:] == [wrong]  # after the way to the content
    assert 'value="Lake Street 4, Zurich"' in page or wrong == "place"
    assert 'value="yes" checked' in page
    assert (door.practices, door.logins) == ({"still-water"}, set())


@pytest.mark.parametrize("without", ["day", "service"])
async def test_neither_no_day_nor_no_service_makes_a_practice(door: Doorstep, without: str) -> None:
    sent = {name: value for name, value in FILLED.items() if not name.startswith(f"{without}.")}
    async with door.http.post(BEGIN, data=sent) as answer:
        assert answer.status == 422
    assert door.practices == {"still-water"}


async def test_a_wrong_key_begins_nothing_and_no_answer_shows_a_key_or_a_password(door: Doorstep) -> None:
    status, page, _ = await door.send(key="operator-" + "x" * 32)

    assert status == 401
    assert 'href="#key"' in page
    for secret in ("operator-", FILLED["password"]):
        assert secret not in page
    assert (door.practices, door.logins) == ({"still-water"}, set())


async def test_guesses_are_counted_before_they_are_looked_at_and_slips_are_not(door: Doorstep) -> None:
    for _ in range(8):
        assert (await door.send(name=""))[0] == 422
    for _ in range(5):
        assert (await door.send(key="a-guess"))[0] == 401

    status, page, headers = await door.send()

    assert status == 429
    assert 0 < int(headers["Retry-After"]) <= 3600
    assert "minutes and try again" in page
    assert door.practices == {"still-water"}


async def test_another_site_begins_nothing(door: Doorstep) -> None:
    status, _, _ = await door.send(origin="https://elsewhere.example")

    assert status == 403
    assert door.practices == {"still-water"}


async def test_a_practice_that_is_there_is_neither_changed_nor_handed_over(door: Doorstep) -> None:
    was = door.house.practices.kept["still-water"]

    status, page, _ = await door.send(id="still-water")

    assert status == 409
    assert 'href="#id"' in page
    assert door.house.practices.kept["still-water"] == was
    assert door.logins == set()


async def test_the_same_form_sent_twice_begins_one_practice_with_one_owner(door: Doorstep) -> None:
    assert (await door.send())[0] == 303
    assert (await door.send())[0] == 303

    assert len(door.house.users.kept) == 1
    assert door.house.practices.kept["quiet-hands"].version == 1


async def test_a_login_that_is_taken_keeps_the_practice_and_asks_for_the_owner_alone(door: Doorstep) -> None:
    taken = Newcomer(name="Olga", login="ina@quiet.example", role=Role.OWNER)
    await door.team.add("still-water", taken, "another password")

    status, page, _ = await door.send()

    assert status == 409
    assert 'href="#login"' in page
    assert 'name="practice" value="quiet-hands"' in page
    assert 'name="country"' not in page
    again = {"practice": "quiet-hands", "own_name": "Ina", "login": "ina@other.example"}
    sent = {**again, "password": FILLED["password"], "key": OPERATOR}
    async with door.http.post(BEGIN, data=sent, allow_redirects=False) as answer:
        assert answer.status == 303
    (ina,) = (user for user in door.house.users.kept.values() if user.login == "ina@other.example")
    assert (ina.practice, ina.role, ina.practitioner) == ("quiet-hands", Role.OWNER, "ina-moser")


async def test_an_owner_alone_is_let_in_nowhere_else(door: Doorstep) -> None:
    await door.team.add(
        "still-water", Newcomer(name="Olga", login="olga@x.example", role=Role.OWNER), "long enough it is"
    )
    sent = {name: FILLED[name] for name in ("own_name", "login", "password", "key")}
    for practice, status in (("still-water", 409), ("nobody", 404)):
        async with door.http.post(BEGIN, data={**sent, "practice": practice}, allow_redirects=False) as answer:
            assert answer.status == status
    assert door.logins == {"olga@x.example"}


async def test_the_page_speaks_the_language_of_the_browser_and_guesses_the_country(door: Doorstep) -> None:
    page = await door.see(**{"Accept-Language": "es-MX,es;q=0.9,en;q=0.8"})

    assert "Empiece con su centro" in page
    assert '<option value="MX" data-emergency="911" selected>México</option>' in page
    assert '<option value="es" lang="es" selected>' in page
