"""The pages of a course: what is planned, how all of it is held, asked for and given back, and what one visit shows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from html import unescape
from zoneinfo import ZoneInfo

import pytest

from services.booking.domain.appointment import Appointment, State
from services.booking.domain.checking import Outcome
from services.booking.domain.practice import Audience
from tests.support.booking import HOUR, House, a_house, wants
from tests.support.booking_courses import CourseDesk, course_of
from tests.unit.booking.test_pages import DETAILS, TIMES, Browsing, Shown, browsing

PLAN = "/booking/book/still-water/course"
WISH = f"{PLAN}?service=session&count=3&practitioner=ana"


class Coursing(Browsing):
    """A browser that plans several visits."""

    async def hold_course(self) -> Shown:
        return await self.post(f"{PLAN}/hold", **self.of(await self.get(WISH)))

    def visits(self) -> Sequence[Appointment]:
        return sorted(self.house.appointments.kept.values(), key=lambda one: one.starts_at)

    @staticmethod
    def of(plan: Shown) -> Mapping[str, str]:
        """What the button below the plan posts."""
        form = plan.html.partition("/course/hold")[2].partition("</form>")[0]
        return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))

    @staticmethod
    def step(held: Shown, step: str) -> str:
        return held.location.replace("?", f"/{step}?")


async def coursing(house: House) -> AsyncIterator[Coursing]:
    async for one in browsing(house):
        yield Coursing(one.house, one.tokens, one.client)


@pytest.fixture
async def browser() -> AsyncIterator[Coursing]:
    async for one in coursing(House()):
        yield one


def starts(plan: Shown) -> list[str]:
    return re.findall(r'name="visit\.\d" value="([^"]+)"', plan.html)


def read(start: str) -> tuple[datetime, str]:
    """On the clocks of the place, and with whom."""
    at, _, who = start.partition("/")
    return datetime.fromisoformat(at).astimezone(ZoneInfo("Europe/Zurich")), who


async def test_a_held_visit_of_a_course_shows_its_facts_and_is_asked_for_with_the_others(browser: Coursing) -> None:
    held = await CourseDesk(browser.house.booking).hold()

    for visit in held:
        shown = await browser.visit(visit)

        assert shown.status == 200
        assert "All its times are asked for together." in shown.text
        assert "Session, 60 minutes" in shown.text
        assert "<form" not in shown.html
        assert course_of(held) not in shown.html  # the token of one visit opens no other


async def test_one_visit_of_a_course_cannot_be_asked_for_by_itself(browser: Coursing) -> None:
    lead, *_ = await CourseDesk(browser.house.booking).hold()
    shown = await browser.post(browser.address(lead, "/request"), **DETAILS)

    assert shown.status >= 400
    assert "All its times are asked for together." in shown.text
    assert browser.house.appointments.kept[lead.id].state is State.HELD


async def test_a_visit_says_which_one_of_its_course_it_is(browser: Coursing) -> None:
    booked = await CourseDesk(browser.house.booking).book()

    assert "This is visit 2 of 3 of your course." in (await browser.visit(booked[1])).text


async def test_a_service_that_can_follow_itself_leads_from_its_times_to_a_plan(browser: Coursing) -> None:
    times = await browser.get(TIMES + "?service=session")

    assert f'href="{PLAN}?service=session"' in times.html
    wish = await browser.get(PLAN + "?service=session")
    assert wish.status == 200
    assert "A course is 3 to 10 visits" in wish.text
    assert "visit.0" not in wish.html  # nothing is looked for before somebody has said what they wish


async def test_a_service_for_a_first_time_has_no_course() -> None:
    house = a_house()
    async for browser in browsing(
        House(replace(house, services=tuple(replace(one, audience=Audience.NEW) for one in house.services)))
    ):
        assert PLAN not in (await browser.get(TIMES + "?service=session")).html
        assert (await browser.get(f"{PLAN}?service=session")).location == f"{TIMES}?service=session"


async def test_the_plan_is_as_was_wished_for(browser: Coursing) -> None:
    shown = await browser.get(f"{PLAN}?service=session&count=4&weekday=1&hour=14&practitioner=ana")

    assert len(starts(shown)) == 4
    assert {(at.weekday(), at.hour, who) for at, who in map(read, starts(shown))} == {(1, 14, "ana")}
    assert shown.text.count("14:00 to 15:00") == 4


@pytest.mark.parametrize(
    "query",
    ["count=2", "count=11", "count=many", "count=3&weekday=9&hour=99&practitioner=nobody&from=never&zone=Nowhere/At"],
)
async def test_what_is_wished_for_wrongly_counts_as_not_wished(browser: Coursing, query: str) -> None:
    assert (await browser.get(f"{PLAN}?service=session&{query}")).status == 200


async def test_a_day_beyond_what_can_be_booked_has_no_plan(browser: Coursing) -> None:
    shown = await browser.get(f"{PLAN}?service=session&count=3&from=2030-01-01")

    assert shown.status == 200
    assert "So many visits do not fit into the free times." in shown.text
    assert '<select id="count"' in shown.html  # the wish can be changed where it was made
    assert "visit.0" not in shown.html


async def test_a_course_is_planned_held_asked_for_and_confirmed(browser: Coursing) -> None:
    held = await browser.hold_course()
    assert held.status == 303
    page = await browser.get(held.location)
    assert "We are keeping these times for you until" in page.text
    assert "You answer the health check once, for all visits." in page.text

    missing = await browser.post(browser.step(held, "request"), **{**DETAILS, "name": ""})
    assert missing.status == 422
    assert 'value="079 123 45 67"' in missing.html
    asked = await browser.post(browser.step(held, "request"), **DETAILS)
    assert asked.status == 303
    lead, *later = browser.visits()
    assert asked.location.startswith(f"/screening/check/{lead.id}?token=")
    assert [one.state for one in (lead, *later)] == [State.REQUESTED] * 3
    assert "Go to the health check" in (await browser.get(held.location)).text

    await CourseDesk(browser.house.booking).decide([lead, *later], Outcome.CLEARED)
    stands = await browser.get(held.location)
    assert stands.text.count("You are booked") == 3
    for address in re.findall(r'href="(/booking/visit/[^"]+)"', stands.html):
        assert (await browser.get(unescape(address))).status == 200


async def test_a_double_click_holds_one_course_and_asks_for_it_once(browser: Coursing) -> None:
    plan = await browser.get(WISH)
    first, second = [await browser.post(f"{PLAN}/hold", **browser.of(plan)) for _ in range(2)]
    assert first.location == second.location
    asked = [await browser.post(browser.step(first, "request"), **DETAILS) for _ in range(2)]

    assert [one.status for one in asked] == [303, 303]
    assert len(browser.visits()) == 3


async def test_a_clash_holds_nothing_and_shows_the_plan_anew(browser: Coursing) -> None:
    plan = await browser.get(WISH)
    taken, _ = read(starts(plan)[1])
    await browser.house.hold(wants(taken))
    shown = await browser.post(f"{PLAN}/hold", **browser.of(plan))

    assert shown.status == 409
    assert "Somebody was faster" in shown.text
    assert len(starts(shown)) == 3
    assert taken not in [at for at, _ in map(read, starts(shown))]
    assert [one.state for one in browser.visits() if one.seat] in ([], [State.CANCELLED])
    assert (await browser.post(f"{PLAN}/hold", **browser.of(shown))).status == 303
    spanish = re.search(r'href="([^"]+)" lang="es"', shown.html)
    assert spanish is not None
    assert (await browser.get(unescape(spanish[1]))).text.count("Estas horas están libres") == 1


@pytest.mark.parametrize("slots", [("",), ("soon/ana", "later/ana", "last/ana"), ()])
async def test_what_no_button_of_the_plan_posts_brings_it_again(browser: Coursing, slots: Sequence[str]) -> None:
    posted = {f"visit.{number}": slot for number, slot in enumerate(slots)}
    shown = await browser.post(f"{PLAN}/hold", service="session", count="3", **posted)

    assert (shown.status, browser.visits()) == (422, [])
    assert len(starts(shown)) == 3


async def test_a_plan_whose_times_were_let_go_gives_nobody_the_course(browser: Coursing) -> None:
    plan = await browser.get(WISH)
    held = await browser.post(f"{PLAN}/hold", **browser.of(plan))
    let_go = await browser.post(browser.step(held, "cancel"))
    assert let_go.location == f"{PLAN}?service=session"
    assert {one.state for one in browser.visits()} == {State.CANCELLED}

    again = await browser.post(f"{PLAN}/hold", **browser.of(plan))
    assert again.status == 409
    assert "/booking/course/" not in again.html.replace(PLAN, "")


async def test_a_course_whose_hold_ran_out_says_so(browser: Coursing) -> None:
    held = await browser.hold_course()
    browser.house.time.pass_(HOUR)
    late = await browser.post(browser.step(held, "request"), **DETAILS)

    assert late.status == 409
    assert "We could keep the time no longer" in late.text
    assert late.text.count("This time was given back") == 3


async def test_a_course_is_cancelled_as_a_whole_after_being_asked(browser: Coursing) -> None:
    held = await browser.hold_course()
    await browser.post(browser.step(held, "request"), **DETAILS)
    asks = await browser.get(browser.step(held, "cancel"))
    assert "This gives back every visit of the course" in asks.text
    done = await browser.post(browser.step(held, "cancel"))

    assert done.status == 303
    assert (await browser.get(done.location)).text.count("This visit is cancelled") == 3
    assert "cannot be cancelled" in (await browser.get(browser.step(held, "cancel"))).text.replace("can not", "cannot")


async def test_a_number_is_proven_for_all_visits_of_a_course() -> None:
    async for browser in coursing(House(a_house(verify_numbers=True))):
        held = await browser.hold_course()
        asked = await browser.post(browser.step(held, "request"), **DETAILS)
        assert asked.status == 200
        assert 'name="code"' in asked.html
        again = await browser.post(browser.step(held, "code"), **DETAILS)
        assert again.status in (200, 429)
        code = str(browser.house.numbers.said[-1].data.code)
        wrong = await browser.post(
            browser.step(held, "request"), **DETAILS, code="0" * 6 if code != "0" * 6 else "1" * 6
        )
        assert wrong.status == 422
        assert (await browser.post(browser.step(held, "request"), **DETAILS, code=code)).status == 303


@pytest.mark.parametrize("step", ["", "/cancel"])
async def test_without_its_own_token_a_course_is_not_shown(browser: Coursing, step: str) -> None:
    held = await browser.hold_course()
    course = course_of(browser.visits())
    lead = browser.visits()[0]
    of_one_visit = browser.address(lead).partition("token=")[2]
    for token in ("", "?token=forged", f"?token={of_one_visit}"):
        assert (await browser.get(f"/booking/course/{course}{step}{token}")).status == 401
    assert held.status == 303


async def test_a_later_visit_waits_for_the_one_health_check_and_asks_for_none_of_its_own(browser: Coursing) -> None:
    lead, later, _ = await CourseDesk(browser.house.booking).request()

    first, second = await browser.visit(lead), await browser.visit(later)
    assert f"/screening/check/{lead.id}" in first.html
    assert "<h1>We are keeping your time</h1>" in second.html
    assert "You answer the health check once, for all visits." in second.text
    assert "/screening/check/" not in second.html
