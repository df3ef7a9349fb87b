"""A person with a browser reads a page, in their language, whatever is away; programs read problem+json as ever."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from html import escape
from typing import Any

import aiohttp
import pytest

from deploy.devstack import database
from deploy.devstack.database import Database
from shared.clock import utc_now
from shared.staff import COOKIE, Passes, Role, Staff
from shared.tokens import Tokens
from tests.support.backends import RabbitBackend, fresh_vhost
from tests.support.running import Running, running
from tests.support.waiting import until

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
CLIENTS = {"en": "One moment, please", "es": "Un momento, por favor"}
STAFF = {"en": "A part of the system is away for a moment.", "es": "Una parte del sistema no está disponible"}
PAGES = [
    ("/booking/book/still-water", "en"),
    ("/booking/visit/{id}?token={token}", "es"),
    ("/booking/console/", "es"),
    ("/screening/check/{id}?token={token}", "en"),
    ("/screening/check/{id}?token={token}", "es"),
    ("/screening/console/reviews", "en"),
    ("/notify/console/calls", "es"),
]
VISIT = "a" * 26
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
async def own_database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with database.started(tmp_path_factory.mktemp("away")) as started:
        yield started


@pytest.fixture(scope="module")
async def system(
    own_database: Database, rabbit_server: RabbitBackend, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    """All three services, whose database is gone."""
    folder = tmp_path_factory.mktemp("services")
    async with fresh_vhost(rabbit_server) as rabbit, running(folder, mongo_url=own_database.url, rabbit=rabbit) as here:
        await own_database.kill()
        yield here
        await own_database.start()


async def asked(
    system: Running,
    path: str,
    *,
    method: str = "GET",
    staff: str = "en",
    form: Mapping[str, str] | None = None,
    **headers: str,
) -> tuple[aiohttp.ClientResponse, str]:
    key, service = system.environment["STILLPOINT_SIGNING_KEY"], path.split("/")[1]
    passes = Passes(key)
    person = Staff(
        user="u1", name="Ana", practice="still-water", role=Role.OWNER, practitioner="ana", locale=staff, session="s1"
    )
    cookies = {COOKIE: passes.mint(person, utc_now())}
    data = None if form is None else {**form, "csrf": passes.form("s1")}
    async with (
        aiohttp.ClientSession(cookies=cookies, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http,
        http.request(
            method, system.origins[service] + path, headers={**BROWSER, **headers}, data=data, allow_redirects=False
        ) as answer,
    ):
        return answer, await answer.text()


def addressed(system: Running, path: str) -> str:
    tokens = Tokens(system.environment["STILLPOINT_SIGNING_KEY"])
    return path.format(id=VISIT, token=tokens.mint(VISIT, "still-water", utc_now() + timedelta(days=1)))


@pytest.mark.parametrize(("path", "language"), PAGES)
async def test_a_page_says_that_it_is_back_in_a_moment(system: Running, path: str, language: str) -> None:
    answer, html = await asked(system, addressed(system, path), staff=language, **{"Accept-Language": language})

    assert (answer.status, answer.content_type) == (503, "text/html"), html
    assert (STAFF if "/console/" in path else CLIENTS)[language] in html
    assert f'lang="{language}"' in html
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_a_form_that_is_posted_meanwhile_is_not_answered_as_done(system: Running) -> None:
    path = addressed(system, "/booking/visit/{id}/request?token={token}")
    answer, html = await asked(system, path, method="POST", form={"name": "Kim", "phone": "+41791234567"})

    assert (answer.status, answer.content_type) == (503, "text/html")
    assert 'action="' + escape(path) in html
    assert '<input type="hidden" name="phone" value="+41791234567">' in html
    assert "Send it again" in html


async def test_programs_are_told_as_ever(system: Running) -> None:
    answer, body = await asked(system, "/booking/v1/practices/still-water", Accept="application/json")
    assert (answer.status, answer.content_type) == (503, "application/problem+json")
    for_browsers_too, _ = await asked(system, "/booking/v1/practices/still-water")
    assert for_browsers_too.content_type == "application/problem+json"
    assert '"code":"unavailable"' in body


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/booking/nowhere", 404, ("There is nothing here", "Aquí no hay nada")),
        ("GET", "/notify/nowhere/at/all", 404, ("There is nothing here", "Aquí no hay nada")),
        ("PUT", "/booking/book/still-water", 405, ("That did not work", "Eso no ha funcionado")),
        ("POST", "/screening/console/reviews", 405, ("That did not work", "Eso no ha funcionado")),
    ],
)
async def test_where_there_is_no_page_a_person_reads_so_in_both_languages(
    system: Running, method: str, path: str, status: int, told: tuple[str, str]
) -> None:
    answer, html = await asked(system, path, method=method)

    assert (answer.status, answer.content_type) == (status, "text/html")
    assert all(words in html for words in told)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert ("Allow" in answer.headers) == (status == 405)
    as_before, _ = await asked(system, path, method=method, Accept="*/*")
    assert as_before.content_type == "application/problem+json"


async def test_pages_are_there_again_with_the_database(system: Running, own_database: Database) -> None:
    await own_database.start()

    async def back() -> Any:
        answer, _ = await asked(system, "/booking/book/nobody")
        return answer.status == 404

    await until(back, within=40)
    await own_database.kill()
