"""The health check in a real browser without JavaScript, on screening's twins: every way through it, and every page."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, FilePayload, Page, async_playwright, expect

from services.screening import page as pages
from services.screening.actions import Casework, Continuing, Memory, Returning, Reviews, Screening, Submitting, Word
from services.screening.domain.case import Request, State, Verdict
from shared import httpkit
from shared.httpkit import Door
from shared.tokens import Tokens
from tests.browser.test_phone_page import FLAGS
from tests.support import screening as twin
from tests.support.screening import APPOINTMENT, CATALOGUE, NOW, PRACTICE, STAFF, STARTS_AT

TOKENS: Final = Tokens("signing-" + "s" * 32)
EARLIER: Final = "b" * 26
REF: Final = "c" * 20
SOON: Final = 10_000

# What a page has to be for whoever does not see it, or sees it in another way. Each finds what is wrong.
NAMELESS: Final = """[...document.querySelectorAll('input:not([type=hidden]),select,textarea')]
    .filter(one => !one.labels?.length && !one.closest('label')).map(one => one.outerHTML)"""
HEADINGS: Final = "[...document.querySelectorAll('h1,h2,h3,h4')].map(one => +one.tagName[1])"
DANGLING: Final = """[...document.querySelectorAll('[aria-describedby],[aria-labelledby],a[href^="#"]')]
    .flatMap(one => (one.getAttribute('aria-describedby') ?? one.getAttribute('aria-labelledby')
        ?? one.getAttribute('href').slice(1)).split(' ')).filter(id => !document.getElementById(id))"""
TWICE: Final = """[...document.querySelectorAll('[id]')].map(one => one.id)
    .filter((id, at, all) => all.indexOf(id) !== at)"""
SMALL: Final = """[...document.querySelectorAll('a,button,summary,select,textarea,.tick,input:not([type=hidden])')]
    .filter(one => one.offsetParent && !one.matches('.skip,.tick input') && one.getBoundingClientRect().height < 44)
    .map(one => one.outerHTML)"""
WIDE: Final = """document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
    .filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.outerHTML.slice(0, 120))"""
FAINT: Final = """(() => {
    const parts = text => (text.match(/[\\d.]+/g) ?? []).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(one => one / 255)
        .map(one => one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4)
        .reduce((sum, one, at) => sum + one * [.2126, .7152, .0722][at], 0);
    const ground = one => {
        for (; one; one = one.parentElement) {
            const found = parts(getComputedStyle(one).backgroundColor);
            if (found.length === 3 || found[3] === 1) return found;
        }
        return [255, 255, 255];
    };
    return [...document.querySelectorAll('body *')]
        .filter(one => one.offsetParent && [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
        .filter(one => {
            const [a, b] = [light(parts(getComputedStyle(one).color)), light(ground(one))];
            return (Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5;
        }).map(one => one.outerHTML.slice(0, 120));
})()"""


@dataclass(frozen=True, slots=True)
class Desk:
    """Screening's pages with what stands behind them."""

    origin: str
    casework: Casework
    screening: Screening

    async def asked(self, *, form: str = "cst-core", appointment: str = APPOINTMENT, client: str = REF) -> None:
        request = Request(service="session", form=form)
        await self.screening.take_request(
            appointment, PRACTICE, request, starts_at=STARTS_AT, sequence=2, client=client
        )

    async def answered(self, answers: dict[str, Any], *, appointment: str = APPOINTMENT) -> None:
        await self.asked(appointment=appointment)
        await self.screening.take_answers(appointment, PRACTICE, questionnaire=twin.FORM, answers=answers, locale=None)

    async def state(self) -> State:
        return (await self.casework.find(APPOINTMENT)).state

    def address(self, step: str = "", **query: str) -> str:
        token = TOKENS.mint(APPOINTMENT, PRACTICE, NOW + timedelta(days=30))
        more = "".join(f"&{name}={value}" for name, value in query.items())
        return f"{self.origin}/screening/check/{APPOINTMENT}{step}?token={token}&service=session{more}"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async def ready() -> dict[str, bool]:
        return {}

    door = Door(TOKENS, "operator-" + "o" * 32, ready, lambda: NOW)
    made = twin.casework(twin.CaseTwin())
    submitting = Submitting(made, Memory(made, twin.HistoryTwin()))
    screening, continuing = Screening(made, submitting), Continuing(made, ids=lambda: "file-1")
    returning = Returning(made, submitting, merges=twin.MergeTwin(), tokens=TOKENS)
    served = pages.routes(screening, returning, continuing, made.auditing, CATALOGUE, door, lambda: NOW)
    app = httpkit.application("screening", served, AsyncExitStack(), door)
    async with TestServer(httpkit.mounted({"screening": app})) as server:
        yield Desk(str(server.make_url("")).rstrip("/"), made, screening)


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        await browser.close()


@asynccontextmanager
async def a_phone(browser: Browser, **how: Any) -> AsyncIterator[Page]:
    """A narrow screen; fails the test when a page breaks its own security policy."""
    size: dict[str, Any] = {
        "viewport": {"width": 360, "height": 740},
        "java_script_enabled": False,
        "reduced_motion": "reduce",
    }
    async with await browser.new_context(**size | how) as context:
        page = await context.new_page()
        page.set_default_timeout(SOON)
        wrong: list[str] = []
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        yield page
        assert wrong == []


async def is_for_everybody(page: Page) -> None:
    """Also for whoever listens to it, has a large thumb, or reads at twice the size."""
    for wrong in (NAMELESS, DANGLING, TWICE, SMALL, FAINT):
        assert await page.evaluate(wrong) == [], (page.url.partition("?")[0], wrong[:60])
    levels = await page.evaluate(HEADINGS)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels
    assert await page.evaluate("document.querySelectorAll('.warn').length") <= 2
    for size in ("100%", "200%"):
        await page.evaluate(f"document.documentElement.style.fontSize = '{size}'")
        assert await page.evaluate(WIDE) == [], size
    await page.evaluate("document.documentElement.style.fontSize = ''")


async def give(page: Page, group: str, **parts: str) -> None:
    for part, value in parts.items():
        await page.get_by_role("group", name=re.compile(group)).get_by_label(part).fill(value)


async def say_no(page: Page, no: str = "No") -> None:
    """To all that is to be seen and not answered yet."""
    for question in await page.get_by_role("group").all():
        answer = question.get_by_label(no, exact=True)
        is_open = await question.locator("input:checked").count() == 0
        if is_open and await answer.count() and await answer.is_visible():
            await answer.check()


async def test_a_new_client_fills_in_the_full_form(desk: Desk, browser: Browser) -> None:
    await desk.asked(form="cst-intake")
    async with a_phone(browser) as page:
        await page.goto(desk.address())
        await is_for_everybody(page)
        await expect(page.get_by_text(re.compile(r"Part \d of 9"))).to_have_count(9)
        await page.get_by_label("For myself").check()
        await give(page, "^What is the date of birth", Day="4", Month="5", Year="1980")
        await page.get_by_text("Show the list").click()
        await page.get_by_label("Headache or migraine").check()
        await page.get_by_label("None of these").check()
        await say_no(page)
        await page.get_by_role("group", name="In the last 12 months").get_by_label("Yes").check()
        await page.get_by_role("button", name="Send my answers").click()

        await expect(page.get_by_role("alert").get_by_role("heading")).to_contain_text("Please look at these")
        await is_for_everybody(page)
        await say_no(page)
        await page.get_by_role("group", name="When did it happen").first.get_by_label("I am not sure").check()
        await page.get_by_role("button", name="Send my answers").click()
        await expect(page.get_by_text("Your practitioner would like to read your answers")).to_be_visible()
    assert await desk.state() is State.IN_REVIEW


async def test_the_number_to_call_is_in_sight_the_moment_that_a_sign_is_ticked(desk: Desk, browser: Browser) -> None:
    await desk.asked(form="cst-intake")
    async with a_phone(browser) as page:
        await page.goto(desk.address())
        call = page.get_by_role("link", name="Call 112")
        last = page.get_by_label("A baby who will not feed")
        await last.scroll_into_view_if_needed()
        await last.check()
        await expect(call).to_be_in_viewport(ratio=1)
        assert await call.get_attribute("href") == "tel:112"
        await page.get_by_role("button", name="Send my answers").click()
        await expect(page.get_by_role("alert").first).to_contain_text("This comes first. Stop here.")
        await expect(page.get_by_role("alert").first).to_be_in_viewport()


async def test_a_returning_client_says_that_nothing_has_changed(desk: Desk, browser: Browser) -> None:
    await desk.answered(twin.CLEAR, appointment=EARLIER)
    await desk.asked()
    async with a_phone(browser) as page:
        await page.goto(desk.address())
        await give(page, "^Date of birth$", Day="4", Month="5", Year="1980")
        await page.get_by_role("button", name="Ask me only what has changed").click()
        await expect(page.get_by_role("heading", level=1, name="Welcome back")).to_be_visible()
        await is_for_everybody(page)
        assert "1980" not in page.url
        await page.get_by_label("None of these").check()
        await page.get_by_role("button", name="Nothing else has changed").click()
        await expect(page.get_by_text("your booking can go ahead")).to_be_visible()
    assert await desk.state() is State.CLEARED


async def test_a_returning_client_corrects_what_has_changed(desk: Desk, browser: Browser) -> None:
    await desk.answered(twin.CLEAR, appointment=EARLIER)
    await desk.asked()
    async with a_phone(browser) as page:
        await page.goto(desk.address())
        await give(page, "^Date of birth$", Day="4", Month="5", Year="1980")
        await page.get_by_role("button", name="Ask me only what has changed").click()
        await page.get_by_label("None of these").check()
        await page.get_by_role("button", name="Something has changed").click()
        await expect(page.get_by_text("We have filled in what you told us before.")).to_be_visible()
        await expect(page.get_by_label("None of these")).to_be_checked()
        await page.get_by_role("group", name="aneurysm").get_by_label("Yes").check()
        await page.get_by_role("button", name="Send my answers").click()
        await expect(page.get_by_text("we can not book this session for you now")).to_be_visible()
    assert await desk.state() is State.DECLINED


async def test_a_declined_client_asks_a_person_to_look_again(desk: Desk, browser: Browser) -> None:
    await desk.answered(twin.DECLINED)
    async with a_phone(browser) as page:
        await page.goto(desk.address())
        await page.get_by_label("What should they know?").fill("It was treated long ago.")
        await page.get_by_role("button", name="Ask a person").click()
        await expect(page.get_by_text("A person here will look at your answers again.")).to_be_visible()
        await is_for_everybody(page)
        await page.get_by_label("Your message").fill("Here is more.")
        await page.get_by_role("button", name="Send my message").click()
        await expect(page.get_by_role("status")).to_have_text("Thank you. We have your message.")
        note = b"%PDF-1.7\r\n\x00\xff"
        file = FilePayload(name="note.pdf", mimeType="application/pdf", buffer=note)
        await page.get_by_label("A note as a file").set_input_files(file)
        await page.get_by_role("button", name="Send this file").click()
        await expect(page.get_by_role("status")).to_have_text("Thank you. We have your file.")
    _, content = await Reviews(desk.casework).attachment(APPOINTMENT, "file-1", STAFF)
    assert content == note


async def test_a_client_says_that_something_has_changed(desk: Desk, browser: Browser) -> None:
    await desk.answered(twin.CLEAR)
    async with a_phone(browser) as page:
        await page.goto(desk.address())
        await page.get_by_role("link", name="Something about my health has changed").click()
        await expect(page.get_by_text("the visit is not confirmed")).to_be_visible()
        await page.get_by_role("link", name="No, go back").click()
        await expect(page.get_by_text("your booking can go ahead")).to_be_visible()
        assert await desk.state() is State.CLEARED
        await page.get_by_role("link", name="Something about my health has changed").click()
        await page.get_by_role("button", name="Yes, something has changed").click()
        await expect(page.get_by_text("Thank you for telling us that something has changed.")).to_be_visible()
        await expect(page.get_by_role("button", name="Send my answers")).to_be_visible()
    assert await desk.state() is State.AWAITING


async def test_all_of_it_is_there_in_spanish(desk: Desk, browser: Browser) -> None:
    await desk.asked(form="cst-intake")
    async with a_phone(browser, locale="es-ES") as page:
        await page.goto(desk.address())
        await expect(page.locator("html")).to_have_attribute("lang", "es")
        await page.get_by_role("link", name="English").click()
        await expect(page.get_by_role("button", name="Send my answers")).to_be_visible()
        await page.get_by_role("link", name="Español").click()
        await page.get_by_role("button", name="Enviar mis respuestas").click()
        await is_for_everybody(page)
        await page.get_by_label("Por mí").check()
        await give(page, "^¿En qué fecha nació", Día="4", Mes="5", Año="1980")
        await page.get_by_label("Nada de esto").check()
        await say_no(page)
        await page.get_by_role("button", name="Enviar mis respuestas").click()
        await expect(page.get_by_text("su cita sigue adelante")).to_be_visible()
        await page.get_by_role("link", name="Quién ha leído mis respuestas").click()
        await expect(page.get_by_text("Hasta ahora, nadie del centro las ha abierto.")).to_be_visible()
        await is_for_everybody(page)
    assert await desk.state() is State.CLEARED


@pytest.mark.parametrize(
    "answers", [twin.CLEAR, twin.REVIEWED, twin.NEEDS_CLEARANCE, twin.DECLINED, twin.URGENT, twin.URGENT_UNSURE]
)
async def test_whatever_is_told_is_for_everybody(desk: Desk, browser: Browser, answers: dict[str, Any]) -> None:
    await desk.answered(answers)
    async with a_phone(browser, color_scheme="dark") as page:
        await page.goto(desk.address())
        assert await page.evaluate(FAINT) == []
        await page.emulate_media(color_scheme="light")
        await is_for_everybody(page)


@pytest.mark.parametrize("step", ["/change", "/withdraw", "/seen"])
async def test_what_is_asked_once_more_is_for_everybody(desk: Desk, browser: Browser, step: str) -> None:
    await desk.answered(twin.CLEAR)
    async with a_phone(browser, color_scheme="dark") as page:
        await page.goto(desk.address(step))
        await is_for_everybody(page)


async def test_the_practices_words_stand_above_the_form_that_is_asked_again(desk: Desk, browser: Browser) -> None:
    await desk.answered(twin.REVIEWED)
    word = Word(verdict=Verdict.MORE_INFO, note="Which one is it?", by="Ines", to_client="Which medicine is it?")
    version = (await desk.casework.find(APPOINTMENT)).version
    await Reviews(desk.casework).rule(APPOINTMENT, word, version=version, hand=STAFF)
    async with a_phone(browser, color_scheme="dark") as page:
        await page.goto(desk.address())
        await is_for_everybody(page)
        quoted = await page.get_by_role("figure", name="The practice writes").bounding_box()
        form = await page.get_by_role("button", name="Send my answers").bounding_box()
        assert quoted is not None
        assert form is not None
        assert quoted["y"] < form["y"]
        await expect(page.get_by_role("figure")).to_contain_text("Which medicine is it?")
