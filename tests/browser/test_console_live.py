"""The staff's running day in a real browser: it stays as it is, a visit shows all its parts, and texts are seen to."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.test_booking_pages import House
from tests.browser.test_booking_pages import house as house  # noqa: PLC0414  a fixture
from tests.browser.test_console_sign_in import Somebody, a_browser, let_in, sign_in
from tests.browser.test_health_check_pages import tab_to
from tests.support import screening as twin
from tests.support.accessible import is_accessible, is_well_built
from tests.support.running import OPERATOR_KEY
from tests.support.story import Booking, Widget
from tests.support.waiting import until
from tests.system.conftest import PRACTICE

SETTLED_WITHIN = 20
LOST = "+41792000301"


@dataclass(slots=True)
class Practice:
    """The running system, an owner who gives visits, and clients who book."""

    house: House
    widget: Widget
    owner: Somebody
    booked: int = 0

    async def visit(self, answers: dict[str, object], state: str, *, phone: str = "") -> tuple[Booking, str]:
        """Of a client of its own, and its day."""
        first = datetime.now(UTC).date() + timedelta(days=3)
        slots = await self.widget.times("session", practitioner="ana", **{"from": f"{first}", "days": "21"})
        days = {slot["starts_at"][:10]: slot for slot in slots}
        slot = list(days.values())[self.booked]
        self.booked += 1
        booking = await self.widget.hold("session", slot)
        await booking.request(phone or f"+4179200040{self.booked}", zone="Europe/Zurich")
        await booking.answer({"questionnaire": twin.FORM, "answers": answers})
        await until(lambda: booking.is_(state), within=SETTLED_WITHIN)
        return booking, slot["starts_at"][:10]


@pytest.fixture(scope="module")
async def practice(house: House) -> AsyncIterator[Practice]:
    async with aiohttp.ClientSession() as http:
        widget = Widget(http, dict.fromkeys(("booking", "screening", "notify"), house.origin), PRACTICE, OPERATOR_KEY)
        owner = await let_in(house, "live@still.example", practitioner="ana")
        yield Practice(house, widget, owner)


@asynccontextmanager
async def at_work(practice: Practice, browser: Browser, to: str, *, script: bool = True) -> AsyncIterator[Page]:
    async with a_browser(browser, script=script) as (_, page):
        await sign_in(page, practice.house, practice.owner, to)
        yield page


async def test_a_day_that_changes_is_taken_in_by_itself_but_never_from_under_a_hand(
    practice: Practice, browser: Browser
) -> None:
    booking, day = await practice.visit(twin.CLEAR, "confirmed")
    async with at_work(practice, browser, f"/booking/console/?who=all&day={day}") as page:
        card = page.locator(f"a[href$='{booking.id}']")
        await expect(card).to_contain_text("confirmed")
        told = page.get_by_role("status")
        await expect(told).to_be_empty()
        await page.locator("main summary").click()

        await booking.cancel()
        await expect(told).to_contain_text("as soon as you are done here")
        await expect(card).to_contain_text("confirmed")
        await page.locator("main summary").click()

        await expect(told).to_contain_text("This page shows it now")
        await expect(page.get_by_text("Nobody is booked.").or_(page.get_by_text("cancelled"))).to_be_visible()
        await expect(page.get_by_role("heading", level=1)).to_have_count(1)
        await is_accessible(page)
        await is_well_built(page)


async def test_the_week_is_live_too_and_keeps_the_focus_where_it_was(practice: Practice, browser: Browser) -> None:
    booking, day = await practice.visit(twin.CLEAR, "confirmed")
    async with at_work(practice, browser, f"/booking/console/week?who=all&day={day}") as page:
        await expect(page.locator(f"a[href$='{booking.id}']")).to_contain_text("confirmed")
        after = page.get_by_role("link", name="Week after")
        await tab_to(page, after)

        await booking.cancel()

        await expect(page.get_by_role("status")).to_contain_text("This page shows it now")
        await expect(after).to_be_focused()


async def test_whoever_was_signed_out_elsewhere_is_asked_who_they_are(practice: Practice, browser: Browser) -> None:
    async with at_work(practice, browser, "/booking/console/") as lost:
        await expect(lost.get_by_role("link", name="Load this page anew")).to_be_visible()
        async with at_work(practice, browser, "/booking/console/sessions") as mine:
            await mine.get_by_role("button", name="Sign out everywhere else").click()
            await expect(mine.locator(".rows > li")).to_have_count(1)
            await expect(mine.locator(".rows > li")).to_contain_text("Chrome on Linux")

            await expect(lost.get_by_role("heading", level=1, name="Sign in")).to_be_visible()


async def test_without_scripts_the_day_is_loaded_anew_by_a_link(practice: Practice, browser: Browser) -> None:
    booking, day = await practice.visit(twin.CLEAR, "confirmed")
    async with at_work(practice, browser, f"/booking/console/?who=all&day={day}", script=False) as page:
        await booking.cancel()
        await page.get_by_role("link", name="Load this page anew").click()
        await expect(page.locator(f"a[href$='{booking.id}']").get_by_text("confirmed")).to_have_count(0)
        assert page.url.endswith(f"day={day}")


async def test_a_visit_shows_its_texts_and_how_its_check_stands_and_opens_no_answer(
    practice: Practice, browser: Browser
) -> None:
    booking, _ = await practice.visit(twin.REVIEWED, "in_review")
    async with at_work(practice, browser, f"/booking/console/visits/{booking.id}") as page:
        parts = page.locator("main [data-shown]")
        await expect(parts).to_have_count(2)
        await expect(parts.first).to_contain_text("decide by")
        await expect(parts.last).to_contain_text("Please call us")
        await is_accessible(page)
        await is_well_built(page)
        seen = await practice.widget.call("GET", f"/screening/v1/appointments/{booking.id}/access", token=booking.token)
        assert seen["opened"] == []
        await tab_to(page, page.get_by_role("link", name="Read the answers"))
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("What the rules found")).to_be_visible()
    async with at_work(practice, browser, f"/booking/console/visits/{booking.id}", script=False) as page:
        await page.get_by_role("link", name="Health check").click()
        await expect(page.get_by_text("decide by")).to_be_visible()
        await is_well_built(page)


async def test_a_text_that_did_not_arrive_is_told_with_its_reason_and_put_aside_by_keyboard(
    practice: Practice, browser: Browser
) -> None:
    fault = {"kind": "undelivered", "code": 30006, "to": LOST, "times": None}
    arms = f"{practice.house.phone.origin}/emulator/faults"
    async with practice.house.phone.http.post(arms, json=fault) as answer:
        assert answer.status < 300, await answer.text()
    await practice.visit(twin.CLEAR, "confirmed", phone=LOST)
    async with at_work(practice, browser, "/notify/console/dead", script=False) as page:
        rows = page.locator("ol.rows > li")

        async def listed() -> bool:
            await page.reload()
            return await rows.count() > 0

        await until(listed, within=SETTLED_WITHIN)
        await expect(rows.first).to_contain_text("This number is a landline. Code 30006.")
        await is_accessible(page)
        await is_well_built(page)
        before = await rows.count()
        await tab_to(page, rows.first.get_by_role("button", name=re.compile("^Put aside")))
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("Put aside.")
        await expect(rows).to_have_count(before - 1)


async def test_an_owner_keeps_texts_back_and_lets_them_go_by_keyboard(practice: Practice, browser: Browser) -> None:
    async with at_work(practice, browser, "/notify/console/sending", script=False) as page:
        which = page.get_by_label("Which texts")
        await tab_to(page, which)
        await page.keyboard.type("How are you")
        await tab_to(page, page.get_by_role("button", name="Keep them back"))
        await page.keyboard.press("Enter")
        await expect(page.locator("ul.rows > li")).to_contain_text(["How are you"])
        await is_accessible(page)
        await is_well_built(page)
        await tab_to(page, page.get_by_role("button", name="Let them go on: How are you"))
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Nothing is kept back.")).to_be_visible()


async def test_words_are_seen_while_they_are_typed_and_are_kept_and_taken_back_by_keyboard(
    practice: Practice, browser: Browser
) -> None:
    async with at_work(practice, browser, "/notify/console/wordings?language=en") as page:
        await (
            page.get_by_role("link", name=re.compile("^The day before "))
            .or_(page.locator("a[href$='/en/day_before']"))
            .first.press("Enter")
        )
        words, meter = page.get_by_label("Words of this text"), page.locator("#meter")
        built_in = await words.input_value()
        await expect(meter).to_contain_text("at its longest")
        await is_accessible(page)
        await is_well_built(page)

        await tab_to(page, words)
        await page.keyboard.press("ControlOrMeta+A")
        await page.keyboard.type("{practice}: how good that you come {date} at {time}. {link} STOP ends texts.")
        await expect(page.locator("#bubble")).to_contain_text("how good that you come")
        await expect(meter).to_contain_text("One text")
        await page.keyboard.type(" We are looking forward to it." * 4)
        await expect(meter).to_contain_text("Two texts")

        await page.keyboard.type(" Your cancer.")
        await expect(meter).to_contain_text("“cancer” may tell about somebody's health")
        await expect(words).to_have_attribute("aria-invalid", "true")
        await tab_to(page, page.get_by_role("button", name="Keep these words"))
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_be_focused()
        await expect(words).to_have_value(re.compile("Your cancer"))
        await is_accessible(page)

        await words.fill("{practice}: how good that you come {date} at {time}. {link} STOP ends texts.")
        await tab_to(page, page.get_by_role("button", name="Keep these words"))
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status").first).to_contain_text("Kept.")
        await expect(page.get_by_text("your own words, by Ana")).to_be_visible()

        await tab_to(page, page.locator("main summary"))
        await page.keyboard.press("Enter")
        await tab_to(page, page.get_by_role("button", name="Go back to the built-in words"))
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("the built-in words", exact=False).first).to_be_visible()
        await expect(words).to_have_value(built_in)
