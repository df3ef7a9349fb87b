"""The record of a client in a real browser: nothing for axe to complain about, light and dark, narrow, and on paper."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import axe_playwright_python
import pytest
from playwright.async_api import Browser, async_playwright

from services.screening import record
from services.screening.chapters import Seen
from services.screening.domain.history import Correction, Lasting
from services.screening.record.spoken import Spoken, words
from tests.browser.test_phone_page import FLAGS
from tests.support import screening as twin
from tests.support.screening import CATALOGUE, NOW
from tests.support.screening_returning import House, id_of

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        await browser.close()


async def a_record(locale: str) -> str:
    house = House()
    await house.visit(id_of(1), twin.NEEDS_CLEARANCE)
    await house.approve(id_of(1))
    await house.visit(id_of(2), twin.DECLINED)
    return record.show(
        [await house.casework.open(id_of(number)) for number in (1, 2)],
        until={id_of(1): NOW.date(), id_of(2): None},
        remembered=[
            Lasting(
                yes={"q_aneurysm": (id_of(2),)},
                corrections=(Correction(question="q_aneurysm", note="Misread the question.", by="Ines", at=NOW),),
            )
        ],
        seen=[Seen(case=id_of(1), at=NOW, by="Ines", what="view")],
        spoken=Spoken(texts=CATALOGUE.texts_for(locale), words=words(locale), zone=ZoneInfo("Europe/Berlin")),
        at=NOW,
    )


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("media", ["screen", "print"])
async def test_nothing_keeps_anybody_from_reading_it(browser: Browser, locale: str, scheme: str, media: str) -> None:
    page = await browser.new_page(viewport={"width": 320, "height": 700}, color_scheme=scheme)  # type: ignore[arg-type]  # one of its two words
    await page.emulate_media(media=media, color_scheme=scheme)  # type: ignore[arg-type]  # as above
    await page.set_content(await a_record(locale))
    await page.evaluate(AXE)
    found = await page.evaluate("tags => axe.run({runOnly: tags})", TAGS)
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
    assert found["passes"]
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await page.close()
