"""What booking tells: events, calendar files, and what a client reads about an appointment."""

from __future__ import annotations

from dataclasses import asdict
from datetime import time, timedelta

import pytest
from icalendar import Calendar

from services.booking.domain import turns
from services.booking.domain.appointment import Appointment, By, Deed
from services.booking.domain.texting import StepTiming, Texting
from services.booking.ics import calendar
from services.booking.outbox import announce, practice_changed
from services.booking.routes import views
from services.booking.routes.times_payloads import Availability, availability_json
from shared.events import booking, decode
from tests.support.booking import HOUR, MINUTE, NOW, POLICY, TEN, House, a_client, a_hold, a_house, a_request, a_visit

CANCELLED = turns.cancel(a_visit(), by=By.CLIENT, now=TEN - HOUR)
MOVED = turns.move(a_visit(), offer=a_visit().offer, starts_at=TEN + 5 * HOUR, by=By.PRACTICE, now=NOW)


@pytest.mark.parametrize(
    ("turned", "kind", "more"),
    [
        (a_request(), booking.AppointmentRequested, {}),
        (a_visit(), booking.AppointmentConfirmed, {}),
        (turns.review(a_request(), event="e", now=NOW), booking.AppointmentInReview, {"review_until": TEN}),
        (MOVED, booking.AppointmentMoved, {"moved_from": TEN, "moved_by": "practice"}),
        (CANCELLED, booking.AppointmentCancelled, {"cancelled_by": "client", "late": True}),
        (turns.decline(a_request(), event="e", now=NOW), booking.AppointmentDeclined, {}),
        (turns.lapse(a_request(), now=NOW + HOUR), booking.AppointmentLapsed, {}),
        (turns.attend(a_visit(), now=TEN + HOUR, assumed=True), booking.AppointmentAttended, {"assumed": True}),
        (turns.miss(a_visit(), now=TEN + HOUR), booking.AppointmentMissed, {}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_each_turn_says_its_event_with_the_whole_snapshot(
    turned: Appointment, kind: type[booking.AppointmentEvent], more: dict[str, object]
) -> None:
    [said] = announce(turned)
    fact = said.data
    assert type(fact) is kind
    assert {name: getattr(fact, name) for name in more} == more
    assert (fact.state, fact.practitioner_name, fact.zone) == (turned.state, "Ana", "Europe/Zurich")
    assert (said.subject, said.sequence, said.time) == (turned.id, turned.version, turned.history[-1].at)
    assert decode(said.type, said.to_json()).data == fact


@pytest.mark.parametrize(
    "silent",
    [
        a_hold(),
        turns.lapse(a_hold(), now=NOW + HOUR),
        turns.cancel(a_hold(), by=By.CLIENT, now=NOW),
        turns.reply(a_visit(), Deed.SAID_YES, event="yes", at=NOW),
    ],
    ids=["a hold", "its end", "given back", "a reply"],
)
def test_what_concerns_nobody_else_is_not_said(silent: Appointment) -> None:
    assert announce(silent) == ()


def test_a_practice_says_what_others_keep_of_it() -> None:
    said = practice_changed(a_house(), version=3, at=NOW)
    assert (said.id, said.data.zone, said.data.emergency_number) == (
        "still-water:3:practice.changed",
        "Europe/Zurich",
        "112",
    )
    assert [(one.id, one.screening) for one in said.data.services][:2] == [("session", "cst-core"), ("call", None)]


def test_a_practice_says_all_of_how_it_texts() -> None:
    timings = (StepTiming(step="prepare", days=3, at=time(18)), StepTiming(step="two_hours", hours=1))
    texting = Texting(
        steps=("prepare", "two_hours"),
        quiet_from=time(22),
        quiet_until=time(7),
        timings=timings,
        most_a_day=1,
        most_a_week=4,
        wakes_for_changes=True,
    )

    said = practice_changed(a_house(texting=texting), version=3, at=NOW).data.texting
    assert asdict(texting) == said.model_dump()


@pytest.mark.parametrize(
    ("appointment", "method", "status"),
    [
        (a_hold(), "PUBLISH", "TENTATIVE"),
        (a_request(), "PUBLISH", "TENTATIVE"),
        (MOVED, "PUBLISH", "CONFIRMED"),
        (CANCELLED, "CANCEL", "CANCELLED"),
    ],
)
def test_a_calendar_file_has_utc_times_and_a_sequence_that_grows(
    appointment: Appointment, method: str, status: str
) -> None:
    file = calendar(appointment, a_house())
    parsed = Calendar.from_ical(file)
    [event] = parsed.walk("VEVENT")
    assert (parsed["METHOD"], event["STATUS"], event["SEQUENCE"]) == (method, status, appointment.version)
    assert (event.start, event.end) == (appointment.starts_at, appointment.ends_at)
    assert f"DTSTART:{appointment.starts_at:%Y%m%dT%H%M%SZ}" in file
    assert event["UID"] == calendar_uid(a_hold())


def calendar_uid(appointment: Appointment) -> str:
    return f"{appointment.id}@still-water.stillpoint"


def test_a_client_reads_what_has_to_happen_next_and_what_they_may_do() -> None:
    def told(appointment: Appointment, at: object = NOW) -> tuple[str, bool, bool, bool]:
        view = views.appointment_view(appointment, now=at)  # type: ignore[arg-type]  # always a time here
        return view.next, view.may_move, view.may_cancel, view.cancels_late

    assert told(a_hold()) == ("request", False, True, False)
    assert told(a_hold(), NOW + 10 * MINUTE) == ("nothing", False, False, False)
    assert told(a_request()) == ("answer", True, True, False)
    assert told(turns.review(a_request(), event="e", now=NOW)) == ("wait", True, True, False)
    assert told(a_visit()) == ("come", True, True, False)
    assert told(a_visit(), TEN - HOUR) == ("come", False, True, True)
    assert told(a_visit(), TEN) == ("come", False, False, True)
    assert told(CANCELLED) == ("nothing", False, False, False)


def test_a_client_reads_nothing_of_anybodys_name_or_number() -> None:
    view = views.appointment_view(a_visit(), now=NOW).model_dump_json()
    assert a_client().phone not in view
    assert a_client().name not in view


def test_a_request_without_a_health_check_is_confirmed_in_the_event() -> None:
    held = a_hold(service="call", starts_at=TEN + timedelta(minutes=5))
    [said] = announce(turns.request(held, a_client(), asked="a", now=NOW, policy=POLICY))
    assert type(said.data) is booking.AppointmentConfirmed
    assert said.data.service.screening is None


async def test_free_times_are_told_as_their_schema_says() -> None:
    house = House()
    free = await house.booking.times.free(
        "still-water", service="session", practitioner=None, first=TEN.date(), days=2, zone="America/New_York"
    )
    told = Availability.model_validate_json(availability_json(free))
    assert (told.zone, told.practice_zone) == ("America/New_York", "Europe/Zurich")
    assert [slot.starts_at for day in told.days for slot in day.slots] == [
        start.starts_at for starts in free.days.values() for start in starts
    ]
    assert {day.date for day in told.days} == {TEN.date(), TEN.date() + timedelta(days=1)}
