"""Whether a page is for everybody: axe, both colour schemes, two widths, twice the size of text, and its structure."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal

import axe_playwright_python
from playwright.async_api import Page

AXE: Final = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
Look = tuple[Literal["light", "dark"], int]
EVERY_LOOK: Final[tuple[Look, ...]] = (("light", 360), ("dark", 360), ("light", 1280), ("dark", 1280))
TWO_LOOKS: Final[tuple[Look, ...]] = (("dark", 360), ("light", 1280))
"""Each scheme and each width once, where there are many pages and little time."""

HEADINGS: Final = """[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')]
    .filter(one => one.checkVisibility()).map(one => +one.tagName[1])"""
WIDE: Final = """document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
    .filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.outerHTML.slice(0, 120))"""
SMALL: Final = """[...document.querySelectorAll(
        'button,summary,select,textarea,.button,.tick,input:not([type=hidden])')]
    .filter(one => one.checkVisibility() && !one.closest('.skip') && !one.matches('.tick input'))
    .filter(one => one.getBoundingClientRect().height < 43.5).map(one => one.outerHTML.slice(0, 120))"""
SCRIPTLESS: Final = "matchMedia('(scripting: none)').matches"


async def violations(page: Page) -> list[str]:
    """What axe finds in the page as it stands, frames included: a line for each rule with the elements that break it.

    It is evaluated from outside the page, so a strict security policy stands and stays in force. Raises
    AssertionError when axe looked at nothing.
    """
    async with _timers_run(page):
        for frame in page.frames:
            if not await frame.evaluate("'axe' in window"):
                await frame.evaluate(AXE)
        found: dict[str, Any] = await page.evaluate("tags => axe.run({runOnly: tags})", TAGS)
    assert found["passes"], f"axe found nothing to look at on {place(page)}"
    return [_line(one) for one in found["violations"]]


async def is_accessible(page: Page, *, looks: Sequence[Look] = EVERY_LOOK) -> None:
    """axe finds nothing, light and dark, narrow and wide. The page is left as it was."""
    before = page.viewport_size
    told = list[str]()
    for scheme, width in looks:
        await page.set_viewport_size({"width": width, "height": 800})
        await page.emulate_media(color_scheme=scheme)
        told += [f"{scheme}, {width} px: {line}" for line in await violations(page)]
    await page.emulate_media(color_scheme=None)
    if before is not None:
        await page.set_viewport_size(before)
    assert not told, f"axe at {place(page)}:\n" + "\n".join(told)


async def is_well_built(page: Page) -> None:
    """One first heading and none skipped, one main part, fits 360 px also at 200 % text, thumbs find their targets."""
    levels = await page.evaluate(HEADINGS)
    assert levels.count(1) == 1, f"{place(page)} has headings of the levels {levels}"
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), f"{place(page)}: {levels}"
    assert await page.get_by_role("main").count() == 1, place(page)
    assert await page.evaluate("document.documentElement.lang") != "", place(page)
    assert await page.title() != "", place(page)
    await _fits(page)


async def _fits(page: Page) -> None:
    before = page.viewport_size
    await page.set_viewport_size({"width": 360, "height": 740})
    assert not (low := await page.evaluate(SMALL)), f"lower than 44 px on {place(page)}: {low}"
    for size in ("100%", "200%"):
        await page.evaluate(f"document.documentElement.style.fontSize = '{size}'")
        assert not (wide := await page.evaluate(WIDE)), f"wider than 360 px at {size} text on {place(page)}: {wide}"
    await page.evaluate("document.documentElement.removeAttribute('style')")
    if before is not None:
        await page.set_viewport_size(before)


@asynccontextmanager
async def _timers_run(page: Page) -> AsyncIterator[None]:
    """axe waits by timers, which stand still without JavaScript; the page's own scripts, not run till now, stay so."""
    if not await page.evaluate(SCRIPTLESS):
        yield
        return
    session = await page.context.new_cdp_session(page)
    for off in (True, False):  # the browser ignores what a session has not said otherwise before
        await session.send("Emulation.setScriptExecutionDisabled", {"value": off})
    yield
    await session.send("Emulation.setScriptExecutionDisabled", {"value": True})


def place(page: Page) -> str:
    """Its address without what opens it."""
    return page.url.partition("?")[0]


def _line(found: dict[str, Any]) -> str:
    return f"{found['id']} ({found['help']}): " + "; ".join(node["html"][:200] for node in found["nodes"])
