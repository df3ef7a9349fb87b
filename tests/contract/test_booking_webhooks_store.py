"""What the stores of webhooks and of what they are owed promise, asked of the twins and of the real ones alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from services.booking.domain.audit import Entry
from services.booking.domain.client import Subject
from services.booking.domain.webhook import Delivery, DeliveryState, Endpoint
from services.booking.ports import Deliveries, Webhooks
from services.booking.store import MongoDeliveries, MongoWebhooks
from shared import mongo
from shared.mongo import Database
from tests.support.booking import HOUR, MINUTE, NOW
from tests.support.booking_webhooks import MemoryDeliveries, MemoryWebhooks

WAITING, DELIVERED, FAILED = DeliveryState
LATER = NOW + HOUR


@dataclass(frozen=True, slots=True)
class Stores:
    webhooks: Webhooks
    deliveries: Deliveries


@pytest.fixture(params=["twin", "real"])
async def stores(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Stores]:
    if request.param == "twin":
        yield Stores(MemoryWebhooks(), MemoryDeliveries())
        return
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        yield Stores(await MongoWebhooks.open(database), await MongoDeliveries.open(database))


def an_endpoint(id_: str = "wh_a", **fields: object) -> Endpoint:
    changed = Entry(
        id=f"webhook:{id_}:1", practice="still-water", subject=f"webhook:{id_}", deed="made", who="operator",
        where=None, at=NOW,
    )  # fmt: skip
    endpoint = Endpoint(
        id=id_, practice="still-water", url="https://example.org/", events=("*",), made_at=NOW, changed=changed
    )
    return replace(endpoint, **fields)  # type: ignore[arg-type]  # the fields of an endpoint


def a_delivery(id_: str = "msg_a", **fields: object) -> Delivery:
    delivery = Delivery(
        id=id_, endpoint="wh_a", practice="still-water", event="booking.appointment.moved.v1", client="kim",
        body="{}", made_at=NOW, since=NOW, due_at=NOW,
    )  # fmt: skip
    return replace(delivery, **fields)  # type: ignore[arg-type]  # the fields of a delivery


async def claimed(stores: Stores, at: object = NOW) -> Delivery:
    one = await stores.deliveries.claim("wh_a", at, until=at + MINUTE)  # type: ignore[arg-type, operator]  # a datetime
    assert one is not None
    return one


async def test_an_endpoint_is_found_as_it_was_made_and_changed(stores: Stores) -> None:
    made = an_endpoint()
    await stores.webhooks.add(made)
    assert await stores.webhooks.get("wh_a") == made
    changed = replace(
        made, version=2, enabled=False, generation=2, rotated_at=LATER, events=("a", "b"), url="https://x.org/"
    )
    assert await stores.webhooks.save(changed)
    assert await stores.webhooks.get("wh_a") == changed
    assert [entry.id for entry in await stores.webhooks.last_changes("still-water")] == ["webhook:wh_a:1"]


async def test_of_two_changes_of_one_version_one_is_kept(stores: Stores) -> None:
    await stores.webhooks.add(an_endpoint())
    changes = [an_endpoint(version=2, generation=2, rotated_at=NOW + timedelta(seconds=n)) for n in range(5)]
    kept = await asyncio.gather(*(stores.webhooks.save(change) for change in changes))
    assert sorted(kept) == [False] * 4 + [True]
    assert await stores.webhooks.get("wh_a") == changes[kept.index(True)]


async def test_a_removed_endpoint_is_nowhere_and_changes_no_more(stores: Stores) -> None:
    await stores.webhooks.add(an_endpoint())
    await stores.webhooks.add(an_endpoint("wh_b", made_at=LATER))
    assert not await stores.webhooks.remove(an_endpoint(version=3), at=NOW)
    assert await stores.webhooks.remove(an_endpoint(version=2), at=NOW)
    assert await stores.webhooks.get("wh_a") is None
    assert [one.id for one in await stores.webhooks.of("still-water")] == ["wh_b"]
    assert not await stores.webhooks.save(an_endpoint(version=3))


async def test_a_delivery_is_owed_once_and_found_as_it_is(stores: Stores) -> None:
    await stores.deliveries.add([a_delivery(), a_delivery("msg_b", due_at=LATER)])
    await stores.deliveries.add([a_delivery(body="other"), a_delivery("msg_c")])
    page = await stores.deliveries.page("wh_a", state=None, before=None, limit=10)
    assert list(page) == [a_delivery("msg_c"), a_delivery("msg_b", due_at=LATER), a_delivery()]


async def test_endpoints_that_are_owed_something_are_found_one_after_the_other(stores: Stores) -> None:
    owed = [a_delivery(f"msg_{n}", endpoint=f"wh_{n % 3}") for n in range(30)]
    await stores.deliveries.add([*owed, a_delivery("later", endpoint="wh_1x", due_at=LATER)])
    found, after = [], ""
    while (one := await stores.deliveries.next_owed(NOW, after=after)) is not None:
        found.append(one)
        after = one
    assert found == ["wh_0", "wh_1", "wh_2"]


async def test_what_is_claimed_is_due_again_only_when_its_lease_is_over(stores: Stores) -> None:
    await stores.deliveries.add([a_delivery()])
    first = await claimed(stores)
    assert (first.fence, first.due_at) == (1, NOW + MINUTE)
    assert await stores.deliveries.claim("wh_a", NOW + MINUTE - timedelta(milliseconds=1), until=LATER) is None
    assert (await claimed(stores, NOW + MINUTE)).fence == 2


async def test_the_one_longest_due_is_claimed_first_and_each_by_one_of_many(stores: Stores) -> None:
    ages = [a_delivery(f"msg_{n}", due_at=NOW - n * MINUTE) for n in range(8)]
    await stores.deliveries.add(ages)
    assert (await claimed(stores)).id == "msg_7"
    rest = await asyncio.gather(*(stores.deliveries.claim("wh_a", NOW, until=LATER) for _ in range(20)))
    assert sorted(one.id for one in rest if one is not None) == [f"msg_{n}" for n in range(7)]


async def test_what_came_of_a_try_is_kept_unless_somebody_claimed_it_since(stores: Stores) -> None:
    await stores.deliveries.add([a_delivery()])
    slow, quick = await claimed(stores), await claimed(stores, LATER)
    failed = replace(slow, state=FAILED, due_at=None, tries=1, tried_at=NOW, status=500, problem="why")
    assert not await stores.deliveries.settle(failed)
    again = replace(quick, due_at=LATER + HOUR, tries=1, tried_at=LATER, status=500)
    assert await stores.deliveries.settle(again)
    delivered = replace(again, state=DELIVERED, due_at=None, status=None)
    assert await stores.deliveries.settle(delivered)
    assert list(await stores.deliveries.page("wh_a", state=DELIVERED, before=None, limit=1)) == [delivered]


async def test_everything_still_owed_to_an_endpoint_is_given_up(stores: Stores) -> None:
    done = a_delivery("done", state=DELIVERED, due_at=None)
    await stores.deliveries.add([a_delivery(), done, a_delivery("msg_o", endpoint="wh_b")])
    under_way = await claimed(stores)
    await stores.deliveries.give_up("wh_a", "disabled")
    assert not await stores.deliveries.settle(under_way)
    [failed] = await stores.deliveries.page("wh_a", state=FAILED, before=None, limit=10)
    assert (failed.id, failed.due_at, failed.problem) == ("msg_a", None, "disabled")
    assert await stores.deliveries.next_owed(LATER, after="") == "wh_b"


async def test_pages_follow_each_other_without_gap_or_repetition(stores: Stores) -> None:
    await stores.deliveries.add([a_delivery(f"msg_{n}", made_at=NOW + (n // 3) * MINUTE) for n in range(10)])
    pages, before = [], None
    while page := await stores.deliveries.page("wh_a", state=WAITING, before=before, limit=4):
        pages.append([one.id for one in page])
        before = page[-1].id
    assert pages == [
        ["msg_9", "msg_8", "msg_7", "msg_6"], ["msg_5", "msg_4", "msg_3", "msg_2"], ["msg_1", "msg_0"],
    ]  # fmt: skip
    assert list(await stores.deliveries.page("wh_b", state=None, before="msg_5", limit=4)) == []
    assert list(await stores.deliveries.page("wh_a", state=None, before="nothing", limit=4)) == []


async def test_one_is_sent_once_more_as_if_it_were_new(stores: Stores) -> None:
    await stores.deliveries.add([a_delivery(state=FAILED, due_at=None, tries=8, fence=8, status=500)])
    again = await stores.deliveries.replay("wh_a", "msg_a", LATER)
    assert again == a_delivery(state=WAITING, due_at=LATER, since=LATER, tries=0, fence=9, status=500)
    assert await stores.deliveries.replay("wh_b", "msg_a", LATER) is None
    assert await stores.deliveries.replay("wh_a", "msg_b", LATER) is None


async def test_those_since_a_moment_are_sent_once_more(stores: Stores) -> None:
    await stores.deliveries.add(
        [
            a_delivery("old", state=FAILED, due_at=None, made_at=NOW - HOUR),
            a_delivery("failed", state=FAILED, due_at=None),
            a_delivery("delivered", state=DELIVERED, due_at=None),
            a_delivery("theirs", state=FAILED, due_at=None, endpoint="wh_b"),
        ]
    )
    assert await stores.deliveries.replay_since("wh_a", NOW, [FAILED], LATER) == 1
    assert await stores.deliveries.replay_since("wh_a", NOW, [DELIVERED], LATER) == 1
    waiting = await stores.deliveries.page("wh_a", state=WAITING, before=None, limit=10)
    assert sorted(one.id for one in waiting) == ["delivered", "failed"]


async def test_what_tells_of_a_client_is_forgotten_with_them(stores: Stores) -> None:
    await stores.deliveries.add(
        [a_delivery(), a_delivery("lou", client="lou"), a_delivery("elsewhere", practice="other", endpoint="wh_b")]
    )
    kim = Subject(practice="still-water", refs=("kim", "nobody"), phones=(), appointments=())
    [told] = await stores.deliveries.told(kim)
    assert told == {"webhook": "wh_a", "told_at": NOW.isoformat(), "told": {}}
    await stores.deliveries.forget(kim)
    assert [one.id for one in await stores.deliveries.page("wh_a", state=None, before=None, limit=9)] == ["lou"]
    assert [one.id for one in await stores.deliveries.page("wh_b", state=None, before=None, limit=9)] == ["elsewhere"]


async def profiled(database: Database) -> list[dict[str, object]]:
    await database.command("profile", 0)
    found = database["system.profile"].find({"ns": f"{database.name}.deliveries"})
    return [one async for one in found if one["op"] in {"query", "update", "remove", "command"}]


async def test_no_round_and_no_page_looks_at_the_past(mongo_url: str, database_name: str) -> None:
    async with mongo.connect(SecretStr(mongo_url), database_name) as database:
        store = await MongoDeliveries.open(database)
        past = [a_delivery(f"past{n}", state=DELIVERED, due_at=None, made_at=NOW - n * MINUTE) for n in range(3_000)]
        await store.add([*past, a_delivery(), a_delivery("msg_b", endpoint="wh_b")])
        await database.command("profile", 2)
        assert await store.next_owed(NOW, after="") == "wh_a"
        assert await store.claim("wh_a", NOW, until=LATER)
        await store.page("wh_a", state=DELIVERED, before="past9", limit=10)
        await store.page("wh_a", state=None, before=None, limit=10)
        await store.give_up("wh_a", "disabled")
        await store.forget(Subject(practice="still-water", refs=("nobody",), phones=(), appointments=()))
        seen = await profiled(database)
        assert len(seen) >= 6
        for query in seen:
            assert "COLLSCAN" not in str(query.get("planSummary")), query
            assert query.get("docsExamined", 0) <= 12, query
