"""The rules of webhooks: when a try follows another, how a POST is signed, and what may be an address."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.booking.domain.webhook import (
    OLD_SIGNATURE_FOR,
    PAUSES,
    WITHIN,
    Delivery,
    DeliveryState,
    Endpoint,
    NotAnAddress,
    Outcome,
    Signer,
    check_address,
    delivery_id,
    judged,
    retry_after,
    written,
)
from shared.clock import utc_now
from tests.support.booking import HOUR, NOW

SIGNER = Signer("s" * 40)
ENDPOINT = Endpoint(id="wh_a", practice="still-water", url="https://example.org/", events=("*",), made_at=NOW)
OWED = Delivery(
    id="msg_a", endpoint="wh_a", practice="still-water", event="booking.appointment.confirmed.v1", client="c",
    body='{"type":"booking.appointment.confirmed.v1","data":{"name":"Zoë"}}', made_at=NOW, since=NOW, due_at=NOW,
)  # fmt: skip
DOWN = Outcome(problem="unreachable")
chances = st.floats(0, 1)


def tried_until_over(outcome: Outcome, chance: float) -> list[timedelta]:
    """When after the beginning each try takes place, for a sender that is always on time."""
    delivery, at, tries = OWED, NOW, []
    while delivery.state is DeliveryState.WAITING:
        tries.append(at - NOW)
        delivery = judged(delivery, outcome, now=at, chance=chance)
        at = delivery.due_at or at
    assert delivery.state is DeliveryState.FAILED
    assert delivery.due_at is None
    return tries


@given(chances)
def test_what_never_succeeds_is_tried_eight_times_over_most_of_a_day_and_then_failed(chance: float) -> None:
    tries = tried_until_over(DOWN, chance)
    assert len(tries) == len(PAUSES) + 1
    assert timedelta(hours=21) < tries[-1] < WITHIN
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert all(pause <= gap <= pause * 1.1 for pause, gap in zip(PAUSES, gaps, strict=True))


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_status_of_success_is_delivered(status: int) -> None:
    after = judged(OWED, Outcome(status=status), now=NOW, chance=0)
    assert (after.state, after.tries, after.due_at) == (DeliveryState.DELIVERED, 1, None)


@pytest.mark.parametrize("status", [100, 199, 300, 302, 400, 404, 429, 500, 503])
def test_any_other_answer_is_tried_again(status: int) -> None:
    assert judged(OWED, Outcome(status=status), now=NOW, chance=0).due_at == NOW + PAUSES[0]


def test_a_receiver_that_is_gone_is_not_tried_again() -> None:
    assert judged(OWED, Outcome(status=410), now=NOW, chance=0).state is DeliveryState.FAILED


@pytest.mark.parametrize(("status", "heeded"), [(429, True), (503, True), (500, False), (404, False)])
def test_how_long_to_wait_is_heeded_from_those_who_may_ask_for_it(status: int, heeded: bool) -> None:
    after = judged(OWED, Outcome(status=status, retry_after=HOUR), now=NOW, chance=0)
    assert after.due_at == NOW + (HOUR if heeded else PAUSES[0])


def test_a_shorter_wait_than_ours_is_no_hurry_and_one_beyond_the_day_is_the_end() -> None:
    soon = Outcome(status=429, retry_after=timedelta(seconds=1))
    assert judged(OWED, soon, now=NOW, chance=0).due_at == NOW + PAUSES[0]
    late = Outcome(status=429, retry_after=WITHIN)
    assert judged(OWED, late, now=NOW, chance=0).state is DeliveryState.FAILED


@given(chances, st.integers(0, 8), st.timedeltas(timedelta(0), timedelta(days=3)), st.sampled_from([429, 500, None]))
def test_no_try_is_ever_due_after_the_day_nor_sooner_than_asked(
    chance: float, tries: int, passed: timedelta, status: int | None
) -> None:
    now = NOW + passed
    after = judged(replace(OWED, tries=tries), Outcome(status=status, retry_after=HOUR), now=now, chance=chance)
    if after.state is DeliveryState.WAITING:
        assert after.due_at is not None
        assert after.due_at < NOW + WITHIN
        assert status != 429 or after.due_at >= now + HOUR
    else:
        assert after.state is DeliveryState.FAILED


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("0", timedelta(0)),
        ("9" * 400, timedelta(days=2)),
        (format_datetime(NOW + HOUR, usegmt=True), HOUR),
        (format_datetime(NOW - HOUR, usegmt=True), timedelta(0)),
        ("", None),
        (None, None),
        ("soon", None),
        ("-5", None),
        ("١٢", None),
    ],
)
def test_how_long_to_wait_is_read_in_seconds_or_as_a_date(header: str | None, wait: timedelta | None) -> None:
    assert retry_after(header, NOW) == wait


@given(st.text())
def test_no_header_upsets_the_reader(header: str) -> None:
    retry_after(header, NOW)


def verifies(secret: bytes, headers: dict[str, str], body: str) -> bool:
    try:
        Webhook(written(secret)).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def test_a_signature_is_verified_by_the_library_of_the_standard_and_none_other() -> None:
    headers = SIGNER.headers(ENDPOINT, OWED, utc_now())
    assert verifies(SIGNER.secret("wh_a", 1), headers, OWED.body)
    assert not verifies(SIGNER.secret("wh_a", 2), headers, OWED.body)
    assert not verifies(SIGNER.secret("wh_b", 1), headers, OWED.body)
    assert not verifies(Signer("t" * 40).secret("wh_a", 1), headers, OWED.body)
    assert not verifies(SIGNER.secret("wh_a", 1), headers, OWED.body + " ")
    assert not verifies(SIGNER.secret("wh_a", 1), headers | {"webhook-id": "msg_b"}, OWED.body)


def test_while_the_signing_key_changes_receivers_verify_with_the_secret_they_have() -> None:
    new = "n" * 40
    headers = Signer(new, "s" * 40).headers(ENDPOINT, OWED, utc_now())

    assert verifies(SIGNER.secret("wh_a", 1), headers, OWED.body)
    assert verifies(Signer(new).secret("wh_a", 1), headers, OWED.body)
    assert Signer(new, "s" * 40).secret("wh_a", 1) == Signer(new).secret("wh_a", 1)
    assert not verifies(SIGNER.secret("wh_a", 1), Signer(new).headers(ENDPOINT, OWED, utc_now()), OWED.body)


def test_the_old_secret_signs_beside_the_new_one_for_a_day() -> None:
    now = utc_now()
    rotated = replace(ENDPOINT, generation=2, rotated_at=now - OLD_SIGNATURE_FOR + timedelta(seconds=1))
    both = SIGNER.headers(rotated, OWED, now)
    assert verifies(SIGNER.secret("wh_a", 1), both, OWED.body)
    assert verifies(SIGNER.secret("wh_a", 2), both, OWED.body)
    later = SIGNER.headers(replace(rotated, rotated_at=now - OLD_SIGNATURE_FOR), OWED, now)
    assert not verifies(SIGNER.secret("wh_a", 1), later, OWED.body)
    assert verifies(SIGNER.secret("wh_a", 2), later, OWED.body)


def test_the_signing_key_is_not_shown() -> None:
    assert "s" * 40 not in repr(SIGNER)


@pytest.mark.parametrize(
    "url", ["https://example.org", "https://example.org:8443/a/b?c=d#e", "https://[2606:4700::1111]/", "HTTPS://x.org/"]
)
def test_an_https_address_is_an_address(url: str) -> None:
    check_address(url, plain=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "example.org", "https://", "https:///path", "https://u:p@x.org/",
        "https://u@x.org/", "https://:p@x.org/", "https://@x.org/",
        "https://x.org:99999/", "https://x.org:0/", "https://[::1", "https://x.org/a b",
        "https://x.org/\n", "https://exämple.org/", "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_whatever_else_is_refused(url: str) -> None:
    with pytest.raises(NotAnAddress):
        check_address(url, plain=False)


def test_plain_http_is_for_development() -> None:
    check_address("http://127.0.0.1:8080/", plain=True)


@given(st.text(), st.text(), st.text(), st.text())
def test_an_id_stands_for_one_event_at_one_endpoint(a: str, b: str, c: str, d: str) -> None:
    if "\0" not in a + b + c + d:
        assert (delivery_id(a, b) == delivery_id(c, d)) == ((a, b) == (c, d))


def test_a_webhook_wants_what_it_names_and_nothing_while_it_is_off() -> None:
    one = replace(ENDPOINT, events=("booking.appointment.moved.v1",))
    assert one.wants("booking.appointment.moved.v1")
    assert not one.wants("booking.appointment.confirmed.v1")
    assert ENDPOINT.wants("booking.appointment.confirmed.v1")
    assert not replace(ENDPOINT, enabled=False).wants("booking.appointment.confirmed.v1")


def test_dates_without_a_zone_are_taken_for_utc() -> None:
    assert retry_after("Mon, 01 Mar 2027 04:00:00 -0000", datetime(2027, 3, 1, 3, tzinfo=UTC)) == HOUR
