"""What a practitioner takes on: at most so many visits in a row, and time to recover after some of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.booking.domain.availability import Reason, explain, free_start
from services.booking.domain.calendar import minute_of
from services.booking.domain.footprint import cells, footprint
from services.booking.domain.load import overworked
from services.booking.domain.offering import offer
from services.booking.domain.practice import Buffers, Load, Practice, Reset
from services.booking.domain.question import Start
from tests.support.booking_examples import (
    a_block,
    a_practice,
    a_practitioner,
    a_service,
    a_visit,
    asking_for_days,
    local,
    times,
    weekly,
)

MONDAY = "2026-06-01"


def at_most(visits: int | None, *, pause: int = 30, hours: str = "09:00-17:00") -> Practice:
    """An hour on the hour, with so many in a row."""
    load = Load(most_in_a_row=visits, pause_minutes=pause)
    person = a_practitioner(hours=weekly(hours), load=load)
    return a_practice(person, services=(a_service(step_minutes=60),))


def offered_beside(practice: Practice, *at: str) -> list[str]:
    busy = [a_visit(local(f"{MONDAY} {one}")) for one in at]
    return list(times(asking_for_days(practice, MONDAY, busy=busy)))


def test_after_so_many_in_a_row_there_is_a_pause() -> None:
    assert offered_beside(at_most(2), "10:00", "11:00") == ["13:00", "14:00", "15:00", "16:00"]
    assert offered_beside(at_most(3), "10:00", "11:00") == ["09:00", "12:00", "13:00", "14:00", "15:00", "16:00"]
    assert offered_beside(at_most(None), "10:00", "11:00")[:3] == ["09:00", "12:00", "13:00"]


def test_one_at_a_time_is_never_beside_another() -> None:
    assert offered_beside(at_most(1), "12:00") == ["09:00", "10:00", "14:00", "15:00", "16:00"]


def test_a_visit_that_would_join_two_rows_counts_both() -> None:
    assert "11:00" not in offered_beside(at_most(4), "09:00", "10:00", "12:00", "13:00")
    assert "11:00" in offered_beside(at_most(5), "09:00", "10:00", "12:00", "13:00")


@pytest.mark.parametrize(("pause", "free"), [(60, True), (61, False)])
def test_the_pause_itself_ends_a_row(pause: int, *, free: bool) -> None:
    assert ("11:00" in offered_beside(at_most(1, pause=pause), "09:00")) is free
    assert ("09:00" in offered_beside(at_most(1, pause=pause), "11:00")) is free


def test_a_row_is_as_long_as_its_pauses_are_short() -> None:
    beside = offered_beside(at_most(2, pause=61), "09:00", "11:00")
    assert beside == ["14:00", "15:00", "16:00"]


def test_two_rows_a_pause_apart_are_counted_one_by_one() -> None:
    practice = at_most(2, pause=60)
    assert offered_beside(practice, "09:00", "11:00") == ["12:00", "13:00", "14:00", "15:00", "16:00"]
    assert offered_beside(practice, "09:00", "11:00", "12:00") == ["14:00", "15:00", "16:00"]


def test_a_row_that_is_too_long_already_does_not_grow() -> None:
    assert offered_beside(at_most(2), "09:00", "10:00", "11:00", "12:00") == ["14:00", "15:00", "16:00"]


def test_only_visits_are_counted_and_only_one_s_own() -> None:
    nine = local(f"{MONDAY} 09:00")
    others = [a_block(nine, 60), a_visit(nine + timedelta(hours=2), practitioner="ben")]
    assert times(asking_for_days(at_most(1), MONDAY, busy=others))[0] == "10:00"


def test_a_row_may_cross_midnight() -> None:
    practice = at_most(1, hours="00:00-24:00")
    busy = [a_visit(local(f"{MONDAY} 23:00"))]
    assert times(asking_for_days(practice, "2026-06-02", busy=busy))[0] == "01:00"


def test_the_limit_explains_itself() -> None:
    question = asking_for_days(at_most(1), MONDAY, busy=[a_visit(local(f"{MONDAY} 12:00"))])
    assert explain(question, local(f"{MONDAY} 13:00")) == {"anna": (Reason.LOAD,)}
    assert explain(question, local(f"{MONDAY} 12:00")) == {"anna": (Reason.VISIT, Reason.LOAD)}
    assert explain(question, local(f"{MONDAY} 14:00")) == {"anna": ()}


def test_the_same_visits_in_any_order_make_the_same_rows() -> None:
    load = Load(most_in_a_row=2, pause_minutes=10)
    visits = [(0, 60), (100, 160), (65, 95), (300, 360), (10, 20)]
    assert overworked(visits, 30, load) == overworked(sorted(visits), 30, load) == [(-39, 170)]
    assert overworked([], 30, load) == []


# Recovering


def recovering(minutes: int, *, buffer: int = 0, service: str = "session") -> Practice:
    load = Load(resets=(Reset(service=service, minutes=minutes), Reset(service="other", minutes=120)))
    person = a_practitioner(hours=weekly("09:00-13:00"), load=load)
    return a_practice(person, services=(a_service(step_minutes=30, buffer_after_minutes=buffer),))


@pytest.mark.parametrize(
    ("practice", "after"),
    [
        (recovering(30), 30),
        (recovering(30, buffer=45), 45),
        (recovering(45, buffer=30), 45),
        (recovering(30, service="massage"), 0),
    ],
)
def test_a_visit_needs_the_longer_of_its_buffer_and_the_practitioner_s_recovery(practice: Practice, after: int) -> None:
    start = Start(minute_of(local(f"{MONDAY} 09:00")), "anna", "main", None)
    assert offer(practice, practice.services[0], start).after_minutes == after
    shape = footprint(practice.services[0], practice.practitioners[0], start.starts_at, Buffers.LARGER)
    assert (shape.before, shape.after) == (0, after)


def test_before_the_next_visit_there_is_time_to_recover() -> None:
    noon = local(f"{MONDAY} 12:00")
    question = asking_for_days(recovering(30), MONDAY, busy=[a_visit(noon)])
    assert times(question) == ["09:00", "09:30", "10:00", "10:30"]
    assert explain(question, local(f"{MONDAY} 11:00")) == {"anna": (Reason.BUFFER,)}


def test_the_index_refuses_a_visit_inside_the_recovery_of_another() -> None:
    practice = recovering(30)
    service, anna = practice.services[0], practice.practitioners[0]
    ten = local(f"{MONDAY} 10:00")
    first, soon, later = (
        set(cells(footprint(service, anna, ten + timedelta(minutes=after), Buffers.LARGER), ["anna"]))
        for after in (0, 75, 90)
    )
    assert not first.isdisjoint(soon)
    assert first.isdisjoint(later)


def test_one_who_recovers_is_offered_later_than_one_who_does_not() -> None:
    tired = recovering(60)
    fresh = replace(a_practitioner(), id="ben", name="Ben", hours=weekly("09:00-13:00"))
    practice = replace(tired, practitioners=(*tired.practitioners, fresh))
    eleven = local(f"{MONDAY} 11:00")
    busy = [a_visit(local(f"{MONDAY} 12:00"), practitioner=who) for who in ("anna", "ben")]
    found = free_start(asking_for_days(practice, MONDAY, busy=busy), eleven)
    assert found is not None
    assert found.practitioner == "ben"
