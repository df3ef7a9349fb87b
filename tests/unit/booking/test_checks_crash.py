"""Killed before and after every write and read of what a health check leads to: in the end each is said once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.booking.actions import Booking
from services.booking.domain.checking import Outcome
from services.booking.inbox import subscriptions
from shared.events import envelope
from shared.events.screening import CaseVoided
from tests.support.booking import POLICY, TEN, House, wants
from tests.support.booking_courses import CourseDesk, course_of, states
from tests.support.notify import Killed, Life, Mortal

DAY = timedelta(days=1)
FAR = TEN + 60 * DAY
Deed = Callable[[Booking], Awaitable[object]]


async def each_kill(before: Callable[[House], Awaitable[object]], deed: Callable[[House], Deed]) -> list[House]:
    """The same deed in as many houses as it has steps, killed at another one in each and done again afterwards."""
    ended: list[House] = []
    while True:
        house = House()
        await before(house)
        life = Life(len(ended))
        stores = replace(house.stores, appointments=Mortal(house.appointments, life))  # type: ignore[type-var]  # stands for it
        process = Booking.of(stores, POLICY, house.time)
        try:
            await deed(house)(process)
        except Killed:
            await deed(house)(house.booking)
            ended.append(house)
        else:
            assert life.halves > 3, "nothing was killed"
            return ended


async def postponed(house: House) -> None:
    requested = await house.request(wants(FAR))
    await house.decide(requested, Outcome.CLEARED, until=TEN.date())
    house.time.at = FAR - 14 * DAY


async def test_the_turn_that_asks_for_the_check_is_taken_and_said_once() -> None:
    for house in await each_kill(postponed, lambda _: lambda process: process.visits.keep_time()):
        [visit] = house.appointments.kept.values()
        assert visit.is_asked_again
        assert house.said == ["requested", "check_asked"]


@pytest.mark.parametrize("over", [False, True], ids=["a first visit to come", "one that is over"])
async def test_a_void_that_was_killed_reaches_every_visit_of_the_course_when_it_is_heard_again(over: bool) -> None:
    async def booked(house: House) -> None:
        desk = CourseDesk(house.booking)
        asked = await desk.request()
        await house.decide(asked[0], Outcome.CLEARED, until=date(2028, 1, 1))
        await house.booking.courses.follow(course_of(asked))
        if over:
            house.time.at = TEN + DAY
            await house.booking.visits.keep_time()

    def voided(house: House) -> Deed:
        lead = next(one for one in house.appointments.kept.values() if not one.follows)
        fact = CaseVoided(appointment=lead.id, cause="changed")
        said = envelope(fact, subject=lead.id, practice=lead.practice, sequence=2, at=house.time.at)

        async def hears(process: Booking) -> None:
            await subscriptions(process)[CaseVoided](said)
            for one in [one for one in house.appointments.said if one.type.endswith("check_asked.v1")]:
                await subscriptions(process)[type(one.data)](one)

        return hears

    for house in await each_kill(booked, voided):
        seated = sorted(house.appointments.kept.values(), key=lambda one: one.starts_at)
        assert states(seated) == ["attended" if over else "requested", "requested", "requested"]
        assert house.said.count("check_asked") == (0 if over else 1)
        assert [turn.version for turn in seated[0].history] == list(range(1, seated[0].version + 1))
