"""The booking pages on a practice's own site, in a real browser on two origins: what it hears, and what it cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Frame, Page, expect

from tests.browser.test_booking_pages import House
from tests.browser.test_booking_pages import house as house  # noqa: PLC0414  a fixture
from tests.support.accessible import TWO_LOOKS, is_accessible, is_well_built
from tests.support.own_site import own_site
from tests.support.running import OPERATOR_KEY
from tests.support.story import Booking, Widget
from tests.support.waiting import until
from tests.system.conftest import PRACTICE

SOON = 15_000
LOOK = {"accent": "#24507a", "ground": "#eef3f7", "font": "plain"}
FRAME = "document.querySelector('iframe')"
HEIGHT = f"{FRAME}.getBoundingClientRect().height"


@dataclass(frozen=True, slots=True)
class Web:
    """Two sites with the same pages: the practice names `friend` and does not name `stranger`."""

    house: str
    friend: str
    stranger: str
    widget: Widget


@pytest.fixture(scope="module")
async def sites(house: House) -> AsyncIterator[Web]:
    async with (
        own_site(house.origin, PRACTICE) as friend,
        own_site(house.origin, PRACTICE) as stranger,
        aiohttp.ClientSession() as http,
    ):
        widget = Widget(http, dict.fromkeys(("booking", "screening"), house.origin), PRACTICE, OPERATOR_KEY)
        said = {"sites": [friend], "branding": LOOK}
        await widget.call("PATCH", f"/booking/v1/practices/{PRACTICE}", token=OPERATOR_KEY, body=said)
        yield Web(house.origin, friend, stranger, widget)


@asynccontextmanager
async def a_page(browser: Browser, *, script: bool = True, width: int = 360) -> AsyncIterator[Page]:
    async with await browser.new_context(
        viewport={"width": width, "height": 740}, java_script_enabled=script, locale="en-GB", reduced_motion="reduce"
    ) as context:
        page = await context.new_page()
        page.set_default_timeout(SOON)
        yield page
        assert await context.cookies() == []


async def inside(page: Page) -> Frame:
    """The frame that answers, as the browser lets nobody on the page around it see."""
    await expect(page.locator("iframe")).to_be_visible(timeout=SOON)
    return page.frames[1]


async def a_visit(web: Web, slot: int) -> Booking:
    free = await web.widget.times("session")
    return await web.widget.hold("session", free[slot])


async def go(page: Page, address: str) -> Frame:
    frame = page.frames[1]
    before = len(await page.evaluate("heard"))
    await frame.goto(address)
    await holds(page, f"heard.slice({before}).some(([, one]) => 'height' in one)")
    return page.frames[1]


async def holds(page: Page, what: str) -> None:
    """The site's own policy lets nothing wait inside of the page."""
    await until(lambda: page.evaluate(what))


async def _is_refused(page: Page) -> bool:
    """The browser itself shows nothing of the page in the frame."""
    return [frame.url for frame in page.frames[1:]] == ["chrome-error://chromewebdata/"]


async def heard(page: Page, what: str) -> list[Any]:
    said: list[list[Any]] = await page.evaluate("heard")
    return [one[what] for _, one in said if what in one]


async def test_an_inline_frame_follows_its_height_and_hears_how_far_the_client_is_and_never_more(
    sites: Web, browser: Browser
) -> None:
    visit = await a_visit(sites, 40)
    address = f"{sites.house}/booking/visit/{visit.id}?token={visit.token}"
    async with a_page(browser) as page:
        await page.goto(f"{sites.friend}/inline")
        frame = await inside(page)
        await expect(frame.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.get_by_role("link", name="Book a visit")).to_be_hidden()
        await holds(page, f"{HEIGHT} === {await frame.evaluate('document.documentElement.offsetHeight')}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        await go(page, address)
        await visit.request("+41791234501")
        frame = await go(page, f"{sites.house}/screening/check/{visit.id}?token={visit.token}&service=session")
        assert await page.evaluate("told") == [["held", None], ["booked", None]]

        so_far, height = await page.evaluate("heard"), await page.evaluate(HEIGHT)
        inner = await frame.evaluate("document.documentElement.scrollHeight")
        await frame.get_by_label("For a child I look after").check()
        assert await frame.evaluate("document.documentElement.scrollHeight") > inner
        await a_step_works(frame)
        await visit.answer(await sites.widget.clear_answers("session"))
        await until(lambda: visit.is_("confirmed"))
        await go(page, address)
        new = (await page.evaluate("heard"))[len(so_far) :]
        assert new == [[sites.house, {"stage": "booked"}], [sites.house, {"height": 0}]]
        assert await page.evaluate(HEIGHT) == height
        assert set(await heard(page, "stage")) == {"choosing", "held", "booked"}


async def a_step_works(frame: Frame) -> None:
    """On and back again, in a frame that has stopped to follow the height of what is in it."""
    await frame.get_by_label("For myself").check()
    for part, value in {"day": "4", "month": "5", "year": "1980"}.items():
        await frame.locator(f"[name='dob.{part}']").fill(value)
    await frame.get_by_role("button", name="Next", exact=True).click()
    heading = frame.get_by_role("heading", level=2, name="Right now")
    await expect(heading).to_be_focused()
    await expect(heading).to_be_in_viewport()
    await frame.get_by_role("button", name="Back", exact=True).click()
    await expect(frame.get_by_label("For myself")).to_be_checked()
    await expect(frame.locator("[name='dob.year']")).to_have_value("1980")


async def test_a_script_of_the_site_reads_no_answer_and_cannot_pretend(sites: Web, browser: Browser) -> None:
    async with a_page(browser) as page:
        await page.goto(f"{sites.friend}/inline")
        await inside(page)
        for reach in ("contentDocument.body", "contentWindow.document", "contentWindow.location.href"):
            look = f"() => {{ try {{ return `${{{FRAME}.{reach}}}` }} catch (error) {{ return error.name }} }}"
            assert await page.evaluate(look) in {"TypeError", "SecurityError"}, reach
        await page.evaluate("postMessage({ stillpoint: { stage: 'booked' } }, origin)")
        await holds(page, "heard.some(([from]) => from === origin)")
        assert await page.evaluate("told") == []


async def test_a_popover_takes_the_focus_gives_it_back_and_keeps_what_was_begun(sites: Web, browser: Browser) -> None:
    async with a_page(browser, width=1280) as page:
        await page.goto(f"{sites.friend}/popover?lang=es")
        link = page.get_by_role("link", name="Book a visit")
        await expect(link).to_have_attribute("aria-haspopup", "dialog")
        await link.focus()
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Book a visit")
        await expect(dialog).to_be_visible()
        frame = await inside(page)
        await until(lambda: frame.evaluate("document.activeElement.tagName === 'H1'"))
        await holds(page, "document.querySelector('div').shadowRoot.activeElement.tagName === 'IFRAME'")

        await frame.get_by_role("link", name="Session").first.click()
        await expect(frame.get_by_role("heading", level=1, name="time")).to_be_visible()
        await frame.get_by_role("heading", level=1).click()
        begun = frame.url
        await holds(page, "heard.filter(([, one]) => 'stage' in one).length === 2")
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await expect(link).to_be_focused()
        assert await page.evaluate("told") == [["closed", None]]

        await link.click()
        await expect(dialog).to_be_visible()
        assert page.frames[1].url == begun
        await dialog.get_by_role("button", name="Cerrar").click()
        await expect(link).to_be_focused()


async def test_a_site_that_the_practice_does_not_name_is_left_with_its_link(sites: Web, browser: Browser) -> None:
    async with a_page(browser) as page:
        await page.goto(f"{sites.stranger}/inline")
        await until(lambda: _is_refused(page))
        await expect(page.locator("iframe")).to_have_count(0)
        assert await page.evaluate("heard") == []
        await page.get_by_role("link", name="Book a visit").click()
        await expect(page).to_have_url(f"{sites.house}/booking/book/{PRACTICE}")

        await page.goto(f"{sites.stranger}/popover")
        await page.get_by_role("link", name="Book a visit").click()
        await expect(page).to_have_url(f"{sites.house}/booking/book/{PRACTICE}")


async def test_without_javascript_it_is_a_link(sites: Web, browser: Browser) -> None:
    async with a_page(browser, script=False) as page:
        await page.goto(f"{sites.friend}/popover")
        await page.get_by_role("link", name="Book a visit").click()
        await expect(page).to_have_url(f"{sites.house}/booking/book/{PRACTICE}")


async def test_an_owner_sees_the_snippets_the_sites_and_how_it_looks(sites: Web, browser: Browser) -> None:
    async with a_page(browser) as page:
        await page.goto(f"{sites.house}/booking/book/{PRACTICE}/embed")
        await inside(page)
        await expect(page.get_by_text(sites.friend)).to_be_visible()
        await is_well_built(page)
        await is_accessible(page, looks=TWO_LOOKS)
        for shape in ("inline", "popover"):
            snippet = await page.locator(f"#{shape}").input_value()
            assert f'data-stillpoint="{shape}" href="{sites.house}/booking/book/{PRACTICE}"' in snippet
            assert f'<script src="{sites.house}/booking/embed.js" async></script>' in snippet
        await page.get_by_role("link", name="in a window").click()
        await expect(page.get_by_role("dialog")).to_be_visible()


async def test_the_pages_of_both_services_wear_the_look_of_the_practice(sites: Web, browser: Browser) -> None:
    visit = await a_visit(sites, 60)
    await visit.request("+41791234502")
    check = f"{sites.house}/screening/check/{visit.id}?token={visit.token}&service=session"
    async with a_page(browser, script=False) as page:
        for address in (f"{sites.house}/booking/book/{PRACTICE}", check):
            await page.emulate_media(color_scheme="light")
            await page.goto(address)
            await expect(page.locator("body")).to_have_css("background-color", "rgb(238, 243, 247)")
            font = await page.locator("h1").evaluate("one => getComputedStyle(one).fontFamily")
            assert font.startswith("system-ui")
            await is_accessible(page, looks=TWO_LOOKS)
