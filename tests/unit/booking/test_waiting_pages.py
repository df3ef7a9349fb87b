"""The pages of the waitlist: what is asked, who gets into line, what a stranger learns, and leaving again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from limits import parse_many

from services.booking.actions import Booking
from services.booking.actions.limits import Allowed, Limits
from services.booking.actions.waitlist import Wish
from services.booking.domain.proof import NumberNotProven
from services.booking.domain.waitlist import Hours, Range, Wait, Waiting
from tests.support.booking import CLIENT, NOW, POLICY, STAFF, House, a_house, a_person
from tests.unit.booking.test_pages import DETAILS, TIMES, Browsing, browsing
from tests.unit.booking.test_pages import browser as browser  # noqa: PLC0414  a fixture

JOIN = "/booking/book/still-water/waitlist"
FIRST, LAST = NOW.date() + timedelta(days=3), NOW.date() + timedelta(days=20)
WISH = {"service": "session", "from": FIRST.isoformat(), "until": LAST.isoformat(), "key": "key"} | DETAILS


def line(browser: Browsing) -> Sequence[Waiting]:
    return list(browser.house.line.kept.values())


async def test_whom_no_time_suits_is_led_to_the_waitlist(browser: Browsing) -> None:
    times = await browser.get(f"{TIMES}?service=session&practitioner=ana&zone=Asia/Tokyo")
    [link] = re.findall(rf'href="({JOIN}[^"]+)"', times.html)
    asked = await browser.get(link.replace("&amp;", "&"))

    assert asked.status == 200
    assert "nothing is booked by waiting" in asked.text
    assert '<option value="ana" selected>' in asked.html
    assert '<option value="Asia/Tokyo" selected>' in asked.html


async def test_where_nothing_is_free_the_waitlist_is_the_way_on() -> None:
    house = a_house()
    async for one in browsing(
        House(replace(house, practitioners=tuple(replace(who, hours=()) for who in house.practitioners)))
    ):
        times = await one.get(f"{TIMES}?service=session")
        assert re.search(rf'<a class="button" href="{JOIN}\?service=session', times.html)


async def test_who_asks_to_be_told_stands_in_line_and_sees_for_what(browser: Browsing) -> None:
    form = WISH | {"day.1": "yes", "day.3": "yes", "part.evening": "yes", "practitioner": "ben"}
    joined = await browser.post(JOIN, **form)

    assert joined.status == 303
    [waiting] = line(browser)
    hours = tuple(Hours(weekday=day, starts=17 * 60, ends=24 * 60) for day in (1, 3))
    assert waiting.ranges == (Range(first=FIRST, last=LAST, hours=hours),)
    assert (waiting.practitioner, waiting.client.phone, waiting.by_text) == ("ben", "+41791234567", True)
    assert waiting.client.consent.wording.startswith("Still Water may text me when a time gets free, and about")
    place = await browser.get(joined.location)
    assert "You are on the list" in place.text
    assert "Evening, from five on, Tuesday, Thursday" in place.text
    assert "Kim" not in place.text  # the page says nothing of who waits


@pytest.mark.parametrize(
    ("ticked", "hours"),
    [
        ((), ()),
        (("day.0",), (Hours(weekday=0, starts=0, ends=1440),)),
        (("part.morning",), tuple(Hours(weekday=day, starts=0, ends=720) for day in range(7))),
    ],
)
async def test_nothing_ticked_is_any(browser: Browsing, ticked: Sequence[str], hours: Sequence[Hours]) -> None:
    joined = await browser.post(JOIN, **WISH | dict.fromkeys(ticked, "yes"))

    assert joined.status == 303
    assert line(browser)[0].ranges[0].hours == hours
    assert (await browser.get(joined.location)).status == 200


async def test_a_double_click_is_one_place(browser: Browsing) -> None:
    first, second = [await browser.post(JOIN, **WISH) for _ in range(2)]

    assert first.location == second.location
    assert len(line(browser)) == 1


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"from": ""}, "from", "Please give the first day that suits you."),
        ({"until": "never"}, "until", "Please give a last day that is not before the first."),
        ({"until": (FIRST - timedelta(days=1)).isoformat()}, "until", "not before the first"),
        ({"from": "2020-01-01", "until": "2020-01-02"}, "until", "Please name days that lie ahead"),
        ({"until": "2031-01-01"}, "until", "within a year"),
        ({"name": " "}, "name", "Please give your name."),
        ({"phone": "044 668 18 00"}, "phone", "Please give a mobile number"),
        ({"phone": "+44 7400 123456"}, "phone", "We cannot text numbers of that country."),
        ({"guardian_name": "Pat Doe"}, "guardian_phone", "Please give the mobile number of the parent"),
    ],
)
async def test_what_is_wrong_is_pointed_at_and_nothing_typed_is_lost(
    browser: Browsing, wrong: dict[str, str], field: str, words: str
) -> None:
    shown = await browser.post(JOIN, **WISH | {"day.2": "yes", "part.morning": "yes", "offers": "yes"} | wrong)

    assert (shown.status, line(browser)) == (422, [])
    [pointed] = re.findall(rf'<a href="#{field}">([^<]+)</a>', shown.html)
    assert words in pointed
    assert f'id="{field}"' in shown.html
    typed = {**WISH, **wrong}
    assert all(f'value="{typed[name]}"' in shown.html for name in ("from", "until", "phone", "name"))
    assert {"day.2", "part.morning", "texts", "offers"} == set(
        re.findall(r'name="([^"]+)" value="yes" checked', shown.html)
    )


async def test_without_texts_nobody_could_be_told(browser: Browsing) -> None:
    form = {name: value for name, value in WISH.items() if name != "texts"}
    shown = await browser.post(JOIN, **form)

    assert (shown.status, line(browser)) == (422, [])
    assert '<a href="#texts">We tell you of a free time by text.' in shown.html


async def test_a_birth_date_is_asked_for_where_it_matters() -> None:
    house = a_house()
    async for one in browsing(
        House(replace(house, services=tuple(replace(each, age_from=20) for each in house.services)))
    ):
        assert 'name="born"' in (await one.get(f"{JOIN}?service=session")).html
        assert '<a href="#born">' in (await one.post(JOIN, **WISH)).html
        assert (await one.post(JOIN, **WISH, born="1990-01-31")).status == 303


async def test_a_stranger_with_somebodys_number_learns_nothing_and_changes_nothing(browser: Browsing) -> None:
    own = await browser.post(JOIN, **WISH)
    [waiting] = line(browser)
    stranger = await browser.post(JOIN, **WISH | {"key": "other", "name": "Somebody", "until": FIRST.isoformat()})

    assert stranger.status == 409
    assert "If it is yours and you are waiting already" in stranger.text
    assert waiting.id not in stranger.html
    assert own.location not in stranger.html
    assert "Kim" not in stranger.html
    assert LAST.isoformat() not in stranger.html
    assert line(browser) == [waiting]


async def test_an_address_gives_no_name_and_ticks_no_box(browser: Browsing) -> None:
    shown = await browser.get(f"{JOIN}?service=session&name=Somebody&phone=0791234567&texts=yes&offers=yes&key=known")

    assert 'value="Somebody"' not in shown.html
    assert 'value="0791234567"' not in shown.html
    assert " checked" not in shown.html
    assert shown.hidden("key") != "known"


async def test_who_asks_too_often_is_told_to_wait() -> None:
    house = House()
    house.booking = Booking.of(
        house.stores, POLICY, house.time, Limits(Allowed(requests_by_address=parse_many("1/hour")))
    )
    async for one in browsing(house):
        await one.post(JOIN, **WISH)
        shown = await one.post(JOIN, **WISH | {"phone": "079 765 43 21"})

        assert shown.status == 429
        assert "That was too often" in shown.text
        assert "Retry-After" in shown.headers
        assert 'value="079 765 43 21"' in shown.html


async def test_leaving_the_line_ends_it_for_good_and_can_be_asked_twice(browser: Browsing) -> None:
    joined = await browser.post(JOIN, **WISH)
    leave = joined.location.replace("?", "/leave?")
    for _ in range(2):
        left = await browser.post(leave)
        assert left.location.startswith(joined.location)
        assert "You are not on the list any more" in (await browser.get(left.location)).text

    assert [one.state for one in line(browser)] == [Wait.LEFT]


async def test_a_place_whose_days_are_over_says_so(browser: Browsing) -> None:
    joined = await browser.post(JOIN, **WISH)
    browser.house.time.pass_(timedelta(days=21))
    over = await browser.get(joined.location)

    assert "Your days on the list are over" in over.text
    assert "/leave" not in over.html


@pytest.mark.parametrize("token", ["", "?token=forged"])
async def test_without_its_own_token_a_place_is_neither_shown_nor_left(browser: Browsing, token: str) -> None:
    await browser.post(JOIN, **WISH)
    [waiting] = line(browser)

    assert (await browser.get(f"/booking/waiting/{waiting.id}{token}")).status == 401
    assert (await browser.post(f"/booking/waiting/{waiting.id}/leave{token}")).status == 401
    assert line(browser) == [waiting]


async def test_a_spanish_wish_is_spanish_to_its_end(browser: Browsing) -> None:
    asked = await browser.get(f"{JOIN}?service=session&lang=es")
    joined = await browser.post(f"{JOIN}?lang=es", **WISH | {"day.1": "yes", "part.morning": "yes"})
    place = await browser.get(joined.location)

    for shown in (asked, place):
        assert not re.search(r"\b(the|your|you|time|times|visit|and|with|day)\b", shown.text.replace("At the lake", ""))
    assert "Está en la lista" in place.text
    assert line(browser)[0].client.locale == "es"
    assert f"{date(2027, 3, 4).year}" in place.text


async def test_a_number_is_proven_before_it_waits_where_the_practice_proves_numbers() -> None:
    house = House(a_house(verify_numbers=True))
    async for one in browsing(house):
        asked = await one.post(JOIN, **WISH)
        assert (asked.status, line(one)) == (200, [])
        assert 'name="code"' in asked.html
        assert 'role="status"' in asked.html
        assert 'value="079 123 45 67"' in asked.html
        code = str(house.numbers.said[-1].data.code)

        wrong = await one.post(JOIN, **WISH, code=f"{(int(code) + 1) % 1_000_000:06d}")
        assert (wrong.status, line(one)) == (422, [])
        assert '<a href="#code">' in wrong.html
        house.time.pass_(timedelta(minutes=1))
        again = await one.post(JOIN, **WISH, code="", do="code")
        assert (again.status, len(house.numbers.said)) == (200, 2)

        newest = str(house.numbers.said[-1].data.code)
        first, second = [await one.post(JOIN, **WISH, code=f"{newest[:3]} {newest[3:]}") for _ in range(2)]
        assert first.status == 303
        assert first.location == second.location
        assert len(line(one)) == 1


async def test_a_code_for_the_waitlist_is_not_sent_too_often() -> None:
    house = House(a_house(verify_numbers=True))
    async for one in browsing(house):
        shown = [await one.post(JOIN, **WISH, do="code") for _ in range(2)][-1]

        assert (shown.status, len(house.numbers.said)) == (429, 1)
        assert "That was too often" in shown.text


async def test_who_stands_behind_the_desk_puts_a_caller_in_line_without_a_code() -> None:
    house = House(a_house(verify_numbers=True))
    wish = Wish(service="session", practitioner=None, ranges=(Range(first=FIRST, last=LAST),))
    waiting = await house.booking.waitlist.join("still-water", wish, a_person(), key="key", hand=STAFF)

    assert waiting.state is Wait.WAITING
    with pytest.raises(NumberNotProven):
        await house.booking.waitlist.join("still-water", wish, a_person(), key="other", hand=CLIENT)
