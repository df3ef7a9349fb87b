"""Signing in to the running system with a real browser: cookies, lock-out, sessions, the team, and who may not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

import aiohttp
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from services.booking.console.signing import HOME, SESSION, own
from shared.staff import COOKIE
from tests.browser.test_booking_pages import House
from tests.browser.test_booking_pages import house as house  # noqa: PLC0414  a fixture
from tests.support.accessible import is_accessible, is_well_built
from tests.support.running import OPERATOR_KEY
from tests.system.conftest import PRACTICE

SOON = 15_000
USERS = f"/booking/v1/practices/{PRACTICE}/users"


@dataclass(frozen=True, slots=True)
class Somebody:
    login: str
    password: str


@asynccontextmanager
async def a_browser(browser: Browser, *, script: bool = False) -> AsyncIterator[tuple[BrowserContext, Page]]:
    async with await browser.new_context(
        viewport={"width": 360, "height": 740}, java_script_enabled=script, locale="en-GB", reduced_motion="reduce"
    ) as context:
        page = await context.new_page()
        page.set_default_timeout(SOON)
        yield context, page


async def let_in(house: House, login: str, **fields: str) -> Somebody:
    wish = {"name": "Ana", "login": login, "role": "owner", **fields}
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {OPERATOR_KEY}"}) as http,
        http.post(house.origin + USERS, json=wish) as answer,
    ):
        assert answer.status == 201, await answer.text()
        return Somebody(login, (await answer.json())["password"])


async def sign_in(page: Page, house: House, who: Somebody, to: str = "/booking/console/sessions") -> None:
    await page.goto(house.origin + to)
    await expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    await page.get_by_label("E-mail address").fill(who.login)
    await page.get_by_label("Password").fill(who.password)
    await page.get_by_role("button", name="Sign in").click()


async def test_who_signs_in_comes_to_the_page_they_asked_for_and_the_cookies_are_for_us_alone(
    house: House, browser: Browser
) -> None:
    ana = await let_in(house, "first@still.example")
    async with a_browser(browser) as (context, page):
        await sign_in(page, house, ana, "/booking/console/team")
        await expect(page.get_by_role("heading", level=1, name="Team")).to_be_visible()

        cookies = {cookie["name"]: cookie for cookie in await context.cookies()}
        assert set(cookies) == {SESSION, COOKIE}
        for cookie in cookies.values():
            assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["path"]) == (
                True,
                True,
                "Lax",
                "/",
            )

        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_text("You are signed out.")).to_be_visible()
        assert await context.cookies() == []
        await page.goto(house.origin + "/booking/console/team")
        await expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()


async def test_a_form_that_is_sent_when_the_pass_is_over_comes_through_whole(house: House, browser: Browser) -> None:
    ana = await let_in(house, "second@still.example")
    async with a_browser(browser) as (context, page):
        await sign_in(page, house, ana, "/booking/console/team")
        await page.get_by_label("Name", exact=True).fill("Ben")
        await page.get_by_label("E-mail address").fill("ben@still.example")
        await page.get_by_label("Desk").check()
        await context.clear_cookies(name=COOKIE)
        await page.get_by_role("button", name="Make a password").click()

        told = page.get_by_role("status")
        await expect(told).to_contain_text("Ben signs in as ben@still.example")
        ben = Somebody("ben@still.example", await told.locator("code").inner_text())
    async with a_browser(browser) as (_, page):
        await sign_in(page, house, ben)
        await expect(page.get_by_role("heading", level=1, name="Signed in")).to_be_visible()
        answer = await page.goto(house.origin + "/booking/console/team")
        assert answer is not None
        assert answer.status == 403
        await expect(page.get_by_role("alert")).to_contain_text("others of the practice")
        assert await page.get_by_role("link", name="Team").count() == 0


async def test_wrong_passwords_are_told_and_then_wait(house: House, browser: Browser) -> None:
    ana = await let_in(house, "third@still.example")
    async with a_browser(browser) as (_, page):
        wrong = Somebody(ana.login, "not the password")
        await sign_in(page, house, wrong)
        await expect(page.get_by_role("alert")).to_contain_text("do not belong together")
        assert await page.get_by_label("E-mail address").input_value() == ana.login
        assert await page.get_by_label("Password").input_value() == ""
        for _ in range(4):
            await page.get_by_label("Password").fill("guess")
            await page.get_by_role("button", name="Sign in").click()
        await page.get_by_label("Password").fill(ana.password)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("too many wrong passwords")


async def test_a_lost_phone_is_signed_out_from_another_one(house: House, browser: Browser) -> None:
    ana = await let_in(house, "fourth@still.example")
    async with a_browser(browser) as (lost, theirs), a_browser(browser) as (_, mine):
        await sign_in(theirs, house, ana)
        await sign_in(mine, house, ana)
        await expect(mine.locator(".rows > li")).to_have_count(2)
        await mine.get_by_role("button", name="Sign out there").click()
        await expect(mine.locator(".rows > li")).to_have_count(1)

        await lost.clear_cookies(name=COOKIE)  # at the latest when the pass ends
        await theirs.goto(house.origin + "/booking/console/sessions")
        await expect(theirs.get_by_role("heading", level=1, name="Sign in")).to_be_visible()


async def test_another_site_can_neither_post_nor_send_anybody_away(house: House, browser: Browser) -> None:
    ana = await let_in(house, "fifth@still.example")
    async with a_browser(browser) as (context, page):
        await sign_in(page, house, ana)
        await expect(page.get_by_role("heading", level=1, name="Signed in")).to_be_visible()
        shown = "; ".join(f"{one['name']}={one['value']}" for one in await context.cookies())
        async with aiohttp.ClientSession(headers={"Cookie": shown}) as http:
            form = {"name": "Eve", "login": "eve@x.example", "role": "owner"}
            for forged in (form, form | {"csrf": "0" * 64}):
                async with http.post(f"{house.origin}/booking/console/team", data=forged) as answer:
                    assert answer.status == 403
            real = await page.locator("input[name=csrf]").first.get_attribute("value")
            async with http.post(
                f"{house.origin}/booking/console/team",
                data=form | {"csrf": real},
                headers={"Origin": "https://x.example"},
            ) as answer:
                assert answer.status == 403
            async with http.get(house.origin + USERS, headers={"Authorization": f"Bearer {OPERATOR_KEY}"}) as answer:
                assert "eve@x.example" not in await answer.text()
            for away in ("https://x.example/", "//x.example/", "/\\x.example", "/booking/v1/../../x"):
                async with http.get(
                    f"{house.origin}/booking/console/renew?to={quote(away, safe='')}", allow_redirects=False
                ) as answer:
                    assert (answer.status, answer.headers["Location"]) == (307, HOME)
        rules = (await page.request.get(house.origin + "/booking/console/sign-in")).headers["content-security-policy"]
        assert "frame-ancestors 'none'" in rules
        assert "unsafe" not in rules


async def test_the_pages_speak_spanish_and_are_for_everybody(house: House, browser: Browser) -> None:
    ana = await let_in(house, "sixth@still.example", locale="es")
    async with a_browser(browser, script=True) as (_, page):
        await page.goto(house.origin + "/booking/console/sign-in")
        await is_accessible(page)
        await is_well_built(page)
        await sign_in(page, house, ana)
        await expect(page.get_by_role("heading", level=1, name="Sesiones abiertas")).to_be_visible()
        await is_accessible(page)
        await is_well_built(page)
        await page.get_by_role("link", name="Equipo").or_(page.get_by_text("Más")).first.click()
        await page.get_by_role("link", name="Equipo").click()
        await expect(page.get_by_role("heading", level=1, name="Equipo")).to_be_visible()
        await is_accessible(page)
        await is_well_built(page)
        assert not re.search(r"\b(the|with|password)\b", await page.get_by_role("main").inner_text())


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/notify/console/calls?open=false", True),
        ("/screening/console/cases/abc", True),
        ("/booking/console/sign-in", False),
        ("/booking/console/../v1/practices", False),
        ("/booking/console//x.example", False),
        ("https://x.example/booking/console/", False),
        ("javascript:alert(1)", False),
        ("/booking/console/\r\nSet-Cookie: x=y", False),
    ],
)
def test_only_our_own_pages_are_gone_on_to(address: str, kept: bool) -> None:
    assert own(address) == (address if kept else HOME)
