"""What booking makes of what it hears, in whatever order and however often it comes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from services.booking.domain.appointment import Appointment, Deed, State
from services.booking.domain.checking import Outcome
from services.booking.inbox import subscriptions
from shared.events import Event, envelope
from shared.events.notify import ReplyConfirmed, ReplyRescheduleAsked
from shared.events.screening import CaseDecided
from shared.retry import DONE, Park, RetryAfter, Verdict
from tests.support.booking import NOW, House, a_hold, a_word
from tests.support.booking_courses import CourseDesk, course_of, states

AT = datetime(2027, 3, 1, 4, tzinfo=UTC)


async def hear(house: House, fact: Event, *, sequence: int = 1) -> Verdict:
    appointment: Any = fact
    said = envelope(fact, subject=appointment.appointment, practice="still-water", sequence=sequence, at=AT)
    return await subscriptions(house.booking)[type(fact)](said)


def decided(appointment: Appointment, outcome: Any) -> CaseDecided:
    return CaseDecided(
        appointment=appointment.id,
        outcome=outcome,
        decided_by="rules",
        questionnaire="cst-core",
        ruleset="cst-core",
        valid_until=date(2027, 6, 1),
    )


async def test_a_clearance_confirms_and_counts_until_its_day() -> None:
    house = House()
    requested = await house.request()
    assert await hear(house, decided(requested, "cleared")) == DONE
    confirmed = await house.booking.visits.get(requested.id)
    assert (confirmed.state, confirmed.cleared_until) == (State.CONFIRMED, date(2027, 6, 1))
    assert confirmed.history[-1].event == f"{requested.id}:1:case.decided"


async def test_hearing_a_decision_again_changes_nothing() -> None:
    house = House()
    requested = await house.request()
    for _ in range(3):
        assert await hear(house, decided(requested, "needs_review")) == DONE
    assert (await house.booking.visits.get(requested.id)).version == requested.version + 1
    assert house.said == ["requested", "in_review"]


async def test_a_review_heard_after_the_word_that_ended_it_is_old_news() -> None:
    house = House()
    requested = await house.request()
    assert await hear(house, decided(requested, "declined"), sequence=2) == DONE
    assert await hear(house, decided(requested, "needs_review"), sequence=1) == DONE
    assert house.said == ["requested", "declined"]


async def test_a_decision_about_what_was_never_requested_waits_and_about_nothing_is_parked() -> None:
    house = House()
    held = await house.hold()
    assert isinstance(await hear(house, decided(held, "cleared")), RetryAfter)
    assert isinstance(await hear(house, decided(a_hold(key="nobody"), "cleared")), Park)
    assert (await house.booking.visits.get(held.id)) == held


async def test_a_turn_whose_consequences_others_were_in_the_way_of_is_heard_again() -> None:
    house = House()
    desk = CourseDesk(house.booking)
    asked = await desk.request()
    await house.booking.visits.told(asked[0].id, a_word(Outcome.CLEARED, until=None, event="decided:1"))
    confirmed, save = house.appointments.said[-1], house.appointments.save

    async def never(*_: object) -> bool:
        return False

    house.appointments.save = never  # type: ignore[method-assign, assignment]  # others are always faster
    turned = subscriptions(house.booking)[type(confirmed.data)]
    assert isinstance(await turned(confirmed), RetryAfter)
    house.appointments.save = save  # type: ignore[method-assign]  # and then they are not
    assert await turned(confirmed) == DONE
    assert states(await house.booking.courses.get(course_of(asked))) == ["confirmed"] * 3


async def test_replies_are_written_into_the_history() -> None:
    house = House()
    visit = await house.book()
    for fact in (
        ReplyConfirmed(appointment=visit.id, received_at=AT),
        ReplyRescheduleAsked(appointment=visit.id, received_at=AT),
        ReplyConfirmed(appointment=visit.id, received_at=AT),
    ):
        assert await hear(house, fact) == DONE
    after = await house.booking.visits.get(visit.id)
    assert [(turn.deed, turn.at) for turn in after.history[-2:]] == [(Deed.SAID_YES, AT), (Deed.ASKED_TO_MOVE, AT)]
    assert NOW < AT


async def test_somebody_who_keeps_being_faster_is_waited_for() -> None:
    house = House()
    requested = await house.request()

    async def never(turned: Appointment, said: object) -> bool:
        return False

    house.appointments.save = never  # type: ignore[method-assign]  # the twin loses every race from here on
    assert isinstance(await hear(house, decided(requested, "cleared")), RetryAfter)
