"""One client's whole story in a real browser: book, answer, read the text, move, cancel; a course; the waitlist."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from tests.browser.test_health_check_pages import FOCUSED, tab_to
from tests.browser.test_phone_page import FLAGS
from tests.support.backends import RabbitBackend, fresh_vhost
from tests.support.phone import Phone
from tests.support.running import OPERATOR_KEY, running
from tests.support.story import Booking, Widget
from tests.support.waiting import until
from tests.system.conftest import PRACTICE, load_demo_practice

NUMBER = "+41791234567"
SOON = 15_000
NEVER_QUIET = {"quiet_from": "00:00", "quiet_until": "00:00"}
"""The client's zone is the place's, where it may be night while the test runs."""


@dataclass(frozen=True, slots=True)
class House:
    """Everything behind one origin, as behind the gateway."""

    origin: str
    phone: Phone


@pytest.fixture(scope="module")
async def house(
    mongo_url: str, rabbit_server: RabbitBackend, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("pages")
    async with (
        fresh_vhost(rabbit_server) as rabbit,
        running(folder, mongo_url=mongo_url, rabbit=rabbit, services=["notify"]) as system,
        aiohttp.ClientSession() as http,
    ):
        system.commands["notify"] = (sys.executable, "-m", "services")
        await system.restart("notify")
        origin = system.origins["notify"]
        widget = Widget(http, dict.fromkeys(system.origins, origin), PRACTICE, OPERATOR_KEY)
        await load_demo_practice(widget, texting=NEVER_QUIET)
        yield House(origin, Phone(http, system.phone, NUMBER))


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        await browser.close()


@asynccontextmanager
async def a_phone(browser: Browser, origin: str, *, scripts: bool = False, locale: str = "en") -> AsyncIterator[Page]:
    """A narrow screen; fails the test when a page breaks its own security policy or asks another origin."""
    async with await browser.new_context(
        viewport={"width": 360, "height": 740}, java_script_enabled=scripts, locale=locale
    ) as context:
        page = await context.new_page()
        page.set_default_timeout(SOON)
        wrong: list[str] = []
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        page.on("request", lambda asked: None if asked.url.startswith(origin) else wrong.append(asked.url))
        yield page
        assert wrong == []


async def fits(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


async def pick(page: Page, *, day: int, slot: int) -> None:
    """From the grid of days, and then from the times of that day."""
    free = page.locator(".month").get_by_role("link")
    if await free.count() <= day:
        await page.get_by_role("link", name=re.compile("^Later")).click()
    await free.nth(day).click()
    await fits(page)
    await page.locator("#day ~ form").get_by_role("button").nth(slot).click()


async def hold(page: Page, origin: str) -> None:
    await page.goto(f"{origin}/booking/book/{PRACTICE}")
    await fits(page)
    await page.get_by_role("link", name=re.compile("^Session")).click()
    await pick(page, day=3, slot=4)
    await expect(page.get_by_text("We are keeping this time for you until")).to_be_visible()


async def give_details(page: Page, *, number: str = "079 123 45 67") -> None:
    await page.get_by_label("Name of the person who comes").fill("Kim Doe")
    await page.get_by_label("Mobile number", exact=True).fill(number)
    await page.get_by_label("may text me about this visit").check()
    await fits(page)
    await page.get_by_role("button", name="Go on to the health check").click()


async def who_comes(page: Page) -> None:
    await page.get_by_label("For myself").check()
    for part, value in {"Day": "4", "Month": "5", "Year": "1980"}.items():
        await page.get_by_role("group", name=re.compile("^What is the date")).get_by_label(part).fill(value)
    await page.get_by_role("button", name="Next").click()


async def say_no_to_the_rest(page: Page) -> None:
    """Group by group, and send it."""
    step, send = page.locator("#go"), page.get_by_role("button", name="Send my answers")
    if await page.get_by_label("For myself").is_visible():
        await who_comes(page)
    while await step.count():
        is_last = await send.count() == 1
        for question in await page.get_by_role("group").all():
            for none in ("No", "None of these"):
                answer = question.get_by_label(none, exact=True)
                if await answer.count() and await answer.is_visible():
                    await answer.check()
        await step.click()
        if is_last:
            return


async def reads(page: Page, headline: str) -> None:
    """Load the page again until the visit has got there."""
    found = page.get_by_role("heading", level=1, name=headline)

    async def look() -> bool:
        await page.wait_for_load_state()
        await page.reload()
        return await found.count() == 1

    await until(look, within=15)


async def test_a_visit_is_booked_answered_moved_and_cancelled_without_javascript(
    house: House, browser: Browser
) -> None:
    async with a_phone(browser, house.origin) as page:
        await hold(page, house.origin)
        await page.get_by_label("Name of the person who comes").fill("Kim Doe")
        await page.get_by_label("Mobile number", exact=True).fill("044 668 18 00")
        await page.get_by_role("button", name="Go on to the health check").click()
        await page.get_by_role("link", name="Please give a mobile number").click()
        await expect(page.get_by_label("Name of the person who comes")).to_have_value("Kim Doe")
        await give_details(page)

        await fits(page)
        await page.get_by_role("button", name="Next").click()
        await expect(page.get_by_role("alert").get_by_role("link")).to_have_count(2)
        await say_no_to_the_rest(page)
        await expect(page.get_by_text("Your answers are saved and your booking can go ahead.")).to_be_visible()
        await page.get_by_role("link", name="Go to my booking").click()
        await reads(page, "You are booked")
        await fits(page)
        first_time = await page.locator(".facts").first.inner_text()
        await until(lambda: house.phone.saw("visit is booked") or house.phone.saw("booked for"))

        async with page.expect_download() as calendar:
            await page.get_by_role("link", name="Add to my calendar").click()
        assert (await calendar.value).suggested_filename == "visit.ics"
        await page.get_by_role("link", name="Choose another time").click()
        await page.get_by_role("link", name=re.compile("^Later")).click()
        await pick(page, day=0, slot=7)
        await expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
        assert await page.locator(".facts").first.inner_text() != first_time
        await page.get_by_role("link", name="Cancel the visit").click()
        await page.get_by_role("button", name="Yes, cancel it").click()
        await expect(page.get_by_role("heading", name="This visit is cancelled")).to_be_visible()


async def test_an_urgent_answer_is_met_with_the_number_to_call_before_anything_else(
    house: House, browser: Browser
) -> None:
    async with a_phone(browser, house.origin) as page:
        await hold(page, house.origin)
        await give_details(page)
        await who_comes(page)
        await page.get_by_label("A sudden, very bad headache").check()
        await page.get_by_role("button", name="Next").click()
        await expect(page.get_by_role("alert").first).to_contain_text("Please call 112")
        await say_no_to_the_rest(page)
        await expect(page.get_by_role("alert")).to_contain_text("Stop here.")
        await expect(page.get_by_role("link", name="Call 112")).to_be_visible()
        await page.get_by_role("link", name="Go to my booking").click()
        await reads(page, "We could not confirm this booking")
        await expect(page.get_by_text("There is a message about your booking request.")).to_be_visible()


async def test_who_comes_again_is_asked_only_for_what_has_changed(house: House, browser: Browser) -> None:
    async with a_phone(browser, house.origin) as page:
        await hold(page, house.origin)
        await give_details(page, number="079 555 66 77")
        await say_no_to_the_rest(page)
        await expect(page.get_by_text("your booking can go ahead")).to_be_visible()

        await hold(page, house.origin)
        await give_details(page, number="079 555 66 77")
        card = page.get_by_role("region", name="Have you filled this in before?")

        async def look() -> bool:
            await page.wait_for_load_state()
            await page.reload()
            return await card.count() == 1

        await until(look, within=15)
        for part, value in {"Day": "4", "Month": "5", "Year": "1980"}.items():
            await card.get_by_label(part).fill(value)
        await card.get_by_role("button").click()
        await page.get_by_label("None of these").check()
        await fits(page)
        await page.get_by_role("button", name="Nothing else has changed").click()
        await expect(page.get_by_text("your booking can go ahead")).to_be_visible()
        await page.get_by_role("link", name="Go to my booking").click()
        await reads(page, "You are booked")


async def test_a_time_that_is_let_go_is_free_again_at_once(house: House, browser: Browser) -> None:
    async with a_phone(browser, house.origin) as page:
        times = f"{house.origin}/booking/book/{PRACTICE}/times?service=session&practitioner=ana&zone=Asia/Tokyo"
        await page.goto(times)
        await expect(page.get_by_text("Times are in Tokyo time")).to_be_visible()
        soonest = await page.locator(".dated").inner_text()
        await page.locator(".dated").get_by_role("button").first.click()
        await page.get_by_role("button", name="Let this time go").click()
        await expect(page.get_by_text("Times are in Tokyo time")).to_be_visible()
        await page.goto(times)
        assert await page.locator(".dated").inner_text() == soonest


async def test_several_visits_are_planned_and_asked_for_as_a_course_without_javascript(
    house: House, browser: Browser
) -> None:
    async with a_phone(browser, house.origin) as page:
        await page.goto(f"{house.origin}/booking/book/{PRACTICE}/times?service=session")
        await page.get_by_role("link", name="Plan several visits at once").click()
        await page.get_by_label("How many visits?").select_option("4")
        await page.get_by_label("Weekday").select_option("Tuesday")
        await fits(page)
        await page.get_by_role("button", name="Show me a plan").click()
        await expect(page.get_by_role("listitem").filter(has_text=re.compile("Tuesday .* to "))).to_have_count(4)
        await fits(page)
        await page.get_by_role("button", name="Keep these times for me").click()
        await expect(page.get_by_text("We are keeping these times for you until")).to_be_visible()
        course = page.url
        await give_details(page, number="079 444 55 66")
        await say_no_to_the_rest(page)
        await page.get_by_role("link", name="Go to my booking").click()
        await reads(page, "You are booked")
        await expect(page.get_by_text("This is visit 1 of 4 of your course.")).to_be_visible()
        await page.goto(course)
        await expect(page.get_by_text("You are booked")).to_have_count(4)
        await fits(page)
        await page.get_by_role("link", name="Cancel all visits that lie ahead").click()
        await page.get_by_role("button", name="Yes, cancel them all").click()
        await expect(page.get_by_text("This visit is cancelled")).to_have_count(4)


async def test_whom_no_time_suits_gets_into_line_and_leaves_it_without_javascript(
    house: House, browser: Browser
) -> None:
    async with a_phone(browser, house.origin) as page:
        await page.goto(f"{house.origin}/booking/book/{PRACTICE}/times?service=session")
        await page.get_by_role("link", name="Tell me when a time gets free").click()
        await page.get_by_label("Tuesday").check()
        await page.get_by_label("Evening, from five on").check()
        await page.get_by_label("Name of the person who comes").fill("Kim Doe")
        await page.get_by_label("Mobile number", exact=True).fill("079 333 22 11")
        await page.get_by_role("button", name="Put me on the list").click()
        await expect(page.get_by_role("alert")).to_be_focused()
        await page.get_by_role("alert").get_by_role("link").click()
        await expect(page.get_by_label("may text me when a time gets free")).to_be_focused()
        await page.keyboard.press("Space")
        await expect(page.get_by_label("Tuesday")).to_be_checked()
        await fits(page)
        await page.get_by_role("button", name="Put me on the list").click()
        await expect(page.get_by_role("heading", name="You are on the list")).to_be_visible()
        await expect(page.get_by_text("Evening, from five on, Tuesday")).to_be_visible()
        await fits(page)
        await page.get_by_role("button", name="I am not waiting any more").click()
        await expect(page.get_by_role("heading", name="You are not on the list any more")).to_be_visible()


async def test_a_visit_is_booked_in_spanish_by_the_keyboard_alone(house: House, browser: Browser) -> None:
    """The same words would be in the way of a test in English: what was left untranslated is not found."""
    async with a_phone(browser, house.origin, scripts=True, locale="es-ES") as page:
        await page.goto(f"{house.origin}/booking/book/{PRACTICE}")
        await expect(page.get_by_role("heading", name="Reservar una cita")).to_be_visible()
        await enter(page, page.get_by_role("link", name=re.compile("^Session")))
        await expect(page.get_by_role("heading", name="Elija una hora")).to_be_visible()
        await enter(page, page.locator(".month").get_by_role("link").nth(2))
        await page.wait_for_url(re.compile("from="))
        await enter(page, page.locator("#day ~ form").get_by_role("button").nth(6))
        await expect(page.get_by_role("heading", level=1, name="Sus datos")).to_be_visible()
        for field, typed in {"#name": "Kim Doe", "#phone": "079 111 00 99"}.items():
            await tab_to(page, page.locator(field))
            await page.keyboard.type(typed)
        await tab_to(page, page.locator("#texts"))
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await expect(page.locator("#check")).to_be_visible()
        assert await page.evaluate("document.documentElement.lang") == "es"
        await answer_by_keyboard(page)
        booked = page.get_by_role("heading", level=1, name="Su cita está reservada")
        await expect(booked).to_be_visible()  # by itself, without being loaded again
        await expect(page.get_by_role("link", name="Elegir otra hora")).to_be_visible()


async def test_what_becomes_of_a_visit_is_seen_and_said_on_its_open_page_without_a_touch(
    house: House, browser: Browser
) -> None:
    async with a_phone(browser, house.origin, scripts=True) as page:
        await hold(page, house.origin)
        await expect(page.get_by_text(re.compile("^About .* left"))).to_be_visible()
        await give_details(page, number="079 222 33 44")
        found = urlsplit(page.url)
        visit, token = found.path.rpartition("/")[2], parse_qs(found.query)["token"][0]
        await page.goto(f"{house.origin}/booking/visit/{visit}?token={token}")
        await expect(page.get_by_role("heading", level=1, name="One step left")).to_be_visible()
        async with aiohttp.ClientSession() as http:
            widget = Widget(http, dict.fromkeys(("booking", "screening"), house.origin), PRACTICE)
            await Booking(widget, visit, token).answer(await widget.clear_answers("session"))
        await expect(page.get_by_role("heading", level=1, name="You are booked")).to_be_visible()
        await expect(page.get_by_role("status")).to_have_text("You are booked")
        await expect(page).to_have_title(re.compile("^You are booked"))


async def enter(page: Page, where: Locator) -> None:
    await tab_to(page, where)
    await page.keyboard.press("Enter")


async def answer_by_keyboard(page: Page) -> None:
    """Every group, and on to the visit."""
    for key in ("Tab", "4", "Tab", "5", "Tab", "1", "9", "8", "0", "Enter"):
        if key == "Tab" and not await page.locator("[value=self]").is_checked():
            await tab_to(page, page.locator("[value=self]"))
            await page.keyboard.press("Space")
        await page.keyboard.press(key)
    await expect(page.locator("[value=self]")).not_to_be_visible()
    sends = page.locator("#go[value=send]")
    is_last = False
    while not is_last:
        is_last = await sends.count() == 1
        for question in await page.locator("#check section:visible .asked > fieldset:visible").all():
            no = question.locator("[value=no], [value=none]")
            if not await no.count() or not await no.is_visible():
                continue
            await tab_to(page, question.locator("input").first if await no.get_attribute("type") == "radio" else no)
            while not await no.is_checked():
                await page.keyboard.press("Space" if await no.evaluate(FOCUSED) else "ArrowDown")
        heading = await page.locator("#check section:visible h2").first.inner_text()
        await enter(page, page.locator("#go"))
        if not is_last:
            await expect(page.locator("#check section:visible h2").first).not_to_have_text(heading)
    await enter(page, page.locator("main a[href*='/booking/visit/']"))
