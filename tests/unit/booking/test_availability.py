"""What is offered: hours, steps, notice, horizon, neighbours, blocks, rooms and people, one rule at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.booking.domain.availability import Reason, Start, by_day, explain, free_start, free_starts, window
from services.booking.domain.calendar import minute_of
from services.booking.domain.practice import Block, Buffers, Place, Practice, Room
from tests.support.booking_examples import (
    a_block,
    a_practice,
    a_practitioner,
    a_service,
    a_visit,
    asking,
    asking_for_days,
    exception,
    local,
    offered,
    times,
    weekly,
)

MONDAY = "2026-06-01"


def open_from(hours: str, *, zone: str = "Europe/Zurich", **service: Any) -> Practice:
    return a_practice(a_practitioner(hours=weekly(hours)), zone=zone, services=(a_service(**service),))


# Hours, steps and lengths


def test_the_last_visit_ends_exactly_with_the_hours() -> None:
    assert times(asking_for_days(open_from("09:00-10:30"), MONDAY)) == ["09:00", "09:15", "09:30"]


def test_five_minutes_short_of_the_length_gives_none() -> None:
    assert times(asking_for_days(open_from("09:00-09:55"), MONDAY)) == []
    assert times(asking_for_days(open_from("09:00-10:00"), MONDAY)) == ["09:00"]


def test_a_length_that_does_not_divide_the_hours_leaves_the_rest_unused() -> None:
    practice = open_from("09:00-12:00", length_minutes=50, step_minutes=50)
    assert times(asking_for_days(practice, MONDAY)) == ["09:00", "09:50", "10:40"]


def test_steps_are_counted_from_the_beginning_of_each_range() -> None:
    person = a_practitioner(hours=weekly("09:10-11:00", "13:20-15:00"))
    practice = a_practice(person, services=(a_service(step_minutes=30),))
    assert times(asking_for_days(practice, MONDAY)) == ["09:10", "09:40", "13:20", "13:50"]


def test_hours_until_twenty_four_offer_the_last_hour_of_the_day() -> None:
    assert times(asking_for_days(open_from("22:30-24:00"), MONDAY)) == ["22:30", "22:45", "23:00"]


def test_a_visit_may_cross_midnight_where_the_hours_do() -> None:
    practice = a_practice(a_practitioner(hours=(*weekly("22:00-24:00", on=[0]), *weekly("00:00-02:00", on=[1]))))
    assert times(asking_for_days(practice, MONDAY))[-1] == "23:45"
    assert times(asking_for_days(practice, "2026-06-02")) == ["00:00", "00:15", "00:30", "00:45", "01:00"]


def test_hours_are_those_of_the_weekday() -> None:
    practice = a_practice(a_practitioner(hours=weekly("09:00-10:00", on=[1, 3])))
    assert offered(asking_for_days(practice, MONDAY, 7)) == ["2026-06-02 09:00", "2026-06-04 09:00"]


def test_overlapping_ranges_are_one() -> None:
    together = a_practice(a_practitioner(hours=weekly("09:00-11:00", "10:30-12:00")))
    assert offered(asking_for_days(together, MONDAY)) == offered(asking_for_days(open_from("09:00-12:00"), MONDAY))


def test_an_exception_replaces_the_hours_of_its_date_only() -> None:
    person = a_practitioner(hours=weekly("09:00-10:00"), exceptions=(exception("2026-06-02", "14:00-15:00"),))
    assert offered(asking_for_days(a_practice(person), MONDAY, 3)) == [
        "2026-06-01 09:00",
        "2026-06-02 14:00",
        "2026-06-03 09:00",
    ]


@pytest.mark.parametrize("ranges", [(), ("09:00-09:00",)])
def test_an_exception_without_time_closes_the_day(ranges: tuple[str, ...]) -> None:
    person = a_practitioner(exceptions=(exception(MONDAY, *ranges),))
    assert times(asking_for_days(a_practice(person), MONDAY)) == []


def test_an_exception_opens_a_closed_day() -> None:
    person = a_practitioner(hours=weekly("09:00-10:00", on=[1]), exceptions=(exception(MONDAY, "10:00-11:00"),))
    assert times(asking_for_days(a_practice(person), MONDAY)) == ["10:00"]


# Clock changes


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-03-29", ["01:00", "01:30", "03:00", "03:30"]),
        ("2026-10-25", ["01:00", "01:30", "02:00", "02:30", "02:00", "02:30", "03:00", "03:30"]),
    ],
)
def test_gap_times_are_not_offered_and_both_passes_of_a_fold_inside_hours_are(day: str, expected: list[str]) -> None:
    practice = open_from("01:00-04:00", length_minutes=30, step_minutes=30)
    assert times(asking_for_days(practice, day)) == expected


def test_a_fold_that_hours_only_reach_into_is_offered_in_its_first_pass() -> None:
    practice = open_from("01:00-02:30", length_minutes=30, step_minutes=30)
    starts = free_starts(asking_for_days(practice, "2026-10-25"))
    assert [start.starts_at for start in starts] == [local(f"2026-10-25 {at}") for at in ("01:00", "01:30", "02:00")]


def test_a_visit_across_a_change_keeps_its_real_length() -> None:
    practice = open_from("00:00-04:00")
    assert "01:45" in times(asking_for_days(practice, "2026-03-29"))
    assert times(asking_for_days(practice, "2026-03-29"))[-1] == "03:00"
    late = local("2026-10-25 02:45")
    assert free_start(asking_for_days(practice, "2026-10-25", busy=[a_visit(late)]), late + timedelta(hours=1))
    assert not free_start(asking_for_days(practice, "2026-10-25", busy=[a_visit(late)]), late + timedelta(minutes=45))


def test_long_steps_stay_on_the_wall_after_a_change() -> None:
    practice = open_from("00:00-24:00", step_minutes=120)
    assert times(asking_for_days(practice, "2026-03-29"))[:3] == ["00:00", "04:00", "06:00"]
    assert times(asking_for_days(practice, "2026-10-25"))[:4] == ["00:00", "02:00", "02:00", "04:00"]


def test_lord_howe_moves_its_clocks_by_half_an_hour() -> None:
    practice = open_from("01:00-04:00", zone="Australia/Lord_Howe", length_minutes=30, step_minutes=30)
    assert times(asking_for_days(practice, "2026-10-04")) == ["01:00", "01:30", "02:30", "03:00", "03:30"]
    assert times(asking_for_days(practice, "2026-04-05"))[:4] == ["01:00", "01:30", "01:30", "02:00"]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/Santiago", "2026-09-06"),
        ("Africa/Cairo", "2026-04-24"),
        ("America/Havana", "2026-03-08"),
        ("Asia/Beirut", "2026-03-29"),
        ("Atlantic/Azores", "2026-03-29"),
    ],
)
def test_a_day_without_midnight_has_its_ordinary_hours(zone: str, day: str) -> None:
    assert times(asking_for_days(open_from("09:00-11:00", zone=zone), day))[0::4] == ["09:00", "10:00"]
    assert times(asking_for_days(open_from("00:00-24:00", zone=zone), day))[0] == "01:00"
    before = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    assert times(asking_for_days(open_from("00:00-24:00", zone=zone), before))[-1] == "23:45"


# Windows, notice and horizon


def test_a_viewer_a_day_ahead_or_behind_sees_dates_of_their_own() -> None:
    practice = open_from("09:00-10:00", zone="Pacific/Pago_Pago")
    kiritimati = ZoneInfo("Pacific/Kiritimati")
    starts = free_starts(asking(practice, *window(date(2026, 6, 2), 1, kiritimati)))
    assert [start.starts_at for start in starts] == [datetime(2026, 6, 1, 20, tzinfo=UTC)]
    assert list(by_day(starts, kiritimati)) == [date(2026, 6, 2)]
    assert list(by_day(starts, ZoneInfo("Pacific/Pago_Pago"))) == [date(2026, 6, 1)]


def test_the_window_is_half_open() -> None:
    practice = open_from("09:00-17:00")
    question = asking(practice, local(f"{MONDAY} 10:00"), local(f"{MONDAY} 10:30"))
    assert times(question) == ["10:00", "10:15"]


def test_a_window_of_dates_is_as_long_as_the_viewer_s_days() -> None:
    starts, ends = window(date(2026, 3, 29), 1, ZoneInfo("Asia/Beirut"))
    assert ends - starts == timedelta(hours=23)


@pytest.mark.parametrize(("seconds", "first"), [(0, "10:00"), (1, "10:15")])
def test_notice_ends_to_the_second(seconds: int, first: str) -> None:
    practice = open_from("09:00-17:00", notice_minutes=60)
    now = local(f"{MONDAY} 09:00") + timedelta(seconds=seconds)
    assert times(asking_for_days(practice, MONDAY, now=now))[0] == first


@pytest.mark.parametrize(("day", "first"), [("2026-03-29", "11:00"), ("2026-10-25", "09:00")])
def test_notice_is_elapsed_time_on_the_day_of_a_change(day: str, first: str) -> None:
    practice = open_from("09:00-17:00", notice_minutes=24 * 60)
    now = local(day) - timedelta(hours=24) + timedelta(hours=10)
    assert times(asking_for_days(practice, day, now=now))[0] == first


@pytest.mark.parametrize("now", ["2026-03-28 00:00", "2026-03-28 23:59"])
def test_the_horizon_counts_local_dates_whatever_the_hour(now: str) -> None:
    practice = open_from("09:00-10:00", horizon_days=1)
    found = offered(asking_for_days(practice, "2026-03-28", 7, now=local(now)))
    assert found[-1] == "2026-03-29 09:00"


def test_a_horizon_of_no_days_is_today() -> None:
    practice = open_from("09:00-10:00", horizon_days=0)
    assert offered(asking_for_days(practice, MONDAY, 7, now=local(f"{MONDAY} 00:00"))) == [f"{MONDAY} 09:00"]


def test_the_horizon_ends_with_midnight() -> None:
    practice = open_from("00:00-24:00", horizon_days=1)
    question = asking_for_days(practice, MONDAY, 7, now=local(f"{MONDAY} 12:00"))
    assert offered(question)[-1] == "2026-06-02 23:45"
    assert explain(question, local("2026-06-02 23:45")) == {"anna": ()}
    assert explain(question, local("2026-06-03 00:00")) == {"anna": (Reason.HORIZON,)}


def test_a_window_that_begins_or_ends_within_a_minute_holds_the_starts_inside_it() -> None:
    half = timedelta(seconds=30)
    ten, eleven = local(f"{MONDAY} 10:00"), local(f"{MONDAY} 11:00")
    practice = open_from("09:00-17:00")
    assert times(asking(practice, ten + half, eleven + half)) == ["10:15", "10:30", "10:45", "11:00"]
    assert times(asking(practice, ten - half, eleven - half)) == ["10:00", "10:15", "10:30", "10:45"]


def test_the_first_start_after_the_notice_needs_no_more_of_it() -> None:
    practice = open_from("09:00-17:00", notice_minutes=60)
    question = asking_for_days(practice, MONDAY, now=local(f"{MONDAY} 09:00"))
    assert explain(question, local(f"{MONDAY} 10:00")) == {"anna": ()}
    assert explain(question, local(f"{MONDAY} 09:45")) == {"anna": (Reason.NOTICE,)}


# Neighbours


def test_a_visit_takes_its_time_and_touching_it_is_fine() -> None:
    question = asking_for_days(open_from("09:00-12:00"), MONDAY, busy=[a_visit(local(f"{MONDAY} 10:00"))])
    assert times(question) == ["09:00", "11:00"]


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ({}, {"buffer_before_minutes": 15}, ["09:00", "12:00", "12:15"]),
        ({}, {"buffer_after_minutes": 15}, ["09:00", "09:15", "12:15"]),
        ({"buffer_after_minutes": 15}, {}, ["09:00", "12:00", "12:15"]),
        ({"buffer_before_minutes": 15}, {}, ["09:00", "09:15", "12:15"]),
        ({"buffer_after_minutes": 10}, {"buffer_before_minutes": 15}, ["09:00", "12:00", "12:15"]),
        ({"buffer_before_minutes": 5}, {"buffer_after_minutes": 15}, ["09:00", "09:15", "12:15"]),
    ],
)
def test_between_neighbours_the_larger_need_counts(
    mine: dict[str, Any], theirs: dict[str, Any], expected: list[str]
) -> None:
    visit = a_visit(local(f"{MONDAY} 10:15"), length_minutes=105, **theirs)
    question = asking_for_days(open_from("09:00-13:15", **mine), MONDAY, busy=[visit])
    assert times(question) == expected


def test_a_practice_may_want_both_needs() -> None:
    service = a_service(buffer_before_minutes=5, buffer_after_minutes=10)
    person = a_practitioner(hours=weekly("09:00-13:00"))
    practice = a_practice(person, services=(service,), buffers=Buffers.SUMMED)
    visit = a_visit(local(f"{MONDAY} 10:30"), buffer_before_minutes=5, buffer_after_minutes=10, buffers=Buffers.SUMMED)
    assert times(asking_for_days(practice, MONDAY, busy=[visit])) == ["09:00", "09:15", "11:45", "12:00"]


def test_needs_may_lie_outside_the_hours() -> None:
    practice = open_from("09:00-10:00", buffer_before_minutes=30, buffer_after_minutes=30)
    assert times(asking_for_days(practice, MONDAY)) == ["09:00"]


def test_another_practitioner_s_visit_is_no_hindrance() -> None:
    visit = a_visit(local(f"{MONDAY} 09:00"), practitioner="ben")
    assert times(asking_for_days(open_from("09:00-10:00"), MONDAY, busy=[visit])) == ["09:00"]


# Blocks


def test_a_block_is_kept_free_together_with_the_needs_beside_it() -> None:
    practice = open_from("09:00-13:00", buffer_before_minutes=15)
    question = asking_for_days(practice, MONDAY, busy=[a_block(local(f"{MONDAY} 10:07"), 38)])
    assert times(question) == ["09:00", "11:00", "11:15", "11:30", "11:45", "12:00"]


@pytest.mark.parametrize(
    ("starts", "ends", "expected"),
    [
        ("10:00", "11:00", ["09:00", "11:00"]),
        ("10:04", "10:56", ["09:00", "11:00"]),
        ("10:06", "10:54", ["09:00", "09:05", "10:55", "11:00"]),
    ],
)
def test_a_block_may_be_touched_but_not_by_a_minute_entered(starts: str, ends: str, expected: list[str]) -> None:
    first, last = local(f"{MONDAY} {starts}"), local(f"{MONDAY} {ends}")
    practice = open_from("09:00-12:00", step_minutes=5)
    imported = a_block(first, minute_of(last) - minute_of(first))
    assert times(asking_for_days(practice, MONDAY, busy=[imported])) == expected
    person = replace(practice.practitioners[0], blocks=(Block(starts_at=first, ends_at=last),))
    assert times(asking_for_days(replace(practice, practitioners=(person,)), MONDAY)) == expected


def test_time_off_in_the_profile_counts_in_the_practice_s_wall_time_or_as_instants() -> None:
    wall = Block(starts_at=datetime(2026, 6, 1, 9), ends_at=datetime(2026, 6, 1, 11))  # noqa: DTZ001 # wall time
    instant = Block(starts_at=local(f"{MONDAY} 09:00"), ends_at=local(f"{MONDAY} 11:00"))
    for block in (wall, instant):
        practice = a_practice(a_practitioner(hours=weekly("09:00-12:00"), blocks=(block,)))
        assert times(asking_for_days(practice, MONDAY)) == ["11:00"]


def test_time_off_of_several_days_across_a_change_ends_on_the_wall() -> None:
    block = Block(starts_at=datetime(2026, 3, 28), ends_at=datetime(2026, 3, 30))  # noqa: DTZ001 # wall time
    practice = a_practice(a_practitioner(hours=weekly("00:00-01:00"), blocks=(block,)))
    assert offered(asking_for_days(practice, "2026-03-27", 5)) == [
        "2026-03-27 00:00",
        "2026-03-30 00:00",
        "2026-03-31 00:00",
    ]


def test_time_off_on_a_wall_that_is_shown_twice_is_as_long_as_it_can_be() -> None:
    block = Block(starts_at=datetime(2026, 10, 25, 2, 30), ends_at=datetime(2026, 10, 25, 2, 45))  # noqa: DTZ001 # wall
    person = a_practitioner(hours=weekly("01:00-04:00"), blocks=(block,))
    service = a_service(length_minutes=15)
    starts = free_starts(asking_for_days(a_practice(person, services=(service,)), "2026-10-25"))
    away = {local("2026-10-25 02:30") + timedelta(minutes=quarter) for quarter in (0, 15, 30, 45, 60)}
    listed = {start.starts_at for start in starts}
    assert listed.isdisjoint(away)
    assert {min(away) - timedelta(minutes=15), max(away) + timedelta(minutes=15)} <= listed


def test_time_off_takes_every_minute_that_it_touches() -> None:
    half = timedelta(seconds=30)
    block = Block(starts_at=local(f"{MONDAY} 09:05") - half, ends_at=local(f"{MONDAY} 09:10") + half)
    person = a_practitioner(hours=weekly("09:00-09:20"), blocks=(block,))
    practice = a_practice(person, services=(a_service(length_minutes=5, step_minutes=5),))
    assert times(asking_for_days(practice, MONDAY)) == ["09:15"]


# Rooms


def in_rooms(*rooms: str) -> Practice:
    return a_practice(
        a_practitioner(hours=weekly("09:00-10:00")),
        services=(a_service(needs_room=True),),
        rooms=tuple(Room(id=room, place="main") for room in rooms),
    )


def test_a_visit_takes_the_first_free_room_by_id() -> None:
    nine = local(f"{MONDAY} 09:00")
    practice = in_rooms("red", "blue", "green")
    in_blue = a_visit(nine - timedelta(minutes=30), practitioner="ben", room="blue")
    for busy, room in (([], "blue"), ([in_blue], "green")):
        assert free_starts(asking_for_days(practice, MONDAY, busy=busy)) == [
            Start(minute_of(nine), "anna", "main", room)
        ]


def test_without_a_free_room_nothing_is_offered() -> None:
    nine = local(f"{MONDAY} 09:00")
    taken = [a_visit(nine, practitioner="ben", room="red"), a_visit(nine, practitioner="cleo", room="blue")]
    assert times(asking_for_days(in_rooms("red", "blue"), MONDAY, busy=taken)) == []
    assert times(asking_for_days(in_rooms(), MONDAY)) == []


def test_a_room_needs_its_time_between_visits_of_different_people() -> None:
    practice = in_rooms("red")
    before = local(f"{MONDAY} 08:00")
    assert times(asking_for_days(practice, MONDAY, busy=[a_visit(before, practitioner="ben", room="red")])) == ["09:00"]
    airing = a_visit(before, practitioner="ben", room="red", buffer_after_minutes=5)
    assert times(asking_for_days(practice, MONDAY, busy=[airing])) == []


def test_only_when_every_room_is_taken_a_room_is_missing() -> None:
    nine = local(f"{MONDAY} 09:00")
    taken = [a_visit(nine, practitioner=who, room=room) for who, room in (("ben", "red"), ("cleo", "blue"))]
    question = asking_for_days(in_rooms("red", "blue"), MONDAY, busy=taken[:1])
    assert explain(question, nine) == {"anna": ()}
    assert explain(replace(question, busy=taken), nine) == {"anna": (Reason.ROOM,)}


# People and places


def three_people() -> Practice:
    hours = weekly("09:00-10:00")
    return a_practice(
        *(a_practitioner(id=who, name=name, hours=hours) for who, name in [("z", "Ada"), ("y", "Ben"), ("x", "Ben")])
    )


def who_is_offered(practice: Practice, *busy_at: tuple[str, str]) -> str:
    busy = [a_visit(local(f"{MONDAY} {at}"), practitioner=who) for who, at in busy_at]
    (start,) = free_starts(asking_for_days(practice, MONDAY, busy=busy))
    return start.practitioner


def test_any_practitioner_is_who_has_the_fewest_visits_that_day_then_the_first_by_name() -> None:
    practice = three_people()
    assert who_is_offered(practice) == "z"
    assert who_is_offered(practice, ("z", "09:00")) == "x"
    assert who_is_offered(practice, ("z", "12:00")) == "x"
    assert who_is_offered(practice, ("z", "12:00"), ("x", "00:00")) == "y"
    assert who_is_offered(practice, ("z", "12:00"), ("x", "12:00"), ("y", "12:00")) == "z"


def test_of_two_the_one_with_fewer_visits_is_offered() -> None:
    ada, ben, _ = three_people().practitioners
    assert who_is_offered(a_practice(ada, ben)) == "z"
    assert who_is_offered(a_practice(ada, ben), ("z", "12:00")) == "y"


def test_visits_of_the_days_before_and_after_do_not_count() -> None:
    visits = [a_visit(local(at), practitioner="z") for at in ("2026-05-31 23:55", "2026-06-02 00:00")]
    (start,) = free_starts(asking_for_days(three_people(), MONDAY, busy=visits))
    assert start.practitioner == "z"


def test_a_block_is_no_visit_when_they_are_counted() -> None:
    block = a_block(local(f"{MONDAY} 15:00"), 60, practitioner="z")
    (start,) = free_starts(asking_for_days(three_people(), MONDAY, busy=[block]))
    assert start.practitioner == "z"


def test_the_one_asked_for_is_offered_however_busy() -> None:
    visit = a_visit(local(f"{MONDAY} 12:00"), practitioner="z")
    (start,) = free_starts(asking_for_days(three_people(), MONDAY, practitioner="z", busy=[visit]))
    assert start.practitioner == "z"


def test_nobody_is_offered_for_what_they_do_not_do() -> None:
    person = a_practitioner(services=("massage",))
    practice = a_practice(person)
    assert times(asking_for_days(practice, MONDAY)) == []
    assert times(asking_for_days(practice, MONDAY, practitioner="anna")) == []


def two_places() -> Practice:
    person = a_practitioner(hours=(*weekly("09:00-11:00"), *weekly("11:00-13:00", place="branch")))
    practice = a_practice(person)
    branch = Place(id="branch", name="Branch", address="Side street 2", zone=practice.zone)
    return a_practice(person, places=(*practice.places, branch))


def test_a_visit_stays_at_one_place() -> None:
    starts = free_starts(asking_for_days(two_places(), MONDAY))
    assert [start.place for start in starts] == ["main"] * 5 + ["branch"] * 5
    assert times(asking_for_days(two_places(), MONDAY))[4:6] == ["10:00", "11:00"]


def test_each_place_keeps_the_time_of_its_zone() -> None:
    person = a_practitioner(hours=(*weekly("09:00-10:00"), *weekly("20:00-21:00", place="far")))
    far = Place(id="far", name="Far", address="Elsewhere", zone="Asia/Kathmandu")
    practice = a_practice(person, places=(*a_practice().places, far))
    starts = free_starts(asking(practice, local(f"{MONDAY} 00:00"), local("2026-06-02 00:00")))
    assert [(start.place, start.starts_at) for start in starts] == [
        ("main", local(f"{MONDAY} 09:00")),
        ("far", local(f"{MONDAY} 20:00", "Asia/Kathmandu")),
    ]


# One start, and why not


@pytest.mark.parametrize("off", [timedelta(minutes=5), timedelta(minutes=1), timedelta(seconds=1)])
def test_a_start_beside_the_steps_is_refused(off: timedelta) -> None:
    question = asking_for_days(open_from("09:00-17:00"), MONDAY)
    at = local(f"{MONDAY} 10:00")
    assert free_start(question, at) == Start(minute_of(at), "anna", "main", None)
    assert free_start(question, at + off) is None
    assert free_start(question, at - off) is None
    assert explain(question, at + off) == {"anna": (Reason.STEP,)}


def test_a_start_within_the_last_minute_is_beside_the_steps_and_not_outside_the_hours() -> None:
    question = asking_for_days(open_from("09:00-17:00"), MONDAY)
    last = local(f"{MONDAY} 16:00")
    assert explain(question, last + timedelta(seconds=30)) == {"anna": (Reason.STEP,)}
    assert explain(question, last + timedelta(seconds=60)) == {"anna": (Reason.HOURS,)}


def test_each_rule_names_itself() -> None:
    person = a_practitioner(hours=weekly("09:00-17:00"), exceptions=(exception("2026-06-02", "12:00-14:00"),))
    service = a_service(needs_room=True, notice_minutes=24 * 60, horizon_days=3, buffer_before_minutes=10)
    practice = a_practice(person, services=(service,), rooms=(Room(id="red", place="main"),))
    busy = [
        a_visit(local("2026-06-02 12:30"), room="red"),
        a_block(local("2026-06-03 09:00"), 60),
        a_visit(local("2026-06-03 15:00"), practitioner="ben", room="red"),
    ]
    question = asking_for_days(practice, MONDAY, now=local(f"{MONDAY} 10:00"), busy=busy)
    expected = {
        "2026-06-01 08:00": (Reason.HOURS, Reason.NOTICE),
        "2026-06-01 11:00": (Reason.NOTICE,),
        "2026-06-02 09:00": (Reason.EXCEPTION, Reason.NOTICE),
        "2026-06-02 13:00": (Reason.VISIT, Reason.ROOM),
        "2026-06-03 08:30": (Reason.HOURS, Reason.BLOCK),
        "2026-06-03 09:30": (Reason.BLOCK,),
        "2026-06-03 10:00": (Reason.BUFFER,),
        "2026-06-03 10:10": (Reason.STEP,),
        "2026-06-03 10:15": (),
        "2026-06-03 14:15": (Reason.ROOM,),
        "2026-06-04 16:00": (),
        "2026-06-04 16:01": (Reason.HOURS,),
        "2026-06-04 16:15": (Reason.HOURS,),
        "2026-06-05 09:00": (Reason.HORIZON,),
    }
    assert {at: explain(question, local(at))["anna"] for at in expected} == expected


def test_a_start_that_only_comes_too_close_to_a_neighbour_lacks_the_buffer() -> None:
    neighbour = a_visit(local(f"{MONDAY} 10:00"), buffer_before_minutes=5, buffer_after_minutes=5)
    question = asking_for_days(open_from("09:00-17:00"), MONDAY, busy=[neighbour])
    assert explain(question, local(f"{MONDAY} 09:00")) == {"anna": (Reason.BUFFER,)}
    assert explain(question, local(f"{MONDAY} 11:00")) == {"anna": (Reason.BUFFER,)}
    assert explain(question, local(f"{MONDAY} 10:45")) == {"anna": (Reason.VISIT,)}


def test_everyone_asked_about_is_explained() -> None:
    practice = a_practice(a_practitioner(), a_practitioner(id="ben", name="Ben", services=()))
    question = asking_for_days(practice, MONDAY)
    assert explain(question, local(f"{MONDAY} 09:00")) == {"anna": (), "ben": (Reason.SERVICE,)}


def test_someone_at_two_places_answers_for_the_one_that_is_open() -> None:
    question = asking_for_days(two_places(), MONDAY, busy=[a_visit(local(f"{MONDAY} 11:30"))])
    assert explain(question, local(f"{MONDAY} 11:30")) == {"anna": (Reason.VISIT,)}
    assert explain(question, local(f"{MONDAY} 09:00")) == {"anna": ()}
