"""Courses whose first visit is checked again, voided, declined, or cleared for too short a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from services.booking.domain.appointment import Appointment, State
from services.booking.domain.checking import Outcome
from services.booking.domain.course import follow
from services.booking.inbox import subscriptions
from shared.events import envelope
from shared.events.screening import CaseVoided
from shared.retry import DONE
from tests.support.booking import CLIENT, HOUR, MINUTE, STAFF, TEN, House, wants
from tests.support.booking_courses import WEEK, CourseDesk, a_course, course_of, states

DAY = timedelta(days=1)
LONG = date(2028, 1, 1)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def desk(house: House) -> CourseDesk:
    return CourseDesk(house.booking)


async def hears(house: House, *, last: int = 1000) -> None:
    """What booking has said of visits, as the broker brings it back, and again."""
    for said in house.appointments.said[-last:]:
        assert await subscriptions(house.booking)[type(said.data)](said) == DONE


async def seen(house: House, visits: Sequence[Appointment]) -> list[Appointment]:
    await hears(house)
    return list(await house.booking.courses.get(course_of(visits)))


async def hears_void(house: House, visit: Appointment, *, version: int = 2) -> None:
    fact = CaseVoided(appointment=visit.id, cause="changed")
    said = envelope(fact, subject=visit.id, practice=visit.practice, sequence=version, at=house.time.at)
    assert await subscriptions(house.booking)[CaseVoided](said) == DONE


async def cleared_until(house: House, desk: CourseDesk, until: date, count: int = 3) -> list[Appointment]:
    asked = await desk.request(a_course(count))
    await house.decide(asked[0], Outcome.CLEARED, until=until)
    return await seen(house, asked)


async def test_a_later_visit_beyond_the_clearance_is_asked_about_when_it_is_near_and_decided_on_its_own(
    house: House, desk: CourseDesk
) -> None:
    visits = await cleared_until(house, desk, (TEN + 2 * WEEK).date(), 4)
    last = visits[3]
    assert states(visits) == ["confirmed", "confirmed", "confirmed", "requested"]
    assert (last.is_postponed, last.due_at) == (True, last.starts_at - 14 * DAY)
    house.time.at = last.starts_at - 14 * DAY
    await house.booking.visits.keep_time()
    asked = await house.booking.visits.get(last.id)
    assert (asked.is_asked_again, asked.held_until) == (True, last.starts_at - 2 * DAY)
    assert house.appointments.said[-1].data.checked == 0
    await house.decide(asked, Outcome.NEEDS_REVIEW)
    again = await house.booking.courses.clear(course_of(visits), hand=STAFF)
    assert again[3].state is State.IN_REVIEW  # a person rules on its own check, not on the course
    confirmed = await house.decide(asked, Outcome.CLEARED, until=LONG)
    assert confirmed.state is State.CONFIRMED
    assert house.appointments.said[-1].data.again is True


async def test_a_later_visit_whose_own_check_nobody_answers_lapses_alone(house: House, desk: CourseDesk) -> None:
    visits = await cleared_until(house, desk, (TEN + 2 * WEEK).date(), 4)
    house.time.at = visits[3].starts_at - 14 * DAY
    await house.booking.visits.keep_time()
    house.time.at = visits[3].starts_at - 2 * DAY
    await house.booking.visits.keep_time()
    last = (await house.booking.courses.get(course_of(visits)))[3]
    assert (last.state, last.cells) == (State.LAPSED, ())


async def test_when_what_the_first_said_counts_no_longer_the_others_are_confirmed_no_more(
    house: House, desk: CourseDesk
) -> None:
    visits = await cleared_until(house, desk, LONG)
    await house.void(visits[0])
    visits = await seen(house, visits)
    assert states(visits) == ["requested"] * 3
    assert [one.cleared_until for one in visits] == [None] * 3
    assert visits[0].is_asked_again
    await house.booking.visits.keep_time()  # the second is near, but waits for what becomes of the first
    assert house.said.count("check_asked") == 1
    await house.decide(visits[0], Outcome.CLEARED, until=LONG)
    visits = await seen(house, visits)
    assert (states(visits), {one.cleared_until for one in visits}) == (["confirmed"] * 3, {LONG})
    # Of the others nobody was told that they were not, so nobody is told of them either.
    confirmed = [said.data for said in house.appointments.said[-3:]]
    assert [(fact.name.split(".")[2], fact.seat.index, fact.again) for fact in confirmed] == [
        ("confirmed", 0, True),
        ("confirmed", 1, None),
        ("confirmed", 2, None),
    ]


async def test_a_review_of_the_first_once_it_was_confirmed_takes_the_others_back_too(
    house: House, desk: CourseDesk
) -> None:
    visits = await cleared_until(house, desk, LONG)
    await house.decide(visits[0], Outcome.NEEDS_REVIEW)
    assert states(await seen(house, visits)) == ["in_review", "requested", "requested"]


async def test_when_the_first_is_declined_after_it_was_confirmed_all_are(house: House, desk: CourseDesk) -> None:
    visits = await cleared_until(house, desk, LONG)
    await house.decide(visits[0], Outcome.DECLINED)
    visits = await seen(house, visits)
    assert (states(visits), [one.cells for one in visits]) == (["declined"] * 3, [()] * 3)


@pytest.mark.parametrize("ends", ["lapses", "is cancelled"])
async def test_when_a_voided_first_visit_ends_the_others_are_asked_about_on_their_own(
    house: House, desk: CourseDesk, ends: str
) -> None:
    visits = await cleared_until(house, desk, LONG)
    await house.void(visits[0])
    await hears(house)
    await house.booking.visits.keep_time()
    if ends == "lapses":
        house.time.at = TEN
        await house.booking.visits.keep_time()
    else:
        await house.booking.visits.cancel(visits[0].id, hand=CLIENT)
    await hears(house)
    house.time.at = TEN + 5 * MINUTE
    for _ in range(3):
        await house.booking.visits.keep_time()
    later = (await house.booking.courses.get(course_of(visits)))[1:]
    assert [(one.state, one.is_asked_again) for one in later] == [(State.REQUESTED, True)] * 2
    assert [one.held_until for one in later] == [one.starts_at - 2 * DAY for one in later]


async def test_a_visit_with_a_check_of_its_own_does_not_follow_the_first_any_more(
    house: House, desk: CourseDesk
) -> None:
    visits = await cleared_until(house, desk, (TEN + WEEK).date(), 3)
    house.time.at = visits[2].starts_at - 14 * DAY
    await house.booking.visits.keep_time()
    await house.decide(visits[2], Outcome.CLEARED, until=LONG)
    await hears_void(house, visits[0])
    assert states(await seen(house, visits)) == ["confirmed", "requested", "confirmed"]
    await house.void(visits[2])
    assert (await house.booking.visits.get(visits[2].id)).is_asked_again


async def test_while_the_first_waits_to_be_asked_again_the_others_do_and_no_minute_is_noted(
    house: House, desk: CourseDesk
) -> None:
    asked = await desk.request(a_course(3, first=TEN + 60 * DAY))
    await house.decide(asked[0], Outcome.CLEARED, until=(TEN + 20 * DAY).date())
    for _ in range(40):
        house.time.pass_(HOUR)
        await house.booking.visits.keep_time()
    visits = await seen(house, asked)
    assert [one.is_postponed for one in visits] == [True] * 3
    assert max(one.version for one in visits) <= 6
    house.time.at = visits[0].starts_at - 14 * DAY
    await house.booking.visits.keep_time()
    await house.decide(asked[0], Outcome.CLEARED, until=LONG)
    assert states(await seen(house, asked)) == ["confirmed"] * 3


async def test_a_course_whose_first_visit_was_never_confirmed_ends_with_it(house: House, desk: CourseDesk) -> None:
    asked = await desk.request(a_course(3, first=TEN + 60 * DAY))
    await house.decide(asked[0], Outcome.CLEARED, until=(TEN + 20 * DAY).date())
    house.time.pass_(HOUR)
    await house.booking.visits.keep_time()
    house.time.at = asked[0].starts_at - 14 * DAY
    await house.booking.visits.keep_time()
    house.time.at = asked[0].starts_at - 2 * DAY
    await house.booking.visits.keep_time()
    assert states(await seen(house, asked)) == ["lapsed"] * 3


async def test_calling_a_course_off_gives_back_what_waits_for_its_check(house: House, desk: CourseDesk) -> None:
    visits = await cleared_until(house, desk, (TEN + WEEK).date(), 4)
    house.time.at = visits[3].starts_at - 14 * DAY
    await house.booking.visits.keep_time()
    over = await house.booking.courses.cancel(course_of(visits), hand=CLIENT)
    assert states(over)[2:] == ["cancelled", "cancelled"]
    assert [one.cells for one in over[2:]] == [(), ()]


async def test_a_later_visit_that_was_confirmed_while_the_first_was_voided_looks_again(
    house: House, desk: CourseDesk
) -> None:
    """The void comes between what somebody read of the first and what they wrote of the second."""
    asked = await desk.request(a_course(3))
    lead = await house.decide(asked[0], Outcome.CLEARED, until=LONG)
    await house.void(asked[0])
    await hears(house)  # too early for the second: nothing of it was confirmed yet
    second = await house.booking.visits.turn(asked[1].id, lambda was: follow(was, lead, now=house.time()), hand=STAFF)
    assert second.state is State.CONFIRMED
    await hears(house, last=1)
    assert states(await house.booking.courses.get(course_of(asked)))[1] == "requested"


async def test_a_later_visit_moved_into_the_clearance_is_confirmed(house: House, desk: CourseDesk) -> None:
    visits = await cleared_until(house, desk, (TEN + WEEK).date(), 3)
    assert visits[2].is_postponed
    moved = await house.booking.visits.move(visits[2].id, TEN + WEEK + 3 * HOUR, None, hand=STAFF)
    assert moved.state is State.REQUESTED
    await hears(house, last=1)
    assert states(await house.booking.courses.get(course_of(visits))) == ["confirmed"] * 3


async def test_what_was_said_of_a_first_visit_that_is_over_counts_for_the_others_too(
    house: House, desk: CourseDesk
) -> None:
    visits = await cleared_until(house, desk, LONG)
    house.time.at = TEN + 3 * HOUR
    await house.booking.visits.keep_time()
    for _ in range(2):
        await hears_void(house, visits[0])
        assert states(await house.booking.courses.get(course_of(visits))) == ["attended", "requested", "requested"]
    await house.booking.visits.keep_time()
    asked = await house.booking.courses.get(course_of(visits))
    assert [one.is_asked_again for one in asked[1:]] == [True, True]


@pytest.mark.parametrize("lead_is", ["to come", "over", "cancelled"])
async def test_what_is_taken_back_on_the_page_of_a_later_visit_is_taken_back_of_all_that_rely_on_the_first(
    house: House, desk: CourseDesk, lead_is: str
) -> None:
    visits = await cleared_until(house, desk, LONG)
    if lead_is == "over":
        house.time.at = TEN + 3 * HOUR
        await house.booking.visits.keep_time()
    elif lead_is == "cancelled":
        await house.booking.visits.cancel(visits[0].id, hand=STAFF)
        await hears(house, last=1)
    for _ in range(2):
        await hears_void(house, visits[2], version=1)
        visits = await seen(house, visits)
        lead = {"to come": "requested", "over": "attended", "cancelled": "cancelled"}[lead_is]
        assert states(visits) == [lead, "requested", "requested"]
    assert (visits[2].is_asked_again, visits[2].checked) == (True, 1)
    await house.decide(visits[2], Outcome.NEEDS_REVIEW)
    assert states(await seen(house, visits))[2] == "in_review"


async def test_nobody_waits_longer_for_the_first_of_a_course_by_taking_back_what_was_never_said(
    house: House, desk: CourseDesk
) -> None:
    visits = await desk.request(a_course(3))
    for visit in visits:
        await hears_void(house, visit, version=1)
    assert list(await house.booking.courses.get(course_of(visits))) == list(visits)
    held = await house.hold(wants(TEN + 2 * HOUR), key="held")
    await hears_void(house, held, version=1)
