"""Visits that no longer fit their practice are told with the reason, and never moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain import turns
from services.booking.domain.appointment import By
from services.booking.domain.availability import Question, Reason, explain
from services.booking.domain.outside import Why, outside
from services.booking.domain.practice import Block, DayException, Hours, Place, Practice, Practitioner, WeeklyHours
from tests.support.booking import HOUR, MINUTE, NOW, TEN, a_hold, a_house, a_request, a_visit

VISIT = a_visit()
"""Ana, session, room heron at the lake, Tuesday from ten to eleven in Zurich."""
THAT_DAY = date(2027, 3, 2)
TOWN = Place(id="town", name="In town", address="Bahnhofstrasse 1", zone="Europe/Zurich")


def ana(**changes: Any) -> Practice:
    house = a_house(places=(*a_house().places, TOWN))
    first, *others = house.practitioners
    return replace(house, practitioners=(replace(first, **changes), *others))


def why(practice: Practice) -> tuple[Why, ...]:
    found = outside(practice, [VISIT])
    assert all(one.appointment is VISIT for one in found)
    return found[0].reasons if found else ()


def weekly(starts: int, ends: int, place: str = "lake", weekday: int = 1) -> tuple[WeeklyHours, ...]:
    return (WeeklyHours(place=place, weekday=weekday, starts=starts * 60, ends=ends * 60),)


def at_the_lake(starts: int, ends: int) -> tuple[Hours, ...]:
    return (Hours(place="lake", starts=starts * 60, ends=ends * 60),)


def block(starts_at: str, ends_at: str) -> tuple[Block, ...]:
    return (Block(starts_at=datetime.fromisoformat(starts_at), ends_at=datetime.fromisoformat(ends_at)),)


@pytest.mark.parametrize(
    ("practice", "reasons"),
    [
        (a_house(), ()),
        (ana(hours=weekly(10, 11)), ()),
        (ana(hours=weekly(9, 10)), (Why.HOURS,)),
        (ana(hours=weekly(10, 11, weekday=2)), (Why.HOURS,)),
        (ana(hours=()), (Why.HOURS,)),
        (ana(hours=weekly(10, 11, place="town")), (Why.HOURS,)),
        (ana(exceptions=(DayException(day=THAT_DAY),)), (Why.EXCEPTION,)),
        (ana(exceptions=(DayException(day=THAT_DAY, hours=at_the_lake(10, 11)),)), ()),
        (ana(exceptions=(DayException(day=THAT_DAY + timedelta(days=1)),)), ()),
        (ana(blocks=block("2027-03-02T10:30", "2027-03-02T10:35")), (Why.BLOCK,)),
        (ana(blocks=block("2027-03-02T09:59+01:00", "2027-03-02T10:01+01:00")), (Why.BLOCK,)),
        (ana(blocks=block("2027-03-01T00:00", "2027-03-20T00:00")), (Why.BLOCK,)),
        (ana(blocks=block("2027-03-02T11:00", "2027-03-02T12:00")), ()),
        (ana(hours=weekly(9, 10), blocks=block("2027-03-02T10:00", "2027-03-02T11:00")), (Why.HOURS, Why.BLOCK)),
        (ana(services=("call",)), (Why.SERVICE,)),
        (a_house(services=()), (Why.SERVICE,)),
        (a_house(practitioners=a_house().practitioners[1:]), (Why.PRACTITIONER,)),
        (a_house(rooms=a_house().rooms[1:]), (Why.ROOM,)),
        (ana(), ()),
        (replace(ana(), rooms=(replace(a_house().rooms[0], place="town"),)), (Why.ROOM,)),
        (replace(ana(hours=weekly(10, 11, place="town")), places=(TOWN,), rooms=()), (Why.PLACE, Why.ROOM)),
        (replace(a_house(), places=(replace(a_house().places[0], name="Renamed", address="Elsewhere"),)), ()),
    ],
)
def test_what_a_visit_falls_outside_of(practice: Practice, reasons: tuple[Why, ...]) -> None:
    assert why(practice) == reasons


def test_policies_that_changed_after_the_booking_do_not_count_against_it() -> None:
    services = tuple(
        replace(
            one, notice_minutes=86400, horizon_days=0, step_minutes=1440, length_minutes=480, buffer_after_minutes=120
        )
        for one in a_house().services
    )
    assert why(a_house(services=services)) == ()


def test_a_place_that_moves_to_another_zone_moves_its_hours_and_not_the_visit() -> None:
    house = a_house(places=(replace(a_house().places[0], zone="Pacific/Auckland"),))
    assert why(house) == (Why.HOURS,)


def test_only_what_is_booked_can_fall_outside() -> None:
    nobody = a_house(practitioners=())
    booked = [a_request(key="a"), a_visit(key="b")]
    others = [a_hold(key="c"), turns.cancel(a_visit(key="d"), by=By.CLIENT, now=NOW)]
    assert [one.appointment for one in outside(nobody, [*booked, *others])] == booked


def test_a_visit_from_before_places_were_kept_is_judged_at_the_best_of_them() -> None:
    old = replace(VISIT, offer=replace(VISIT.offer, place=""))
    assert outside(ana(hours=weekly(10, 11, place="town")), [old]) == ()
    assert [one.reasons for one in outside(ana(hours=weekly(9, 10, place="town")), [old])] == [(Why.HOURS,)]


HOURS = st.builds(
    lambda weekday, starts, length: WeeklyHours(
        place="lake", weekday=weekday, starts=starts * 15, ends=min((starts + length) * 15, 1440)
    ),
    st.integers(0, 6),
    st.integers(0, 95),
    st.integers(0, 40),
)
EXCEPTIONS = st.builds(
    lambda ahead, hours: DayException(day=THAT_DAY + timedelta(days=ahead), hours=hours),
    st.integers(-3, 7),
    st.one_of(st.just(()), st.just(at_the_lake(8, 12)), st.just(at_the_lake(0, 24))),
)
BLOCKS = st.builds(
    lambda begins, length: Block(starts_at=TEN + begins * 5 * MINUTE, ends_at=TEN + (begins + length) * 5 * MINUTE),
    st.integers(-60, 600),
    st.integers(1, 100),
)
ZONES = st.sampled_from(["Europe/Zurich", "Pacific/Kiritimati", "America/Santiago", "Australia/Lord_Howe", "UTC"])
PEOPLE = st.builds(
    lambda hours, exceptions, blocks: Practitioner(
        id="ana",
        name="Ana",
        services=("session", "call"),
        hours=tuple(hours),
        exceptions=tuple(exceptions),
        blocks=tuple(blocks),
    ),
    st.lists(HOURS, max_size=8),
    st.lists(EXCEPTIONS, max_size=4, unique_by=lambda one: one.day),
    st.lists(BLOCKS, max_size=3),
)


@given(PEOPLE, ZONES, st.lists(st.integers(0, 600), min_size=1, max_size=5, unique=True))
def test_a_visit_is_outside_exactly_if_its_start_could_not_be_booked_for_its_times(
    person: Practitioner, zone: str, starts: list[int]
) -> None:
    """The same rules that refuse a booking, whatever the practice has become; and no visit is another afterwards."""
    house = a_house(zone=zone, places=(replace(a_house().places[0], zone=zone),), practitioners=(person,))
    visits = [a_visit(starts_at=TEN + ahead * 15 * MINUTE, key=str(ahead), room="heron") for ahead in starts]
    before = [replace(visit) for visit in visits]

    found = {one.appointment.id: {why.value for why in one.reasons} for one in outside(house, visits)}

    for visit in visits:
        asked = Question(
            practice=house,
            service=house.service("session"),
            practitioner="ana",
            now=NOW,
            starts_from=visit.starts_at,
            starts_until=visit.starts_at + HOUR,
        )
        told = set(explain(asked, visit.starts_at)["ana"]) & {Reason.HOURS, Reason.EXCEPTION, Reason.BLOCK}
        assert found.get(visit.id, set()) == {reason.value for reason in told}
    assert visits == before
