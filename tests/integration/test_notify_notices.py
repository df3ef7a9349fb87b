"""Offered times and codes through the whole service: an event in over the broker, one text out over the wire."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from shared.clock import utc_now
from shared.events import booking
from tests.support import notify_app
from tests.support.backends import RabbitBackend
from tests.support.notify_app import PHONE, PRACTICE, TOKENS, App, an_appointment, facts, practice_changed
from tests.support.waiting import until

GUARDIAN = booking.Guardian(name="Lou", phone="+15035550177")
CODE = "482913"


@pytest.fixture
async def app(mongo_url: str, database_name: str, rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with notify_app.app(mongo_url, database_name, rabbit) as one:
        await one.say(practice_changed(), subject=PRACTICE, sequence=1)
        await until(lambda: one.database["practices"].find_one({"_id": PRACTICE}))
        yield one


async def offered(app: App, *, good_for: timedelta = timedelta(hours=2), **client: Any) -> str:
    """Told twice, as a broker may."""
    offer, starts_at = an_appointment(), utc_now() + timedelta(days=3)
    said = booking.WaitlistOffered(
        offer=offer,
        service_name="First visit",
        practitioner_name="Ana",
        place_name="Studio",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
        zone="America/New_York",
        expires_at=utc_now() + good_for,
        instant=True,
        client=facts(offer, state="confirmed", starts_at=starts_at)["client"].model_copy(update=client),
    )
    for _ in range(2):
        await app.say(said, subject=offer, sequence=1)
    return offer


async def code_asked(app: App) -> str:
    check = an_appointment()
    said = booking.CodeAsked(
        check=check,
        phone=PHONE,
        locale="en-US",
        zone="America/New_York",
        code=CODE,
        expires_at=utc_now() + timedelta(minutes=10),
    )
    for _ in range(2):
        await app.say(said, subject=check, sequence=1)
    return check


async def test_an_offer_becomes_one_text_whose_link_leads_to_it_with_a_token_that_booking_accepts(app: App) -> None:
    offer = await offered(app)

    told = await app.becomes(offer, "offer", "delivered")
    assert app.bodies() == [told["body"]]
    assert "First come, first served" in told["body"]
    found = re.search(r"/n/(\w{8}) ", told["body"])
    assert found is not None
    async with app.http.get(f"/notify/n/{found[1]}", allow_redirects=False) as answer:
        address = answer.headers["Location"]
    assert answer.status == 303
    assert address.startswith(f"{app.origin}/booking/offer/{offer}?token=")
    claim = TOKENS.read(address.partition("token=")[2], utc_now())
    assert (claim.appointment, claim.practice) == (offer, PRACTICE)


async def test_an_offer_to_a_child_goes_to_the_guardian(app: App) -> None:
    offer = await offered(app, guardian=GUARDIAN)

    assert (await app.becomes(offer, "offer", "delivered"))["to_ends_in"] == GUARDIAN.phone[-4:]
    assert [text.to for text in app.emulator.messages] == [GUARDIAN.phone]


async def test_an_expired_offer_and_one_without_consent_send_nothing(app: App) -> None:
    expired = await offered(app, good_for=timedelta(seconds=-1))
    consent = booking.Consent(texts=False, wording="texts-v1", given_at=utc_now())
    unwanted = await offered(app, consent=consent)

    assert (await app.becomes(expired, "offer", "skipped"))["why"] == "stale"
    assert (await app.becomes(unwanted, "offer", "skipped"))["why"] == "no_consent"
    assert app.bodies() == []


async def test_a_code_becomes_one_text_and_is_forgotten_once_it_is_delivered(app: App) -> None:
    check = await code_asked(app)

    told = await app.becomes(check, "code", "delivered")

    assert [CODE in body for body in app.bodies()] == [True]
    assert "body" not in told
    kept = await app.database["messages"].find_one({"appointment": check})
    assert kept is not None
    assert CODE not in str(kept)
    status, problem = await app.call("POST", f"/v1/messages/{told['id']}/retry")
    assert (status, problem["code"]) == (409, "message-begun")


async def test_a_c_to_an_offer_does_not_confirm_the_visit_that_is_ahead(app: App) -> None:
    appointment = an_appointment()
    await app.confirm(appointment)
    await app.becomes(appointment, "booked", "delivered")
    offer = await offered(app)
    await app.becomes(offer, "offer", "delivered")

    app.emulator.line.text(PHONE, "C")

    answer = await app.becomes(offer, "offer_link", "delivered")
    assert "to take" in answer["body"]
    assert app.heard == []


async def test_a_course_is_confirmed_once_and_each_visit_is_remembered(app: App) -> None:
    course, visits = an_appointment(), [an_appointment() for _ in range(3)]
    for index, appointment in enumerate(visits):
        starts_at = (utc_now() + timedelta(days=7 * (index + 1))).replace(hour=17)  # not in the first hours of a day
        said = booking.AppointmentConfirmed(
            **facts(appointment, state="confirmed", starts_at=starts_at),
            seat=booking.CourseSeat(course=course, index=index, count=3),
        )
        await app.say(said, subject=appointment, sequence=3)
    await app.becomes(visits[0], "booked", "delivered")

    async def planned() -> bool:
        return all([set(await app.texts(one)) >= {"prepare", "day_before", "two_hours"} for one in visits])

    await until(planned)
    assert ["booked" in await app.texts(one) for one in visits] == [True, False, False]
    assert [body.startswith("Still Waters: your 3 visits are booked") for body in app.bodies()] == [True]


@pytest.mark.parametrize(
    ("seat", "template"),
    [({"index": 0, "count": 6}, "booked_course"), ({"index": 0}, "booked_upkeep"), ({"index": 2, "count": 6}, None)],
)
async def test_the_texts_of_a_course_can_be_tried(app: App, seat: dict[str, int], template: str | None) -> None:
    visit = {
        "booked_at": "2027-06-09T16:00:00Z",
        "starts_at": "2027-06-16T14:00:00Z",
        "ends_at": "2027-06-16T15:15:00Z",
        "zone": "America/New_York",
        "client_zone": "America/New_York",
        "seat": seat,
    }

    status, plan = await app.call("POST", f"/v1/practices/{PRACTICE}/plan", json={"visit": visit})

    assert status == 200
    assert {text["step"]: text["template"] for text in plan["texts"]}.get("booked") == template
    assert {"prepare", "day_before", "two_hours", "aftercare"} <= {text["step"] for text in plan["texts"]}


async def test_a_seat_beyond_the_end_of_its_course_is_refused(app: App) -> None:
    visit = {
        "booked_at": "2027-06-09T16:00:00Z",
        "starts_at": "2027-06-16T14:00:00Z",
        "ends_at": "2027-06-16T15:15:00Z",
        "zone": "America/New_York",
        "client_zone": "America/New_York",
        "seat": {"index": 6, "count": 6},
    }

    assert (await app.call("POST", f"/v1/practices/{PRACTICE}/plan", json={"visit": visit}))[0] == 422
