"""The actions on their twins: holding, requesting, deciding, moving, and what each says."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.booking.actions import Booking
from services.booking.actions.times import Wanted
from services.booking.domain.appointment import Appointment, AppointmentId, By, Deed, Seat, State
from services.booking.domain.checking import Outcome
from services.booking.domain.refusals import KeyReused, NoSuchAppointment, SlotTaken
from services.booking.domain.turns import HoldExpired, TooLate, WrongState
from shared.errors import Refusal
from tests.support.booking import (
    CLIENT,
    HOUR,
    MINUTE,
    NOW,
    POLICY,
    STAFF,
    TEN,
    House,
    a_hold,
    a_house,
    a_person,
    a_word,
    wants,
)


async def test_a_hold_says_nothing_and_neither_does_its_end() -> None:
    house = House()
    held = await house.hold()
    house.time.pass_(10 * MINUTE)
    await house.booking.visits.keep_time()
    assert (await house.booking.visits.get(held.id)).state is State.LAPSED
    given_back = await house.hold(key="next")
    await house.booking.visits.cancel(given_back.id, hand=CLIENT)
    assert house.said == []


async def test_a_request_and_its_decision_say_one_event_each() -> None:
    house = House()
    visit = await house.book()
    await house.booking.visits.told(visit.id, a_word(Outcome.CLEARED))
    assert house.said == ["requested", "confirmed"]
    assert [said.sequence for said in house.appointments.said] == [2, 3]


async def test_a_request_without_a_health_check_says_only_that_it_is_confirmed() -> None:
    house = House()
    assert (await house.request(wants(service="call"))).state is State.CONFIRMED
    assert house.said == ["confirmed"]


async def test_a_declined_time_is_free_for_the_next() -> None:
    house = House()
    await house.decide(await house.request(), Outcome.DECLINED)
    assert (await house.hold(key="next")).starts_at == TEN
    assert house.said == ["requested", "declined"]


async def test_requested_without_answers_lapses_after_half_an_hour_and_says_so() -> None:
    house = House()
    requested = await house.request()
    house.time.pass_(29 * MINUTE)
    await house.booking.visits.keep_time()
    assert house.said == ["requested"]
    house.time.pass_(MINUTE)
    await house.booking.visits.keep_time()
    await house.booking.visits.keep_time()
    assert house.said == ["requested", "lapsed"]
    late = await house.decide(requested, Outcome.CLEARED)
    assert (late.state, house.said) == (State.LAPSED, ["requested", "lapsed"])


async def test_a_review_lapses_after_two_days_unless_somebody_decides() -> None:
    house = House()
    held = await house.request(wants(TEN + timedelta(days=5)))
    await house.decide(held, Outcome.NEEDS_REVIEW)
    house.time.pass_(timedelta(hours=47))
    await house.booking.visits.keep_time()
    assert house.said == ["requested", "in_review"]
    house.time.pass_(HOUR)
    await house.booking.visits.keep_time()
    assert house.said == ["requested", "in_review", "lapsed"]


async def test_a_decision_that_comes_late_but_before_the_sweeper_still_counts() -> None:
    house = House()
    requested = await house.request()
    house.time.pass_(31 * MINUTE)
    assert (await house.decide(requested, Outcome.CLEARED)).state is State.CONFIRMED


async def test_silence_after_a_visit_is_attendance_and_is_said_once() -> None:
    house = House()
    await house.book()
    house.time.at = TEN + 90 * MINUTE
    await asyncio.gather(*(house.booking.visits.keep_time() for _ in range(3)))
    assert house.said == ["requested", "confirmed", "attended"]


async def test_more_than_one_batch_that_is_due_is_swept_in_one_go() -> None:
    house = House()
    for number in range(250):
        held = a_hold(TEN + number * timedelta(days=1), key=f"hold {number}")
        house.appointments.kept[held.id] = held
    house.time.pass_(HOUR)
    await house.booking.visits.keep_time()
    assert {one.state for one in house.appointments.kept.values()} == {State.LAPSED}


async def test_a_swept_or_expired_hold_is_refused_and_told_as_expired() -> None:
    house = House()
    held = await house.hold()
    house.time.pass_(10 * MINUTE)
    with pytest.raises(HoldExpired):
        await house.booking.visits.request(held.id, a_person(), hand=CLIENT)
    await house.booking.visits.keep_time()
    with pytest.raises(WrongState):
        await house.booking.visits.request(held.id, a_person(), hand=CLIENT)


async def test_the_same_key_again_gives_the_same_appointment_whatever_became_of_it() -> None:
    house = House()
    visit = await house.book()
    assert await house.hold() == visit
    with pytest.raises(KeyReused):
        await house.hold(wants(TEN + 3 * HOUR))


async def test_the_same_client_in_two_tabs_holds_two_times_or_gets_told() -> None:
    house = House()
    first = await house.hold(key="tab 1")
    with pytest.raises(SlotTaken):
        await house.hold(key="tab 2")
    second = await house.hold(wants(practitioner="ben"), key="tab 2")
    assert first.offer.room != second.offer.room


async def test_going_back_gives_the_time_back_at_once() -> None:
    house = House()
    held = await house.hold()
    await house.booking.visits.cancel(held.id, hand=CLIENT)
    assert (await house.hold(key="somebody else")).starts_at == TEN


async def test_a_time_in_an_expired_hold_is_offered_and_can_be_had() -> None:
    house = House()
    await house.hold()
    house.time.pass_(10 * MINUTE)
    assert (await house.hold(key="next")).starts_at == TEN
    assert sorted(one.state for one in house.appointments.kept.values()) == [State.HELD, State.LAPSED]


async def test_an_overdue_request_in_the_way_lapses_and_says_so() -> None:
    house = House()
    await house.request()
    house.time.pass_(30 * MINUTE)
    # Until it has lapsed, which has to be said, it counts as taken.
    with pytest.raises(SlotTaken):
        await house.hold(key="next")
    await house.booking.visits.keep_time()
    assert (await house.hold(key="next")).starts_at == TEN
    assert house.said == ["requested", "lapsed"]


async def test_a_moved_visit_keeps_its_state_and_says_where_it_was() -> None:
    house = House()
    visit = await house.book(wants(TEN + timedelta(days=2)))
    moved = await house.booking.visits.move(visit.id, TEN + timedelta(days=3), None, hand=CLIENT)
    assert (moved.state, moved.offer.practitioner) == (State.CONFIRMED, "ana")
    said = house.appointments.said[-1].data
    assert (said.moved_from, said.starts_at) == (TEN + timedelta(days=2), TEN + timedelta(days=3))
    assert (await house.hold(wants(TEN + timedelta(days=2)), key="next")).starts_at == TEN + timedelta(days=2)


async def test_a_visit_moves_by_a_quarter_over_its_own_old_time() -> None:
    house = House()
    visit = await house.book(wants(TEN + timedelta(days=2)))
    to = TEN + timedelta(days=2, minutes=15)
    assert (await house.booking.visits.move(visit.id, to, None, hand=CLIENT)).starts_at == to


async def test_a_client_who_may_not_move_any_more_hears_that_and_not_about_the_time() -> None:
    house = House()
    visit = await house.book()
    house.time.at = TEN - HOUR
    with pytest.raises(TooLate):
        await house.booking.visits.move(visit.id, TEN + 3 * HOUR, None, hand=CLIENT)
    moved = await house.booking.visits.move(visit.id, TEN + 3 * HOUR, None, hand=STAFF)
    assert moved.history[-1].by is By.PRACTICE


async def test_cancelling_again_changes_and_says_nothing_more() -> None:
    house = House()
    visit = await house.book()
    first = await house.booking.visits.cancel(visit.id, hand=CLIENT)
    assert await house.booking.visits.cancel(visit.id, hand=STAFF) == first
    assert house.said == ["requested", "confirmed", "cancelled"]


async def test_a_reply_heard_twice_is_recorded_once_and_says_nothing() -> None:
    house = House()
    visit = await house.book()
    for _ in range(2):
        heard = await house.booking.visits.replied(visit.id, Deed.SAID_YES, event="reply:1", at=NOW)
    assert [turn.deed for turn in heard.history].count(Deed.SAID_YES) == 1
    assert house.said == ["requested", "confirmed"]


async def test_many_deeds_at_once_all_count_and_none_is_lost() -> None:
    house = House()
    visit = await house.book()
    replies = [house.booking.visits.replied(visit.id, Deed.SAID_YES, event=f"reply:{n}", at=NOW) for n in range(5)]
    await asyncio.gather(*replies)
    after = await house.booking.visits.get(visit.id)
    assert [turn.deed for turn in after.history].count(Deed.SAID_YES) == 5
    assert after.version == visit.version + 5


async def test_an_unknown_appointment_is_told_as_such() -> None:
    with pytest.raises(NoSuchAppointment):
        await House().booking.visits.get(a_hold().id)


async def test_a_visit_of_a_course_is_not_renewed_without_the_others() -> None:
    house = House()
    held = await house.hold()
    house.appointments.kept[held.id] = replace(held, seat=Seat(course="c" * 26, index=0, count=3), version=2)
    own = Booking.of(house.stores, POLICY, house.time)

    with pytest.raises(WrongState):
        await own.visits.renew(held.id, hand=CLIENT)


async def test_numbers_are_read_as_the_practices_country_dials_them() -> None:
    house = House(a_house(countries=("CH", "GB")))
    held = await house.hold()
    requested = await house.booking.visits.request(
        held.id, a_person(phone="079 123 45 67", guardian_name="Pat", guardian_phone="+44 7400 123456"), hand=CLIENT
    )
    assert requested.client is not None
    assert requested.client.guardian is not None
    assert (requested.client.phone, requested.client.guardian.phone) == ("+41791234567", "+447400123456")


@pytest.mark.parametrize("practitioner", ["ana", "ben", None])
async def test_what_is_offered_is_bookable_and_nothing_else_is(practitioner: str | None) -> None:
    house = House()
    await house.book(wants(TEN, practitioner="ana"), key="one")
    await house.hold(wants(TEN + 2 * HOUR, service="long", practitioner="ben"), key="two")
    first = TEN.date()
    free = await house.booking.times.free(
        "still-water", service="session", practitioner=practitioner, first=first, days=1, zone=None
    )
    offered = {start.starts_at for start in free.days[first]}
    day = TEN.replace(hour=0) - HOUR
    bookable = set()
    for minutes in range(0, 24 * 60, 5):
        fresh = House()
        fresh.appointments.kept = dict(house.appointments.kept)
        wanted = Wanted(service="session", practitioner=practitioner, starts_at=day + minutes * MINUTE)
        try:
            bookable.add((await fresh.hold(wanted, key=f"at {minutes}")).starts_at)
        except Refusal:
            continue
    assert bookable == offered


async def test_a_replica_that_remembers_an_older_state_decides_on_the_truth() -> None:
    house = House()
    elsewhere = Booking.of(house.stores, POLICY, house.time)
    requested = await house.request()
    await elsewhere.visits.cancel(requested.id, hand=CLIENT)
    assert (await house.decide(requested, Outcome.CLEARED)).state is State.CANCELLED
    held = await house.hold(wants(TEN + 3 * HOUR), key="next")
    house.time.pass_(10 * MINUTE)
    await elsewhere.visits.keep_time()
    with pytest.raises(WrongState):
        await house.booking.visits.request(held.id, a_person(), hand=CLIENT)
    assert house.said == ["requested", "cancelled"]


async def test_what_this_process_wrote_itself_is_decided_without_a_read() -> None:
    house = House()
    reads: list[str] = []

    async def counted(appointment: AppointmentId) -> Appointment | None:
        reads.append(appointment)
        return house.appointments.kept.get(appointment)

    house.appointments.get = counted  # type: ignore[method-assign]  # the twin counts what is asked of it
    await house.book()
    assert reads == []


async def test_with_anyone_to_choose_from_nobody_is_sent_away_while_somebody_is_free() -> None:
    ana = a_house().practitioners[0]
    people = tuple(replace(ana, id=f"person-{n}", name=f"Person {n}") for n in range(20))
    house = House(a_house(practitioners=people))
    wanted = wants(service="call", practitioner=None)
    held = await asyncio.gather(*(house.hold(wanted, key=f"claim {n}") for n in range(20)))
    assert {one.offer.practitioner for one in held} == {person.id for person in people}
    with pytest.raises(SlotTaken):
        await house.hold(wanted, key="one too many")
