"""Every page of the running system: for everybody, under a strict policy, asking nobody else, and keeping nothing."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import aiohttp
import pytest
from playwright.async_api import Browser, BrowserContext, Page, Response, expect

from tests.browser.test_booking_pages import House
from tests.browser.test_booking_pages import house as house  # noqa: PLC0414  a fixture
from tests.browser.test_console_sign_in import a_browser, let_in, sign_in
from tests.support.accessible import EVERY_LOOK, TWO_LOOKS, Look, is_accessible, is_well_built, place
from tests.support.every_page import CLIENTS, CONSOLE, PHONE, REFUSED, Scene, phone_page, staged
from tests.support.phone import Phone
from tests.support.running import OPERATOR_KEY
from tests.support.story import Widget
from tests.system.conftest import PRACTICE

# How long anything moves for whoever asked for less motion.
MOVES = """[...document.querySelectorAll('*')].filter(one => [getComputedStyle(one).transitionDuration,
    getComputedStyle(one).animationDuration].join().split(',').some(time => parseFloat(time) > 0))
    .map(one => one.outerHTML.slice(0, 120))"""
# In the order of the page: nobody is made to jump.
JUMPS = "[...document.querySelectorAll('[tabindex]')].filter(one => one.tabIndex > 0).map(one => one.outerHTML)"
INLINE = """[...document.querySelectorAll('script:not([src]),style,[style]:not([style=""])')]
    .map(one => one.outerHTML.slice(0, 120))"""

STOP = "[...document.querySelectorAll('body *')].indexOf(document.activeElement)"


@dataclass(slots=True)
class Eye:
    """A browser without scripts that notes whatever a page asks of others and breaks of its own policy."""

    page: Page
    context: BrowserContext
    origins: tuple[str, ...]
    wrong: list[str] = field(default_factory=list)

    def watch(self) -> None:
        ours = self.origins
        self.page.on("console", lambda said: self.wrong.append(said.text) if "Security Policy" in said.text else None)
        self.page.on("request", lambda one: None if one.url.startswith(ours) else self.wrong.append(one.url))

    async def see(self, address: str) -> Response:
        self.wrong.clear()
        answer = await self.page.goto(address)
        assert answer is not None
        return answer


@pytest.fixture(scope="module")
async def scene(house: House) -> AsyncIterator[Scene]:
    async with aiohttp.ClientSession() as http:
        widget = Widget(http, dict.fromkeys(("booking", "screening", "notify"), house.origin), PRACTICE, OPERATOR_KEY)
        number = f"+4178{secrets.randbelow(10**7):07}"
        yield await staged(widget, Phone(http, house.phone.origin, number), house.origin)


@pytest.fixture(scope="module")
async def eye(browser: Browser, scene: Scene) -> AsyncIterator[Eye]:
    async with await browser.new_context(
        viewport={"width": 360, "height": 740}, java_script_enabled=False, reduced_motion="reduce"
    ) as context:
        made = Eye(await context.new_page(), context, (scene.origin, scene.phone.origin))
        made.watch()
        yield made


async def is_right(eye: Eye, looks: Sequence[Look] = TWO_LOOKS) -> None:
    await is_kept_to_itself(eye, looks)
    assert await eye.context.cookies() == []


async def is_kept_to_itself(eye: Eye, looks: Sequence[Look] = TWO_LOOKS) -> None:
    page = eye.page
    await is_accessible(page, looks=looks)
    await is_well_built(page)
    for wrong in (MOVES, JUMPS, INLINE):
        assert await page.evaluate(wrong) == [], place(page)
    assert eye.wrong == []


def is_strict(answer: Response) -> None:
    """Nothing inline, nothing of others, nothing kept, and no address handed on."""
    headers = answer.headers
    rules = dict(rule.strip().partition(" ")[::2] for rule in headers["content-security-policy"].split(";"))
    assert rules["default-src"] == "'none'"
    assert "frame-ancestors" in rules
    assert rules["base-uri"] == "'none'"
    assert rules["form-action"] == "'self'"
    assert not {word for rule in rules.values() for word in rule.split()} - {"'none'", "'self'", "data:"}
    assert "no-store" in headers["cache-control"]
    assert headers["referrer-policy"] in ("no-referrer", "same-origin")


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_page_is_for_everybody_and_keeps_to_itself(scene: Scene, eye: Eye, name: str) -> None:
    answer = await eye.see(CLIENTS[name](scene))
    assert answer.status == 200
    is_strict(answer)
    await is_right(eye)


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused_is_a_page_too(scene: Scene, eye: Eye, name: str) -> None:
    answer = await eye.see(REFUSED[name](scene))
    assert 400 <= answer.status < 500
    is_strict(answer)
    await is_right(eye)


@pytest.mark.parametrize("name", [PHONE])
async def test_the_phone_of_a_demo_is_for_everybody_too(scene: Scene, eye: Eye, name: str) -> None:
    answer = await eye.see(phone_page(scene))
    assert answer.status == 200
    await is_right(eye)


async def test_what_is_wrong_with_a_form_is_what_is_read_first(scene: Scene, eye: Eye) -> None:
    page = eye.page
    await eye.see(CLIENTS["the details"](scene))
    await page.get_by_label("Name of the person who comes").fill("Kim Doe")
    await page.get_by_label("Mobile number", exact=True).fill("044 668 18 00")
    await page.get_by_role("button", name="Go on to the health check").click()
    summary = page.get_by_role("alert")
    await expect(summary).to_be_focused()
    await summary.get_by_role("link").first.click()
    wrong = page.get_by_role("textbox", name="Mobile number", exact=True)
    await expect(wrong).to_be_focused()
    await expect(wrong).to_have_attribute("aria-invalid", "true")
    await is_right(eye)


@pytest.mark.parametrize("name", ["the services", "the times", "the details", "a visit that is confirmed"])
async def test_the_keyboard_goes_through_a_page_in_its_order(scene: Scene, eye: Eye, name: str) -> None:
    page = eye.page
    await eye.see(CLIENTS[name](scene))
    seen = list[int]()
    while (at := await _next_stop(page)) not in (-1, *seen):
        seen.append(at)
    assert len(seen) > 3
    assert seen == sorted(seen)
    await eye.see(CLIENTS[name](scene))
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()


async def _next_stop(page: Page) -> int:
    """The place in the page of what the next Tab comes to; -1 where it leaves the page."""
    await page.keyboard.press("Tab")
    return int(await page.evaluate(STOP))


async def test_the_pages_of_the_staff_are_for_everybody_and_nobody_else(house: House, browser: Browser) -> None:
    ana = await let_in(house, "every-page@still.example")
    async with a_browser(browser) as (context, page):
        await sign_in(page, house, ana)
        await page.get_by_role("heading", level=1, name="Signed in").wait_for()
        eye = Eye(page, context, (house.origin,))
        eye.watch()
        for path in CONSOLE:
            answer = await eye.see(house.origin + path)
            assert answer.status == 200, path
            is_strict(answer)
            await is_kept_to_itself(eye)
            assert {cookie["name"][:7] for cookie in await context.cookies()} == {"__Host-"}


@pytest.mark.long
async def test_every_page_is_for_everybody_in_every_look(scene: Scene, eye: Eye) -> None:
    for address in [*CLIENTS.values(), *REFUSED.values(), phone_page]:
        await eye.see(address(scene))
        await is_right(eye, EVERY_LOOK)
