"""Quiet hours in every zone of the world."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.quiet import Quiet, resolved

ZONES = sorted(available_timezones() - {"Factory", "localtime"})
NEW_YORK = ZoneInfo("America/New_York")
instants = st.datetimes(
    datetime.fromisoformat("2025-01-01"), datetime.fromisoformat("2032-01-01"), timezones=st.just(UTC)
)
whole_minutes = st.builds(time, st.integers(0, 23), st.integers(0, 59))
quiet_hours = st.builds(Quiet, whole_minutes, whole_minutes)


@given(instants, st.sampled_from(ZONES), quiet_hours)
def test_whatever_makes_way_lands_outside_the_quiet_hours_on_the_right_side(
    instant: datetime, name: str, quiet: Quiet
) -> None:
    zone = ZoneInfo(name)
    earlier, later = quiet.earlier(instant, zone), quiet.later(instant, zone)

    assert not quiet.covers(earlier, zone)
    assert not quiet.covers(later, zone)
    assert instant - timedelta(hours=50) <= earlier <= instant <= later <= instant + timedelta(hours=50)


@given(instants, st.sampled_from(ZONES))
def test_what_is_not_covered_stays_where_it_is(instant: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    quiet = Quiet(time(21), time(8))
    if not quiet.covers(instant, zone):
        assert quiet.earlier(instant, zone) == quiet.later(instant, zone) == instant


@pytest.mark.parametrize(
    ("local", "covered"), [("20:59", False), ("21:00", True), ("23:59", True), ("07:59", True), ("08:00", False)]
)
def test_quiet_hours_are_half_open(local: str, covered: bool) -> None:
    at = resolved(datetime.fromisoformat(f"2027-06-16T{local}"), NEW_YORK)

    assert Quiet().covers(at, NEW_YORK) is covered


@pytest.mark.parametrize(
    ("local", "earlier", "later"),
    [
        ("2027-06-16T22:15", "2027-06-16T20:30", "2027-06-17T08:30"),
        ("2027-06-16T06:00", "2027-06-15T20:30", "2027-06-16T08:30"),
        ("2027-06-16T12:00", "2027-06-16T12:00", "2027-06-16T12:00"),
    ],
)
def test_a_text_is_pulled_to_half_past_eight_on_either_side(local: str, earlier: str, later: str) -> None:
    def at(text: str) -> datetime:
        return resolved(datetime.fromisoformat(text), NEW_YORK)

    assert (Quiet().earlier(at(local), NEW_YORK), Quiet().later(at(local), NEW_YORK)) == (at(earlier), at(later))


def test_the_same_time_twice_means_no_quiet_hours() -> None:
    assert not Quiet(time(8), time(8)).covers(datetime(2027, 6, 16, 3, tzinfo=UTC), NEW_YORK)
