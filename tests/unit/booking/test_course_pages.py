"""The pages of a course: what is planned, how all of it is held, asked for and given back, and what one visit shows."""

from __future__ import annotations

from services.booking.domain.appointment import State
from tests.support.booking_courses import CourseDesk, course_of
from tests.unit.booking.test_pages import DETAILS, Browsing
from tests.unit.booking.test_pages import browser as browser  # noqa: PLC0414  a fixture


async def test_a_held_visit_of_a_course_shows_its_facts_and_is_asked_for_with_the_others(browser: Browsing) -> None:
    held = await CourseDesk(browser.house.booking).hold()

    for visit in held:
        shown = await browser.visit(visit)

        assert shown.status == 200
        assert "All its times are asked for together." in shown.text
        assert "Session, 60 minutes" in shown.text
        assert "<form" not in shown.html
        assert course_of(held) not in shown.html  # the token of one visit opens no other


async def test_one_visit_of_a_course_cannot_be_asked_for_by_itself(browser: Browsing) -> None:
    lead, *_ = await CourseDesk(browser.house.booking).hold()
    shown = await browser.post(browser.address(lead, "/request"), **DETAILS)

    assert shown.status >= 400
    assert "All its times are asked for together." in shown.text
    assert browser.house.appointments.kept[lead.id].state is State.HELD


async def test_a_visit_says_which_one_of_its_course_it_is(browser: Browsing) -> None:
    booked = await CourseDesk(browser.house.booking).book()

    assert "This is visit 2 of 3 of your course." in (await browser.visit(booked[1])).text
