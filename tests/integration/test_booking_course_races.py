"""Races for courses on a real database: of those that overlap one is held as a whole, nothing is left of the rest."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import pytest
from pydantic import SecretStr

from services.booking.actions import Booking
from services.booking.actions.course_changes import Days, Target
from services.booking.actions.courses import CourseAsked
from services.booking.domain.appointment import Appointment, State
from services.booking.ports import Kept
from services.booking.store import open_stores
from shared import mongo
from shared.bus import Bus
from shared.errors import Refusal
from shared.mongo import Database
from shared.relay import Relay
from tests.support.auditor import findings, overdue
from tests.support.booking import CLIENT, HOUR, MINUTE, POLICY, TEN, Time, a_house, a_person, wants
from tests.support.booking_courses import WEEK, CourseDesk, a_course, course_of, states

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Office:
    desk: CourseDesk
    database: Database
    time: Time

    async def clean(self) -> bool:
        return not [*await findings(self.database), *await overdue(self.database, now=self.time())]

    async def standing(self) -> int:
        return await self.database["appointments"].count_documents({"cells": {"$exists": True}})


@pytest.fixture
async def office(mongo_url: str, database_name: str) -> AsyncIterator[Office]:
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        stores = await open_stores(database, Relay(Bus(SecretStr("amqp://nobody"), "booking", 1)))
        await stores.practices.put(Kept(a_house(), 1), ())
        time = Time()
        yield Office(CourseDesk(Booking.of(stores, POLICY, time)), database, time)


async def outcomes(*deeds: Awaitable[Sequence[Appointment]]) -> tuple[list[Sequence[Appointment]], Counter[str]]:
    """Who won, and what the others were told."""
    answers = await asyncio.gather(*deeds, return_exceptions=True)
    strange = [one for one in answers if isinstance(one, BaseException) and not isinstance(one, Refusal)]
    assert strange == []
    won = [one for one in answers if not isinstance(one, BaseException)]
    return won, Counter(one.slug for one in answers if isinstance(one, Refusal))


@pytest.mark.parametrize(
    "rivals",
    [
        [a_course(6)],
        [a_course(6), a_course(6, first=TEN + MINUTE * 30)],
        [a_course(4), a_course(4, first=TEN + 3 * WEEK)],
        [a_course(6, apart=5 * DAY), a_course(6, apart=10 * DAY)],
        [a_course(6), a_course(6, first=TEN - HOUR), a_course(3, first=TEN + WEEK + HOUR, service="long")],
    ],
    ids=["the same", "half an hour later", "the last is the first", "another rhythm", "three, each in the way of one"],
)
async def test_of_twenty_courses_at_once_one_is_held_as_a_whole(office: Office, rivals: list[CourseAsked]) -> None:
    tries = (office.desk.hold(rivals[n % len(rivals)], key=f"course {n}") for n in range(20))
    won, told = await outcomes(*tries)
    assert won, "everybody gave way"
    assert told == Counter({"slot-taken": 20 - len(won)})
    assert all(set(states(visits)) == {"held"} for visits in won)
    assert await office.standing() == sum(map(len, won))
    assert await office.clean()
    if len(rivals) < 3:
        assert len(won) == 1


async def test_the_same_key_twenty_times_at_once_is_one_course(office: Office) -> None:
    won, told = await outcomes(*(office.desk.hold(a_course(5), key="one key") for _ in range(20)))
    assert (len(won), told) == (20, Counter())
    assert len({one.id for visits in won for one in visits}) == 5
    assert await office.standing() == 5


async def test_single_visits_and_a_course_at_once_share_no_time(office: Office) -> None:
    async def single(number: int) -> Sequence[Appointment]:
        wanted = wants(TEN + (number % 6) * WEEK)
        return [await office.desk.booking.visits.hold("still-water", wanted, key=f"single {number}", hand=CLIENT)]

    won, _ = await outcomes(office.desk.hold(a_course(6)), *(single(n) for n in range(12)))
    assert await office.standing() == sum(map(len, won))
    assert await office.clean()


async def test_the_same_request_ten_times_at_once_asks_once(office: Office) -> None:
    held = await office.desk.hold(a_course(5))
    course = office.desk.booking.courses
    won, told = await outcomes(*(course.request(course_of(held), a_person(), hand=CLIENT) for _ in range(10)))
    assert (len(won), told) == (10, Counter())
    assert states(await course.get(course_of(held))) == ["requested"] * 5
    assert await office.clean()


async def test_a_request_and_a_cancellation_at_once_are_all_or_nothing(office: Office) -> None:
    course = office.desk.booking.courses

    async def cancel(held: Sequence[Appointment], delay: int) -> Sequence[Appointment]:
        for _ in range(delay):
            await course.get(course_of(held))
        return await course.cancel(course_of(held), hand=CLIENT)

    for delay in range(0, 12, 2):
        held = await office.desk.hold(a_course(5), key=f"course {delay}")
        await outcomes(course.request(course_of(held), a_person(), hand=CLIENT), cancel(held, delay))
        office.time.pass_(40 * MINUTE)
        await office.desk.booking.visits.keep_time()
        office.time.pass_(10 * MINUTE)
        await office.desk.booking.visits.keep_time()
        assert await office.standing() == 0
        assert await office.clean()


async def test_upkeep_extended_ten_times_at_once_grows_by_what_was_told(office: Office) -> None:
    booked = await office.desk.book(a_course(1, open_ended=True))
    target = Target(starts_at=TEN + WEEK, practitioner="ana")
    changes = office.desk.booking.course_changes
    won, _ = await outcomes(*(changes.extend(course_of(booked), target, Days(), hand=CLIENT) for _ in range(10)))
    assert won
    after = await office.desk.booking.courses.get(course_of(booked))
    assert [one.state for one in after] == [State.CONFIRMED] * 2
    assert await office.clean()
