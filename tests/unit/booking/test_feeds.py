"""A practitioner's private calendar: who may read it, what it tells, and how calendars follow a visit that changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Event

from services.booking import ics
from services.booking.actions.feeds import Shown
from services.booking.domain import turns
from services.booking.domain.appointment import Appointment, By, Guardian
from services.booking.domain.feed import AHEAD, BACK, Feed, Names, NoSuchFeed, called, window
from services.booking.domain.refusals import NoSuchPractice, NoSuchPractitioner
from services.booking.ports import Kept
from tests.support.booking import HOUR, NOW, STAFF, TEN, House, a_client, a_hold, a_house, a_request, a_visit, wants

PRACTICE = "still-water"
FEED = Feed(practice=PRACTICE, practitioner="ana", names=Names.INITIALS, services=False, digest="d")
DAY = timedelta(days=1)


async def given_feed(house: House, practitioner: str = "ana") -> str:
    return await house.booking.feeds.give(PRACTICE, practitioner, Names.INITIALS, services=False, hand=STAFF)


async def read(house: House, secret: str) -> Shown:
    return await house.booking.feeds.read(secret)


def written(*visits: Appointment, feed: Feed = FEED) -> Calendar:
    house = a_house()
    calendar = Calendar.from_ical(ics.feed(visits, house, house.practitioner("ana"), feed))
    assert isinstance(calendar, Calendar)
    return calendar


def events(calendar: Calendar) -> list[Event]:
    return [event for event in calendar.walk("VEVENT") if isinstance(event, Event)]


async def test_whoever_knows_the_address_reads_the_practitioners_own_visits_in_order() -> None:
    house = House()
    late = await house.book(wants(TEN + 2 * HOUR), key="late")
    early = await house.request(wants(TEN), key="early")
    await house.book(wants(TEN, practitioner="ben"), key="ben")
    await house.hold(wants(TEN + 5 * HOUR), key="a mere hold")
    shown = await read(house, await given_feed(house))
    assert [one.id for one in shown.visits] == [early.id, late.id]
    assert shown.practitioner.name == "Ana"


async def test_a_new_address_ends_the_one_before_and_only_a_digest_is_kept() -> None:
    house = House()
    first, second = await given_feed(house), await given_feed(house)
    other = await given_feed(house, "ben")
    assert (await read(house, second)).practitioner.id == "ana"
    assert (await read(house, other)).practitioner.id == "ben"
    with pytest.raises(NoSuchFeed):
        await read(house, first)
    assert second not in repr(house.feeds.kept)


async def test_a_revoked_address_is_nobodys_and_revoking_again_changes_nothing() -> None:
    house = House()
    secret = await given_feed(house)
    for _ in range(2):
        await house.booking.feeds.revoke(PRACTICE, "ana", hand=STAFF)
    with pytest.raises(NoSuchFeed):
        await read(house, secret)
    with pytest.raises(NoSuchFeed):
        await house.booking.feeds.revoke(PRACTICE, "ben", hand=STAFF)
    assert sorted(entry.deed for entry in house.audit.kept.values()) == ["given", "revoked"]


async def test_a_practitioner_who_has_left_is_read_no_more() -> None:
    house = House()
    secret = await given_feed(house)
    house.practices.kept[PRACTICE] = Kept(replace(house.practice, practitioners=house.practice.practitioners[1:]), 2)
    with pytest.raises(NoSuchFeed):
        await read(house, secret)


async def test_an_address_is_given_to_those_who_are_there() -> None:
    house = House()
    with pytest.raises(NoSuchPractitioner):
        await given_feed(house, "nobody")
    with pytest.raises(NoSuchPractice):
        await house.booking.feeds.give("nowhere", "ana", Names.FULL, services=True, hand=STAFF)


async def test_the_calendar_reaches_thirty_days_back_and_half_a_year_ahead() -> None:
    house = House()
    visits = {n: replace(a_visit(key=str(n)), starts_at=TEN + n * DAY) for n in (-33, -31, 0, 178, 180)}
    house.appointments.kept = {visit.id: visit for visit in visits.values()}
    shown = await read(house, await given_feed(house))
    assert [one.id for one in shown.visits] == [visits[days].id for days in (-31, 0, 178)]


@given(st.integers(0, 24 * 3600 - 1))
def test_the_window_is_the_same_all_day(second: int) -> None:
    midnight = NOW.replace(hour=0)
    assert window(midnight + timedelta(seconds=second)) == (midnight - BACK, midnight + AHEAD)


def test_only_initials_and_the_place_are_told_unless_more_is_wanted() -> None:
    minor = replace(a_client(), guardian=Guardian(name="Lou Roe", phone="+41790000000"))
    visit = replace(a_visit(), client=minor)
    [brief] = events(written(visit))
    assert (brief["SUMMARY"], brief["LOCATION"], brief["CLASS"]) == ("K. D.", "At the lake", "PRIVATE")
    [full] = events(written(visit, feed=replace(FEED, names=Names.FULL, services=True)))
    assert full["SUMMARY"] == "Kim Doe, Session"
    text = written(visit).to_ical().decode()
    for secret in ("Kim", "Doe", minor.phone, minor.ref, "Lou", "+4179", "cst", "Session"):
        assert secret not in text, secret


@pytest.mark.parametrize(
    ("visit", "status"),
    [
        (a_request(), "TENTATIVE"),
        (turns.review(a_request(), event="e", now=NOW), "TENTATIVE"),
        (a_visit(), "CONFIRMED"),
        (turns.attend(a_visit(), now=TEN + HOUR), "CONFIRMED"),
    ],
)
def test_a_visit_that_is_not_certain_is_tentative_without_saying_why(visit: Appointment, status: str) -> None:
    [event] = events(written(visit))
    assert (event["STATUS"], event.start, event.end) == (status, visit.starts_at, visit.ends_at)
    assert "review" not in event.to_ical().decode().lower()


def test_a_calendar_is_told_when_to_ask_again_and_what_it_is_called() -> None:
    text = ics.feed([a_visit()], a_house(), a_house().practitioner("ana"), FEED)
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT15M\r\n" in text
    assert "X-PUBLISHED-TTL:PT15M\r\n" in text
    assert "METHOD:PUBLISH\r\n" in text
    assert "\r\nNAME:Ana\\, Still Water\r\n" in text
    assert "\r\nX-WR-CALNAME:Ana\\, Still Water\r\n" in text
    assert f"DTSTART:{TEN:%Y%m%dT%H%M%SZ}\r\n" in text


async def test_a_visit_that_was_cancelled_or_declined_is_simply_absent() -> None:
    house = House()
    secret = await given_feed(house)
    booked = await house.book()
    assert len((await read(house, secret)).visits) == 1
    await house.booking.visits.cancel(booked.id, hand=STAFF)
    assert list((await read(house, secret)).visits) == []


class Client:
    """A calendar program: keeps by UID what has the highest SEQUENCE, and drops what is cancelled (RFC 5546, 2.1.4)."""

    def __init__(self) -> None:
        self.kept: dict[str, Event] = {}

    def take(self, text: str) -> None:
        calendar = Calendar.from_ical(text)
        assert isinstance(calendar, Calendar)
        for event in events(calendar):
            known = self.kept.get(event["UID"])
            if known is not None and event["SEQUENCE"] <= known["SEQUENCE"]:
                continue
            self.kept[event["UID"]] = event
            if calendar["METHOD"] == "CANCEL":
                assert event["STATUS"] == "CANCELLED"
                del self.kept[event["UID"]]


def test_a_clients_calendar_moves_and_drops_the_same_entry() -> None:
    house, program = a_house(), Client()
    visit = a_visit()
    moved = turns.move(visit, offer=visit.offer, starts_at=TEN + 3 * HOUR, by=By.CLIENT, now=NOW)
    cancelled = turns.cancel(moved, by=By.CLIENT, now=NOW)
    program.take(ics.calendar(visit, house))
    program.take(ics.calendar(moved, house))
    program.take(ics.calendar(visit, house))  # an old file, opened again
    assert [event.start for event in program.kept.values()] == [TEN + 3 * HOUR]
    program.take(ics.calendar(cancelled, house))
    assert program.kept == {}


def test_the_practitioners_calendar_follows_a_move_too() -> None:
    program, visit = Client(), a_visit()
    moved = turns.move(visit, offer=visit.offer, starts_at=TEN + 3 * HOUR, by=By.PRACTICE, now=NOW)
    for version in (visit, moved, visit):
        program.take(written(version).to_ical().decode())
    assert [event.start for event in program.kept.values()] == [TEN + 3 * HOUR]


@pytest.mark.parametrize(
    ("name", "initials"),
    [("Kim Doe", "K. D."), ("Anne-Marie du Pont", "A. d. P."), ("李 明", "李. 明."), ("  Cher ", "C."), ("", "")],
)
def test_a_name_is_told_by_its_initials(name: str, initials: str) -> None:
    assert called(name, Names.INITIALS) == initials
    assert called(name, Names.FULL) == name


@given(st.text(), st.text(), st.text())
def test_no_name_breaks_the_file(name: str, place: str, service: str) -> None:
    client = replace(a_client(), name=name)
    visit = replace(a_visit(), client=client)
    visit = replace(visit, offer=replace(visit.offer, place_name=place, service_name=service))
    calendar = written(visit, a_hold(key="other"), feed=replace(FEED, names=Names.FULL, services=True))
    assert len(events(calendar)) == 2
