"""The life of appointments over HTTP, on a real database and broker."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from tests.support.backends import RabbitBackend, fresh_vhost
from tests.support.booking_app import CLIENT, CONSENT, PRACTICE, App, app
from tests.support.waiting import until


@pytest.fixture(scope="module")
async def booking(mongo_url: str, rabbit_server: RabbitBackend) -> AsyncIterator[App]:
    async with fresh_vhost(rabbit_server) as rabbit, app(mongo_url, f"test_{secrets.token_hex(6)}", rabbit) as one:
        yield one
        await one.database.client.drop_database(one.database)


days = count(2)


@pytest.fixture
def at() -> Callable[[int], datetime]:
    """An hour in Zurich of a day that belongs to this test alone."""
    day = datetime.now(ZoneInfo("Europe/Zurich")) + timedelta(days=next(days) * 3)

    def at(hour: int) -> datetime:
        return day.replace(hour=hour, minute=0, second=0, microsecond=0).astimezone(UTC)

    return at


At = Callable[[int], datetime]


async def test_a_cleared_request_is_confirmed_and_every_turn_is_said_once(booking: App, at: At) -> None:
    held = await booking.hold(at(10), practitioner="ana", key="one-and-only")
    assert (held.status, held.body["state"], held.body["next"]) == (201, "held", "request")
    requested = await booking.request(held)
    assert (requested.status, requested.body["state"], requested.body["next"]) == (202, "requested", "answer")
    await booking.decide(held.body["id"], "cleared")
    confirmed = await booking.becomes(held, "confirmed")
    assert (confirmed["version"], confirmed["next"]) == (3, "come")
    await until(lambda: booking.said_of(held) == ["requested", "confirmed"])
    snapshot = next(one.data for one in booking.heard if one.subject == held.body["id"])
    assert (snapshot.practitioner_name, snapshot.place_address, snapshot.client.phone) == (
        "Ana",
        "Seestrasse 1",
        CLIENT["phone"],
    )


async def test_a_visit_without_a_health_check_is_confirmed_by_the_request(booking: App, at: At) -> None:
    held = await booking.hold(at(10), service="call")
    assert (await booking.request(held)).body["state"] == "confirmed"
    await until(lambda: booking.said_of(held) == ["confirmed"])


async def test_loading_a_practice_says_so_once(booking: App) -> None:
    exported = await booking.as_operator("GET", f"{PRACTICE}/export")
    again = await booking.as_operator("PUT", PRACTICE, exported.body)
    changed = await booking.as_operator("PUT", PRACTICE, exported.body | {"name": "Stiller Water"})
    assert (again.body["version"], changed.body["version"]) == (1, 2)
    await until(lambda: [one.sequence for one in booking.heard if one.subject == "still-water"] == [1, 2])


async def test_a_review_holds_the_time_until_a_person_decides(booking: App, at: At) -> None:
    held = await booking.hold(at(11))
    await booking.request(held)
    await booking.decide(held.body["id"], "needs_review")
    in_review = await booking.becomes(held, "in_review")
    assert in_review["next"] == "wait"
    assert (await booking.hold(at(11), practitioner=held.body["practitioner"])).code == "slot-taken"
    await booking.decide(held.body["id"], "declined", sequence=2)
    await booking.becomes(held, "declined")
    assert (await booking.hold(at(11), practitioner=held.body["practitioner"])).status == 201
    await until(lambda: booking.said_of(held) == ["requested", "in_review", "declined"])


async def test_decisions_out_of_order_and_twice_end_the_same(booking: App, at: At) -> None:
    held = await booking.hold(at(12))
    await booking.request(held)
    for outcome, sequence in (("cleared", 2), ("needs_review", 1), ("cleared", 2), ("needs_review", 1)):
        await booking.decide(held.body["id"], outcome, sequence=sequence)
    await booking.becomes(held, "confirmed")
    last = await booking.hold(at(16))
    await booking.request(last)
    await booking.decide(last.body["id"], "cleared")
    await booking.becomes(last, "confirmed")
    await until(lambda: booking.said_of(last) == ["requested", "confirmed"])
    # Whether the review was still news when it came is open, the end is not.
    assert [said for said in booking.said_of(held) if said != "in_review"] == ["requested", "confirmed"]


async def test_a_moved_visit_frees_its_old_time_and_takes_the_new_one(booking: App, at: At) -> None:
    held = await booking.hold(at(10) + timedelta(days=1), practitioner="ana")
    await booking.request(held)
    await booking.decide(held.body["id"], "cleared")
    await booking.becomes(held, "confirmed")
    to = (at(14) + timedelta(days=1)).isoformat()
    path = f"/booking/v1/appointments/{held.body['id']}"
    moved = await booking.call("POST", f"{path}/move", {"starts_at": to}, token=held.body["token"])
    again = await booking.call("POST", f"{path}/move", {"starts_at": to}, token=held.body["token"])
    assert (moved.status, again.status, again.body["version"]) == (200, 200, moved.body["version"])
    assert (await booking.hold(at(10) + timedelta(days=1), practitioner="ana")).status == 201
    assert (await booking.hold(at(14) + timedelta(days=1), practitioner="ana")).code == "slot-taken"
    await until(lambda: booking.said_of(held) == ["requested", "confirmed", "moved"])


async def test_a_cancelled_visit_frees_its_time_at_once(booking: App, at: At) -> None:
    held = await booking.hold(at(13), practitioner="ana")
    await booking.request(held)
    path = f"/booking/v1/appointments/{held.body['id']}/cancel"
    cancelled = await booking.call("POST", path, token=held.body["token"])
    assert (cancelled.status, cancelled.body["state"], cancelled.body["cancelled_by"]) == (200, "cancelled", "client")
    assert (await booking.call("POST", path, token=held.body["token"])).body["version"] == cancelled.body["version"]
    assert (await booking.hold(at(13), practitioner="ana")).status == 201
    await booking.decide(held.body["id"], "cleared")
    await until(lambda: booking.said_of(held) == ["requested", "cancelled"])


async def test_a_visit_goes_into_the_clients_calendar(booking: App, at: At) -> None:
    held = await booking.hold(at(10))
    path = f"/booking/v1/appointments/{held.body['id']}"
    await booking.request(held)
    file = (await booking.call("GET", f"{path}/calendar.ics", token=held.body["token"])).body["text"]
    assert "METHOD:PUBLISH" in file
    assert f"DTSTART:{at(10):%Y%m%dT%H%M%SZ}" in file
    await booking.call("POST", f"{path}/cancel", token=held.body["token"])
    file = (await booking.call("GET", f"{path}/calendar.ics", token=held.body["token"])).body["text"]
    assert "METHOD:CANCEL" in file
    assert "SEQUENCE:3" in file


async def test_an_agenda_shows_who_comes(booking: App, at: At) -> None:
    held = await booking.hold(at(15), practitioner="ben")
    await booking.request(held, guardian={"name": "Pat Doe", "phone": "079 765 43 21"})
    agenda = await booking.as_operator("GET", f"{PRACTICE}/agenda?from={at(12):%Y-%m-%d}&days=2")
    [day] = agenda.body["days"]
    [entry] = day["visits"]
    assert entry["appointment"]["id"] == held.body["id"]
    assert entry["client"]["guardian"] == {"name": "Pat Doe", "phone": "+41797654321"}


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"service": "nothing"}, "no-such-service"),
        ({"practitioner": "nobody"}, "no-such-practitioner"),
        ({"starts_at": "2027-03-02T10:07:00+01:00"}, "outside-hours"),
        ({"starts_at": "2027-03-02T03:00:00+01:00"}, "outside-hours"),
        ({"starts_at": "2020-03-02T10:00:00+01:00"}, "too-short-notice"),
        ({"starts_at": "2199-03-02T10:00:00+01:00"}, "too-far-ahead"),
        ({"starts_at": "1772445600"}, "invalid-request"),
        ({"starts_at": "2027-03-02T10:00:00"}, "invalid-request"),
        ({"phone": "x"}, "invalid-request"),
    ],
)
async def test_a_refused_hold_says_why(booking: App, at: At, wish: dict[str, str], code: str) -> None:
    assert (await booking.hold(at(10), **wish)).code == code


@pytest.mark.parametrize(
    "phone",
    [
        "+41441234567",
        "0900 123 456",
        "+41 79 123 45 67 ext. 5",
        "+1 900 555 0100",
        "0800 800 800",
        "call me",
        "+999123456",
    ],
    ids=["fixed line", "premium", "extension", "premium abroad", "toll-free", "words", "no country"],
)
async def test_a_number_that_gets_no_texts_is_refused(booking: App, at: At, phone: str) -> None:
    held = await booking.hold(at(10))
    refused = await booking.request(held, phone=phone)
    assert (refused.status, refused.code, refused.body["field"]) == (422, "not-a-mobile-number", "client.phone")
    assert phone not in str(refused.body)


async def test_the_same_key_gives_the_same_appointment_and_another_body_is_refused(booking: App, at: At) -> None:
    first = await booking.hold(at(10), practitioner="ana", key="a-key")
    again = await booking.hold(at(10), practitioner="ana", key="a-key")
    other = await booking.hold(at(12), practitioner="ana", key="a-key")
    taken = await booking.hold(at(10), practitioner="ana", key="another-key")
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert (other.status, other.code) == (422, "idempotency-key-reused")
    assert (taken.status, taken.code) == (409, "slot-taken")


async def test_the_same_request_twice_is_one_and_a_different_one_is_refused(booking: App, at: At) -> None:
    held = await booking.hold(at(10))
    first, again, other = (
        await booking.request(held),
        await booking.request(held),
        await booking.request(held, name="Somebody Else"),
    )
    assert (first.status, again.status, other.code) == (202, 202, "wrong-state")
    assert first.body["version"] == again.body["version"]
    assert CONSENT["wording"] not in str(other.body)


async def test_a_token_opens_its_own_appointment_only(booking: App, at: At) -> None:
    one, other = await booking.hold(at(10)), await booking.hold(at(14))
    path = f"/booking/v1/appointments/{one.body['id']}"
    assert (await booking.call("GET", path)).status == 401
    assert (await booking.call("GET", path, token=other.body["token"])).status == 401
    assert (await booking.call("POST", f"{path}/attended", token=one.body["token"])).status == 401
    assert (await booking.as_operator("POST", f"{path}/attended")).code == "wrong-state"


async def test_a_page_that_listens_hears_of_every_change_until_the_end(booking: App, at: At) -> None:
    held = await booking.hold(at(10))
    path = f"/booking/v1/appointments/{held.body['id']}"
    states: list[str] = []
    async with booking.http.get(f"{path}/events", params={"token": held.body["token"]}) as stream:
        assert stream.content_type == "text/event-stream"
        async for line in stream.content:
            if not line.startswith(b"data: "):
                continue
            states.append(json.loads(line[6:])["state"])
            if states[-1] == "held":
                await booking.request(held)
            if states[-1] == "requested":
                await booking.call("POST", f"{path}/cancel", token=held.body["token"])
    assert states == ["held", "requested", "cancelled"]


async def test_nobody_listens_without_the_token(booking: App, at: At) -> None:
    held = await booking.hold(at(10))
    assert (await booking.call("GET", f"/booking/v1/appointments/{held.body['id']}/events")).code == "token-invalid"
