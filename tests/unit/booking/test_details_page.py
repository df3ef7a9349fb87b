"""The page of a held time: birth dates, guardians, codes and more time, without a line of script."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from limits import parse_many

from services.booking.actions import Booking
from services.booking.actions.limits import Allowed, Limits
from services.booking.domain.appointment import Appointment, Guardian, State
from services.booking.domain.practice import Audience
from services.booking.page import words
from tests.support.booking import MINUTE, NOW, POLICY, House, a_house
from tests.unit.booking.test_pages import DETAILS, Browsing, Shown, browsing

ENGLISH = words.read()["en"]["details"]
CHILD = {"guardian_name": "Pat Doe", "guardian_phone": "079 765 43 21"}


@asynccontextmanager
async def held(limits: Limits | None = None, *, strict: bool = False, **service: Any) -> AsyncIterator[Held]:
    """The page of a time that is held for a service with these terms."""
    house = a_house(verify_numbers=strict)
    house = replace(house, services=tuple(replace(one, **service) for one in house.services))
    own = House(house)
    own.booking = Booking.of(own.stores, POLICY, own.time, limits)
    async for browser in browsing(own):
        yield Held(browser, await own.hold())


class Held:
    def __init__(self, browser: Browsing, visit: Appointment) -> None:
        self.browser, self._visit = browser, visit

    @property
    def now_is(self) -> Appointment:
        return self.browser.house.appointments.kept[self._visit.id]

    async def show(self) -> Shown:
        return await self.browser.visit(self._visit)

    async def send(self, step: str = "request", **form: str) -> Shown:
        return await self.browser.post(self.browser.address(self._visit, f"/{step}"), **DETAILS | form)

    def code(self) -> str:
        return str(self.browser.house.numbers.said[-1].data.code)


async def test_the_birth_date_is_asked_for_where_the_service_is_for_certain_ages() -> None:
    async with held(age_from=20, age_until=40) as page:
        assert 'type="date"' in (await page.show()).html
        missing = await page.send()
        assert (missing.status, page.now_is.state) == (422, State.HELD)
        assert "Please give the date of birth." in missing.text

        assert (await page.send(born="1996-03-02")).status == 303
        assert page.now_is.client is not None
        assert page.now_is.client.born == date(1996, 3, 2)


async def test_no_birth_date_is_asked_for_where_it_does_not_matter() -> None:
    async with held() as page:
        assert 'name="born"' not in (await page.show()).html
        assert (await page.send()).status == 303


async def test_a_birth_date_that_is_none_is_pointed_at() -> None:
    async with held(age_from=20) as page:
        for typed in ("31.5.1990", "1890-01-01", "tomorrow"):
            shown = await page.send(born=typed)
            assert shown.status == 422
            assert '<a href="#born">Please give the date of birth.</a>' in shown.html


async def test_who_is_not_of_the_age_is_told_so() -> None:
    async with held(age_until=40) as page:
        shown = await page.send(born="1950-01-01")

        assert shown.status == 422
        assert "This kind of visit is for people of another age on that day." in shown.text


async def test_a_child_needs_a_guardian_who_gets_the_texts() -> None:
    async with held(age_from=3) as page:
        missing = await page.send(born="2015-01-01")
        assert missing.status == 422
        assert "please give their name and number" in missing.text
        assert re.search(r'<details class="more" open>.*?guardian_name', missing.html, re.DOTALL)

        assert (await page.send(born="2015-01-01", **CHILD)).status == 303
        assert page.now_is.client is not None
        assert page.now_is.client.guardian == Guardian(name="Pat Doe", phone="+41797654321")


async def test_who_was_never_here_is_told_when_a_service_is_for_others() -> None:
    async with held(audience=Audience.RETURNING) as page:
        shown = await page.send()

        assert (shown.status, page.now_is.state) == (422, State.HELD)
        assert "for people who have been here before" in shown.text


async def test_a_number_of_a_country_that_is_not_served_is_pointed_at() -> None:
    async with held() as page:
        shown = await page.send(phone="+44 7400 123456")

        assert shown.status == 422
        assert '<a href="#phone">We cannot text numbers of that country.' in shown.html


async def test_a_number_is_proven_on_the_same_page() -> None:
    async with held(strict=True) as page:
        assert 'name="code"' not in (await page.show()).html
        asked = await page.send()
        assert (asked.status, page.now_is.state) == (200, State.HELD)
        assert ENGLISH["code_sent"] in asked.text
        assert 'role="status"' in asked.html
        assert 'role="alert"' not in asked.html  # nothing went wrong
        assert asked.html.count("autofocus") == 1  # the field for the code is far down a phone's screen
        assert 'name="code"' in asked.html
        assert 'value="Kim Doe"' in asked.html

        code = page.code()
        wrong = await page.send(code=f"{(int(code) + 1) % 1_000_000:06d}")
        assert wrong.status == 422
        assert "This is not the newest code" in wrong.text

        assert (await page.send(code=f"{code[:3]} {code[3:]}")).status == 303
        assert page.now_is.state is State.REQUESTED


async def test_a_code_left_out_or_mistyped_uses_up_no_try_and_sends_no_text() -> None:
    async with held(strict=True) as page:
        await page.send()
        for typed in ("", "12345", "abcdef"):
            shown = await page.send(code=typed)
            assert (shown.status, "Please give the six digits" in shown.text) == (422, True)

        assert [one.tries for one in page.browser.house.numbers.kept.values()] == [0]
        assert len(page.browser.house.numbers.said) == 1


async def test_a_new_code_can_be_asked_for_after_a_while() -> None:
    async with held(strict=True) as page:
        await page.send()
        soon = await page.send("code", code="")
        assert soon.status == 429
        assert soon.headers["Retry-After"] == "30"
        assert "Please wait a minute" in soon.text

        page.browser.house.time.pass_(MINUTE)
        assert (await page.send("code", code="")).status == 200
        assert (await page.send(code=page.code())).status == 303


async def test_a_code_goes_to_the_guardian_of_a_child() -> None:
    async with held(strict=True) as page:
        await page.send(**CHILD)

        assert [one.data.phone for one in page.browser.house.numbers.said] == ["+41797654321"]
        assert (await page.send(code=page.code(), **CHILD)).status == 303


async def test_a_new_code_needs_a_number() -> None:
    async with held(strict=True) as page:
        shown = await page.send("code", phone="", code="")

        assert (shown.status, page.browser.house.numbers.said) == (422, [])


async def test_more_time_is_given_once_and_keeps_what_was_typed() -> None:
    async with held() as page:
        assert "I need more time" in (await page.show()).text
        page.browser.house.time.pass_(9 * MINUTE)

        shown = await page.send("renew", name="Kim so far")

        assert shown.status == 200
        assert 'value="Kim so far"' in shown.html
        assert ENGLISH["kept_longer"] in shown.text
        assert 'role="alert"' not in shown.html
        assert "until 04:19" in shown.text
        assert "I need more time" not in shown.text
        assert page.now_is.held_until == NOW + 19 * MINUTE
        again = await page.send("renew")
        assert again.status == 409
        assert "We have kept this time longer once already." in again.text


async def test_a_time_that_was_given_back_cannot_be_kept_any_longer() -> None:
    async with held() as page:
        page.browser.house.time.pass_(timedelta(hours=1))
        shown = await page.send("renew")

        assert shown.status == 409
        assert "This time was given back" in shown.text


async def test_whoever_sends_the_form_too_often_is_told_how_long_to_wait() -> None:
    async with held(Limits(Allowed(requests_by_address=parse_many("1/hour"))), age_from=20) as page:
        await page.send(born="2020-01-01")
        shown = await page.send(born="1990-05-31")

        assert (shown.status, page.now_is.state) == (429, State.HELD)
        assert int(shown.headers["Retry-After"]) > 3500
        assert "Please wait 60 minutes" in shown.text
        assert 'value="Kim Doe"' in shown.html
