"""What the checks of pages say of a page that is wrong: one that finds nothing proves nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.support.accessible import is_accessible, is_well_built, violations

STRICT = {"Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-src 'self'"}
WHOLE = """<!doctype html><html lang="en"><head><title>A visit</title>
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="/style.css"></head>
<body><main><h1>A visit</h1>{more}</main></body></html>"""


@asynccontextmanager
async def shown(browser: Browser, more: str = "", *, style: str = "", whole: str = WHOLE) -> AsyncIterator[Page]:
    """A page with a strict policy and without scripts, as those of the clients are."""

    async def serve(route: Route) -> None:
        if route.request.url.endswith(".css"):
            await route.fulfill(body=style, content_type="text/css")
        else:
            inner = "<label>Name</label><input>" if route.request.url.endswith("/inner") else more
            await route.fulfill(body=whole.replace("{more}", inner), content_type="text/html", headers=STRICT)

    async with await browser.new_context(java_script_enabled=False) as context:
        page = await context.new_page()
        await page.route("**/*", serve)
        await page.goto("http://pages.test/visit?token=secret")
        yield page


async def test_a_page_that_is_right_passes_all(browser: Browser) -> None:
    async with shown(browser, "<h2>When</h2><p>On Monday.</p>") as page:
        await is_accessible(page)
        await is_well_built(page)


async def test_what_axe_finds_is_told_with_the_element_and_without_the_token(browser: Browser) -> None:
    async with shown(browser, "<label>Name</label><input name=nobody>") as page:
        with pytest.raises(AssertionError, match=r"light, 360 px: label .*nobody") as told:
            await is_accessible(page)
    assert "secret" not in str(told.value)


async def test_what_is_faint_in_the_dark_alone_is_found(browser: Browser) -> None:
    style = "@media (prefers-color-scheme: dark) { body { background: #111 } p { color: #333 } }"
    async with shown(browser, "<p>Hardly to be read.</p>", style=style) as page:
        with pytest.raises(AssertionError, match="dark, 1280 px: color-contrast") as told:
            await is_accessible(page)
    assert "light, " not in str(told.value)


async def test_what_is_wrong_in_a_frame_is_found(browser: Browser) -> None:
    async with shown(browser, "<iframe title='The form' src='/inner'></iframe>") as page:
        assert any(line.startswith("label (") for line in await violations(page))


async def test_looking_leaves_a_page_without_scripts_as_it_was(browser: Browser) -> None:
    async with shown(browser, "<noscript><p>Without scripts</p></noscript>") as page:
        await violations(page)
        await page.reload()
        await expect(page.locator("noscript p")).to_be_visible()


@pytest.mark.parametrize(
    ("more", "style", "told"),
    [
        ("<h1>Twice</h1>", "", "has headings of the levels"),
        ("<h3>Skipped</h3>", "", r"\[1, 3\]"),
        ("<button>Small</button>", "button { height: 30px }", "lower than 44 px"),
        ("<p>Wide</p>", "p { width: 400px }", "wider than 360 px at 100%"),
        ("<p>Large</p>", "p { width: 15rem }", "wider than 360 px at 200%"),
    ],
)
async def test_what_is_badly_built_is_told(browser: Browser, more: str, style: str, told: str) -> None:
    async with shown(browser, more, style=style) as page:
        with pytest.raises(AssertionError, match=told):
            await is_well_built(page)
