"""From an empty database to a booked visit in a real browser: a practice begins on one page, and makes itself a key."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.test_booking_pages import a_phone, give_details, pick, reads, say_no_to_the_rest
from tests.browser.test_health_check_pages import tab_to
from tests.support.accessible import is_accessible, is_well_built
from tests.support.backends import RabbitBackend, fresh_vhost
from tests.support.running import OPERATOR_KEY, running

SOON = 15_000
PASSWORD = "twelve small stones"
TYPED = {
    "Name of the practice": "Quiet Hands",
    "Where clients come to": "Lake Street 4, Zurich",
    "Phone number of the practice": "044 668 18 00",
    "Your name": "Ina Moser",
    "E-mail address": "ina@quiet.example",
    "A password": PASSWORD,
    "The operator's key": OPERATOR_KEY,
}
"""What nobody can guess for them; everything else is filled in, and the country chosen."""


@pytest.fixture(scope="module")
async def empty(
    mongo_url: str, rabbit_server: RabbitBackend, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The origin of a system without any practice."""
    folder = tmp_path_factory.mktemp("set-up")
    async with (
        fresh_vhost(rabbit_server) as rabbit,
        running(folder, mongo_url=mongo_url, rabbit=rabbit, services=["notify"]) as system,
    ):
        system.commands["notify"] = (sys.executable, "-m", "services")
        await system.restart("notify", STILLPOINT_BOOKING_DEMO_PHONE=f"{system.phone}/")
        yield system.origins["notify"]


@asynccontextmanager
async def somebody(browser: Browser, *, script: bool, language: str = "en-GB") -> AsyncIterator[Page]:
    async with await browser.new_context(
        viewport={"width": 360, "height": 740},
        java_script_enabled=script,
        locale=language,
        timezone_id="Europe/Zurich",
        reduced_motion="reduce",
    ) as context:
        page = await context.new_page()
        page.set_default_timeout(SOON)
        wrong: list[str] = []
        page.on("console", lambda said: wrong.append(said.text) if "Security Policy" in said.text else None)
        yield page
        assert wrong == []


async def is_right(page: Page) -> None:
    await is_accessible(page)
    await is_well_built(page)


async def test_from_nothing_to_a_booked_visit_without_javascript(empty: str, browser: Browser) -> None:
    async with somebody(browser, script=False) as page:
        await page.goto(f"{empty}/booking/console/")
        await page.get_by_role("link", name="Begin a practice").click()
        await expect(page.get_by_role("heading", level=1, name="Begin your practice")).to_be_visible()
        await is_right(page)
        for label, value in TYPED.items():
            await page.get_by_label(label, exact=True).fill(value)
        await page.get_by_label("Country").select_option("Switzerland")
        await page.get_by_label("A password").evaluate("one => one.removeAttribute('minlength')")
        await page.get_by_label("A password").fill("too short")
        await page.get_by_role("button", name="Begin").click()

        summary = page.get_by_role("alert")
        await expect(summary).to_be_focused()
        await is_right(page)
        await summary.get_by_role("link", name="Please choose a password").click()
        await expect(page.get_by_label("A password")).to_be_focused()
        await expect(page.get_by_label("Name of the practice")).to_have_value("Quiet Hands")
        assert OPERATOR_KEY not in await page.content()
        await page.get_by_label("A password").fill(PASSWORD)
        await page.get_by_label("The operator's key").fill(OPERATOR_KEY)
        await page.get_by_role("button", name="Begin").click()

        await expect(page.get_by_role("heading", level=1, name="Clients can book")).to_be_visible()
        await is_right(page)
        await expect(page.get_by_label("Copy this")).to_have_value(re.compile("embed.js"))
        await expect(page.get_by_role("link", name="The phone that gets the texts")).to_be_visible()
        book = await page.get_by_role("status").get_by_role("link").get_attribute("href")
        assert book == f"{empty}/booking/book/quiet-hands"

    async with a_phone(browser, empty) as page:
        await page.goto(book)
        for name in ("First visit", "Session", "A short call"):
            await expect(page.get_by_role("link", name=re.compile(f"^{name}"))).to_be_visible()
        await page.get_by_role("link", name=re.compile("^Session")).click()
        await pick(page, day=3, slot=4)
        await give_details(page)
        await say_no_to_the_rest(page)
        await page.get_by_role("link", name="Go to my booking").click()
        await reads(page, "You are booked")
        await expect(page.get_by_text("Lake Street 4, Zurich")).to_be_visible()


async def test_by_keyboard_alone_with_what_the_browser_knows_filled_in(empty: str, browser: Browser) -> None:
    async with somebody(browser, script=True, language="es-ES") as page:
        await page.goto(f"{empty}/booking/console/begin")
        await is_right(page)
        await expect(page.get_by_label("Zona horaria")).to_have_value("Europe/Zurich")
        await expect(page.get_by_label("Número con el que se llama")).to_have_value("112")
        typed = {
            "Nombre del centro": "Manos Quietas",
            "Adónde vienen los clientes": "Calle del Lago 4, Madrid",
            "Teléfono del centro": "+34 910 00 00 00",
            "Su nombre": "Eva Río",
            "Correo electrónico": "eva@quietas.example",
            "Una contraseña": PASSWORD,
            "La clave del operador": OPERATOR_KEY,
        }
        for label, value in typed.items():
            await tab_to(page, page.get_by_label(label, exact=True))
            await page.keyboard.type(value)
        await expect(page.get_by_label("Dirección de su página")).to_have_value("manos-quietas")
        await page.keyboard.press("Enter")

        await expect(page.get_by_role("heading", level=1, name="Los clientes ya pueden reservar")).to_be_visible()
        await is_right(page)
        assert not re.search(r"\b(the|with|your|practice)\b", await page.get_by_role("main").inner_text())


# What a browser sends of the form, by name.
SENT = {
    "name": "Soft Light",
    "place": "Lake Street 6, Zurich",
    "country": "CH",
    "locale": "en",
    "phone": "044 668 18 00",
    "service.session": "yes",
    "day.0": "yes",
    "from": "09:00",
    "until": "17:00",
    "own_name": "Mia Frei",
    "login": "mia@soft.example",
    "password": PASSWORD,
    "key": OPERATOR_KEY,
}


async def test_a_key_is_made_used_and_revoked_by_keyboard_on_a_phone(empty: str, browser: Browser) -> None:
    async with somebody(browser, script=True) as page, aiohttp.ClientSession() as http:
        async with http.post(f"{empty}/booking/console/begin", data=SENT, allow_redirects=False) as answer:
            assert answer.status == 303
        await page.goto(f"{empty}/booking/console/keys")
        await page.get_by_label("E-mail address").fill("mia@soft.example")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1, name="Keys")).to_be_visible()
        await expect(page.get_by_role("link", name="Booking on your web site")).to_be_visible()
        await tab_to(page, page.get_by_label("What it is for"))
        await page.keyboard.type("The calendar")
        await tab_to(page, page.get_by_label("read visits"))
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")

        told = page.get_by_role("status")
        await expect(told).to_be_focused()
        key = await told.locator("code").inner_text()
        await is_right(page)

        async def status() -> int:
            agenda = f"{empty}/booking/v1/practices/soft-light/agenda"
            async with http.get(agenda, headers={"Authorization": f"Bearer {key}"}) as answer:
                return answer.status

        assert await status() == 200
        await tab_to(page, page.locator("summary", has_text="Revoke this key"))
        await page.keyboard.press("Enter")
        await tab_to(page, page.get_by_role("button", name="Revoke “The calendar” now"))
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("The key is revoked.")).to_be_visible()
        await expect(page.get_by_text(key)).to_have_count(0)
        assert await status() == 401
