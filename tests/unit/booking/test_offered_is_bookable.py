"""Availability against the slow way, and what must stay the same when the question changes, on random practices."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import TypeVar
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from services.booking.domain.availability import Busy, Question, Reason, explain, free_start, free_starts
from services.booking.domain.calendar import instant_of
from services.booking.domain.footprint import Footprint, cells, footprint
from services.booking.domain.practice import (
    Buffers,
    DayException,
    Hours,
    Load,
    Place,
    Practitioner,
    Reset,
    Room,
    WeeklyHours,
)
from tests.support.booking_examples import a_practice, a_service, asking
from tests.support.booking_oracle import expected_starts

# Days on which clocks change, days beside them, and days on which nothing happens.
DAYS = [
    ("Europe/Zurich", date(2026, 3, 29)),
    ("Europe/Zurich", date(2026, 10, 25)),
    ("Europe/Zurich", date(2026, 6, 1)),
    ("America/Santiago", date(2026, 9, 6)),
    ("America/Santiago", date(2026, 4, 4)),
    ("Africa/Cairo", date(2026, 4, 24)),
    ("America/Havana", date(2026, 11, 1)),
    ("Asia/Beirut", date(2026, 10, 24)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Antarctica/Troll", date(2026, 10, 25)),
    ("Asia/Kathmandu", date(2026, 6, 1)),
    ("Pacific/Kiritimati", date(2026, 6, 1)),
    ("Pacific/Pago_Pago", date(2026, 6, 1)),
]
One = TypeVar("One")
ROOMS = (Room(id="blue", place="main"), Room(id="red", place="main"), Room(id="green", place="branch"))


def fives(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least // 5, most // 5).map(lambda number: number * 5)


needs = st.sampled_from([0, 0, 5, 10, 15, 30])


@st.composite
def days_of_hours(draw: st.DrawFn) -> tuple[Hours, ...]:
    """Long hours, or up to three ranges, overlapping or not at one place; the other only from where the first ends."""
    if draw(st.booleans()):
        starts, behind = draw(st.sampled_from([(0, 1440), (0, 1320), (60, 1440), (480, 1200), (125, 1440)]))
        return (Hours(place=draw(st.sampled_from(["main", "main", "branch"])), starts=starts, ends=behind),)
    ends = st.one_of(fives(0, 1440), st.sampled_from([0, 60, 120, 180, 1440]))
    at_main = [tuple(sorted(pair)) for pair in draw(st.lists(st.tuples(ends, ends), max_size=2))]
    latest = max((behind for _, behind in at_main), default=0)
    at_branch = draw(st.one_of(st.none(), fives(latest, 1440)))
    hours = [Hours(place="main", starts=starts, ends=behind) for starts, behind in at_main]
    if at_branch is not None:
        hours.append(Hours(place="branch", starts=at_branch, ends=1440))
    return tuple(hours)


loads = st.builds(
    Load,
    most_in_a_row=st.sampled_from([None, None, 1, 2, 3]),
    pause_minutes=st.sampled_from([0, 5, 30, 60]),
    resets=st.lists(
        st.builds(Reset, service=st.sampled_from(["session", "massage"]), minutes=fives(0, 90)), max_size=2
    ).map(tuple),
)


@st.composite
def people(draw: st.DrawFn, who: str, day: date) -> Practitioner:
    week = [draw(days_of_hours())] * 7 if draw(st.booleans()) else [draw(days_of_hours()) for _ in range(7)]
    weekly = tuple(
        WeeklyHours(place=one.place, starts=one.starts, ends=one.ends, weekday=weekday)
        for weekday, hours in enumerate(week)
        for one in hours
    )
    exceptions = (DayException(day=day, hours=draw(days_of_hours())),) if draw(st.booleans()) else ()
    name = draw(st.sampled_from(["Kim", "Lou"]))
    return Practitioner(id=who, name=name, services=("session",), hours=weekly, exceptions=exceptions, load=draw(loads))


@st.composite
def taken(draw: st.DrawFn, middle: int) -> Busy:
    reason = draw(st.sampled_from([Reason.VISIT, Reason.VISIT, Reason.CALENDAR]))
    is_visit = reason is Reason.VISIT
    starts = middle + draw(fives(-1500, 1500) if is_visit else st.integers(-1500, 1500))
    marks = Footprint(
        starts=starts,
        ends=starts + draw(st.sampled_from([5, 30, 60, 90, 300])),
        before=draw(needs) if is_visit else 0,
        after=draw(needs) if is_visit else 0,
        buffers=draw(st.sampled_from(Buffers)),
    )
    who = draw(st.sampled_from(["anna", "ben", None]))
    room = draw(st.sampled_from(["blue", "red", "green"])) if who is None or draw(st.booleans()) else None
    return Busy(practitioner=who, room=room, footprint=marks, reason=reason)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """About half a day around a day of `DAYS`, of one or two practitioners at two places with three rooms."""
    zone, day = draw(st.sampled_from(DAYS))
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    service = a_service(
        length_minutes=draw(st.sampled_from([5, 30, 60, 75, 240])),
        step_minutes=draw(st.sampled_from([5, 15, 20, 45, 60])),
        buffer_before_minutes=draw(needs),
        buffer_after_minutes=draw(needs),
        needs_room=draw(st.booleans()),
        notice_minutes=draw(st.sampled_from([0, 0, 60, 1440])),
        horizon_days=draw(st.sampled_from([0, 1, 2, 90, 90])),
    )
    other = draw(st.sampled_from([zone, zone, "Asia/Kathmandu"]))
    practice = a_practice(
        *(draw(people(who, day)) for who in ["anna", "ben"][: draw(st.integers(1, 2))]),
        zone=zone,
        services=(service,),
        places=tuple(
            Place(id=place, name=place, address=place, zone=at) for place, at in [("main", zone), ("branch", other)]
        ),
        rooms=ROOMS,
        buffers=draw(st.sampled_from(Buffers)),
    )
    starts_from = noon + timedelta(minutes=draw(st.integers(-16 * 60, 8 * 60)))
    middle = int(noon.timestamp()) // 60
    return asking(
        practice,
        starts_from,
        starts_from + timedelta(minutes=draw(st.integers(60, 12 * 60))),
        practitioner=draw(st.sampled_from([None, "anna"])),
        now=noon - timedelta(seconds=draw(st.integers(0, 3 * 24 * 3600))),
        busy=draw(st.lists(taken(middle), max_size=5)),
    )


@settings(max_examples=150, deadline=None)
@given(questions())
def test_the_list_is_what_the_slow_way_finds(question: Question) -> None:
    assert [tuple(start) for start in free_starts(question)] == expected_starts(question)


@settings(max_examples=60, deadline=None)
@given(questions())
def test_one_start_is_accepted_exactly_if_it_is_listed_and_explained_exactly_if_not(question: Question) -> None:
    listed = {start.minute: start for start in free_starts(question)}
    first, last = (int(at.timestamp()) // 60 // 5 * 5 for at in (question.starts_from, question.starts_until))
    for minute in range(first + 5, last, 5):
        at = instant_of(minute)
        assert free_start(question, at) == listed.get(minute)
        assert (() in explain(question, at).values()) == (minute in listed)


@settings(max_examples=60, deadline=None)
@given(questions())
def test_the_unique_index_takes_every_start_that_is_listed_beside_what_is_there(question: Question) -> None:
    resources_of = [(one, {one.practitioner, one.room} - {None}) for one in question.busy if one.reason is Reason.VISIT]
    owned = {key for one, resources in resources_of for key in cells(one.footprint, sorted(map(str, resources)))}
    for start in free_starts(question):
        who = question.practice.practitioner(start.practitioner)
        mine = footprint(question.service, who, start.starts_at, question.practice.buffers)
        resources = [start.practitioner] if start.room is None else [start.practitioner, start.room]
        assert owned.isdisjoint(cells(mine, resources))


@settings(max_examples=40, deadline=None)
@given(questions())
def test_two_listed_starts_share_a_key_exactly_if_taking_one_takes_the_other_away(question: Question) -> None:
    question = replace(question, practitioner="anna", service=replace(question.service, needs_room=False))
    policy, anna = question.practice.buffers, question.practice.practitioner("anna")
    anna = replace(anna, load=replace(anna.load, most_in_a_row=None))
    question = replace(question, practice=replace(question.practice, practitioners=(anna,)))
    for one, other in list(combinations(free_starts(question), 2))[:60]:
        first, second = (footprint(question.service, anna, start.starts_at, policy) for start in (one, other))
        taken_first = Busy(practitioner="anna", room=None, footprint=first)
        still_free = free_start(replace(question, busy=[*question.busy, taken_first]), other.starts_at) is not None
        assert still_free == set(cells(first, ["anna"])).isdisjoint(cells(second, ["anna"]))


@settings(max_examples=80, deadline=None)
@given(questions(), st.data())
def test_more_busy_time_never_adds_a_start(question: Question, data: st.DataObject) -> None:
    extra = data.draw(taken(int(question.starts_from.timestamp()) // 60))
    more = replace(question, busy=[*question.busy, extra])
    assert {start.minute for start in free_starts(more)} <= {start.minute for start in free_starts(question)}


@settings(max_examples=80, deadline=None)
@given(questions(), st.randoms(use_true_random=False))
def test_the_order_of_rules_does_not_matter(question: Question, shuffled: random.Random) -> None:
    def mixed(of: tuple[One, ...]) -> tuple[One, ...]:
        return tuple(shuffled.sample(of, len(of)))

    practice = question.practice
    people = tuple(
        replace(person, hours=mixed(person.hours), exceptions=mixed(person.exceptions))
        for person in practice.practitioners
    )
    other = replace(practice, practitioners=mixed(people), rooms=mixed(practice.rooms), places=mixed(practice.places))
    asked = replace(question, practice=other, busy=mixed(tuple(question.busy)))
    assert free_starts(asked) == free_starts(question)


@settings(max_examples=60, deadline=None)
@given(questions(), st.integers(1, 500), st.integers(1, 48))
def test_what_lies_beyond_reach_changes_nothing(question: Question, visits: int, hours: int) -> None:
    """Nothing that is long past or far ahead has a say, however much of it there is."""
    far = [question.starts_from - timedelta(hours=47 + hours), question.starts_until + timedelta(hours=37 + hours)]
    anna, policy = question.practice.practitioner("anna"), question.practice.buffers
    away = [
        Busy(practitioner="anna", room="blue", footprint=footprint(question.service, anna, at, policy)) for at in far
    ]
    assert free_starts(replace(question, busy=[*question.busy, *away * visits])) == free_starts(question)


@settings(max_examples=60, deadline=None)
@given(questions(), st.integers(1, 40))
def test_a_week_later_everything_is_at_the_same_local_time(question: Question, weeks: int) -> None:
    """In a zone that leaves its clocks alone, without exceptions, which belong to dates."""
    shift = timedelta(weeks=weeks)
    minutes = weeks * 7 * 1440
    practice = replace(
        question.practice,
        places=tuple(replace(place, zone="Asia/Kathmandu") for place in question.practice.places),
        practitioners=tuple(replace(person, exceptions=()) for person in question.practice.practitioners),
    )
    now = replace(question, practice=practice)
    later = replace(
        now,
        now=now.now + shift,
        starts_from=now.starts_from + shift,
        starts_until=now.starts_until + shift,
        busy=[
            replace(
                one,
                footprint=replace(
                    one.footprint, starts=one.footprint.starts + minutes, ends=one.footprint.ends + minutes
                ),
            )
            for one in now.busy
        ],
    )
    assert free_starts(later) == [start._replace(minute=start.minute + minutes) for start in free_starts(now)]
