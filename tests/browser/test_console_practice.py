"""The practice in the console of the running system: a service by keyboard, a look with a logo, and what was typed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, expect

from tests.browser.test_booking_pages import House
from tests.browser.test_booking_pages import house as house  # noqa: PLC0414  a fixture
from tests.browser.test_console_sign_in import a_browser, let_in, sign_in
from tests.browser.test_health_check_pages import tab_to
from tests.support.accessible import is_accessible, is_well_built
from tests.system.conftest import PRACTICE

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4"/></svg>'


@asynccontextmanager
async def at_the_desk(house: House, browser: Browser, login: str, to: str, *, script: bool) -> AsyncIterator[Page]:
    owner = await let_in(house, login)
    async with a_browser(browser, script=script) as (_, page):
        wrong: list[str] = []
        page.on("console", lambda said: wrong.append(said.text) if "Security Policy" in said.text else None)
        await sign_in(page, house, owner, to)
        yield page
        assert wrong == []


async def is_right(page: Page) -> None:
    await is_accessible(page)
    await is_well_built(page)


async def test_a_service_comes_by_keyboard_alone_and_can_be_booked(house: House, browser: Browser) -> None:
    at = "/booking/console/services"
    async with at_the_desk(house, browser, "keyboard@still.example", at, script=True) as page:
        await expect(page.get_by_role("heading", level=1, name="Services")).to_be_visible()
        await tab_to(page, page.get_by_role("link", name="Add a service"))
        await page.keyboard.press("Enter")
        await tab_to(page, page.get_by_label("Name", exact=True))
        await page.keyboard.type("Quiet hour")
        await tab_to(page, page.get_by_label("Price"))
        await page.keyboard.type("a lot")
        await tab_to(page, page.get_by_label("Ana").or_(page.get_by_role("checkbox")).first)
        await page.keyboard.press("Space")
        await tab_to(page, page.get_by_role("button", name="Save"))
        await page.keyboard.press("Enter")

        summary = page.get_by_role("alert")
        await expect(summary).to_be_focused()
        await is_right(page)
        await tab_to(page, summary.get_by_role("link", name=re.compile("price as a number")))
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Price")).to_be_focused()
        await expect(page.get_by_label("Name", exact=True)).to_have_value("Quiet hour")
        await page.keyboard.press("Control+A")
        await page.keyboard.type("95.50")
        await page.keyboard.press("Enter")

        await expect(page.get_by_role("status")).to_contain_text("Saved")
        await expect(page.get_by_role("link", name=re.compile("Quiet hour.*95.50"))).to_be_visible()
        await is_right(page)
        await page.goto(f"{house.origin}/booking/book/{PRACTICE}")
        await expect(page.get_by_role("link", name=re.compile("^Quiet hour"))).to_be_visible()


async def test_a_logo_is_read_by_the_script_and_shown_and_a_page_without_scripts_changes_all_else(
    house: House, browser: Browser
) -> None:
    at = "/booking/console/look"
    async with at_the_desk(house, browser, "look@still.example", at, script=True) as page:
        await page.get_by_label("Choose a picture").set_input_files(
            {"name": "logo.svg", "mimeType": "image/svg+xml", "buffer": SVG + b" " * 50_001}
        )
        await expect(page.get_by_role("status")).to_contain_text("larger than 50 kB")
        await page.get_by_label("Choose a picture").set_input_files(
            {"name": "logo.svg", "mimeType": "image/svg+xml", "buffer": SVG}
        )
        await expect(page.get_by_role("status")).to_contain_text("It is read")
        await page.get_by_label("Colour of buttons and links: pick one").fill("#2a5d4a")
        await expect(page.get_by_label("Colour of buttons and links", exact=True)).to_have_value("#2a5d4a")
        await is_right(page)
        await page.get_by_role("button", name="Save").click()

        logo = page.get_by_role("img", name="Your logo as it is")
        await expect(logo).to_be_visible()
        assert await logo.evaluate("one => one.naturalWidth") > 0
        await is_right(page)
    async with at_the_desk(house, browser, "plain@still.example", at, script=False) as page:
        await expect(page.get_by_text("scripts have to be allowed")).to_be_visible()
        await page.get_by_label("Colour of buttons and links", exact=True).fill("#fff000")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("alert")).to_contain_text("easy to read")
        await page.get_by_label("Colour of buttons and links", exact=True).fill("")
        await page.get_by_label("Show no logo any more").check()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Saved.")).to_be_visible()
        await expect(page.get_by_role("img")).to_have_count(0)


async def test_the_practice_people_and_places_change_on_a_phone(house: House, browser: Browser) -> None:
    at = "/booking/console/practice"
    async with at_the_desk(house, browser, "phone@still.example", at, script=False) as page:
        await is_right(page)
        await page.get_by_text("Country, language and web addresses").click()
        await page.get_by_label("Web site").fill("https://still.example")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("status")).to_contain_text("Saved")
        for path, name in (("add-person", "Iris Vale"), ("add-room", "Garden room"), ("add-place", "By the lake")):
            await page.goto(f"{house.origin}/booking/console/{path}")
            await is_right(page)
            await page.get_by_label("Name", exact=True).fill(name)
            if path == "add-place":
                await page.get_by_label("Address").fill("Lake Street 4")
            await page.get_by_role("button", name="Save").click()
            await expect(page.get_by_role("status")).to_contain_text("Saved")
            await page.get_by_role("link", name=re.compile(f"^{name}")).click()
            await expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
            await page.locator("summary", has_text=re.compile("^Take this")).click()
            await page.get_by_role("button", name="Take out now").click()
            await expect(page.get_by_role("status")).to_contain_text("Saved")
            await expect(page.get_by_role("link", name=re.compile(f"^{name}"))).to_have_count(0)
