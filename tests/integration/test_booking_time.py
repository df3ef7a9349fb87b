"""What time does to appointments on real parts, with several replicas at work and a sweeper that may be dead."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from tests.support.auditor import findings
from tests.support.backends import RabbitBackend
from tests.support.booking import HOUR, MINUTE, NOW, TEN, Time
from tests.support.booking_app import App, app
from tests.support.waiting import until

# A ticker that never ticks within a test.
DEAD = 3600.0


@pytest.fixture
def time() -> Time:
    return Time(NOW)


@pytest.fixture
async def replicas(
    mongo_url: str, database_name: str, rabbit: RabbitBackend, time: Time
) -> AsyncIterator[tuple[App, App]]:
    """Two of the same service on one database and broker; their listeners share one queue."""
    async with AsyncExitStack() as opened:
        first = await opened.enter_async_context(app(mongo_url, database_name, rabbit, now=time))
        second = await opened.enter_async_context(app(mongo_url, database_name, rabbit, now=time))
        yield first, second


def said(replicas: tuple[App, App], held: object) -> list[str]:
    one, other = replicas
    heard = {event.id: event for each in (one.heard, other.heard) for event in each}
    theirs = [event for event in heard.values() if event.subject == held]
    return [event.type.split(".")[2] for event in sorted(theirs, key=lambda event: event.sequence)]


async def test_of_fifty_claims_over_two_replicas_one_wins_and_one_request_is_said(replicas: tuple[App, App]) -> None:
    claims = [replicas[n % 2].hold(TEN + (n % 3) * 15 * MINUTE, practitioner="ana", key=f"k{n}") for n in range(50)]
    answers = await asyncio.gather(*claims)
    assert Counter(answer.status for answer in answers) == Counter({409: 49, 201: 1})
    [won] = [answer for answer in answers if answer.status == 201]
    requests = await asyncio.gather(*(replicas[n % 2].request(won) for n in range(6)))
    assert {answer.status for answer in requests} == {202}
    await until(lambda: said(replicas, won.body["id"]) == ["requested"])
    assert await findings(replicas[0].database, answered=[won.body["id"]]) == []


async def test_what_nobody_answered_lapses_once_and_is_said_once(replicas: tuple[App, App], time: Time) -> None:
    held = [await replicas[0].hold(TEN + n * 2 * HOUR, practitioner="ana") for n in range(4)]
    for one in held[:3]:
        await replicas[1].request(one)
    time.pass_(31 * MINUTE)
    for one in held:
        await replicas[0].becomes(one, "lapsed")
    for one in held[:3]:
        await until(lambda one=one: said(replicas, one.body["id"]) == ["requested", "lapsed"])
    assert said(replicas, held[3].body["id"]) == []
    assert await findings(replicas[0].database) == []


async def test_silence_after_the_visit_is_attendance(replicas: tuple[App, App], time: Time) -> None:
    held = await replicas[0].hold(TEN, practitioner="ana")
    await replicas[0].request(held)
    await replicas[0].decide(held.body["id"], "cleared")
    await replicas[1].becomes(held, "confirmed")
    time.at = TEN + 90 * MINUTE
    await replicas[1].becomes(held, "attended")
    missed = await replicas[0].as_operator("POST", f"/booking/v1/appointments/{held.body['id']}/missed")
    assert (missed.status, missed.body["state"]) == (200, "missed")
    await until(lambda: said(replicas, held.body["id"]) == ["requested", "confirmed", "attended", "missed"])


async def test_with_a_dead_sweeper_an_expired_hold_is_seen_as_lapsed_and_given_to_the_next(
    mongo_url: str, database_name: str, rabbit: RabbitBackend, time: Time
) -> None:
    async with app(mongo_url, database_name, rabbit, now=time, booking_tick_seconds=DEAD) as booking:
        first = await booking.hold(TEN, practitioner="ana")
        time.pass_(timedelta(minutes=10))
        path = f"/booking/v1/appointments/{first.body['id']}"
        assert (await booking.call("GET", path, token=first.body["token"])).body["state"] == "lapsed"
        assert (await booking.request(first)).code == "hold-expired"
        assert (await booking.hold(TEN, practitioner="ana")).status == 201
        assert await findings(booking.database) == []
