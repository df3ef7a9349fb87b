"""The clients of a practice over HTTP, on a real database and broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from services.booking.domain.identity import client_ref
from shared.events.booking import ClientEraseAsked, ClientExportAsked, ClientMerged
from tests.support.backends import RabbitBackend
from tests.support.booking_app import OPERATOR_KEY, PRACTICE, Answered, App, app
from tests.support.waiting import until

CLIENTS = f"{PRACTICE}/clients"
NUMBERS = [f"+4179123450{n}" for n in range(3)]
REFS = [client_ref("still-water", number) for number in NUMBERS]
NAMES = ["Zoë Bär", "zoe baer", "Zoë Bärtschi"]


@pytest.fixture
async def one(mongo_url: str, database_name: str, rabbit: RabbitBackend) -> AsyncIterator[App]:
    async with app(mongo_url, database_name, rabbit) as running:
        yield running


async def clients(one: App, **query: Any) -> Answered:
    return await one.as_operator("GET", f"{CLIENTS}?{urlencode(query)}")


async def called(one: App) -> list[str]:
    """Three clients, each with a call that needs no health check."""
    ten = datetime.combine(datetime.now(UTC).date() + timedelta(days=3), time(10), UTC)
    ids = []
    for n, (number, name) in enumerate(zip(NUMBERS, NAMES, strict=True)):
        held = await one.hold(ten + timedelta(hours=n), service="call")
        assert held.status == 201, held
        told = await one.request(held, name=name, phone=number)
        assert told.body["state"] == "confirmed", told
        ids.append(held.body["id"])

    async def filed() -> bool:
        return len((await clients(one)).body["clients"]) == len(NUMBERS)

    await until(filed)
    return ids


async def test_clients_are_found_merged_exported_and_erased(one: App) -> None:
    visits = await called(one)

    found = await clients(one, phone="079 123 45 00")
    assert [client["ref"] for client in found.body["clients"]] == [REFS[0]]
    assert (await clients(one, phone="nonsense")).code == "not-a-mobile-number"
    first = await clients(one, name="ZOË BÄR", limit=1)
    second = await clients(one, name="ZOË BÄR", limit=1, after=first.body["next"])
    last = await clients(one, name="ZOË BÄR", limit=1, after=second.body["next"])
    assert [page.body["clients"][0]["name"] for page in (first, second)] == [NAMES[0], NAMES[2]]
    assert last.body == {"clients": []}
    assert (await clients(one, after="nonsense!")).code == "invalid-request"

    merged = await one.as_operator("POST", f"{CLIENTS}/{REFS[1]}/merge", {"into": REFS[0]})
    assert (merged.status, merged.body["client"]["ref"]) == (200, REFS[0])
    assert [client["ref"] for client in merged.body["merged"]] == [REFS[1]]
    detail = await one.as_operator("GET", f"{CLIENTS}/{REFS[1]}")
    assert [visit["id"] for visit in detail.body["history"]] == [visits[1], visits[0]]
    circle = await one.as_operator("POST", f"{CLIENTS}/{REFS[0]}/merge", {"into": REFS[1]})
    assert (circle.status, circle.code) == (409, "same-client")

    refused = await one.as_operator("POST", f"{CLIENTS}/{REFS[0]}/erase")
    assert (refused.status, refused.code, refused.body["visits"]) == (409, "has-upcoming-visits", sorted(visits[:2]))
    for visit in visits[:2]:
        await one.as_operator("POST", f"/booking/v1/appointments/{visit}/cancel")
    exported = await one.as_operator("POST", f"{CLIENTS}/{REFS[0]}/export")
    part = await one.as_operator("GET", exported.body["parts"]["booking"])
    assert {visit["id"] for visit in part.body["visits"]} == set(visits[:2])
    assert {record["phone"] for record in part.body["records"]} == set(NUMBERS[:2])

    asked = [await _erase(one), await _erase(one)]
    assert {answer.status for answer in asked} == {202}
    assert len({answer.body["id"] for answer in asked}) == 1
    await until(lambda: _is_told(one, ClientMerged, ClientExportAsked, ClientEraseAsked))
    receipt = f"{PRACTICE}/asks/{asked[0].body['id']}"

    async def done() -> bool:
        return (await one.as_operator("GET", receipt)).body["awaits"] == ["screening", "notify"]

    await until(done)
    assert (await one.as_operator("GET", f"{CLIENTS}/{REFS[0]}")).code == "no-such-client"
    assert (await one.as_operator("GET", exported.body["parts"]["booking"])).code == "no-such-ask"
    assert [client["ref"] for client in (await clients(one)).body["clients"]] == [REFS[2]]


async def test_nobody_but_the_practice_sees_its_clients(one: App) -> None:
    for method, path in (("GET", CLIENTS), ("POST", f"{CLIENTS}/{REFS[0]}/erase"), ("GET", f"{PRACTICE}/asks/x")):
        assert (await one.call(method, path)).status == 401


async def _erase(one: App) -> Answered:
    path = f"{CLIENTS}/{REFS[0]}/erase"
    return await one.call("POST", path, token=OPERATOR_KEY, Idempotency_Key="k")


def _is_told(one: App, *facts: type) -> bool:
    return {type(heard.data) for heard in one.heard} >= set(facts)
