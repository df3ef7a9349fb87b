"""`make screenshots`: each page of a demo system of its own, on a phone and a desktop, light and dark."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import aiohttp
import cyclopts
from playwright.async_api import Browser, Page, async_playwright

from deploy.devstack import home, ports, staff, system
from deploy.devstack.home import Running
from deploy.devstack.trouble import Trouble
from shared.console import MENU
from tests.browser.test_phone_page import FLAGS
from tests.support.every_page import CLIENTS, PHONE, Scene, phone_page, staged
from tests.support.phone import Phone
from tests.support.story import Widget

Scheme = Literal["light", "dark"]
FOLDER: Final = Path("docs/pages")
ON_PHONE: Final = (360, 740)
ON_DESKTOP: Final = (1280, 800)
SIZES: Final[Mapping[str, tuple[int, int]]] = {"phone": ON_PHONE, "desktop": ON_DESKTOP}
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
QUALITY: Final = 82
# What the README shows: these few are kept in the repository.
KEPT: Final = frozenset({
    "the-services-phone-light.jpeg",
    "the-times-phone-light.jpeg",
    "the-health-check-phone-light.jpeg",
    "a-visit-that-is-confirmed-phone-dark.jpeg",
    "the-phone-of-the-emulator-phone-light.jpeg",
    "week-desktop-light.jpeg",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Studio:
    browser: Browser
    folder: Path
    only: frozenset[str]

    async def take(self, pages: Mapping[str, str], state: str | None = None) -> None:
        """Each page in each size and scheme; `state` is a file with the cookies of who is signed in."""
        for size, (width, height) in SIZES.items():
            for scheme in SCHEMES:
                async with await self.browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, storage_state=state,
                    reduced_motion="reduce", locale="en-GB",
                ) as context:  # fmt: skip
                    page = await context.new_page()
                    for name, address in pages.items():
                        await self._shoot(page, address, f"{_slug(name)}-{size}-{scheme}.jpeg")

    async def _shoot(self, page: Page, address: str, file: str) -> None:
        if self.only and file not in self.only:
            return
        answer = await page.goto(address)
        if answer is None or not answer.ok:
            raise Trouble(f"no picture {file}: the page answered {answer.status if answer else None}")
        await page.screenshot(path=self.folder / file, type="jpeg", quality=QUALITY)
        print(f"  {self.folder / file}")  # noqa: T201  what the command says


async def take_all(folder: Path, only: frozenset[str]) -> None:
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="stillpoint-pictures-") as made:
        async with _demo(Path(made)) as (running, scene), async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            studio = Studio(browser, folder, only)
            pages = {name: address(scene) for name, address in CLIENTS.items()}
            await studio.take({**pages, PHONE: phone_page(scene)})
            signed_in = await _sign_in(browser, Path(made), running)
            await studio.take({entry.name: f"{scene.origin}{entry.address}" for entry in MENU}, signed_in)
            await browser.close()


@asynccontextmanager
async def _demo(folder: Path) -> AsyncIterator[tuple[Running, Scene]]:
    """As `make run` starts it, in a folder of its own, with a visit in each state."""
    async with system.started(folder, ports.free()) as (running, _), aiohttp.ClientSession() as http:
        key = home.kept_secrets(folder)["operator_key"]
        origins = dict.fromkeys(("booking", "screening", "notify"), running.origin)
        widget = Widget(http, origins, running.practice, key)
        yield running, await staged(widget, Phone(http, running.phone, "+41791234567"), running.origin)


async def _sign_in(browser: Browser, folder: Path, running: Running) -> str:
    """The file with the cookies of somebody of the demo practice."""
    password = await staff.password(folder, running, home.kept_secrets(folder)["operator_key"])
    kept = str(folder / "signed-in.json")
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(f"{running.origin}/booking/console/sessions")
        await page.get_by_label("E-mail address").fill(staff.LOGIN)
        await page.get_by_label("Password").fill(password)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("heading", level=1, name="Signed in").wait_for()
        await context.storage_state(path=kept)
    return kept


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def main(*, folder: Path = FOLDER, every: bool = False) -> None:
    """Take the pictures of the README, or of every page.

    Parameters
    ----------
    folder: Where they go.
    every: Each page in each size and scheme, instead of the few that are kept.
    """
    asyncio.run(take_all(folder, frozenset() if every else KEPT))


if __name__ == "__main__":
    sys.exit(cyclopts.run(main))
