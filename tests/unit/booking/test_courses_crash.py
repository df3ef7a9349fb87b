"""Killed before and after every write and read of a course: in the end all of it is asked for, or all of it is free."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from services.booking.actions import Booking
from services.booking.actions.course_changes import Days, Target
from services.booking.domain.appointment import Appointment
from services.booking.domain.checking import Outcome
from services.booking.domain.identity import course_id
from services.booking.outbox import announce
from shared.errors import Refusal
from tests.support.booking import CLIENT, MINUTE, POLICY, TEN, House, a_person, a_word, wants
from tests.support.booking_courses import WEEK, a_course, course_of, states
from tests.support.notify import Killed, Life, Mortal

COURSE = course_id("still-water", "course")
Deed = Callable[[Booking], Awaitable[object]]


def booking(house: House, dies_at: int | None) -> tuple[Booking, Life]:
    """A process of its own over what survives; it dies at that half of a call to the appointments."""
    life = Life(dies_at)
    mortal = Mortal(house.appointments, life)
    stores = replace(house.stores, appointments=mortal)  # type: ignore[type-var]  # stands for it
    return Booking.of(stores, POLICY, house.time), life


async def hold(booking: Booking) -> object:
    return await booking.courses.hold("still-water", a_course(4), key="course", hand=CLIENT)


async def request(booking: Booking) -> object:
    return await booking.courses.request(COURSE, a_person(), hand=CLIENT)


async def visits(house: House) -> list[Appointment]:
    return list(await house.appointments.of_course(COURSE))


async def in_time(house: House) -> None:
    """Long after, with nobody asking for anything more."""
    for _ in range(8):
        house.time.pass_(timedelta(minutes=16))
        await house.booking.visits.keep_time()


async def each_kill(deed: Deed, before: Callable[[House], Awaitable[object]]) -> list[House]:
    """The same deed in as many houses as it has steps, killed at another one in each."""
    ended: list[House] = []
    while True:
        house = House()
        await before(house)
        process, life = booking(house, len(ended))
        try:
            await deed(process)
        except Killed:
            ended.append(house)
        else:
            assert life.halves > 8, "nothing was killed"
            return ended


async def nothing(_: House) -> None:
    pass


async def held(house: House) -> None:
    await hold(house.booking)


async def test_a_hold_that_was_killed_is_finished_by_the_same_key() -> None:
    for house in await each_kill(hold, nothing):
        await hold(house.booking)
        assert states(await visits(house)) == ["held"] * 4


async def test_a_hold_that_was_killed_frees_everything_in_time() -> None:
    for house in await each_kill(hold, nothing):
        await in_time(house)
        assert not any(one.cells for one in house.appointments.kept.values())
        assert house.said == []


async def test_a_hold_that_was_killed_while_it_gave_up_leaves_nothing() -> None:
    async def rival(house: House) -> None:
        await house.hold(wants(TEN + 3 * WEEK), key="somebody else")

    async def give_up(process: Booking) -> None:
        """The look beforehand does not see the rival, who comes right after it."""
        asked = a_course(4)
        with suppress(Refusal):
            await process.courses._claim(COURSE, "still-water", asked, "print", CLIENT)

    for house in await each_kill(give_up, rival):
        house.time.pass_(11 * MINUTE)
        await house.booking.visits.keep_time()
        assert not any(one.cells for one in house.appointments.kept.values())
        assert house.said == []


async def test_a_request_that_was_killed_is_finished_by_asking_again() -> None:
    for house in await each_kill(request, held):
        await request(house.booking)
        assert states(await visits(house)) == ["requested"] * 4
        assert house.said == ["requested"]


async def test_a_request_that_was_killed_is_of_the_whole_course_or_leaves_nothing() -> None:
    seen = set()
    for house in await each_kill(request, held):
        committed = house.said == ["requested"]
        await in_time(house)
        ended = await visits(house)
        assert set(states(ended)) <= {"lapsed", "cancelled"}, states(ended)
        assert not any(one.cells for one in ended)
        assert all((one.client is not None) == committed for one in ended)
        assert house.said == (["requested"] + ["lapsed"] * 4 if committed else [])
        seen.add(committed)
    assert seen == {True, False}


async def test_a_request_that_was_killed_is_confirmed_as_a_whole_or_not_at_all() -> None:
    for house in await each_kill(request, held):
        lead = (await visits(house))[0]
        if lead.client is not None:
            decided = await house.booking.visits.told(lead.id, a_word(Outcome.CLEARED, until=None, event="decided:1"))
            await house.booking.courses.heard(announce(decided)[0], decided)
        await in_time(house)
        stand = {state for state in states(await visits(house)) if state in {"confirmed", "requested", "held"}}
        assert stand == (set() if lead.client is None else {"confirmed"})


async def test_a_killed_request_without_a_health_check_confirms_nothing_before_the_first() -> None:
    async def calls(house: House) -> None:
        asked = a_course(4, service="call")
        await house.booking.courses.hold("still-water", asked, key="course", hand=CLIENT)

    for house in await each_kill(request, calls):
        lead, *later = states(await visits(house))
        assert lead == "confirmed" or "confirmed" not in later
        await in_time(house)
        assert set(states(await visits(house))) <= ({"confirmed"} if lead == "confirmed" else {"lapsed", "cancelled"})


async def test_following_the_first_is_finished_when_it_is_heard_again() -> None:
    async def asked(house: House) -> None:
        await held(house)
        lead = (await house.booking.courses.request(COURSE, a_person(), hand=CLIENT))[0]
        await house.booking.visits.told(lead.id, a_word(Outcome.CLEARED, until=None, event="decided:1"))

    async def follow(process: Booking) -> None:
        await process.courses.follow(COURSE)

    for house in await each_kill(follow, asked):
        await house.booking.courses.follow(COURSE)
        assert states(await visits(house)) == ["confirmed"] * 4
        assert sorted(house.said) == ["confirmed"] * 4 + ["requested"]


async def test_a_killed_extension_is_either_confirmed_or_gone_in_time() -> None:
    async def upkeep(house: House) -> None:
        await house.booking.courses.hold("still-water", a_course(1, open_ended=True), key="course", hand=CLIENT)
        lead = (await house.booking.courses.request(COURSE, a_person(), hand=CLIENT))[0]
        await house.booking.visits.told(lead.id, a_word(Outcome.CLEARED, until=None, event="decided:1"))

    async def extend(process: Booking) -> None:
        target = Target(starts_at=TEN + WEEK, practitioner="ana")
        await process.course_changes.extend(COURSE, target, Days(), hand=CLIENT)

    for house in await each_kill(extend, upkeep):
        await in_time(house)
        assert all(one.state in {"confirmed", "lapsed"} for one in await visits(house))
        assert (await visits(house))[0].state == "confirmed"


@pytest.mark.parametrize("dies_at", range(0, 40, 7))
async def test_a_killed_re_spacing_leaves_every_visit_at_its_old_or_its_new_time(dies_at: int) -> None:
    house = House()
    await held(house)
    asked = await house.booking.courses.request(COURSE, a_person(), hand=CLIENT)
    lead = await house.booking.visits.told(asked[0].id, a_word(Outcome.CLEARED, until=None, event="decided:1"))
    await house.booking.courses.heard(announce(lead)[0], lead)
    await house.booking.visits.cancel(asked[1].id, hand=CLIENT)
    targets = {one.id: Target(starts_at=one.starts_at - WEEK) for one in asked[2:]}
    process, _ = booking(house, dies_at)
    with suppress(Killed):
        await process.course_changes.respace(course_of(asked), targets, Days(), hand=CLIENT)
    for one, was in zip((await visits(house))[2:], asked[2:], strict=True):
        assert one.state == "confirmed"
        assert one.starts_at in {was.starts_at, was.starts_at - WEEK}
