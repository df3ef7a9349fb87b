"""What booking's pages say in English and in Spanish, and in whose language they say it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.booking.domain.practice import Practice, Price
from services.booking.page import words
from services.booking.page.words import Words
from shared import wording
from tests.support.booking import House, a_house
from tests.unit.booking.test_pages import DETAILS, TIMES, Browsing, browsing
from tests.unit.booking.test_pages import browser as browser  # noqa: PLC0414  a fixture

SPOKEN = words.read()


def speaking(language: str, practice: Practice | None = None) -> Words:
    return Words(language, SPOKEN[language], words.way(language, practice or a_house()))


def in_land(country: str, locale: str = "de") -> Practice:
    return replace(a_house(), country=country, locale=locale)


def test_prices_follow_their_currency_and_the_language() -> None:
    def told(language: str, country: str) -> list[str]:
        say = speaking(language, in_land(country))
        prices = [say.price(Price(minor_units=12000, currency=currency)) for currency in ("CHF", "JPY", "KWD")]
        return [price.replace("\N{NO-BREAK SPACE}", " ") for price in prices]

    assert told("en", "GB") == ["CHF 120.00", "JP¥12,000", "KWD 12.000"]
    assert told("es", "ES") == ["120,00 CHF", "12.000 JPY", "12,000 KWD"]


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    zurich = ZoneInfo("Europe/Zurich")
    first, second = (datetime(2027, 10, 31, hour, 30, tzinfo=UTC).astimezone(zurich) for hour in (0, 1))

    assert [speaking("en").clock(one) for one in (first, second)] == ["02:30 CEST", "02:30 CET"]


@pytest.mark.parametrize(("language", "country", "day", "clock"), [
    ("en", "GB", "Tuesday 2 March 2027", "14:30"),
    ("en", "CH", "Tuesday 2 March 2027", "14:30"),
    ("en", "US", "Tuesday March 2, 2027", "2:30\N{NARROW NO-BREAK SPACE}PM"),
    ("es", "ES", "martes 2 de marzo de 2027", "14:30"),
    ("es", "CH", "martes 2 de marzo de 2027", "14:30"),
])  # fmt: skip
def test_days_and_hours_are_written_as_people_do_there(language: str, country: str, day: str, clock: str) -> None:
    say = speaking(language, in_land(country))

    assert say.dated(date(2027, 3, 2)) == day
    assert say.clock(datetime(2027, 3, 2, 14, 30, tzinfo=UTC)) == clock


def test_a_week_begins_as_the_calendars_do_there() -> None:
    assert [speaking("en", in_land(country)).weekdays()[0][2] for country in ("GB", "US")] == ["Monday", "Sunday"]
    assert speaking("es").weekdays()[0] == (0, "lun", "lunes")


def test_lengths_are_told_in_hours_when_they_are_long() -> None:
    assert [speaking("es").length(minutes) for minutes in (60, 120, 150)] == [
        "60 minutos",
        "2 horas",
        "2 horas 30 minutos",
    ]


def test_a_language_with_a_hole_in_it_is_noticed(tmp_path: Path) -> None:
    for name in words.SPOKEN:
        text = (words.FOLDER / f"{name}.toml").read_text("utf-8")
        (tmp_path / f"{name}.toml").write_text(re.sub(r"\ntake = .*", "", text) if name == "es" else text, "utf-8")

    with pytest.raises(wording.WordsBroken, match=r"offer\.take"):
        wording.read(words.SPOKEN, tmp_path)


@pytest.mark.parametrize(("accepts", "query", "title"), [
    ("", "", "Book a visit"),
    ("es-MX,es;q=0.9", "", "Reservar una cita"),
    ("es", "?lang=en", "Book a visit"),
    ("en", "?lang=es", "Reservar una cita"),
    ("fr", "?lang=fr", "Book a visit"),
])  # fmt: skip
async def test_who_chose_a_language_reads_it_and_else_what_the_browser_prefers(
    browser: Browsing, accepts: str, query: str, title: str
) -> None:
    shown = await browser.get(f"/booking/book/still-water{query}", accepts)

    assert f"<h1>{title}</h1>" in shown.html
    assert f'<html lang="{"es" if title.startswith("R") else "en"}">' in shown.html


async def test_a_practice_that_speaks_spanish_does_so_to_whoever_says_nothing() -> None:
    async for one in browsing(House(a_house(locale="es-ES"))):
        assert "Reservar una cita" in (await one.get("/booking/book/still-water")).text


async def test_the_language_that_was_chosen_rides_along_to_the_health_check(browser: Browsing) -> None:
    first = await browser.get("/booking/book/still-water?lang=es")
    assert f'href="{TIMES}?service=session&amp;lang=es"' in first.html
    times = await browser.get(f"{TIMES}?service=session&lang=es&from=2027-03-05")
    assert "Libre el viernes 5 de marzo" in times.text
    [slot, *_] = re.findall(r'name="slot" value="([^"]+)"', times.html)
    held = await browser.post("/booking/book/still-water/hold?lang=es", slot=slot, service="session")
    assert held.location.endswith("&lang=es")
    asked = await browser.post(held.location.replace("?", "/request?"), **DETAILS)

    assert asked.location.startswith("/screening/check/")
    assert asked.location.endswith("&lang=es")
    [visit] = browser.house.appointments.kept.values()
    assert visit.client is not None
    assert visit.client.locale == "es"
    assert visit.client.consent.wording.startswith("Still Water puede enviarme mensajes sobre esta cita")


async def test_a_visit_is_shown_in_the_language_that_its_client_booked_in(browser: Browsing) -> None:
    held = await browser.house.hold()
    await browser.post(browser.address(held, "/request") + "&lang=es", **DETAILS)
    shown = await browser.get(browser.address(held), "en")

    assert "<h1>Falta un paso</h1>" in shown.html
    assert 'hreflang="en"' in shown.html
    assert re.search(r'href="/screening/check/[^"]+lang=es"', shown.html)


async def test_what_is_wrong_and_what_is_refused_is_said_in_the_language_too(browser: Browsing) -> None:
    held = await browser.house.hold()
    wrong = await browser.post(browser.address(held, "/request") + "&lang=es", **DETAILS | {"phone": "<044>"})
    assert '<a href="#phone">Escriba, por favor, un número de móvil que reciba mensajes.</a>' in wrong.html
    assert f'href="/booking/visit/{held.id}?token=' in wrong.html

    refused = await browser.get("/booking/book/nobody?lang=es")
    assert "Aquí no hay nada" in refused.text


@pytest.mark.parametrize("step", ["", "/move", "/cancel"])
async def test_no_english_is_left_on_a_spanish_page(browser: Browsing, step: str) -> None:
    visit = await browser.house.book()
    browser.house.time.pass_(timedelta(hours=1))
    shown = await browser.get(browser.address(visit, step) + "&lang=es")

    assert not re.search(r"\b(the|your|you|time|times|visit|and|with)\b", shown.text.replace("At the lake", ""))
