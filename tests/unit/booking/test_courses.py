"""A course on the twins: all or nothing, one request, the later visits follow the first, and changes of what stands."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.booking.actions.course_changes import Days, Target
from services.booking.actions.course_plans import CourseWish
from services.booking.domain import eligibility
from services.booking.domain.appointment import Appointment, State
from services.booking.domain.checking import Outcome
from services.booking.domain.course import NoCoursePlan, NoSuchCourse, NotOpenEnded, WrongCount, WrongSpacing
from services.booking.domain.refusals import KeyReused, OutsideHours, SlotTaken
from services.booking.domain.turns import HoldExpired, TooLate, WrongState
from services.booking.outbox import announce
from services.booking.phone import NotAMobileNumber
from services.booking.ports import Kept
from shared.errors import Refusal
from shared.relay import Said
from tests.support.booking import CLIENT, HOUR, MINUTE, NOW, STAFF, TEN, House, a_house, a_person, a_word, wants
from tests.support.booking_courses import WEEK, CourseDesk, a_course, course_of, states

DAY = timedelta(days=1)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def desk(house: House) -> CourseDesk:
    return CourseDesk(house.booking)


async def standing(house: House) -> int:
    return sum(1 for one in house.appointments.kept.values() if one.cells)


async def test_every_visit_is_held_and_nothing_is_said(house: House, desk: CourseDesk) -> None:
    held = await desk.hold(a_course(4))
    assert [(one.state, one.starts_at, one.seat.index, one.seat.count) for one in held if one.seat] == [
        (State.HELD, TEN + number * WEEK, number, 4) for number in range(4)
    ]
    assert house.said == []


async def test_what_was_proposed_can_be_held(house: House, desk: CourseDesk) -> None:
    wish = CourseWish(service="session", count=6, weekday=3, wall=16 * 60)
    proposal = await house.booking.course_plans.propose("still-water", wish)
    first = proposal.starts[0].starts_at
    assert [start.starts_at for start in proposal.starts[:4]] == [
        first,
        first + WEEK,
        first + 2 * WEEK,
        first + 3 * WEEK,
    ]
    assert proposal.starts[4].starts_at == first + 4 * WEEK - HOUR  # the clocks went forward: the same hour on the wall
    asked = a_course(6)
    picked = [wants(start.starts_at, practitioner=start.practitioner) for start in proposal.starts]
    held = await desk.hold(type(asked)(visits=tuple(picked)))
    assert states(held) == ["held"] * 6


async def test_a_visit_that_is_taken_leaves_nothing_of_the_course_and_is_named(house: House, desk: CourseDesk) -> None:
    await house.hold(wants(TEN + 2 * WEEK), key="somebody else")
    with pytest.raises(SlotTaken) as refused:
        await desk.hold(a_course(4))
    assert refused.value.extra["field"] == "visits[2]"
    assert (await standing(house), house.said) == (1, [])


async def test_a_visit_taken_after_it_was_looked_at_gives_back_what_was_held(house: House, desk: CourseDesk) -> None:
    add, holds = house.appointments.add, []

    async def slow(held: object, said: object) -> None:
        holds.append(held)
        if len(holds) == 3:  # between the look and the claim of the third
            await house.hold(wants(TEN + 2 * WEEK), key="somebody else")
        await add(held, said)  # type: ignore[arg-type]  # passed on as it came

    house.appointments.add = slow  # type: ignore[method-assign, assignment]  # a rival at a moment of our choosing
    with pytest.raises(SlotTaken) as refused:
        await desk.hold(a_course(4))
    assert refused.value.extra["field"] == "visits[2]"
    assert (await standing(house), house.said) == (1, [])
    with pytest.raises(SlotTaken):
        await desk.hold(a_course(4))


async def test_a_course_cut_short_is_not_taken_up_again_once_its_first_hold_has_passed(
    house: House, desk: CourseDesk
) -> None:
    await desk.hold(a_course(3))
    third = next(id_ for id_, one in house.appointments.kept.items() if one.starts_at == TEN + 2 * WEEK)
    del house.appointments.kept[third]  # as if killed before it
    house.time.pass_(11 * MINUTE)
    with pytest.raises(SlotTaken):
        await desk.hold(a_course(3))
    await desk.booking.visits.keep_time()
    assert await standing(house) == 0


async def test_the_same_key_again_is_the_same_course_and_another_wish_is_refused(desk: CourseDesk) -> None:
    held = await desk.hold(a_course(3))
    assert await desk.hold(a_course(3)) == held
    with pytest.raises(KeyReused):
        await desk.hold(a_course(4))


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (a_course(2), WrongCount),
        (a_course(11, apart=5 * DAY), WrongCount),
        (a_course(3, apart=4 * DAY), WrongSpacing),
        (a_course(3, apart=11 * DAY), WrongSpacing),
        (a_course(3, apart=-7 * DAY, first=TEN + 3 * WEEK), WrongSpacing),
        (a_course(3, first=TEN + MINUTE), OutsideHours),
        (a_course(3, first=TEN - 9 * HOUR), OutsideHours),
    ],
)
async def test_a_plan_made_by_hand_bypasses_no_rule(
    house: House, desk: CourseDesk, asked: object, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        await desk.hold(asked)  # type: ignore[arg-type]  # of the table above
    assert house.appointments.kept == {}


async def test_the_distance_is_in_local_dates_across_a_change_of_clocks(desk: CourseDesk) -> None:
    """Eight in the evening in Zurich; the clocks went forward on 28 March: ten dates are not ten days."""
    evening = TEN + 24 * DAY + 10 * HOUR
    dates = [evening, evening + 10 * DAY - HOUR, evening + 20 * DAY - HOUR]
    course = type(a_course())(visits=tuple(wants(at) for at in dates))
    assert states(await desk.hold(course)) == ["held"] * 3


async def test_one_request_is_said_for_the_whole_course(house: House, desk: CourseDesk) -> None:
    asked = await desk.request(a_course(3))
    assert states(asked) == ["requested"] * 3
    assert [(said.subject, said.type.split(".")[2]) for said in house.appointments.said] == [(asked[0].id, "requested")]
    assert await desk.booking.courses.request(course_of(asked), a_person(), hand=CLIENT) == asked


async def test_when_the_first_is_cleared_all_are_confirmed(house: House, desk: CourseDesk) -> None:
    booked = await desk.book(a_course(3))
    assert states(booked) == ["confirmed"] * 3
    assert house.said == ["requested", "confirmed", "confirmed", "confirmed"]
    assert await desk.decide(booked, Outcome.CLEARED) == booked


async def test_booking_hears_of_the_first_and_lets_the_others_follow(house: House, desk: CourseDesk) -> None:
    asked = await desk.request(a_course(3))
    lead = await desk.booking.visits.told(asked[0].id, a_word(Outcome.CLEARED, until=None, event="decided:1"))
    said = announce(lead)[0]
    for _ in range(2):
        for react in house.booking.reactions:
            await react(said, house.appointments.kept[said.data.appointment])
    assert states(await desk.booking.courses.get(course_of(asked))) == ["confirmed"] * 3


async def test_a_service_without_a_health_check_is_confirmed_as_a_whole(house: House, desk: CourseDesk) -> None:
    asked = await desk.request(a_course(3, service="call"))
    assert states(asked) == ["confirmed"] * 3
    assert house.said == ["confirmed"] * 3


async def test_a_visit_beyond_the_clearance_keeps_its_time_and_a_person_may_confirm_it_early(
    house: House, desk: CourseDesk
) -> None:
    asked = await desk.request(a_course(3))
    until = (TEN + WEEK).date()
    await desk.booking.visits.told(asked[0].id, a_word(Outcome.CLEARED, until=until))
    await desk.booking.courses.follow(course_of(asked))
    visits = await desk.booking.courses.get(course_of(asked))
    assert states(visits) == ["confirmed", "confirmed", "requested"]
    assert visits[2].is_postponed
    seen = await desk.booking.courses.clear(course_of(asked), hand=STAFF)
    assert states(seen) == ["confirmed"] * 3
    assert seen[2].cleared_until == date(2027, 3, 16)


@pytest.mark.parametrize("outcome", [Outcome.DECLINED])
async def test_when_the_first_is_declined_all_are(house: House, desk: CourseDesk, outcome: Outcome) -> None:
    asked = await desk.decide(await desk.request(a_course(3)), outcome)
    assert states(asked) == ["declined"] * 3
    assert await standing(house) == 0


async def test_a_decision_on_a_later_visit_alone_confirms_nothing(desk: CourseDesk) -> None:
    asked = await desk.request(a_course(3))
    await desk.booking.visits.told(asked[1].id, a_word(Outcome.CLEARED, until=None, event="decided:1"))
    assert states(await desk.booking.courses.get(course_of(asked))) == ["requested"] * 3


async def test_the_later_visits_wait_as_long_as_the_first(house: House, desk: CourseDesk) -> None:
    asked = await desk.request(a_course(3))
    await desk.booking.visits.told(asked[0].id, a_word(Outcome.NEEDS_REVIEW, until=None, event="decided:1"))
    for _ in range(20):
        house.time.pass_(HOUR)
        await desk.booking.visits.keep_time()
    assert states(await desk.booking.courses.get(course_of(asked))) == ["in_review", "requested", "requested"]
    house.time.pass_(10 * HOUR)  # the review ends at the visit itself
    await desk.booking.visits.keep_time()
    house.time.pass_(2 * MINUTE)
    await desk.booking.visits.keep_time()
    assert states(await desk.booking.courses.get(course_of(asked))) == ["lapsed"] * 3
    assert await standing(house) == 0


async def test_a_course_that_nobody_answers_for_lapses_as_a_whole(house: House, desk: CourseDesk) -> None:
    asked = await desk.request(a_course(3))
    house.time.pass_(31 * MINUTE)
    await desk.booking.visits.keep_time()
    house.time.pass_(2 * MINUTE)
    await desk.booking.visits.keep_time()
    assert states(await desk.booking.courses.get(course_of(asked))) == ["lapsed"] * 3


async def test_holds_that_nobody_asks_for_end_in_silence(house: House, desk: CourseDesk) -> None:
    held = await desk.hold(a_course(3))
    house.time.pass_(11 * MINUTE)
    with pytest.raises(HoldExpired):
        await desk.booking.courses.request(course_of(held), a_person(), hand=CLIENT)
    await desk.booking.visits.keep_time()
    assert (await standing(house), house.said) == (0, [])


async def test_a_single_visit_of_a_held_course_cannot_be_asked_for(desk: CourseDesk) -> None:
    held = await desk.hold()
    for visit in held:
        with pytest.raises(WrongState):
            await desk.booking.visits.request(visit.id, a_person(), hand=CLIENT)


async def test_a_request_that_does_not_fit_takes_nothing_and_may_be_corrected(house: House, desk: CourseDesk) -> None:
    held = await desk.hold()
    with pytest.raises(NotAMobileNumber):
        await desk.booking.courses.request(course_of(held), a_person(phone="nonsense"), hand=CLIENT)
    assert await desk.booking.courses.get(course_of(held)) == held
    asked = await desk.booking.courses.request(course_of(held), a_person(), hand=CLIENT)
    assert states(asked) == ["requested"] * 3


async def test_whoever_grows_too_old_on_the_way_is_refused_before_anything_is_taken(house: House) -> None:
    service = house.practice.service("session")
    services = tuple(
        type(service)(id=one.id, name=one.name, age_until=17, horizon_days=180) if one.id == "session" else one
        for one in house.practice.services
    )
    house.practices.kept["still-water"] = Kept(a_house(services=services), 2)
    desk = CourseDesk(house.booking)
    held = await desk.hold()
    young = a_person(born=date(2009, 3, 10), guardian_name="Ada Doe", guardian_phone="+41791234568")
    with pytest.raises(eligibility.AgeNotServed):
        await desk.booking.courses.request(course_of(held), young, hand=CLIENT)
    assert await desk.booking.courses.get(course_of(held)) == held


async def test_a_course_that_lost_a_held_visit_is_not_asked_for(house: House, desk: CourseDesk) -> None:
    held = await desk.hold()
    await desk.booking.visits.cancel(held[1].id, hand=CLIENT)
    with pytest.raises(WrongState):
        await desk.booking.courses.request(course_of(held), a_person(), hand=CLIENT)
    assert house.said == []


async def test_a_request_whose_course_is_called_off_in_the_middle_gives_back_what_it_took(
    house: House, desk: CourseDesk
) -> None:
    held = await desk.hold(a_course(4))
    save, saved = house.appointments.save, []

    async def slow(turned: Appointment, said: Said) -> bool:
        saved.append(turned)
        if len(saved) == 3:  # when two of the later visits have been asked for
            await desk.booking.visits.cancel(held[0].id, hand=CLIENT)
        return await save(turned, said)

    house.appointments.save = slow  # type: ignore[method-assign]  # another tab at a moment of our choosing
    with pytest.raises(WrongState):
        await desk.booking.courses.request(course_of(held), a_person(), hand=CLIENT)
    visits = await desk.booking.courses.get(course_of(held))
    assert states(visits) == ["cancelled"] * 4
    assert [one.client for one in visits] == [None] * 4
    assert house.said == []


async def test_cancelling_a_held_course_is_silent_and_frees_all(house: House, desk: CourseDesk) -> None:
    held = await desk.hold()
    assert states(await desk.booking.courses.cancel(course_of(held), hand=CLIENT)) == ["cancelled"] * 3
    assert (await standing(house), house.said) == (0, [])


async def test_cancelling_the_first_before_it_is_decided_cancels_all(house: House, desk: CourseDesk) -> None:
    asked = await desk.request()
    await desk.booking.visits.cancel(asked[0].id, hand=CLIENT)
    await desk.booking.courses.follow(course_of(asked))
    assert states(await desk.booking.courses.get(course_of(asked))) == ["cancelled"] * 3


@pytest.mark.parametrize("index", [0, 1, 2])
async def test_cancelling_one_visit_of_a_confirmed_course_leaves_the_others(desk: CourseDesk, index: int) -> None:
    booked = await desk.book()
    await desk.booking.visits.cancel(booked[index].id, hand=CLIENT)
    await desk.booking.courses.follow(course_of(booked))
    left = states(await desk.booking.courses.get(course_of(booked)))
    assert left == ["cancelled" if place == index else "confirmed" for place in range(3)]


async def test_cancelling_the_course_leaves_what_has_been(house: House, desk: CourseDesk) -> None:
    booked = await desk.book()
    house.time.at = TEN + 3 * HOUR
    await desk.booking.visits.keep_time()
    ended = await desk.booking.courses.cancel(course_of(booked), hand=CLIENT)
    assert states(ended) == ["attended", "cancelled", "cancelled"]
    assert await desk.booking.courses.cancel(course_of(booked), hand=CLIENT) == ended


async def test_after_a_cancellation_the_rest_moves_up_with_one_accept(house: House, desk: CourseDesk) -> None:
    booked = await desk.book(a_course(5))
    await desk.booking.visits.cancel(booked[1].id, hand=CLIENT)
    pairs = await desk.booking.course_changes.respaced(course_of(booked), Days())
    assert [(visit.id, start.starts_at) for visit, start in pairs] == [
        (visit.id, visit.starts_at - WEEK) for visit in booked[2:]
    ]
    targets = {visit.id: Target(starts_at=start.starts_at) for visit, start in pairs}
    after = await desk.booking.course_changes.respace(course_of(booked), targets, Days(), hand=CLIENT)
    assert [one.starts_at for one in after if one.state is State.CONFIRMED] == [
        booked[0].starts_at,
        *(start.starts_at for _, start in pairs),
    ]
    assert await desk.booking.course_changes.respaced(course_of(booked), Days()) == []


async def test_a_re_spacing_that_clashes_is_undone_and_says_what_stands(house: House, desk: CourseDesk) -> None:
    booked = await desk.book(a_course(4))
    await desk.booking.visits.cancel(booked[1].id, hand=CLIENT)
    pairs = await desk.booking.course_changes.respaced(course_of(booked), Days())
    await house.hold(wants(pairs[0][1].starts_at + 3 * HOUR), key="unrelated")
    targets = {visit.id: Target(starts_at=start.starts_at) for visit, start in pairs}
    targets[booked[3].id] = Target(starts_at=booked[3].starts_at - WEEK + 3 * HOUR)
    await house.hold(wants(booked[3].starts_at - WEEK + 3 * HOUR), key="in the way")
    before = await desk.booking.courses.get(course_of(booked))
    with pytest.raises(SlotTaken) as refused:
        await desk.booking.course_changes.respace(course_of(booked), targets, Days(), hand=CLIENT)
    after = await desk.booking.courses.get(course_of(booked))
    assert [one.starts_at for one in after] == [one.starts_at for one in before]
    assert refused.value.extra["stands"] == [
        {"id": one.id, "starts_at": one.starts_at.isoformat()} for one in after if one.state is State.CONFIRMED
    ]


async def test_a_re_spacing_keeps_the_distances_and_the_windows(house: House, desk: CourseDesk) -> None:
    booked = await desk.book()
    too_near = {booked[2].id: Target(starts_at=booked[1].starts_at + 2 * DAY)}
    with pytest.raises(WrongSpacing):
        await desk.booking.course_changes.respace(course_of(booked), too_near, Days(), hand=CLIENT)
    house.time.at = booked[1].starts_at - HOUR
    late = {booked[1].id: Target(starts_at=booked[1].starts_at + DAY)}
    with pytest.raises(TooLate):
        await desk.booking.course_changes.respace(course_of(booked), late, Days(), hand=CLIENT)


async def test_upkeep_goes_on_a_visit_at_a_time(house: House, desk: CourseDesk) -> None:
    booked = await desk.book(a_course(1, open_ended=True))
    assert [one.seat.count for one in booked if one.seat] == [None]
    wide = Days(least=21, most=35)
    starts = await desk.booking.course_changes.further(course_of(booked), wide)
    assert [start.starts_at for start in starts[:2]] == [TEN + 4 * WEEK - HOUR, TEN + 8 * WEEK - HOUR]
    for _ in range(2):  # asked again, nothing more comes of it
        target = Target(starts_at=starts[0].starts_at, practitioner=starts[0].practitioner)
        after = await desk.booking.course_changes.extend(course_of(booked), target, wide, hand=CLIENT)
        assert states(after) == ["confirmed", "confirmed"]
        assert after[1].client == booked[0].client
    near = Target(starts_at=starts[0].starts_at + WEEK)
    with pytest.raises(WrongSpacing):
        await desk.booking.course_changes.extend(course_of(booked), near, wide, hand=CLIENT)


async def test_the_same_visit_of_upkeep_asked_for_in_the_same_moment_is_one(house: House, desk: CourseDesk) -> None:
    course = course_of(await desk.book(a_course(1, open_ended=True)))
    target = Target(starts_at=TEN + WEEK)
    extending = (desk.booking.course_changes.extend(course, target, Days(), hand=CLIENT) for _ in range(5))
    for visits in await asyncio.gather(*extending):
        assert [visit.starts_at for visit in visits] == [TEN, TEN + WEEK]
    assert states(await desk.booking.courses.get(course)) == ["confirmed"] * 2


async def test_a_further_visit_that_the_client_may_not_have_leaves_nothing_held(house: House, desk: CourseDesk) -> None:
    course = course_of(await desk.book(a_course(1, open_ended=True)))
    session, *others = house.practice.services
    house.practices.kept["still-water"] = Kept(a_house(services=(replace(session, age_from=18), *others)), 2)
    with pytest.raises(eligibility.BirthDateNeeded):
        await desk.booking.course_changes.extend(course, Target(starts_at=TEN + WEEK), Days(), hand=CLIENT)
    assert await standing(house) == 1


async def test_upkeep_goes_on_with_somebody_else_when_its_practitioner_has_left(house: House, desk: CourseDesk) -> None:
    booked = await desk.book(a_course(1, open_ended=True))
    _, ben = house.practice.practitioners
    house.practices.kept["still-water"] = Kept(a_house(practitioners=(ben,)), 2)
    starts = await desk.booking.course_changes.further(course_of(booked), Days())
    assert (starts[0].starts_at, starts[0].practitioner) == (TEN + WEEK, "ben")


async def test_upkeep_begins_anew_after_a_long_pause(house: House, desk: CourseDesk) -> None:
    booked = await desk.book(a_course(1, open_ended=True))
    house.time.at = NOW + 15 * WEEK
    starts = await desk.booking.course_changes.further(course_of(booked), Days(least=21, most=35))
    assert starts[0].starts_at > house.time.at
    target = Target(starts_at=starts[0].starts_at)
    assert len(await desk.booking.course_changes.extend(course_of(booked), target, Days(), hand=CLIENT)) == 2


async def test_only_upkeep_may_choose_its_distances_and_go_on(desk: CourseDesk) -> None:
    booked = await desk.book()
    with pytest.raises(NotOpenEnded):
        await desk.booking.course_changes.further(course_of(booked), Days())
    with pytest.raises(WrongSpacing):
        await desk.booking.course_plans.propose("still-water", CourseWish(service="session", count=3, days_from=21))
    wish = CourseWish(service="session", count=None, days_from=2, days_until=3)
    with pytest.raises(WrongSpacing):
        await desk.booking.course_plans.propose("still-water", wish)


async def test_there_is_no_plan_where_the_horizon_ends_too_soon(house: House, desk: CourseDesk) -> None:
    service = type(house.practice.service("session"))(id="session", name="Session", horizon_days=20)
    house.practices.kept["still-water"] = Kept(a_house(services=(service,)), 2)
    with pytest.raises(NoCoursePlan):
        await desk.booking.course_plans.propose("still-water", CourseWish(service="session", count=6))
    upkeep = await desk.booking.course_plans.propose("still-water", CourseWish(service="session", count=None))
    assert len(upkeep.starts) == 4
    with pytest.raises(NoSuchCourse):
        await desk.booking.courses.get("a" * 26)
