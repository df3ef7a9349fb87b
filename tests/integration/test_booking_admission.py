"""Limits, proxies, renewal and codes over HTTP on a real database and broker, and their races."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from limits import parse_many
from pydantic import SecretStr

from services.booking.actions import Booking
from services.booking.actions.limits import Allowed, Limits
from services.booking.counters import counting
from services.booking.domain.appointment import By, Hand
from services.booking.domain.proof import TooMany, WrongCode
from services.booking.ports import Kept
from services.booking.profile import written
from services.booking.store import open_stores
from shared import mongo
from shared.bus import Bus
from shared.relay import Relay
from tests.support.backends import RabbitBackend, fresh_vhost
from tests.support.booking import CLIENT, HOUR, POLICY, TEN, Time, a_house, a_person, wants
from tests.support.booking_app import CLIENT as KIM
from tests.support.booking_app import CONSENT, PRACTICE, Answered, App, app
from tests.support.waiting import until

At = Callable[[int], datetime]
days = count(2)


@pytest.fixture(scope="module")
async def booking(mongo_url: str, rabbit_server: RabbitBackend) -> AsyncIterator[App]:
    """A practice that proves numbers, behind a proxy, with few holds for each address."""
    name = f"test_{secrets.token_hex(6)}"
    limits: dict[str, Any] = {"booking_limit_holds_by_address": "2/hour", "booking_limit_requests_by_number": "20/day"}
    async with (
        fresh_vhost(rabbit_server) as rabbit,
        app(mongo_url, name, rabbit, trusted_proxies=[ip_network("127.0.0.0/8")], **limits) as one,
    ):
        strict = written(a_house(verify_numbers=True)).model_dump(mode="json", exclude_none=True)
        assert (await one.as_operator("PUT", PRACTICE, strict)).status == 200
        yield one
        await one.database.client.drop_database(one.database)


@pytest.fixture
def at() -> At:
    """An hour in Zurich of a day that belongs to this test alone."""
    day = datetime.now(ZoneInfo("Europe/Zurich")) + timedelta(days=next(days) * 3)

    def at(hour: int) -> datetime:
        return day.replace(hour=hour, minute=0, second=0, microsecond=0).astimezone(UTC)

    return at


async def hold(booking: App, at: datetime, address: str, **more: str) -> Answered:
    body = {"service": "session", "starts_at": at.isoformat()}
    return await booking.call("POST", f"{PRACTICE}/appointments", body, X_Forwarded_For=address, **more)


async def deed(booking: App, held: Answered, what: str, body: Any = None) -> Answered:
    return await booking.call(
        "POST", f"/booking/v1/appointments/{held.body['id']}/{what}", body, token=held.body["token"]
    )


async def request(booking: App, held: Answered, phone: str, code: str | None = None) -> Answered:
    body = {"client": KIM | {"phone": phone}, "consent": CONSENT} | ({"code": code} if code else {})
    return await deed(booking, held, "request", body)


async def code_for(booking: App, phone: str) -> str:
    """As it arrives in a text."""

    async def heard() -> str | None:
        asked = [one.data for one in booking.heard if one.type == "booking.number.code_asked.v1"]
        return next((one.code for one in asked if one.phone == phone), None)

    found = await until(heard)
    assert found is not None
    return found


async def test_an_address_behind_the_proxy_holds_so_often_and_is_told_how_long_to_wait(booking: App, at: At) -> None:
    held = [await hold(booking, at(hour), "203.0.113.1") for hour in (8, 10)]
    assert [one.status for one in held] == [201, 201]

    body = {"service": "session", "starts_at": at(12).isoformat()}
    headers = {"X-Forwarded-For": "203.0.113.1"}
    async with booking.http.post(f"{PRACTICE}/appointments", json=body, headers=headers) as answer:
        told, wait = await answer.json(), int(answer.headers["Retry-After"])

    assert (answer.status, told["code"], told["retry_after"]) == (429, "too-many", wait)
    assert 3500 < wait <= 3601
    assert (await hold(booking, at(12), "203.0.113.2")).status == 201


async def test_a_client_cannot_invent_other_addresses(booking: App, at: At) -> None:
    answers = [await hold(booking, at(8 + 2 * n), f"198.51.100.{n}, 203.0.113.3") for n in range(3)]

    assert [one.status for one in answers] == [201, 201, 429]


async def test_the_page_is_counted_too_and_says_so_in_words(booking: App, at: At) -> None:
    for hour in (8, 10):
        await hold(booking, at(hour), "203.0.113.4")

    form = {"service": "session", "slot": f"{at(12):%Y-%m-%dT%H:%MZ}/ana", "key": "key"}
    headers = {"X-Forwarded-For": "203.0.113.4"}
    async with booking.http.post("/booking/book/still-water/hold", data=form, headers=headers) as answer:
        shown = await answer.text()

    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 3500
    assert "too often in a short time. Please wait 60 minutes" in shown


async def test_the_same_hold_again_is_the_same_however_often(booking: App, at: At) -> None:
    held = [await hold(booking, at(8), "203.0.113.5", Idempotency_Key="mine-" + at(8).isoformat()) for _ in range(5)]

    assert {one.status for one in held} == {201}
    assert len({one.body["id"] for one in held}) == 1


async def test_a_hold_is_renewed_once_over_http(booking: App, at: At) -> None:
    held = await hold(booking, at(8), "203.0.113.6")
    assert held.body["may_renew"] is True

    renewed, again = await deed(booking, held, "renew"), await deed(booking, held, "renew")

    assert (renewed.status, renewed.body["may_renew"]) == (200, False)
    assert renewed.body["held_until"] > held.body["held_until"]
    assert (again.status, again.code) == (409, "already-renewed")


async def test_of_many_renewals_at_once_one_counts(booking: App, at: At) -> None:
    held = await hold(booking, at(8), "203.0.113.7")

    answers = await asyncio.gather(*(deed(booking, held, "renew") for _ in range(10)))

    assert Counter(one.status for one in answers) == {200: 1, 409: 9}


async def test_a_hold_that_is_let_go_frees_its_time_at_once_and_says_nothing(booking: App, at: At) -> None:
    held = await hold(booking, at(8), "203.0.113.8")
    assert (await deed(booking, held, "cancel")).status == 200

    again = await booking.hold(at(8), practitioner=held.body["practitioner"])

    assert again.status == 201
    assert booking.said_of(held) == []


async def test_a_number_is_proven_by_a_code_that_was_texted_to_it(booking: App, at: At) -> None:
    phone = "+41791110001"
    held = await hold(booking, at(8), "203.0.113.9")
    assert (await request(booking, held, phone)).code == "number-not-proven"

    sent = await deed(booking, held, "code", {"phone": "079 111 00 01"})
    code = await code_for(booking, phone)
    soon = await deed(booking, held, "code", {"phone": phone})

    assert (sent.status, sent.body["needed"]) == (202, True)
    assert (soon.status, soon.code) == (429, "too-many")
    assert 25 <= soon.body["retry_after"] <= 30
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert (await request(booking, held, phone, wrong)).code == "wrong-code"
    assert (await request(booking, held, phone, code)).body["state"] == "requested"
    again = await hold(booking, at(12), "203.0.113.9")
    assert (await deed(booking, again, "code", {"phone": phone})).body == {"needed": False}
    assert (await request(booking, again, phone)).status == 202
    assert re.fullmatch(r"\d{6}", code)


async def test_two_requests_with_the_same_code_at_once_both_go_through(booking: App, at: At) -> None:
    phone = "+41791110002"
    held = [await hold(booking, at(hour), f"203.0.113.{20 + hour}") for hour in (8, 12)]
    await deed(booking, held[0], "code", {"phone": phone})
    code = await code_for(booking, phone)

    answers = await asyncio.gather(*(request(booking, one, phone, code) for one in held))

    assert [one.status for one in answers] == [202, 202]


@asynccontextmanager
async def desk(mongo_url: str, name: str, limits: Limits | None = None) -> AsyncIterator[Booking]:
    """Booking over the real store; nothing is published."""
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), name))
        stores = await open_stores(database, Relay(Bus(SecretStr("amqp://nobody"), "booking", 1)))
        await stores.practices.put(Kept(a_house(verify_numbers=True), 1), ())
        yield Booking.of(stores, POLICY, Time(), limits)


async def test_of_fifty_tries_at_once_the_database_lets_five_through(mongo_url: str, database_name: str) -> None:
    async with desk(mongo_url, database_name) as here, desk(mongo_url, database_name) as there:
        held = await here.visits.hold("still-water", wants(), key="key", hand=CLIENT)
        await here.proving.send(held, a_person().phone, locale="en")

        tries = [
            place.visits.request(held.id, a_person(), hand=CLIENT, code="no code")
            for place in (here, there)
            for _ in range(25)
        ]
        answers = Counter(type(one) for one in await asyncio.gather(*tries, return_exceptions=True))

    assert answers == {WrongCode: 5, TooMany: 45}


async def test_of_many_who_ask_for_a_code_at_once_one_text_is_written(mongo_url: str, database_name: str) -> None:
    async with desk(mongo_url, database_name) as here, desk(mongo_url, database_name) as there:
        held = await here.visits.hold("still-water", wants(), key="key", hand=CLIENT)
        asks = [place.proving.send(held, a_person().phone, locale="en") for place in (here, there) for _ in range(10)]
        answers = await asyncio.gather(*asks, return_exceptions=True)

    assert Counter(isinstance(one, TooMany) for one in answers) == {False: 1, True: 19}
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        assert [len(one["outbox"]) async for one in database["numbers"].find()] == [1]


async def test_a_code_whose_process_died_before_it_could_tell_is_told_by_the_next(
    mongo_url: str, database_name: str, rabbit: RabbitBackend
) -> None:
    async with desk(mongo_url, database_name) as dying:
        held = await dying.visits.hold("still-water", wants(), key="key", hand=CLIENT)
        await dying.proving.send(held, a_person().phone, locale="en")

    async with app(mongo_url, database_name, rabbit) as one:
        assert await code_for(one, a_person().phone)


async def test_replicas_that_count_together_let_no_more_through_than_one(mongo_url: str, database_name: str) -> None:
    url = SecretStr(f"async+{mongo_url}")
    allowed = Allowed(holds_by_address=parse_many("5/hour"))
    hand = Hand(by=By.CLIENT, who="public", where="203.0.113.1")
    with counting(url, database=database_name) as one, counting(url, database=database_name) as two:
        async with (
            desk(mongo_url, database_name, Limits(allowed, one)) as here,
            desk(mongo_url, database_name, Limits(allowed, two)) as there,
        ):
            holds = [
                place.visits.hold("still-water", wants(TEN + n * 2 * HOUR, practitioner=None), key=f"{n}", hand=hand)
                for n, place in enumerate([here, there] * 3)
            ]
            answers = await asyncio.gather(*holds, return_exceptions=True)

    told = [one for one in answers if isinstance(one, TooMany)]
    assert len(told) == 1
    assert 3500 < told[0].extra["retry_after"] <= 3601


async def test_a_number_is_proven_before_it_waits(booking: App) -> None:
    phone, today = "+41791230077", datetime.now(UTC).date()
    ranges = [{"from": today.isoformat(), "until": (today + timedelta(days=9)).isoformat()}]
    wish = {"service": "session", "ranges": ranges, "client": KIM | {"phone": phone}, "consent": CONSENT}
    assert (await booking.call("POST", f"{PRACTICE}/waitlist", wish)).code == "number-not-proven"
    sent = await booking.call("POST", f"{PRACTICE}/waitlist/code", {"phone": phone})
    assert (sent.status, sent.body["needed"]) == (202, True)

    joined = await booking.call("POST", f"{PRACTICE}/waitlist", wish | {"code": await code_for(booking, phone)})
    assert (joined.status, joined.body["state"]) == (201, "waiting")
    assert (await booking.call("POST", f"{PRACTICE}/waitlist/code", {"phone": phone})).body["needed"] is False
