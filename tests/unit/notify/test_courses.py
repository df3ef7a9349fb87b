"""A course's texts: one confirmation of the whole, reminders of each visit, and no ten cancellations in a row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.course import SETTLE
from services.notify.domain.frame import Planned
from services.notify.domain.plan import plan
from services.notify.domain.visit import Seat, Visit, VisitState
from tests.support.notify import STARTS, Clock, Phone, Worker, practice, steps, twins, visit

COURSE = "c" * 26
# Noon in New York, a week before the first visit.
NEW_YORK = ZoneInfo("America/New_York")
NOON = STARTS - timedelta(days=7) + timedelta(hours=2)


def seated(index: int, *, count: int | None = 6, **changes: object) -> Visit:
    starts = STARTS + timedelta(days=7 * index)
    booked = visit(appointment=f"{index:026d}", starts_at=starts, since=NOON, seat=Seat(COURSE, index, count))
    return replace(booked, **changes)  # type: ignore[arg-type]  # named by the tests


def cancelled(index: int, *, at: datetime = NOON, **changes: object) -> Visit:
    return seated(index, state=VisitState.CANCELLED, version=4, since=at, **changes)


def words(of: Visit, *others: Visit) -> dict[str, str]:
    return {text.step: text.template for text in plan(of, practice(), others)}


def test_the_first_visit_of_a_course_confirms_the_whole_and_keeps_its_own_reminders() -> None:
    assert words(seated(0)) == {
        "booked": "booked_course",
        "prepare": "prepare",
        "day_before": "day_before",
        "two_hours": "two_hours",
    }
    assert words(seated(0, count=None))["booked"] == "booked_upkeep"


def test_the_others_say_nothing_when_booked_and_keep_their_reminders() -> None:
    assert set(words(seated(3))) == {"prepare", "day_before", "two_hours"}
    assert set(words(seated(3, state=VisitState.ATTENDED, since=seated(3).ends_at))) == {"aftercare"}


def test_a_course_at_short_notice_is_still_confirmed_by_one_text() -> None:
    soon = replace(seated(0), since=STARTS - timedelta(hours=20))
    follower = replace(seated(1), since=seated(1).starts_at - timedelta(hours=20))

    assert words(soon)["booked"] == "booked_course"
    assert "booked" not in words(follower)


@pytest.mark.parametrize("state", [VisitState.DECLINED, VisitState.LAPSED])
def test_what_becomes_of_the_whole_is_told_by_the_first_visit(state: VisitState) -> None:
    assert [bool(words(seated(index, state=state))) for index in (0, 1, 5)] == [True, False, False]


def test_a_later_visit_that_waits_for_a_person_says_so_itself() -> None:
    """It was among those that were said to be booked."""
    assert [words(seated(index, state=VisitState.IN_REVIEW)) for index in (0, 1, 5)] == [{"call_us": "call_us"}] * 3


@pytest.mark.parametrize("state", [VisitState.DECLINED, VisitState.LAPSED])
def test_a_later_visit_that_comes_to_nothing_by_itself_is_told_once_the_course_was_confirmed(state: VisitState) -> None:
    lost = seated(5, state=state)
    for first in VisitState:
        told = first in {VisitState.CONFIRMED, VisitState.ATTENDED, VisitState.MISSED, VisitState.CANCELLED}
        assert words(lost, seated(0, state=first), lost) == ({"not_confirmed": "call_us"} if told else {})
    elsewhere = seated(0, seat=Seat("d" * 26, 0, 6))
    assert words(lost, elsewhere, seated(1)) == {}


async def test_the_text_about_a_later_visit_goes_out_long_after_the_first_one_took_place() -> None:
    clock = Clock(NOON)
    phone = Phone(clock)
    worker = Worker(twins(clock), phone, clock)
    await worker.stores.practices.keep(practice())
    await worker.hears(seated(0))
    await worker.sending.send_due()
    clock.at = STARTS + timedelta(days=9)
    await worker.hears(seated(5, state=VisitState.LAPSED, version=5, since=clock()))
    await worker.sending.send_due()

    assert len(phone.bodies) == 2


def test_each_visit_of_a_course_tells_of_its_own_move() -> None:
    assert words(seated(2, moved=True))["moved"] == "moved"


def test_a_visit_without_a_course_is_told_of_as_before() -> None:
    alone = visit(state=VisitState.CANCELLED, since=NOON)

    assert steps(alone)["cancelled"].due == NOON
    assert words(alone, cancelled(0), cancelled(1)) == {"cancelled": "cancelled"}


def test_one_cancelled_visit_of_a_course_is_named_after_a_short_wait() -> None:
    [text] = plan(cancelled(2), practice(), [seated(0), seated(1), cancelled(2)])

    assert (text.template, text.due) == ("cancelled", NOON + SETTLE)


def test_a_wait_that_would_leave_the_text_no_use_is_left_out() -> None:
    starts = NOON + timedelta(minutes=2)
    soon = cancelled(0, starts_at=starts, ends_at=starts + timedelta(hours=1))

    assert [(text.step, text.due) for text in plan(soon, practice(), [cancelled(1)])] == [("cancelled", NOON)]
    assert words(cancelled(1), soon) == {"cancelled": "cancelled"}


def test_a_visit_that_begins_before_the_others_text_comes_is_told_of_by_itself() -> None:
    """The second is cancelled as the evening ends, so its text waits for the morning, when the first has begun."""
    evening = NOON.replace(hour=0, minute=56, second=30) + timedelta(days=1)
    starts = evening + timedelta(hours=9)
    early = cancelled(0, at=evening, starts_at=starts, ends_at=starts + timedelta(hours=1))
    late = cancelled(1, at=evening + timedelta(minutes=1, seconds=30))

    assert words(early, late) == {"cancelled": "cancelled"}
    assert words(late, early) == {"cancelled": "cancelled"}
    soon = replace(early, starts_at=starts + timedelta(hours=9), ends_at=starts + timedelta(hours=10))
    assert words(soon, late) == {}


def test_courses_of_others_and_of_other_numbers_speak_for_themselves() -> None:
    elsewhere = replace(cancelled(1), seat=Seat("d" * 26, 1, 6))
    another = replace(cancelled(2), phone="+15035550199")

    assert words(cancelled(0), elsewhere, another) == {"cancelled": "cancelled"}


@dataclass(frozen=True)
class Sent:
    at: datetime
    visit: Visit
    text: Planned


def sent(visits: list[Visit]) -> list[Sent]:
    """What goes out if nothing else happens: each text is planned when its visit is heard of and judged when due."""

    def known(at: datetime) -> list[Visit]:
        return [other for other in visits if _known(other) <= at]

    out = []
    for one in visits:
        for text in plan(one, practice(), known(_known(one))):
            at = max(text.due, _known(one))
            judged = [still for still in plan(one, practice(), known(at)) if still.id == text.id]
            out += [Sent(at, one, still) for still in judged if at < still.not_after]
    return out


@st.composite
def cancellations(draw: st.DrawFn, *, spread: timedelta, lag: timedelta) -> list[Visit]:
    """Up to ten visits cancelled from a moment on, and each heard of some time after."""
    begin = draw(st.datetimes(datetime.fromisoformat("2027-01-01"), datetime.fromisoformat("2028-01-01")))
    first = begin.replace(microsecond=0, tzinfo=UTC)
    upto = [st.timedeltas(timedelta(), most).map(_whole) for most in (spread, lag, timedelta(days=2))]
    visits = []
    for index in range(draw(st.integers(1, 10))):
        at = first + draw(upto[0])
        starts = at + draw(upto[2]) + timedelta(minutes=1)
        one = cancelled(index, at=at, starts_at=starts, ends_at=starts + timedelta(hours=1))
        visits.append(replace(one, known_at=at + draw(upto[1])))
    return visits


def _whole(span: timedelta) -> timedelta:
    return timedelta(seconds=int(span.total_seconds()))


def _worth_a_text(one: Visit) -> bool:
    """Alone, it would have been told of."""
    return any(max(text.due, _known(one)) < text.not_after for text in plan(one, practice()))


@given(cancellations(spread=timedelta(minutes=20), lag=timedelta(hours=2)))
def test_nobody_is_left_to_come_to_a_cancelled_visit(visits: list[Visit]) -> None:
    """Whatever the order in which it is heard of, a text names the visit, or was written knowing of it."""
    out = sent(visits)

    for one in filter(_worth_a_text, visits):
        assert any(
            text.visit is one or (text.text.template == "cancelled_course" and text.at >= _known(one)) for text in out
        )


@given(cancellations(spread=timedelta(minutes=2), lag=timedelta(minutes=1)))
def test_a_course_that_is_cancelled_at_once_is_one_text(visits: list[Visit]) -> None:
    later = [
        replace(one, starts_at=one.starts_at + timedelta(days=3), ends_at=one.ends_at + timedelta(days=3))
        for one in visits
    ]
    out = sent(later)

    assert len(out) == 1
    assert out[0].text.template == ("cancelled" if len(later) == 1 else "cancelled_course")


@given(cancellations(spread=timedelta(hours=30), lag=timedelta(hours=2)))
def test_no_text_about_a_course_comes_at_night_and_the_morning_brings_one(visits: list[Visit]) -> None:
    out = sent(visits)

    assert not any(practice().quiet.covers(text.text.due, NEW_YORK) for text in out)
    waited = [text.at for text in out if text.at >= _known(text.visit) + SETTLE]
    assert len(waited) == len(set(waited))


def _known(one: Visit) -> datetime:
    assert one.known_at is not None
    return one.known_at


async def test_ten_visits_cancelled_in_a_row_are_one_text_on_the_phone() -> None:
    clock = Clock(NOON)
    phone = Phone(clock)
    worker = Worker(twins(clock), phone, clock)
    await worker.stores.practices.keep(practice())
    for index in range(10):
        await worker.hears(seated(index, count=10))
    await worker.sending.send_due()
    assert len(phone.bodies) == 1
    assert "your 10 visits are booked" in phone.bodies[0]

    for index in (3, 1, 9, 0, 2, 8, 7, 4, 6, 5):
        clock.forward(timedelta(seconds=1))
        await worker.hears(cancelled(index, at=clock(), count=10))
        await worker.sending.send_due()
    for _ in range(10):
        clock.forward(timedelta(minutes=1))
        await worker.sending.send_due()

    assert len(phone.bodies) == 2
    assert "several of your visits are cancelled" in phone.bodies[1]


async def test_a_text_tells_of_what_became_known_after_it_was_planned() -> None:
    clock = Clock(NOON)
    phone = Phone(clock)
    worker = Worker(twins(clock), phone, clock)
    await worker.stores.practices.keep(practice())
    await worker.hears(cancelled(1))
    await worker.stores.visits.keep(cancelled(0, known_at=NOON - timedelta(seconds=1)))
    clock.forward(SETTLE)
    await worker.sending.send_due()

    assert ["several of your visits" in body for body in phone.bodies] == [True]
