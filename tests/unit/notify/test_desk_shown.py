"""What the desk is shown of a sender and of pages: as it is now, and never more than can be read."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.notify.domain.sender import Limits, Sender, Want, take
from services.notify.routes import places
from services.notify.routes.numbers import SenderState
from shared.httpkit import InvalidRequest

EVENING = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
LIMITS = Limits(per_second=1, per_day=100)
SPENT, _ = take(Sender(name="s", at=EVENING), [Want(2)], LIMITS)


def test_what_was_spent_yesterday_is_not_shown_as_todays() -> None:
    today = SenderState.of(SPENT, LIMITS)
    tomorrow = SenderState.of(replace(SPENT, at=EVENING + timedelta(minutes=2)), LIMITS)

    assert (today.spent_today, today.day, today.bucket) == (2, "2026-11-23", 0)
    assert (tomorrow.spent_today, tomorrow.day, tomorrow.bucket) == (0, "2026-11-24", LIMITS.burst)


def test_a_sender_that_was_never_used_has_no_day() -> None:
    never = SenderState.of(Sender(name="s"), LIMITS)

    assert (never.spent_today, never.day, never.bucket) == (0, None, LIMITS.burst)


def cursor(at: str, key: str) -> str:
    return base64.urlsafe_b64encode(f"{at}\0{key}".encode()).decode()


def test_a_page_goes_on_where_the_last_one_said() -> None:
    assert places.read(places.written((EVENING, "a/b"))) == (EVENING, "a/b")
    assert places.read(None) is None


@pytest.mark.parametrize(
    "shown",
    [
        "x",
        "é",
        cursor("0001-01-01T00:00:00+14:00", "a"),
        cursor("9999-12-31T23:59:59-14:00", "a"),
        cursor("2026-11-23T00:00:00", "a"),
        cursor("2026-11-23T00:00:00+00:00", ""),
        cursor("soon", "a"),
    ],
)
def test_a_place_that_no_page_gave_is_refused(shown: str) -> None:
    with pytest.raises(InvalidRequest):
        places.read(shown)
