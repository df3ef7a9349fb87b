"""What is kept of an appointment, and for how long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.booking import documents
from services.booking.domain import turns
from services.booking.domain.appointment import Appointment, By
from services.booking.domain.practice import Audience
from services.booking.page import words
from tests.support.booking import HOUR, NOW, TEN, a_hold, a_request, a_visit

LATER = a_hold().held_until or NOW


@pytest.mark.parametrize("over", [turns.lapse(a_hold(), now=LATER), turns.cancel(a_hold(), by=By.CLIENT, now=NOW)])
def test_a_hold_that_nobody_asked_for_is_forgotten(over: Appointment) -> None:
    assert documents.document(over)["forget_from"] == over.history[-1].at


@pytest.mark.parametrize("kept", [a_hold(), a_request(), a_visit(), turns.cancel(a_visit(), by=By.CLIENT, now=NOW)])
def test_what_was_asked_for_or_still_holds_is_kept(kept: Appointment) -> None:
    assert "forget_from" not in documents.document(kept)


def test_a_number_no_country_has_is_shown_as_the_practice_wrote_it() -> None:
    assert words.phone("+41440000000") == "+41 44 000 00 00"
    assert words.phone("+9990000000") == "+9990000000"


def test_only_what_a_client_cancels_late_is_marked_for_counting() -> None:
    late = TEN - HOUR
    soon, by_us = turns.cancel(a_visit(), by=By.CLIENT, now=late), turns.cancel(a_visit(), by=By.PRACTICE, now=late)
    in_time = turns.cancel(a_visit(), by=By.CLIENT, now=NOW)

    assert [documents.document(one).get("cancelled_late") for one in (soon, by_us, in_time)] == [True, None, None]


def test_who_a_visit_is_for_is_kept_with_it_and_was_everybody_before() -> None:
    visit = a_visit()
    terms = replace(
        visit.offer, audience=Audience.NEW, age_from=3, age_until=17, countries=("CH", "AT"), verify_number=True
    )
    kept = documents.document(replace(visit, offer=terms))
    assert documents.appointment(kept).offer == terms
    assert documents.appointment(documents.document(visit)).offer == visit.offer
