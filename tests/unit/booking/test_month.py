"""The month of free days, for viewers whose day is another one than that of the practice."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from html import unescape
from urllib.parse import urlencode

import pytest

from tests.unit.booking.test_pages import HOLD, TIMES, Browsing
from tests.unit.booking.test_pages import browser as browser  # noqa: PLC0414  a fixture

DAY = re.compile(r'<td><a href="([^"]+)"[^>]* aria-label="[^"]*?(\d+|one) free times?"')
MONTHS = (date(2027, 3, 1), date(2027, 4, 1), date(2027, 5, 1))


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Europe/Zurich", "Asia/Tokyo", "Pacific/Kiritimati"])
@pytest.mark.parametrize("month", MONTHS, ids=str)
async def test_each_day_of_a_month_is_there_once_and_its_times_are_as_many_as_it_says(
    browser: Browsing, zone: str, month: date
) -> None:
    query = {"service": "session", "practitioner": "ana", "zone": zone}
    shown = await browser.get(f"{TIMES}?{urlencode({**query, 'from': month.isoformat()})}")
    table = shown.html.partition('<table class="month">')[2].partition("</table>")[0]
    days = [int(day) for day in re.findall(r">(\d+)</(?:a|span)>", table)]
    assert days == list(range(1, monthrange(month.year, month.month)[1] + 1))

    free = DAY.findall(table)
    assert free
    for link, count in (free[0], free[-1]):
        of_day = await browser.get(unescape(link).partition("#")[0])
        slots = re.findall(r'name="slot" value="([^"]+)"', of_day.html.partition('id="day"')[2])
        assert len(slots) == (1 if count == "one" else int(count))
        assert of_day.html.count('aria-current="date"') == 1
        for slot in {slots[0], slots[-1]}:
            assert (await browser.post(HOLD, service="session", slot=slot, key=link)).status == 303


async def test_no_day_can_be_asked_for_beyond_what_can_be_booked(browser: Browsing) -> None:
    far = await browser.get(f"{TIMES}?service=session&from=2031-01-01")

    assert far.status == 200
    assert "Later:" not in far.text
    assert "Earlier:" in far.text
