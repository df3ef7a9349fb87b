"""What the store promises of the visits of a course, asked of the twin and of the real one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from pydantic import SecretStr

from services.booking.domain import course
from services.booking.domain.appointment import Appointment, Seat
from services.booking.domain.identity import seat_id
from services.booking.outbox import announce
from services.booking.ports import AlreadyMade, Appointments
from services.booking.store import MongoAppointments
from shared import mongo
from shared.bus import Bus
from shared.relay import Relay
from tests.support.booking import MINUTE, NOW, TEN, MemoryAppointments, a_hold, a_visit
from tests.support.booking_courses import WEEK

COURSE = "a" * 26


@pytest.fixture(params=["twin", "real"])
async def appointments(
    request: pytest.FixtureRequest, mongo_url: str, database_name: str
) -> AsyncIterator[Appointments]:
    if request.param == "twin":
        yield MemoryAppointments()
        return
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        yield await MongoAppointments.open(database, Relay(Bus(SecretStr("amqp://nobody"), "booking", 1)))


def seated(index: int, of: str = COURSE, count: int | None = 3) -> Appointment:
    held = a_hold(TEN + index * WEEK, practitioner="ana" if of == COURSE else "ben", room=None, service="call")
    return replace(held, id=seat_id(of, index), seat=Seat(course=of, index=index, count=count))


async def test_the_visits_of_a_course_come_by_their_place_whatever_became_of_them(appointments: Appointments) -> None:
    visits = [seated(index) for index in range(12)]
    for visit in reversed(visits):
        await appointments.add(visit, ())
    await appointments.add(seated(0, of="b" * 26, count=None), ())
    await appointments.add(a_hold(TEN + MINUTE * 60), ())
    visits[1] = course.give_back(visits[1], now=NOW)
    assert await appointments.save(visits[1], announce(visits[1]))
    assert await appointments.of_course(COURSE) == visits
    assert await appointments.of_course("b" * 26) == [seated(0, of="b" * 26, count=None)]
    assert await appointments.of_course("c" * 26) == []


async def test_a_place_in_a_course_is_taken_once(appointments: Appointments) -> None:
    await appointments.add(seated(0), ())
    with pytest.raises(AlreadyMade):
        await appointments.add(replace(seated(0), starts_at=TEN + 5 * WEEK), ())


async def test_what_was_given_back_keeps_nothing_of_the_client(appointments: Appointments) -> None:
    asked = replace(a_visit(), id=seat_id(COURSE, 1), seat=Seat(course=COURSE, index=1, count=3))
    waiting = replace(asked, version=2, state=course.State.REQUESTED, requested_with="words", held_until=NOW)
    held = replace(waiting, version=1, state=course.State.HELD, client=None, requested_with=None)
    await appointments.add(held, ())
    assert await appointments.save(waiting, ())
    gone = course.give_back(waiting, now=NOW)
    assert await appointments.save(gone, announce(gone))
    found = await appointments.get(gone.id)
    assert found == gone
    assert (gone.client, gone.requested_with, gone.cells) == (None, None, ())
