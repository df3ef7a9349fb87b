"""Hours and time off in a real browser: by keyboard and without scripts on forms, and by tapping on the week."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.test_booking_pages import House
from tests.browser.test_booking_pages import house as house  # noqa: PLC0414  a fixture
from tests.browser.test_console_sign_in import Somebody, a_browser, let_in, sign_in
from tests.browser.test_health_check_pages import tab_to
from tests.support.accessible import is_accessible, is_well_built

HERE = "/booking/console/hours?who=ana&day="


@pytest.fixture(scope="module")
async def owner(house: House) -> Somebody:
    return await let_in(house, "hours@still.example", practitioner="ana")


@asynccontextmanager
async def at_work(house: House, owner: Somebody, browser: Browser, day: str, *, script: bool) -> AsyncIterator[Page]:
    async with a_browser(browser, script=script) as (_, page):
        await sign_in(page, house, owner, HERE + day)
        await expect(page.get_by_role("heading", level=1, name="Hours and time off")).to_be_visible()
        yield page


def a_monday() -> str:
    """Far from what other tests book."""
    day = datetime.now(UTC).date() + timedelta(days=300)
    return f"{day - timedelta(days=day.weekday())}"


async def test_time_off_is_taken_and_given_up_by_keyboard_without_scripts(
    house: House, owner: Somebody, browser: Browser
) -> None:
    day = a_monday()
    async with at_work(house, owner, browser, day, script=False) as page:
        await expect(page.locator("#grid")).to_be_hidden()
        await page.get_by_label("First day").fill(day)
        await page.get_by_label("Note").fill("A walk")
        await tab_to(page, page.get_by_role("button", name="Take this time off"))
        await page.keyboard.press("Enter")

        await expect(page.get_by_role("status")).to_contain_text("Saved")
        await expect(page.locator(f"[data-day='{day}']")).to_contain_text("off 00:00–24:00")
        await is_accessible(page)
        await is_well_built(page)
        walk = page.get_by_role("listitem").filter(has_text="A walk")
        await tab_to(page, walk.get_by_role("button", name="Work after all"))
        await page.keyboard.press("Enter")
        await expect(page.locator(f"[data-day='{day}']")).not_to_contain_text("off")


async def test_a_slip_is_read_first_and_a_date_gets_hours_of_its_own(
    house: House, owner: Somebody, browser: Browser
) -> None:
    day = a_monday()
    async with at_work(house, owner, browser, day, script=False) as page:
        await page.locator(f"[data-day='{day}']").get_by_role("link", name="Change this date").click()
        await is_accessible(page)
        await is_well_built(page)
        group = page.locator(".range").first
        await group.get_by_label("From").fill("12:00")
        await group.get_by_label("Until").fill("11:00")
        await page.get_by_role("button", name="Save this date").click()
        summary = page.get_by_role("alert")
        await expect(summary).to_be_focused()
        await summary.get_by_role("link").click()
        await expect(group.get_by_label("Until")).to_be_focused()
        await is_accessible(page)
        await group.get_by_label("Until").fill("15:30")
        await page.get_by_label("Note").press("Enter")
        card = page.locator(f"[data-day='{day}']")
        await expect(card).to_contain_text("12:00–15:30")
        await expect(card).to_contain_text("only on this date")
        await card.get_by_role("link", name="Change this date").click()
        await page.get_by_role("button", name="Let the weekly hours count again").click()
        await expect(card).not_to_contain_text("only on this date")


async def test_a_tap_on_the_week_fills_the_forms_and_sends_nothing(
    house: House, owner: Somebody, browser: Browser
) -> None:
    day = a_monday()
    async with at_work(house, owner, browser, day, script=True) as page:
        monday = page.locator("#grid .column").first
        first = monday.locator(".open").first
        await first.click()
        await expect(page.get_by_label("First day")).to_be_focused()
        await expect(page.get_by_label("First day")).to_have_value(day)
        starts, ends = [await page.locator(f"#{one}_time").input_value() for one in ("from", "until")]
        assert int(ends[:2]) - int(starts[:2]) == 1
        await expect(page.locator(f"[data-day='{day}'] .alert")).to_have_count(0)
        await first.scroll_into_view_if_needed()
        await first.hover()
        await page.mouse.down()
        await monday.locator(".open").nth(3).hover()
        await page.mouse.up()
        assert await page.locator("#until_time").input_value() > ends
        await is_accessible(page)
        await is_well_built(page)
        await monday.locator(".cell:not(.open)").last.click()
        await expect(page.get_by_role("button", name="Save this date")).to_be_visible()
        assert "starts=" in page.url
