"""A profile is checked as a whole, and every problem names its field."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from services.booking.domain.practice import (
    Audience,
    Block,
    Hours,
    Links,
    Load,
    Place,
    Practice,
    Price,
    Reset,
    Room,
    WaitlistPolicy,
    WeeklyHours,
)
from services.booking.domain.practice_check import InvalidPractice, check
from services.booking.domain.texting import StepTiming, Texting
from tests.support.booking_examples import a_practice, a_practitioner, a_service, exception, hours, weekly

FIRST_OF_JUNE = datetime(2026, 6, 1, tzinfo=UTC)
SECOND_OF_JUNE = datetime(2026, 6, 2, tzinfo=UTC)


def fields_of(practice: Practice) -> list[str]:
    """The fields that are complained about."""
    with pytest.raises(InvalidPractice) as refused:
        check(practice)
    assert refused.value.extra["field"] == refused.value.extra["problems"][0]["field"]
    return [problem["field"] for problem in refused.value.extra["problems"]]


def with_person(**changes: Any) -> Practice:
    return a_practice(a_practitioner(**changes))


def with_service(**changes: Any) -> Practice:
    return a_practice(services=(a_service(), a_service(**{"id": "other", "horizon_days": 90, **changes})))


def sound() -> Practice:
    return a_practice(services=(a_service(horizon_days=90),))


def timed(**timing: Any) -> dict[str, Any]:
    return {"texting": Texting(timings=(StepTiming(**timing),))}


@pytest.mark.parametrize("at", [time(8), time(20, 59)])
def test_the_bounds_of_a_timing_are_within_it(at: time) -> None:
    bounds = (("prepare", 1, None), ("prepare", 7, at), ("rebook", 2, at), ("rebook", 30, None), ("check_in", 3, at))
    elapsed = (("two_days", 36), ("two_hours", 1), ("aftercare", 12))
    for step, days, wall in bounds:
        check(replace(sound(), **timed(step=step, days=days, at=wall)))
    for step, length in elapsed:
        check(replace(sound(), **timed(step=step, hours=length)))


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        (time(18), time(10)),
        (time(3), time(3, 1)),
        (time(0), time(3, 1)),
        (time(23, 59), time(15, 59)),
        (time(12), time(12)),
    ],
)
def test_quiet_hours_are_over_night_and_leave_a_day_or_there_are_none(begins: time, ends: time) -> None:
    check(replace(sound(), texting=Texting(quiet_from=begins, quiet_until=ends)))


def test_a_sound_practice_is_accepted() -> None:
    check(sound())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": "Stille"}, "id"),
        ({"id": "s"}, "id"),
        ({"name": " "}, "name"),
        ({"sms_name": "Twenty-two characters!"}, "sms_name"),
        ({"sms_name": ""}, "sms_name"),
        ({"sms_name": "Praxis 静"}, "sms_name"),
        ({"sms_name": "Still" + " " * 17}, "sms_name"),
        ({"sms_name": "Price in €"}, "sms_name"),
        ({"sms_name": "River Craniosacral"}, "sms_name"),
        ({"sms_name": "Aromatherapy House"}, "sms_name"),
        ({"sms_name": "Fisio del Rio"}, "sms_name"),
        ({"sms_name": "Buena S\u0430lud"}, "sms_name"),
        ({"country": "Switzerland"}, "country"),
        ({"zone": "Europe/Zürich"}, "zone"),
        ({"zone": "Europe"}, "zone"),
        ({"zone": "../etc/passwd"}, "zone"),
        ({"zone": ""}, "zone"),
        ({"locale": "English"}, "locale"),
        ({"phone": "044 000 00 00"}, "phone"),
        ({"alerts_phone": "079 000 00 00"}, "alerts_phone"),
        ({"emergency_number": ""}, "emergency_number"),
        ({"review_hours": 0}, "review_hours"),
        ({"assumed_attendance_minutes": -1}, "assumed_attendance_minutes"),
        ({"countries": ("CH", "Liechtenstein")}, "countries[1]"),
        ({"texting": Texting(steps=("prepare", "day-before"))}, "texting.steps[1]"),
        ({"texting": Texting(most_a_day=0)}, "texting.most_a_day"),
        ({"texting": Texting(most_a_day=5)}, "texting.most_a_day"),
        ({"texting": Texting(most_a_week=15)}, "texting.most_a_week"),
        ({"texting": Texting(quiet_from=time(8), quiet_until=time(21))}, "texting.quiet_from"),
        ({"texting": Texting(quiet_from=time(3, 1), quiet_until=time(8))}, "texting.quiet_from"),
        ({"texting": Texting(quiet_from=time(21), quiet_until=time(3))}, "texting.quiet_from"),
        ({"texting": Texting(quiet_from=time(18), quiet_until=time(10, 1))}, "texting.quiet_from"),
        (timed(step="prepare", days=8), "texting.timings[0].days"),
        (timed(step="prepare", days=0), "texting.timings[0].days"),
        (timed(step="prepare", hours=2), "texting.timings[0].hours"),
        (timed(step="two_days", hours=35), "texting.timings[0].hours"),
        (timed(step="two_days", hours=73), "texting.timings[0].hours"),
        (timed(step="two_days", days=2), "texting.timings[0].days"),
        (timed(step="two_hours", hours=7), "texting.timings[0].hours"),
        (timed(step="two_hours", at=time(12)), "texting.timings[0].at"),
        (timed(step="day_before", at=time(21)), "texting.timings[0].at"),
        (timed(step="day_before", at=time(7, 59)), "texting.timings[0].at"),
        (timed(step="aftercare", hours=13), "texting.timings[0].hours"),
        (timed(step="check_in", days=4), "texting.timings[0].days"),
        (timed(step="rebook", days=1), "texting.timings[0].days"),
        (timed(step="rebook"), "texting.timings[0]"),
        (timed(step="booked", at=time(12)), "texting.timings[0].step"),
        ({"texting": Texting(timings=(StepTiming(step="aftercare", hours=2),) * 2)}, "texting.timings[1].step"),
        ({"waitlist": WaitlistPolicy(batch=0)}, "waitlist.batch"),
        ({"waitlist": WaitlistPolicy(batch=21)}, "waitlist.batch"),
        ({"waitlist": WaitlistPolicy(offer_minutes=9)}, "waitlist.offer_minutes"),
        ({"waitlist": WaitlistPolicy(offer_minutes=2881)}, "waitlist.offer_minutes"),
        ({"links": Links(website="still-water.example")}, "links.website"),
        ({"links": Links(privacy="javascript:alert(1)")}, "links.privacy"),
        ({"links": Links(directions="https://still water.example")}, "links.directions"),
    ],
)
def test_what_the_practice_is_called_and_where_it_is_reached(changes: dict[str, Any], field: str) -> None:
    assert fields_of(replace(sound(), **changes)) == [field]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"length_minutes": 0}, "length_minutes"),
        ({"length_minutes": 52}, "length_minutes"),
        ({"length_minutes": 485}, "length_minutes"),
        ({"buffer_before_minutes": 7}, "buffer_before_minutes"),
        ({"buffer_after_minutes": -5}, "buffer_after_minutes"),
        ({"buffer_after_minutes": 125}, "buffer_after_minutes"),
        ({"step_minutes": 0}, "step_minutes"),
        ({"step_minutes": 12}, "step_minutes"),
        ({"notice_minutes": -1}, "notice_minutes"),
        ({"horizon_days": -1}, "horizon_days"),
        ({"horizon_days": 731}, "horizon_days"),
        ({"cancellation_window_hours": -1}, "cancellation_window_hours"),
        ({"name": ""}, "name"),
        ({"id": "Other"}, "id"),
        ({"price": Price(minor_units=-1, currency="CHF")}, "price.minor_units"),
        ({"price": Price(minor_units=12000, currency="Fr.")}, "price.currency"),
        ({"age_from": -1}, "age_from"),
        ({"age_until": 121}, "age_until"),
        ({"age_from": 18, "age_until": 17}, "age_until"),
        ({"course_days_from": 0}, "course_days_from"),
        ({"course_days_until": 61}, "course_days_until"),
        ({"course_days_from": 11}, "course_days_until"),
    ],
)
def test_a_service_is_named_by_its_place_in_the_list(changes: dict[str, Any], field: str) -> None:
    practice = with_service(**changes)
    practice = replace(practice, services=(sound().services[0], practice.services[1]))
    assert fields_of(practice) == [f"services[1].{field}"]


@pytest.mark.parametrize(("screening", "days"), [("cst-core", 180), (None, 730)])
def test_a_service_with_a_health_check_is_booked_no_further_ahead_than_it_counts(
    screening: str | None, days: int
) -> None:
    check(a_practice(services=(a_service(screening=screening, horizon_days=days),)))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"services": ("session", "massage")}, "services[1]"),
        ({"hours": weekly("09:00-17:00", on=[0], place="moon")}, "hours[0].place"),
        ({"hours": (WeeklyHours(place="main", weekday=7, starts=540, ends=600),)}, "hours[0].weekday"),
        ({"hours": (WeeklyHours(place="main", weekday=0, starts=600, ends=540),)}, "hours[0].ends"),
        ({"hours": (WeeklyHours(place="main", weekday=0, starts=540, ends=1445),)}, "hours[0].ends"),
        ({"hours": (WeeklyHours(place="main", weekday=0, starts=542, ends=600),)}, "hours[0].starts"),
        ({"exceptions": (exception("2026-06-01"), exception("2026-06-01"))}, "exceptions[1].day"),
        ({"exceptions": (exception("2026-06-01", "09:00-10:00", place="moon"),)}, "exceptions[0].hours[0].place"),
        ({"blocks": (Block(starts_at=SECOND_OF_JUNE, ends_at=FIRST_OF_JUNE),)}, "blocks[0].ends_at"),
        ({"blocks": (Block(starts_at=FIRST_OF_JUNE.replace(tzinfo=None), ends_at=SECOND_OF_JUNE),)}, "blocks[0]"),
        ({"load": Load(most_in_a_row=0)}, "load.most_in_a_row"),
        ({"load": Load(most_in_a_row=21)}, "load.most_in_a_row"),
        ({"load": Load(pause_minutes=485)}, "load.pause_minutes"),
        ({"load": Load(pause_minutes=12)}, "load.pause_minutes"),
        ({"load": Load(resets=(Reset(service="massage", minutes=60),))}, "load.resets[0].service"),
        ({"load": Load(resets=(Reset(service="session", minutes=61),))}, "load.resets[0].minutes"),
        ({"calendars": ("https://a.example/x.ics", "webcal://a.example/x.ics")}, "calendars[1]"),
        ({"calendars": ("https://[::1/x.ics",)}, "calendars[0]"),
        ({"calendars": ("https://a.example:99999/x.ics",)}, "calendars[0]"),
        ({"directories": ("ftp://directory.example",)}, "directories[0]"),
        ({"directories": ("https:///anna",)}, "directories[0]"),
        ({"alerts_phone": "079 123 45 67"}, "alerts_phone"),
    ],
)
def test_a_practitioner_is_named_by_their_place_in_the_list(changes: dict[str, Any], field: str) -> None:
    practice = replace(with_person(**changes), services=sound().services)
    assert fields_of(practice) == [f"practitioners[0].{field}"]


def test_everything_that_can_be_set_is_accepted_at_its_bounds() -> None:
    service = a_service(
        horizon_days=90,
        audience=Audience.RETURNING,
        age_from=0,
        age_until=120,
        course_days_from=1,
        course_days_until=60,
    )
    person = a_practitioner(
        load=Load(most_in_a_row=20, pause_minutes=480, resets=(Reset(service="session", minutes=0),)),
        calendars=("https://calendar.example/private-0a1b/basic.ics", "http://127.0.0.1:8000/a.ics"),
        directories=("https://directory.example/anna?lang=de",),
        alerts_phone="+41791234567",
    )
    links = Links(website="http://still-water.example", privacy="https://still-water.example/privacy#top")
    waitlist = WaitlistPolicy(batch=20, offer_minutes=2880)
    check(a_practice(person, services=(service,), countries=("CH", "LI"), waitlist=waitlist, links=links))


def test_a_wrong_address_of_a_calendar_is_not_repeated() -> None:
    practice = replace(with_person(calendars=("webcal://a.example/secret.ics",)), services=sound().services)
    with pytest.raises(InvalidPractice) as refused:
        check(practice)
    assert "secret" not in str(refused.value)


def test_nobody_is_at_two_places_at_once() -> None:
    elsewhere = Place(id="branch", name="Branch", address="Side street", zone="Europe/Zurich")
    both = (*weekly("09:00-12:00", on=[0]), *weekly("11:00-13:00", on=[0], place="branch"))
    practice = replace(with_person(hours=both), places=(*sound().places, elsewhere), services=sound().services)
    assert fields_of(practice) == ["practitioners[0].hours"]
    one_after_the_other = (*weekly("09:00-11:00", on=[0]), *weekly("11:00-13:00", on=[0], place="branch"))
    check(replace(practice, practitioners=(a_practitioner(hours=one_after_the_other),)))


@pytest.mark.parametrize("shared", ["anna", "main"])
def test_ids_are_unique_where_they_would_meet_in_the_index(shared: str) -> None:
    practice = replace(sound(), rooms=(Room(id=shared, place="main"),))
    if shared == "anna":
        assert fields_of(practice) == ["rooms[0].id"]
    else:
        check(practice)


@pytest.mark.parametrize("strange", ["anna|1", "", "Anna", "-anna", "a" * 41])
def test_ids_are_plain_words(strange: str) -> None:
    assert fields_of(replace(sound(), practitioners=(a_practitioner(id=strange),))) == ["practitioners[0].id"]


def test_a_room_belongs_to_a_place_and_a_place_to_a_zone() -> None:
    assert fields_of(replace(sound(), rooms=(Room(id="red", place="moon"),))) == ["rooms[0].place"]
    nowhere = Place(id="main", name="Main", address="", zone="Mars/Olympus")
    assert fields_of(replace(sound(), places=(nowhere,))) == ["places[0].zone"]


def test_all_problems_are_told_at_once_without_the_phone_number() -> None:
    practice = replace(sound(), name="", phone="044 123", services=(a_service(horizon_days=90, step_minutes=7),))
    with pytest.raises(InvalidPractice) as refused:
        check(practice)
    assert [problem["field"] for problem in refused.value.extra["problems"]] == [
        "name",
        "phone",
        "services[0].step_minutes",
    ]
    assert "044 123" not in str(refused.value)
    assert "services[0].step_minutes: 7 is not a multiple of 5 minutes" in str(refused.value)


def test_parts_are_found_by_id_and_people_by_what_they_offer() -> None:
    ben = a_practitioner(id="ben", name="Ben", hours=weekly("09:00-10:00"))
    zoe = a_practitioner(id="aaa", name="Zoe")
    cleo = a_practitioner(id="cleo", name="Cleo", services=())
    rooms = tuple(Room(id=room, place="main") for room in ("red", "blue"))
    practice = a_practice(zoe, ben, cleo, rooms=rooms)
    assert practice.practitioner("ben") == ben
    assert [person.name for person in practice.who_offers("session")] == ["Ben", "Zoe"]
    assert [room.id for room in practice.rooms_at("main")] == ["blue", "red"]
    assert practice.room("red") == rooms[0]
    assert practice.service("session").name == "Session"
    with pytest.raises(KeyError, match="moon"):
        practice.place("moon")


def test_the_places_of_a_person_are_where_there_are_ever_hours() -> None:
    person = a_practitioner(
        hours=weekly("09:00-10:00"), exceptions=(exception("2026-06-01", "09:00-10:00", place="branch"),)
    )
    assert person.places == ("branch", "main")
    assert hours("22:00-24:00") == (Hours(place="main", starts=1320, ends=1440),)
    assert person.exceptions[0].day == date(2026, 6, 1)
