"""How often strangers may ask, counted with the real library, and what they are told when it was too often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from limits import parse_many

from services.booking.actions import Booking
from services.booking.actions.admission import TooManyVisits
from services.booking.actions.limits import Allowed, Limits
from services.booking.counters import FEW, Memory
from services.booking.domain.appointment import AppointmentId, By, Hand
from services.booking.domain.checking import Outcome
from services.booking.domain.proof import NumberNotProven, TooMany
from shared.clock import utc_now
from tests.support.booking import CLIENT, HOUR, MINUTE, POLICY, STAFF, TEN, House, a_house, a_person, wants
from tests.support.booking_courses import a_course

TWO = parse_many("2/day")


def from_(address: str | None) -> Hand:
    return Hand(by=By.CLIENT, who="public", where=address)


def limited(allowed: Allowed) -> House:
    house = House()
    house.booking = Booking.of(house.stores, POLICY, house.time, Limits(allowed))
    return house


async def hold(house: House, hours: int, hand: Hand = CLIENT, *, key: str = "") -> AppointmentId:
    wanted = wants(TEN + hours * 2 * HOUR, practitioner=None)
    held = await house.booking.visits.hold(house.practice.id, wanted, key=key or f"key {hours} {hand.where}", hand=hand)
    return held.id


async def request(house: House, hours: int, phone: str = "+41791234567", hand: Hand = CLIENT) -> AppointmentId:
    id_ = await hold(house, hours, hand)
    return (await house.booking.visits.request(id_, a_person(phone=phone), hand=hand)).id


async def test_an_address_holds_so_many_times_and_others_are_not_in_its_way() -> None:
    house = limited(Allowed(holds_by_address=TWO))
    for hours in range(2):
        await hold(house, hours, from_("203.0.113.1"))

    with pytest.raises(TooMany):
        await hold(house, 2, from_("203.0.113.1"))
    assert await hold(house, 2, from_("203.0.113.2"))


async def test_a_network_of_the_sixth_version_counts_as_one_address() -> None:
    house = limited(Allowed(holds_by_address=TWO))
    for hours, last in enumerate(("1", "ffff:ffff:ffff:ffff")):
        await hold(house, hours, from_(f"2001:db8:0:1:{last}" if last != "1" else "2001:db8:0:1::1"))

    with pytest.raises(TooMany):
        await hold(house, 2, from_("2001:db8:0:1::2"))
    assert await hold(house, 2, from_("2001:db8:0:2::1"))
    for hours, address in enumerate(("::ffff:203.0.113.1", "203.0.113.1"), start=3):
        await hold(house, hours, from_(address))
    with pytest.raises(TooMany):
        await hold(house, 5, from_("203.0.113.1"))
    assert await hold(house, 5, from_("::ffff:203.0.113.2"))


async def test_a_course_counts_as_all_the_times_that_it_holds() -> None:
    house = limited(Allowed(holds_by_address=parse_many("5/day")))
    here = from_("203.0.113.1")
    await house.booking.courses.hold(house.practice.id, a_course(3), key="first", hand=here)

    with pytest.raises(TooMany):
        await house.booking.courses.hold(house.practice.id, a_course(3, first=TEN + 2 * HOUR), key="second", hand=here)
    assert await house.booking.courses.hold(house.practice.id, a_course(3), key="first", hand=here)
    assert await house.booking.courses.hold(
        house.practice.id, a_course(3, first=TEN + 2 * HOUR), key="third", hand=from_("203.0.113.2")
    )


async def test_nobodys_address_is_counted_too() -> None:
    house = limited(Allowed(holds_by_address=TWO))
    for hours in range(2):
        await hold(house, hours, from_(None))

    with pytest.raises(TooMany):
        await hold(house, 2, from_(None))


async def test_a_practice_is_held_so_many_times_from_wherever() -> None:
    house = limited(Allowed(holds_at_practice=TWO))
    for hours in range(2):
        await hold(house, hours, from_(f"203.0.113.{hours}"))

    with pytest.raises(TooMany):
        await hold(house, 2, from_("203.0.113.9"))


async def test_every_rate_counts_by_itself() -> None:
    house = limited(Allowed(holds_by_address=parse_many("2/day; 1/year")))
    await hold(house, 0)

    with pytest.raises(TooMany):
        await hold(house, 1)


async def test_the_practice_itself_is_never_counted() -> None:
    house = limited(
        Allowed(holds_by_address=TWO, holds_at_practice=TWO, requests_by_address=TWO, requests_by_number=TWO, coming=1)
    )
    for hours in range(4):
        await request(house, hours, hand=STAFF)


async def test_a_repeated_hold_is_given_again_even_when_nothing_more_may_be_held() -> None:
    house = limited(Allowed(holds_by_address=TWO))
    first = await hold(house, 0, key="mine")

    assert [await hold(house, 0, key="mine") for _ in range(5)] == [first] * 5
    with pytest.raises(TooMany):
        await hold(house, 1)


async def test_requests_are_counted_by_address_by_practice_and_by_number() -> None:
    for allowed in (
        Allowed(requests_by_address=TWO),
        Allowed(requests_at_practice=TWO),
        Allowed(requests_by_number=TWO),
    ):
        house = limited(allowed)
        for hours in range(2):
            await request(house, hours)
        with pytest.raises(TooMany):
            await request(house, 2)
        assert len([one for one in house.appointments.kept.values() if one.client]) == 2


async def test_another_number_and_another_address_may_still_ask() -> None:
    house = limited(Allowed(requests_by_number=TWO, requests_by_address=TWO))
    for hours in range(2):
        await request(house, hours, hand=from_("203.0.113.1"))

    assert await request(house, 2, "+41797654321", from_("203.0.113.2"))


async def test_the_same_request_again_costs_nothing() -> None:
    house = limited(Allowed(requests_by_number=TWO))
    id_ = await request(house, 0)

    for _ in range(5):
        await house.booking.visits.request(id_, a_person(), hand=CLIENT)
    assert await request(house, 1)


async def test_so_many_visits_may_lie_before_a_number_and_a_free_one_makes_room() -> None:
    house = limited(Allowed(coming=2))
    first = await request(house, 0)
    await request(house, 1)

    with pytest.raises(TooManyVisits):
        await request(house, 2)
    assert await request(house, 2, "+41797654321", from_("203.0.113.2"))
    visit = house.appointments.kept[first]
    await house.decide(visit, Outcome.CLEARED)
    house.time.at = visit.starts_at
    assert await request(house, 4)


async def test_who_waits_as_long_as_they_are_told_gets_through() -> None:
    house = limited(Allowed(holds_by_address=parse_many("1/hour")))
    await hold(house, 0)

    with pytest.raises(TooMany) as told:
        await hold(house, 1)
    assert isinstance(told.value.extra["retry_after"], int)
    assert 3590 <= told.value.extra["retry_after"] <= 3601


async def test_the_wait_is_told_in_whole_seconds_and_is_never_none() -> None:
    late = Limits(Allowed(holds_by_address=parse_many("1/minute")), clock=lambda: utc_now() + timedelta(hours=1))
    half = Limits(
        Allowed(holds_by_address=parse_many("1/minute")),
        clock=lambda: datetime.fromtimestamp(int(utc_now().timestamp()), UTC) - timedelta(seconds=0.5),
    )
    for limits, least in ((late, 1), (half, 59)):
        await limits.hold("here", CLIENT)
        with pytest.raises(TooMany) as told:
            await limits.hold("here", CLIENT)
        assert least <= told.value.extra["retry_after"] <= 62


async def test_with_no_limits_nothing_is_counted() -> None:
    house = limited(Allowed())
    held = [await hold(house, hours) for hours in range(6)]

    assert len(set(held)) == 6


async def test_what_is_over_is_forgotten_and_what_is_not_is_kept() -> None:
    counters = Memory()
    for number in range(FEW - 1):
        await counters.incr(f"over {number}", expiry=-1)
    assert await counters.incr("mine", expiry=60) == 1
    assert len(counters.storage) == FEW

    assert await counters.incr("yours", expiry=60) == 1

    assert set(counters.storage) == set(counters.expirations) == {"mine", "yours"}
    assert await counters.incr("mine", expiry=60) == 2


async def test_a_counter_begins_anew_when_its_window_is_over() -> None:
    counters = Memory()
    assert [await counters.incr("mine", expiry=-1) for _ in range(3)] == [1, 1, 1]
    assert [await counters.incr("yours", expiry=60) for _ in range(3)] == [1, 2, 3]


async def test_a_hit_looks_through_the_others_only_when_there_are_twice_as_many() -> None:
    counters = Memory()
    looked = 0

    class Watched(dict[str, float]):
        def items(self) -> Any:
            nonlocal looked
            looked += 1
            return super().items()

    counters.expirations = Watched()
    for number in range(10 * FEW):
        await counters.incr(f"{number}", expiry=60)

    assert looked == 4
    assert len(counters.storage) == 10 * FEW


async def test_the_same_request_again_is_not_in_its_own_way_wherever_it_arrives() -> None:
    house = limited(Allowed(coming=1))
    held = await house.hold()
    requested = await Booking.of(house.stores, POLICY, house.time).visits.request(held.id, a_person(), hand=CLIENT)
    assert await house.booking.visits.request(held.id, a_person(), hand=CLIENT) == requested


async def test_a_hold_that_was_renewed_elsewhere_is_no_way_around_what_is_asked_of_a_request() -> None:
    house = House(a_house(verify_numbers=True))
    held = await house.hold()
    house.time.pass_(8 * MINUTE)
    await Booking.of(house.stores, POLICY, house.time).visits.renew(held.id, hand=CLIENT)
    house.time.pass_(4 * MINUTE)
    with pytest.raises(NumberNotProven):
        await house.booking.visits.request(held.id, a_person(), hand=CLIENT)
