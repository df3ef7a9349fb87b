"""A visit is moved by the staff in a real browser: by keyboard, on a phone and without scripts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import aiohttp
from playwright.async_api import Browser, expect

from tests.browser.test_booking_pages import House
from tests.browser.test_booking_pages import browser as browser  # noqa: PLC0414  a fixture
from tests.browser.test_booking_pages import house as house  # noqa: PLC0414  a fixture
from tests.browser.test_console_sign_in import a_browser, let_in, sign_in
from tests.browser.test_health_check_pages import tab_to
from tests.support.accessible import TWO_LOOKS, is_accessible, is_well_built
from tests.support.running import OPERATOR_KEY
from tests.support.story import Widget
from tests.system.conftest import PRACTICE


async def test_a_visit_is_moved_by_keyboard_on_a_phone_without_scripts(house: House, browser: Browser) -> None:
    origins = dict.fromkeys(("booking", "screening", "notify"), house.origin)
    first = datetime.now(UTC).date() + timedelta(days=2)
    async with aiohttp.ClientSession() as http:
        widget = Widget(http, origins, PRACTICE, OPERATOR_KEY)
        slot = (await widget.times("session", practitioner="ana", **{"from": first.isoformat(), "days": "14"}))[0]
        booked = await widget.hold("session", slot)
        await booked.request("+41792000123")
    owner = await let_in(house, "moving@still.example", practitioner="ana")
    async with a_browser(browser) as (_, page):
        await sign_in(page, house, owner, f"/booking/console/visits/{booked.id}")
        before = await page.locator(".big").first.inner_text()
        await tab_to(page, page.get_by_role("link", name="Another time"))
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Another time for")
        await is_accessible(page, looks=TWO_LOOKS)
        await is_well_built(page)
        await page.get_by_role("link", name="Anybody").click()
        await page.get_by_role("link", name="Week after").click()
        await expect(page.get_by_role("link", name="Anybody")).to_have_attribute("aria-current", "true")
        times = page.locator("button[name=slot]")
        await times.first.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("The visit was moved")).to_be_visible()
        assert await page.locator(".big").first.inner_text() != before
