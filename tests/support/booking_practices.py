"""Practices of every shape that is allowed, for property tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone

from hypothesis import strategies as st

from services.booking.domain import texting_check
from services.booking.domain.branding import Branding, Font
from services.booking.domain.practice import (
    Audience,
    Block,
    Buffers,
    DayException,
    Hours,
    Links,
    Load,
    Place,
    Practice,
    Practitioner,
    Price,
    Reset,
    Room,
    Service,
    WaitlistPolicy,
    WeeklyHours,
)
from services.booking.domain.texting import OPTIONAL_TEXTS, SETTABLE, Settable, StepTiming, Texting

IDS = st.sampled_from(["lake", "0", "a-1", "heron", "anna-maria", "zz"])
LINES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
PROSE = st.text(st.characters(codec="utf-8"), max_size=40)
ZONES = st.sampled_from(["Europe/Zurich", "America/Santiago", "Asia/Kathmandu", "Pacific/Kiritimati", "UTC"])
PHONES = st.integers(10**6, 10**14).map(lambda number: f"+{number}")
ADDRESSES = st.sampled_from(["https://a.example", "http://127.0.0.1:80/x.ics", "https://b.example/?q=%20&r='#top"])
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
COUNTRIES = st.sampled_from(["CH", "LI", "NZ"])
DAYS = st.dates(date(2026, 1, 1), date(2028, 1, 1))
CLOCK = st.builds(time, st.integers(0, 23), st.integers(0, 59))
OFFSETS = st.sampled_from([None, UTC, timezone(timedelta(hours=5, minutes=45)), timezone(-timedelta(hours=11))])


def minutes(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least // 5, most // 5).map(lambda fives: fives * 5)


@st.composite
def a_range(draw: st.DrawFn) -> dict[str, int]:
    starts, ends = sorted((draw(minutes(0, 1440)), draw(minutes(0, 1440))))
    return {"starts": starts, "ends": ends}


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    zone = draw(OFFSETS)
    starts_at = draw(st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)))  # noqa: DTZ001  the offset comes next
    length = draw(st.timedeltas(timedelta(minutes=1), timedelta(days=40)))
    return Block(
        starts_at=starts_at.replace(tzinfo=zone), ends_at=(starts_at + length).replace(tzinfo=zone), note=draw(PROSE)
    )


@st.composite
def services(draw: st.DrawFn, id_: str) -> Service:
    ages = draw(st.tuples(*[st.none() | st.integers(0, 120)] * 2))
    if None not in ages:
        ages = tuple(sorted(ages))  # type: ignore[type-var]  # neither is None
    apart = sorted(draw(st.tuples(st.integers(1, 60), st.integers(1, 60))))
    return Service(
        id=id_,
        name=draw(LINES),
        length_minutes=draw(minutes(5, 480)),
        price=draw(st.none() | st.builds(Price, minor_units=st.integers(0, 10**8), currency=st.just("CHF"))),
        buffer_before_minutes=draw(minutes(0, 120)),
        buffer_after_minutes=draw(minutes(0, 120)),
        needs_room=draw(st.booleans()),
        step_minutes=draw(minutes(5, 1440)),
        notice_minutes=draw(st.integers(0, 86400)),
        horizon_days=draw(st.integers(0, 180)),
        cancellation_window_hours=draw(st.integers(0, 720)),
        screening=draw(st.sampled_from([None, "cst-core"])),
        preparation=draw(PROSE),
        aftercare=draw(PROSE),
        audience=draw(st.sampled_from(Audience)),
        age_from=ages[0],
        age_until=ages[1],
        course_days_from=apart[0],
        course_days_until=apart[1],
    )


@st.composite
def people(draw: st.DrawFn, id_: str, place: str, offered: list[str]) -> Practitioner:
    week = draw(st.lists(st.tuples(st.integers(0, 6), a_range()), max_size=6))
    weekly = {WeeklyHours(place=place, weekday=weekday, **range_) for weekday, range_ in week}
    days = draw(st.lists(DAYS, max_size=3, unique=True))
    here = st.lists(a_range().map(lambda range_: Hours(place=place, **range_)), max_size=2).map(tuple)
    return Practitioner(
        id=id_,
        name=draw(LINES),
        services=tuple(draw(st.lists(st.sampled_from(offered), unique=True))) if offered else (),
        hours=tuple(sorted(weekly, key=lambda one: (one.weekday, one.starts, one.ends))),
        profession=draw(PROSE),
        licence_type=draw(PROSE),
        licence_number=draw(PROSE),
        exceptions=tuple(DayException(day=day, hours=draw(here), note=draw(PROSE)) for day in days),
        blocks=tuple(draw(st.lists(blocks(), max_size=3))),
        load=draw(loads(offered)),
        calendars=tuple(draw(st.lists(ADDRESSES, max_size=2))),
        directories=tuple(draw(st.lists(ADDRESSES, max_size=2))),
        alerts_phone=draw(st.just("") | PHONES),
    )


def loads(offered: list[str]) -> st.SearchStrategy[Load]:
    resets: st.SearchStrategy[tuple[Reset, ...]] = st.just(())
    if offered:
        one = st.builds(Reset, service=st.sampled_from(offered), minutes=minutes(0, 480))
        resets = st.lists(one, max_size=2).map(tuple)
    return st.builds(Load, most_in_a_row=st.none() | st.integers(1, 20), pause_minutes=minutes(0, 480), resets=resets)


@st.composite
def texts(draw: st.DrawFn) -> Texting:
    begins, ends = draw(st.tuples(CLOCK, CLOCK).filter(_is_of_a_night))
    quiet = Texting(
        steps=tuple(draw(st.lists(st.sampled_from(OPTIONAL_TEXTS), max_size=8))),
        quiet_from=begins,
        quiet_until=ends,
        most_a_day=draw(st.integers(1, 4)),
        most_a_week=draw(st.integers(1, 14)),
        wakes_for_changes=draw(st.booleans()),
    )
    steps = draw(
        st.lists(st.sampled_from([step for step in OPTIONAL_TEXTS if SETTABLE[step] != Settable()]), unique=True)
    )
    timed = [draw(timings(step, SETTABLE[step], quiet)) for step in steps]
    return replace(quiet, timings=tuple(one for one in timed if one != StepTiming(step=one.step)))


def timings(step: str, settable: Settable, texting: Texting) -> st.SearchStrategy[StepTiming]:
    at = CLOCK.filter(lambda wall: not texting.is_quiet(wall)) if settable.at else st.none()
    return st.builds(
        StepTiming,
        step=st.just(step),
        days=st.none() | st.integers(*settable.days) if settable.days else st.none(),
        hours=st.none() | st.integers(*settable.hours) if settable.hours else st.none(),
        at=st.none() | at,
    )


def _is_of_a_night(quiet: tuple[time, time]) -> bool:
    return not list(texting_check.problems("", Texting(quiet_from=quiet[0], quiet_until=quiet[1])))


@st.composite
def practices(draw: st.DrawFn) -> Practice:
    """Sound ones: `check` has nothing against them."""
    ids = draw(st.lists(IDS, min_size=1, max_size=4, unique=True))
    offered = draw(st.lists(IDS, max_size=3, unique=True))
    plain = Practice(
        id=draw(IDS.filter(lambda one: len(one) > 1)),
        name=draw(LINES),
        sms_name="Still Water",
        country=draw(COUNTRIES),
        zone=draw(ZONES),
        locale=draw(st.sampled_from(["en-GB", "de", "de-CH"])),
        phone=draw(PHONES),
        emergency_number="112",
        places=(Place(id="lake", name=draw(LINES), address=draw(PROSE), zone=draw(ZONES)),),
        rooms=tuple(Room(id=one, place="lake", name=draw(PROSE)) for one in ids[2:]),
        services=tuple(draw(services(one)) for one in offered),
        practitioners=tuple(draw(people(one, "lake", offered)) for one in ids[:2]),
    )
    return replace(
        plain,
        branding=draw(
            st.builds(Branding, accent=st.sampled_from(["", "#3d6657"]), dark_ground=st.just("#102010"),
                      font=st.sampled_from(Font), logo=st.sampled_from(["", PIXEL]))
        ),
        sites=tuple(draw(st.lists(st.sampled_from(["https://a.example", "http://localhost:8000"]), max_size=2))),
        links=draw(st.builds(Links, website=st.just("") | ADDRESSES, privacy=ADDRESSES)),
        texting=draw(
            texts()
        ),
        buffers=draw(st.sampled_from(Buffers)),
        review_hours=draw(st.integers(1, 720)),
        assumed_attendance_minutes=draw(st.integers(0, 1440)),
        countries=tuple(draw(st.lists(COUNTRIES, max_size=3))),
        verify_numbers=draw(st.booleans()),
        waitlist=draw(st.builds(WaitlistPolicy, batch=st.integers(1, 20), offer_minutes=st.integers(10, 2880))),
    )  # fmt: skip
