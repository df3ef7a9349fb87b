"""Courses over HTTP, on a real database and broker, with screening's decisions simulated."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.auditor import findings
from tests.support.backends import RabbitBackend, fresh_vhost
from tests.support.booking_app import CLIENT, CONSENT, OPERATOR_KEY, PRACTICE, Answered, App, Json, app
from tests.support.waiting import until

ZURICH = ZoneInfo("Europe/Zurich")


@pytest.fixture(scope="module")
async def booking(mongo_url: str, rabbit_server: RabbitBackend) -> AsyncIterator[App]:
    async with fresh_vhost(rabbit_server) as rabbit, app(mongo_url, f"test_{secrets.token_hex(6)}", rabbit) as one:
        yield one
        assert await findings(one.database) == []
        await one.database.client.drop_database(one.database)


async def propose(booking: App, **wish: Any) -> list[Json]:
    answer = await booking.call("POST", f"{PRACTICE}/courses/plan", {"service": "session", "count": 3} | wish)
    assert answer.status == 200, answer
    visits: list[Json] = answer.body["visits"]
    return visits


async def hold(booking: App, visits: list[Json], *, key: str | None = None, **more: Any) -> Answered:
    picked = [{"starts_at": one["starts_at"], "practitioner": one["practitioner"]} for one in visits]
    named = {"Idempotency_Key": key} if key else {}
    return await booking.call("POST", f"{PRACTICE}/courses", {"service": "session", "visits": picked} | more, **named)


async def course(booking: App, held: Answered, deed: str = "", body: Json | None = None) -> Answered:
    method, path = ("POST", f"/{deed}") if deed else ("GET", "")
    return await booking.call(method, f"/booking/v1/courses/{held.body['id']}{path}", body, token=held.body["token"])


async def request(booking: App, held: Answered, phone: str) -> Answered:
    return await course(booking, held, "request", {"client": CLIENT | {"phone": phone}, "consent": CONSENT})


def states(answer: Answered) -> list[str]:
    return [one["appointment"]["state"] for one in answer.body["visits"]]


async def become(booking: App, held: Answered, *wanted: str) -> Answered:
    async def shown() -> Answered | None:
        answer = await course(booking, held)
        return answer if states(answer) == [*wanted] else None

    found = await until(shown)
    assert found is not None
    return found


def said_of(booking: App, held: Answered) -> list[list[str]]:
    """The facts said of each visit."""
    return [booking.said_of(Answered(200, one["appointment"])) for one in held.body["visits"]]


async def test_a_course_from_the_proposal_to_its_confirmation(booking: App) -> None:
    visits = await propose(booking, count=4, weekday=2, hour="10:30", practitioner="ana")
    local = [datetime.fromisoformat(one["starts_at"]).astimezone(ZURICH) for one in visits]
    assert {(at.weekday(), at.hour, at.minute) for at in local} == {(2, 10, 30)}
    assert {(later.date() - one.date()).days for one, later in pairwise(local)} == {7}
    held = await hold(booking, visits, key="a-course")
    assert (held.status, held.body["count"], states(held)) == (201, 4, ["held"] * 4)
    assert (await hold(booking, visits, key="a-course")).body["id"] == held.body["id"]
    asked = await request(booking, held, "+41791110001")
    assert (asked.status, states(asked)) == (202, ["requested"] * 4)
    lead = held.body["visits"][0]["appointment"]["id"]
    await booking.decide(lead, "cleared")
    await become(booking, held, *["confirmed"] * 4)
    await until(lambda: said_of(booking, held) == [["requested", "confirmed"], *[["confirmed"]] * 3])
    seats = {one.subject: one.data.seat for one in booking.heard if one.subject != "still-water"}
    assert [seats[one["appointment"]["id"]].index for one in held.body["visits"]] == [0, 1, 2, 3]


async def test_a_course_that_is_declined_is_free_again(booking: App) -> None:
    held = await hold(booking, await propose(booking, hour="07:00"))
    await request(booking, held, "+41791110002")
    await booking.decide(held.body["visits"][0]["appointment"]["id"], "declined")
    await become(booking, held, *["declined"] * 3)


async def test_a_clash_is_told_with_the_visit_and_leaves_nothing_held(booking: App) -> None:
    visits = await propose(booking, hour="20:00", practitioner="ben")
    taken = await booking.hold(datetime.fromisoformat(visits[1]["starts_at"]), practitioner="ben")
    assert taken.status == 201
    before = await booking.database["appointments"].count_documents({"cells": {"$exists": True}})
    refused = await hold(booking, visits)
    assert (refused.status, refused.code, refused.body["field"]) == (409, "slot-taken", "visits[1]")
    assert await booking.database["appointments"].count_documents({"cells": {"$exists": True}}) == before


async def test_a_cancelled_visit_lets_the_rest_be_re_spaced_with_one_accept(booking: App) -> None:
    held = await hold(booking, await propose(booking, count=5, weekday=5, hour="12:00"))
    await request(booking, held, "+41791110003")
    await booking.decide(held.body["visits"][0]["appointment"]["id"], "cleared")
    await become(booking, held, *["confirmed"] * 5)
    second = held.body["visits"][1]["appointment"]
    cancelled = await booking.call("POST", f"/booking/v1/appointments/{second['id']}/cancel", token=second["token"])
    assert cancelled.status == 200
    plan = (await course(booking, held, "respacing", {})).body["visits"]
    targets = [{"appointment": one["appointment"], "starts_at": one["starts_at"]} for one in plan]
    assert len(targets) == 3
    moved = await course(booking, held, "respacing/accept", {"visits": targets})
    assert (moved.status, states(moved)) == (200, ["confirmed", "cancelled", "confirmed", "confirmed", "confirmed"])
    stands = [one["appointment"] for one in moved.body["visits"] if one["appointment"]["state"] == "confirmed"]
    dates = [datetime.fromisoformat(one["starts_at"]).astimezone(ZURICH).date() for one in stands]
    assert {later - one for one, later in pairwise(dates)} == {timedelta(days=7)}
    ended = await course(booking, held, "cancel")
    assert set(states(ended)) == {"cancelled"}


async def test_upkeep_is_proposed_held_and_gone_on_with(booking: App) -> None:
    distances = {"days_from": 21, "days_until": 35}
    visits = await propose(booking, count=None, hour="15:00", **distances)
    assert len(visits) == 4
    held = await hold(booking, visits[:1], open_ended=True, **distances)
    assert "count" not in held.body
    await request(booking, held, "+41791110004")
    await booking.decide(held.body["visits"][0]["appointment"]["id"], "cleared")
    await become(booking, held, "confirmed")
    ahead = (await course(booking, held, "extend", distances)).body["visits"]
    picked = {"starts_at": ahead[0]["starts_at"], "practitioner": ahead[0]["practitioner"]}
    grown = await course(booking, held, "extend/accept", picked | distances)
    assert (grown.status, states(grown)) == (200, ["confirmed", "confirmed"])


async def test_a_course_is_shown_to_its_own_token_and_to_the_practice_only(booking: App) -> None:
    held = await hold(booking, await propose(booking, hour="06:00"))
    path = f"/booking/v1/courses/{held.body['id']}"
    lead = held.body["visits"][0]["appointment"]
    assert (await booking.call("GET", path)).status == 401
    assert (await booking.call("GET", path, token=lead["token"])).status == 401
    assert (await booking.call("GET", path, token=OPERATOR_KEY)).status == 200
    assert (await booking.call("POST", f"{path}/clear", token=held.body["token"])).status == 401
    missing = await booking.call("GET", f"/booking/v1/courses/{'a' * 26}", token=OPERATOR_KEY)
    assert (missing.status, missing.code) == (404, "no-such-course")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"count": 2}, "invalid-request"),
        ({"count": 11}, "invalid-request"),
        ({"hour": "24:00"}, "invalid-request"),
        ({"hour": "9"}, "invalid-request"),
        ({"days_from": 21}, "wrong-spacing"),
        ({"service": "nothing"}, "no-such-service"),
        ({"practitioner": "nobody"}, "no-such-practitioner"),
        ({"first": "2027-03-02T09:01:00Z"}, "outside-hours"),
    ],
)
async def test_a_wish_that_cannot_be_is_refused(booking: App, body: Json, code: str) -> None:
    answer = await booking.call("POST", f"{PRACTICE}/courses/plan", {"service": "session", "count": 3} | body)
    assert answer.code == code
