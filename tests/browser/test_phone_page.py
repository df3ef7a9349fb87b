"""The emulator's phone in a real browser: a text arrives by itself, is read, and is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from deploy.twilio_emulator.app import Running, started
from deploy.twilio_emulator.faults import Fault, Kind
from deploy.twilio_emulator.message import Direction
from tests.contract.twilio.wire import ACCOUNT, PHONE, sdk
from tests.support.waiting import until

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
OTHER = "+15550100077"


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with started(ACCOUNT) as running:
        yield running


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        await browser.close()


@asynccontextmanager
async def page_on(browser: Browser, url: str, **how: Any) -> AsyncIterator[Page]:
    """A page that fails the test when its script breaks or anything is asked of another origin."""
    async with await browser.new_context(**how) as context:
        page = await context.new_page()
        wrong, asked = list[str](), list[str]()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(url)
        yield page
        assert wrong == []
        assert [foreign for foreign in asked if not foreign.startswith((url.partition("?")[0], "data:"))] == []


async def send(running: Running, body: str, to: str = PHONE) -> None:
    async with sdk(running) as twilio:
        await twilio.messages.create_async(to=to, from_=ACCOUNT.number, body=body)


def said(running: Running) -> list[str]:
    return [text.body for text in running.emulator.messages if text.direction is Direction.INBOUND]


@pytest.mark.parametrize("viewport", [{"width": 360, "height": 740}, {"width": 1180, "height": 860}])
async def test_a_text_arrives_by_itself_and_is_answered(
    running: Running, browser: Browser, viewport: dict[str, int]
) -> None:
    async with page_on(browser, f"{running.url}/?with=%2B15550100042", viewport=viewport) as page:
        await expect(page.get_by_text("No texts with this number yet.")).to_be_visible()
        await send(running, "Stillpoint: you are booked. Details: http://127.0.0.1:8080/b/x7 Reply R to reschedule.")

        log = page.get_by_role("log", name="Texts")
        await expect(log.get_by_text("you are booked")).to_be_visible()
        await expect(log.get_by_text("Delivered")).to_be_visible()
        link = log.get_by_role("link", name="http://127.0.0.1:8080/b/x7")
        assert await link.get_attribute("href") == "http://127.0.0.1:8080/b/x7"

        await page.get_by_label("Text message").fill("Is there parking?")
        await page.keyboard.press("Enter")
        await expect(log.get_by_text("Is there parking?")).to_be_visible()
        await expect(page.get_by_label("Text message")).to_have_value("")
        await page.get_by_role("button", name="C", exact=True).click()
        await until(lambda: said(running) == ["C", "Is there parking?"])
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_stop_is_shown_until_start(running: Running, browser: Browser) -> None:
    async with page_on(browser, f"{running.url}/?with=%2B15550100042") as page:
        await page.get_by_role("button", name="STOP").click()
        await expect(page.get_by_role("status")).to_contain_text("has opted out")
        await page.get_by_role("button", name="START").click()
        await expect(page.get_by_role("status")).to_be_empty()


async def test_a_text_that_does_not_arrive_says_so(running: Running, browser: Browser) -> None:
    running.emulator.faults.add(Fault(kind=Kind.UNDELIVERED, code=30003))
    await send(running, "See you today")
    async with page_on(browser, f"{running.url}/") as page:
        await expect(page.get_by_text("Undelivered · 30003 Unreachable destination handset")).to_be_visible()


async def test_a_text_to_another_phone_does_not_disturb_what_is_being_written(
    running: Running, browser: Browser
) -> None:
    async with page_on(browser, f"{running.url}/") as page:
        await expect(page.get_by_role("heading", name="All quiet")).to_be_visible()
        await send(running, "For the first phone")
        await page.get_by_label("Text message").fill("half a sen")
        await send(running, "For the other phone", to=OTHER)
        await expect(page.get_by_role("link", name="+1 555 010 0077")).to_be_visible()
        await expect(page.get_by_label("Text message")).to_have_value("half a sen")
        await expect(page.get_by_role("heading", name="+1 555 010 0042")).to_be_visible()


async def test_the_page_shows_and_answers_without_its_script(running: Running, browser: Browser) -> None:
    await send(running, "Hello <b>there</b>")
    async with page_on(browser, f"{running.url}/", java_script_enabled=False) as page:
        await expect(page.get_by_role("log").get_by_text("Hello <b>there</b>")).to_be_visible()
        await page.get_by_label("Text message").fill("Hello back")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("log").get_by_text("Hello back")).to_be_visible()
    assert said(running) == ["Hello back"]
