"""Where the booking pages may be shown, what they wear, and that they lead nowhere else."""

from __future__ import annotations

import base64
import gzip
import re
import tomllib
from collections.abc import AsyncIterator

import pytest

from services.booking.domain.branding import Branding, logo_version, stylesheet, version
from services.booking.page import embedding
from services.booking.ports import Kept
from shared.page import FRAME, RULES
from tests.support.booking import House, a_house
from tests.unit.booking.test_pages import DETAILS, HOLD, TEN_WITH_ANA, TIMES, Browsing, Shown, browsing

DRAWING = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h9"/></svg>'
LOOK = Branding(accent="#24507a", logo=base64.b64encode(DRAWING.encode()).decode())
SITES = ("https://www.a.example", "https://b.example:8443")
BOOK = "/booking/book/still-water"


@pytest.fixture
async def browser() -> AsyncIterator[Browsing]:
    async for one in browsing(House(a_house(sites=SITES, branding=LOOK))):
        yield one


def ancestors(shown: Shown) -> str:
    (found,) = re.findall(r"frame-ancestors ([^;]*)", shown.headers["Content-Security-Policy"])
    return str(found)


async def test_the_sites_of_a_practice_may_frame_its_pages_and_nobody_elses(browser: Browsing) -> None:
    await browser.house.practices.put(Kept(a_house(id="deep-water"), 1), ())
    held = await browser.hold()
    ours = [BOOK, f"{TIMES}?service=session", held.location]
    assert {ancestors(await browser.get(address)) for address in ours} == {
        "'self' https://www.a.example https://b.example:8443"
    }
    assert ancestors(await browser.get("/booking/book/deep-water")) == "'self'"
    assert ancestors(await browser.get("/booking/book/nobody")) == "'self'"
    assert "X-Frame-Options" not in held.headers


async def test_a_page_in_a_frame_says_how_far_the_client_is_and_the_same_of_every_outcome(browser: Browsing) -> None:
    def stage(shown: Shown) -> str:
        return re.findall(r'data-stage="([a-z]*)"', shown.html)[0]

    assert stage(await browser.get(BOOK)) == "choosing"
    held = (await browser.hold()).location
    assert stage(await browser.get(held)) == "held"
    (visit,) = browser.house.appointments.kept.values()
    await browser.post(browser.address(visit, "/request"), **DETAILS)
    assert stage(await browser.get(held)) == "booked"


async def test_no_client_page_needs_a_cookie_or_leads_to_another_origin(browser: Browsing) -> None:
    evil = "https://evil.example"
    asked = [
        await browser.post(HOLD, slot=TEN_WITH_ANA, key="key", service="session", zone=evil, next=evil),
        await browser.post(
            f"{HOLD}?next={evil}&return=//evil.example", slot=TEN_WITH_ANA, key="key", service="session"
        ),
        await browser.get(f"{TIMES}?service=session&zone={evil}&from={evil}"),
        await browser.get(f"/booking//evil.example{BOOK}"),
        await browser.get(f"{BOOK}//evil.example"),
        await browser.get(f"{BOOK}/..//evil.example"),
    ]
    assert all(re.fullmatch(r"(/booking/visit/.+)?", shown.location) for shown in asked)
    assert sum(bool(shown.location) for shown in asked) == 2
    assert not any("evil.example" in shown.location for shown in asked)
    assert not any("Set-Cookie" in shown.headers for shown in asked)


async def test_the_look_is_a_stylesheet_of_its_own_kept_as_long_as_it_is_that_version(browser: Browsing) -> None:
    page = await browser.get(BOOK)
    theme = f"{BOOK}/theme.css?v={version(LOOK)}"
    assert f'<link rel="stylesheet" href="{theme}">' in page.html
    shown = await browser.get(theme)
    assert (shown.html, shown.headers["Content-Type"]) == (stylesheet(LOOK), "text/css; charset=utf-8")
    assert "immutable" in shown.headers["Cache-Control"]
    assert "immutable" not in (await browser.get(f"{BOOK}/theme.css?v=0123")).headers["Cache-Control"]


async def test_a_logo_is_a_picture_that_can_do_nothing_else(browser: Browsing) -> None:
    page = await browser.get(BOOK)
    logo = f"{BOOK}/logo?v={logo_version(LOOK)}"
    assert f'<img class="logo" src="{logo}" alt="">' in page.html
    shown = await browser.get(logo)
    assert (shown.status, shown.headers["Content-Type"]) == (200, "image/svg+xml")
    assert shown.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert shown.html == DRAWING
    assert shown.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_practice_without_a_look_of_its_own_asks_for_nothing_more() -> None:
    async for browser in browsing(House()):
        page = await browser.get(BOOK)
        assert "theme.css" not in page.html
        assert "<img" not in page.html
        assert (await browser.get(f"{BOOK}/logo")).status == 404
        assert page.headers["Content-Security-Policy"] == RULES


async def test_the_page_for_owners_shows_snippets_of_the_public_origin(browser: Browsing) -> None:
    shown = await browser.get(f"{BOOK}/embed")
    assert (
        'data-stillpoint="popover" href="https://book.example/booking/book/still-water">Book a visit</a>' in shown.text
    )
    assert '<script src="https://book.example/booking/embed.js" async></script>' in shown.text
    assert SITES[1] in shown.text
    assert "stillpoint:booked when a visit was asked for" in shown.text
    assert shown.headers["Content-Security-Policy"].endswith("; frame-src 'self'")


async def test_the_page_for_owners_is_there_in_spanish_too_without_a_gap(browser: Browsing) -> None:
    english, spanish = await browser.get(f"{BOOK}/embed"), await browser.get(f"{BOOK}/embed?lang=es")
    assert '<html lang="es">' in spanish.html
    template = (embedding.FOLDER / "templates" / "embed.html").read_text()
    keys = set(re.findall(r'_\("([^"]+)"', template)) | {"Skip to the content"}
    told = tomllib.loads((embedding.FOLDER / "embed_words" / "es.toml").read_text())
    assert keys == told.keys()
    assert "Booking on your own web site" in english.text
    assert "Las reservas en su propio sitio web" in spanish.text
    assert ">Book a visit</a>" in spanish.text  # the snippet is for those who come to the practice


async def test_the_script_for_sites_is_small_and_for_every_origin(browser: Browsing) -> None:
    shown = await browser.get("/booking/embed.js")
    assert shown.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert shown.headers["Access-Control-Allow-Origin"] == "*"
    assert len(gzip.compress(shown.html.encode())) <= 3 * 1024
    assert len(gzip.compress(FRAME.text.encode())) <= 1024
