"""Health checks that are decided again, voided, or end before the visit, on a real database and broker."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from shared.events import Envelope
from tests.support.auditor import findings
from tests.support.backends import RabbitBackend, fresh_vhost
from tests.support.booking import NOW, TEN, Time
from tests.support.booking_app import CLIENT, CONSENT, PRACTICE, Answered, App, app
from tests.support.waiting import until

DAY = timedelta(days=1)
FAR = TEN + 60 * DAY


@pytest.fixture
def time() -> Time:
    return Time(NOW)


@pytest.fixture
async def booking(mongo_url: str, rabbit_server: RabbitBackend, time: Time) -> AsyncIterator[App]:
    async with (
        fresh_vhost(rabbit_server) as rabbit,
        app(mongo_url, f"test_{secrets.token_hex(6)}", rabbit, now=time) as one,
    ):
        yield one
        assert await findings(one.database) == []
        await one.database.client.drop_database(one.database)


async def asked_for(booking: App, at: datetime = FAR) -> Answered:
    held = await booking.hold(at, practitioner="ana")
    assert (await booking.request(held)).status == 202
    return held


async def shown(booking: App, held: Answered, **what: Any) -> dict[str, Any]:
    """The visit, once it is told so."""
    path = f"/booking/v1/appointments/{held.body['id']}"

    async def so() -> dict[str, Any] | None:
        body = (await booking.call("GET", path, token=held.body["token"])).body
        return body if {name: body.get(name) for name in what} == what else None

    found = await until(so)
    assert found is not None
    return found


def said(booking: App, held: Answered, fact: str) -> Envelope[Any]:
    theirs = [one for one in booking.heard if one.subject == held.body["id"]]
    return [one for one in theirs if one.type == f"booking.appointment.{fact}.v1"][-1]


async def page(booking: App, held: Answered) -> str:
    address = f"/booking/visit/{held.body['id']}?token={held.body['token']}"
    return str((await booking.call("GET", address)).body["text"])


async def test_what_a_client_says_has_changed_is_asked_again_and_confirmed_again(booking: App) -> None:
    held = await asked_for(booking)
    await booking.decide(held.body["id"], "cleared", sequence=2)
    await booking.becomes(held, "confirmed")
    await booking.void(held.body["id"], sequence=3)
    asked = await shown(booking, held, state="requested", check="again")
    assert (asked["next"], datetime.fromisoformat(asked["held_until"])) == ("answer", FAR - 2 * DAY)
    await until(lambda: booking.said_of(held) == ["requested", "confirmed", "check_asked"])
    fact = said(booking, held, "check_asked").data
    assert (fact.state, fact.check_until, fact.checked) == ("requested", FAR - 2 * DAY, 3)
    text = await page(booking, held)
    assert "fill in your health check again" in text
    assert f"/screening/check/{held.body['id']}" in text
    file = await booking.call(
        "GET", f"/booking/v1/appointments/{held.body['id']}/calendar.ics", token=held.body["token"]
    )
    assert "STATUS:TENTATIVE" in file.body["text"]

    await booking.decide(held.body["id"], "cleared", sequence=4)
    await booking.becomes(held, "confirmed")
    await until(lambda: booking.said_of(held) == ["requested", "confirmed", "check_asked", "confirmed"])
    assert said(booking, held, "confirmed").data.again is True


async def test_a_short_approval_keeps_the_time_and_is_asked_about_two_weeks_before(booking: App, time: Time) -> None:
    held = await asked_for(booking)
    await booking.decide(held.body["id"], "needs_review", sequence=2)
    await booking.becomes(held, "in_review")
    await booking.decide(held.body["id"], "cleared", sequence=3, until=date(2027, 3, 29))
    later = await shown(booking, held, state="requested", check="later", next="wait", held_until=None)
    assert datetime.fromisoformat(later["check_from"]) == FAR - 14 * DAY
    assert "we will ask you again about your health" in await page(booking, held)
    assert (await booking.hold(FAR, practitioner="ana")).code == "slot-taken"

    time.at = FAR - 14 * DAY
    await shown(booking, held, state="requested", check="again")
    await until(lambda: booking.said_of(held) == ["requested", "in_review", "check_asked"])
    assert said(booking, held, "check_asked").data.checked == 3
    await booking.decide(held.body["id"], "cleared", sequence=5)
    await booking.becomes(held, "confirmed")
    await until(lambda: booking.said_of(held)[-1] == "confirmed")


async def test_who_is_declined_after_all_makes_room_for_somebody_who_waits(booking: App) -> None:
    held = await asked_for(booking, TEN)
    await booking.decide(held.body["id"], "cleared", sequence=2)
    await booking.becomes(held, "confirmed")
    waits = {
        "service": "session",
        "ranges": [{"from": TEN.date().isoformat(), "until": TEN.date().isoformat()}],
        "client": CLIENT | {"phone": "+41791000001"},
        "consent": CONSENT,
    }
    await booking.call("POST", f"{PRACTICE}/waitlist", waits, Idempotency_Key="waits")
    await booking.decide(held.body["id"], "declined", sequence=5)
    await booking.becomes(held, "declined")

    def offers() -> list[datetime]:
        return [one.data.starts_at for one in booking.heard if one.type == "booking.waitlist.offered.v1"]

    await until(lambda: offers() == [TEN])
    assert booking.said_of(held) == ["requested", "confirmed", "declined"]


async def test_words_out_of_order_and_twice_end_as_the_newest_says(booking: App) -> None:
    held = await asked_for(booking)
    await booking.decide(held.body["id"], "cleared", sequence=7)
    for sequence in (3, 5, 3):
        await booking.void(held.body["id"], sequence=sequence)
        await booking.decide(held.body["id"], "needs_review", sequence=sequence + 1)
    await booking.decide(held.body["id"], "cleared", sequence=7)
    await booking.becomes(held, "confirmed")
    last = await asked_for(booking, FAR + DAY)
    await booking.decide(last.body["id"], "cleared")
    await booking.becomes(last, "confirmed")
    kept = await booking.database["appointments"].find_one({"_id": held.body["id"]})
    assert kept is not None
    assert (kept["state"], kept["checked"], kept["cleared_until"]) == ("confirmed", 7, "2030-01-01")


async def test_a_visit_moved_beyond_its_clearance_is_told_as_not_confirmed_and_asked_about(booking: App) -> None:
    held = await asked_for(booking, TEN + 5 * DAY)
    await booking.decide(held.body["id"], "cleared", until=(TEN + 6 * DAY).date())
    await booking.becomes(held, "confirmed")
    path = f"/booking/v1/appointments/{held.body['id']}/move"
    moved = await booking.call("POST", path, {"starts_at": (TEN + 9 * DAY).isoformat()}, token=held.body["token"])
    assert (moved.status, moved.body["state"]) == (200, "requested")
    await shown(booking, held, check="again")
    await until(lambda: booking.said_of(held) == ["requested", "confirmed", "moved", "check_asked"])
    assert said(booking, held, "moved").data.state == "requested"
