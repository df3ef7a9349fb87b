"""A practice's own system is told of every turn at least once, and no system has to wait for another's."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import prometheus_client
import pytest
from aiohttp import web
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from services.booking import OWN, telling
from services.booking.actions.deliveries import Deliveries
from services.booking.actions.posting import Pace, Post, Posting
from services.booking.actions.webhooks import MOST, REMEMBERED_FOR, Webhooks, Wish
from services.booking.domain.appointment import AppointmentId
from services.booking.domain.refusals import NoSuchPractice
from services.booking.domain.webhook import (
    DeliveryState,
    Endpoint,
    NoSuchDelivery,
    NoSuchWebhook,
    Outcome,
    Signer,
    TooManyWebhooks,
    written,
)
from services.booking.outward import Outward
from services.booking.ports import Stores
from services.booking.receiver import poster
from services.booking.store import MongoDeliveries, MongoWebhooks
from shared import mongo
from shared.clock import utc_now
from shared.events import Envelope
from shared.events.booking import AppointmentEvent
from tests.support.booking import HOUR, MINUTE, STAFF, House
from tests.support.booking_webhooks import Receiver, Told, receiving
from tests.support.notify import Killed, Life, Mortal
from tests.support.waiting import until

PRACTICE = "still-water"
SIGNER = Signer("s" * 40)
WAITING, DELIVERED, FAILED = DeliveryState


@dataclass(slots=True)
class Desk:
    """A house whose practice has a system of its own; `settings` are what its stores and senders are made of."""

    house: House
    stores: Stores
    outward: Outward
    webhooks: Webhooks
    deliveries: Deliveries

    async def listens(self, url: str, *events: str) -> Endpoint:
        return await self.webhooks.add(PRACTICE, url, events or ("*",), hand=STAFF)

    def sender(self, post: Post | None = None, *, stores: Stores | None = None) -> Posting:
        now = self.house.time
        return Posting(
            stores or self.stores,
            self.webhooks,
            post=post or poster(self.outward, now),
            signer=SIGNER,
            now=now,
            pace=Pace(at_once=3, batches=2),
            chance=lambda: 0.0,
        )

    def mortal_sender(self, life: Life) -> Posting:
        """Dies before or after one of its calls, of the database or of the receiver."""
        stores = replace(self.stores, deliveries=Mortal(self.stores.deliveries, life))  # type: ignore[arg-type]  # stands for it
        real = poster(self.outward, self.house.time)

        async def post(url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
            life.before()
            outcome = await real(url, body, headers)
            life.after()
            return outcome

        return self.sender(post, stores=stores)

    async def round(self, sender: Posting | None = None) -> None:
        sender = sender or self.sender()
        await sender.send_due()
        await sender.finish()

    async def books(self, key: str = "key") -> None:
        """A visit is booked, and both turns are heard of."""
        before = len(self.house.appointments.said)
        await self.house.book(key=key)
        for event in self.house.appointments.said[before:]:
            await self.hears(event)

    async def hears(self, event: Envelope[AppointmentEvent]) -> None:
        await self.deliveries.heard(event, self.house.appointments.kept[AppointmentId(event.data.appointment)])

    async def owed(self, count: int) -> None:
        """To everybody who listens, as if so many visits had been booked."""
        if not self.house.appointments.said:
            await self.house.request()
        said = self.house.appointments.said[0]
        for number in range(count):
            await self.hears(said.model_copy(update={"id": f"said:{number}"}))

    async def states(self, endpoint: Endpoint) -> list[DeliveryState]:
        found = await self.deliveries.page(PRACTICE, endpoint.id, state=None, before=None, limit=100)
        return [one.state for one in found]


@pytest.fixture(params=["twin", "real"])
async def desk(request: pytest.FixtureRequest, mongo_url: str, database_name: str) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as opened:
        house = House()
        house.time.at = utc_now()  # the library of the standard verifies by the real clock
        stores = house.stores
        if request.param == "real":
            database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
            stores = replace(
                stores, webhooks=await MongoWebhooks.open(database), deliveries=await MongoDeliveries.open(database)
            )
        outward = await opened.enter_async_context(Outward.open(private=True))
        webhooks = Webhooks(stores, SIGNER, house.time, plain=True)
        yield Desk(house, stores, outward, webhooks, Deliveries(stores, webhooks, house.time))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def verified(told: Told, secret: bytes) -> dict[str, object]:
    """The payload, as the library of the standard accepts it."""
    verified: dict[str, object] = Webhook(written(secret)).verify(told.body, told.headers)
    return verified


async def test_every_turn_is_told_with_a_signature_that_the_library_of_the_standard_accepts(
    desk: Desk, receiver: Receiver
) -> None:
    endpoint = await desk.listens(receiver.url)
    await desk.books()
    await desk.round()
    told = [verified(one, desk.webhooks.secret(endpoint)) for one in receiver.told]
    assert sorted(str(one["type"]) for one in told) == [
        "booking.appointment.confirmed.v1", "booking.appointment.requested.v1",
    ]  # fmt: skip
    assert await desk.states(endpoint) == [DELIVERED, DELIVERED]
    data = told[0]["data"]
    assert isinstance(data, dict)
    assert data["client"] == {
        "ref": data["client"]["ref"], "name": "Kim Doe", "phone": "+41791234567", "locale": "en-GB",
        "zone": "Europe/Zurich",
    }  # fmt: skip
    assert data["service"] == {"id": "session", "name": "Session", "length_minutes": 60}


async def test_only_what_is_asked_for_is_told_and_nothing_while_it_is_off(desk: Desk, receiver: Receiver) -> None:
    await desk.listens(receiver.url, "booking.appointment.confirmed.v1")
    off = await desk.listens(receiver.url)
    await desk.webhooks.change(PRACTICE, off.id, Wish(enabled=False), hand=STAFF)
    await desk.books()
    await desk.round()
    assert [json.loads(one.body)["type"] for one in receiver.told] == ["booking.appointment.confirmed.v1"]


async def test_an_event_that_is_heard_twice_is_told_once(desk: Desk, receiver: Receiver) -> None:
    await desk.listens(receiver.url)
    await desk.house.request()
    for _ in range(2):
        await desk.hears(desk.house.appointments.said[0])
        await desk.round()
    assert len(receiver.told) == 1


async def test_of_a_client_who_was_forgotten_nothing_is_told_any_more(desk: Desk, receiver: Receiver) -> None:
    await desk.listens(receiver.url)
    booked = await desk.house.book()
    desk.house.appointments.kept[booked.id] = replace(booked, client=None)
    for event in desk.house.appointments.said:
        await desk.hears(event)
    await desk.round()
    assert receiver.told == []


async def test_nobody_is_owed_anything_where_nobody_listens(desk: Desk) -> None:
    await desk.books()
    assert await desk.stores.deliveries.next_owed(desk.house.time() + HOUR, after="") is None


async def test_what_fails_is_told_later_under_the_same_id(desk: Desk, receiver: Receiver) -> None:
    receiver.answers = lambda n: web.Response(status=500 if n == 1 else 204)
    endpoint = await desk.listens(receiver.url, "booking.appointment.requested.v1")
    await desk.books()
    await desk.round()
    await desk.round()
    assert await desk.states(endpoint) == [WAITING]
    desk.house.time.pass_(timedelta(seconds=6))
    await desk.round()
    assert await desk.states(endpoint) == [DELIVERED]
    assert len(receiver.told) == 2
    assert len({one.id for one in receiver.told}) == 1
    assert len({one.headers["webhook-timestamp"] for one in receiver.told}) == 2


async def test_a_receiver_that_never_answers_well_ends_on_the_list_of_the_failed_within_a_day(
    desk: Desk, receiver: Receiver
) -> None:
    receiver.answers = lambda _: web.Response(status=500)
    endpoint = await desk.listens(receiver.url, "booking.appointment.requested.v1")
    await desk.books()
    for _ in range(24 * 12):
        await desk.round()
        desk.house.time.pass_(5 * MINUTE)
    [failed] = await desk.deliveries.page(PRACTICE, endpoint.id, state=FAILED, before=None, limit=10)
    assert (failed.tries, failed.status) == (8, 500)
    assert len(receiver.told) == 8


async def test_a_receiver_asks_for_a_pause_and_gets_it(desk: Desk, receiver: Receiver) -> None:
    receiver.answers = lambda n: web.Response(status=429 if n == 1 else 204, headers={"Retry-After": "3600"})
    endpoint = await desk.listens(receiver.url, "booking.appointment.requested.v1")
    await desk.books()
    await desk.round()
    desk.house.time.pass_(HOUR - timedelta(seconds=1))
    await desk.round()
    assert len(receiver.told) == 1
    desk.house.time.pass_(timedelta(seconds=1))
    await desk.round()
    assert await desk.states(endpoint) == [DELIVERED]


async def test_a_receiver_that_is_gone_is_told_no_more_and_what_it_was_owed_has_failed(
    desk: Desk, receiver: Receiver
) -> None:
    receiver.answers = lambda _: web.Response(status=410)
    endpoint = await desk.listens(receiver.url)
    await desk.owed(9)
    await desk.round()
    desk.house.time.pass_(HOUR)
    await desk.round()
    assert len(receiver.told) == 3
    assert not (await desk.webhooks.get(PRACTICE, endpoint.id)).enabled
    assert await desk.states(endpoint) == [FAILED] * 9


async def test_an_address_that_cannot_be_reached_is_a_failed_try_like_any_other(desk: Desk) -> None:
    endpoint = await desk.listens("http://127.0.0.1:1/", "booking.appointment.requested.v1")
    await desk.books()
    await desk.round()
    [waiting] = await desk.deliveries.page(PRACTICE, endpoint.id, state=WAITING, before=None, limit=10)
    assert (waiting.tries, waiting.status, waiting.problem) == (1, None, "unreachable")


async def test_an_address_inside_is_not_reached_once_the_way_out_is_guarded(desk: Desk, receiver: Receiver) -> None:
    endpoint = await desk.listens(receiver.url.replace("http:", "https:"), "booking.appointment.requested.v1")
    await desk.books()
    async with Outward.open() as guarded:
        await desk.round(desk.sender(poster(guarded, desk.house.time)))
    [waiting] = await desk.deliveries.page(PRACTICE, endpoint.id, state=WAITING, before=None, limit=10)
    assert waiting.problem == "refused-address"
    assert receiver.told == []


async def test_of_two_senders_one_posts(desk: Desk, receiver: Receiver) -> None:
    await desk.listens(receiver.url)
    await desk.owed(5)
    await asyncio.gather(*(desk.round(desk.sender()) for _ in range(4)))
    await desk.round()
    assert len(receiver.told) == len({one.id for one in receiver.told}) == 5


async def test_killed_at_any_step_a_sender_leaves_the_rest_to_the_next_one_under_the_same_id(
    desk: Desk, receiver: Receiver
) -> None:
    endpoint = await desk.listens(receiver.url, "booking.appointment.requested.v1")
    await desk.books()
    [owed] = await desk.deliveries.page(PRACTICE, endpoint.id, state=None, before=None, limit=10)
    posted = []
    for step in itertools.count():
        life = Life(step)
        receiver.told.clear()
        await desk.deliveries.replay(PRACTICE, endpoint.id, owed.id)
        mortal = desk.mortal_sender(life)
        with suppress(Killed):
            await mortal.send_due()
        await mortal.finish()
        desk.house.time.pass_(Pace().lease)
        await desk.round()
        assert await desk.states(endpoint) == [DELIVERED], step
        assert {one.id for one in receiver.told} == {owed.id}, step
        posted.append(len(receiver.told))
        if life.halves <= step:
            break
    assert len(posted) > 6
    assert sorted(set(posted)) == [1, 2]  # two where the first sender died between the POST and the mark


async def test_a_worker_that_dies_is_replaced_and_its_error_kept_from_the_others(
    desk: Desk, receiver: Receiver
) -> None:
    first, second = await desk.listens(receiver.url), await desk.listens(receiver.url)
    await desk.owed(1)
    real = poster(desk.outward, desk.house.time)
    broken = [True]

    async def post(url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        if broken and broken.pop():
            raise ConnectionResetError
        return await real(url, body, headers)

    await desk.round(desk.sender(post))
    desk.house.time.pass_(Pace().lease)
    await desk.round()
    assert [await desk.states(one) for one in (first, second)] == [[DELIVERED], [DELIVERED]]
    assert len(receiver.told) == 2


async def test_a_slow_receiver_neither_holds_up_others_nor_gets_more_at_once_than_it_should(
    desk: Desk, receiver: Receiver
) -> None:
    async with receiving() as quick:
        await desk.listens(receiver.url)
        other = await desk.listens(quick.url)
        receiver.open.clear()
        await desk.owed(7)
        sender = desk.sender()

        async def quick_has_all() -> bool:
            await sender.send_due()
            return len(quick.told) == 7 and receiver.at_once >= 3

        await until(quick_has_all)
        receiver.open.set()
        await sender.finish()
        await desk.round(sender)
        assert receiver.most_at_once == 3
        assert await desk.states(other) == [DELIVERED] * 7


async def test_a_dead_receiver_with_much_to_hear_costs_a_few_tries_a_round(desk: Desk, receiver: Receiver) -> None:
    receiver.answers = lambda _: web.Response(status=500)
    await desk.listens(receiver.url)
    await desk.owed(30)
    sender = desk.sender()
    for _ in range(3):
        await desk.round(sender)
    assert len(receiver.told) == 3
    desk.house.time.pass_(timedelta(seconds=5))
    await desk.round(sender)
    assert len(receiver.told) == 6


async def test_after_rotating_both_secrets_verify_for_a_day(desk: Desk, receiver: Receiver) -> None:
    endpoint = await desk.listens(receiver.url, "booking.appointment.requested.v1")
    old = desk.webhooks.secret(endpoint)
    rotated = await desk.webhooks.rotate(PRACTICE, endpoint.id, hand=STAFF)
    new = desk.webhooks.secret(rotated)
    assert old != new
    await desk.books()
    await desk.round()
    [told] = receiver.told
    assert verified(told, old) == verified(told, new)


async def test_what_was_told_can_be_told_once_more(desk: Desk, receiver: Receiver) -> None:
    endpoint = await desk.listens(receiver.url)
    await desk.owed(2)
    await desk.round()
    first = receiver.told[0].id
    await desk.deliveries.replay(PRACTICE, endpoint.id, first)
    await desk.round()
    assert [one.id for one in receiver.told[2:]] == [first]
    long_ago = desk.house.time() - HOUR
    assert await desk.deliveries.replay_since(PRACTICE, endpoint.id, long_ago, [FAILED]) == 0
    assert await desk.deliveries.replay_since(PRACTICE, endpoint.id, long_ago, [DELIVERED]) == 2
    await desk.round()
    assert len(receiver.told) == 5


async def test_what_is_switched_off_while_something_is_owed_has_failed_and_can_be_told_later(
    desk: Desk, receiver: Receiver
) -> None:
    endpoint = await desk.listens(receiver.url)
    await desk.owed(2)
    await desk.webhooks.change(PRACTICE, endpoint.id, Wish(enabled=False), hand=STAFF)
    await desk.round()
    assert await desk.states(endpoint) == [FAILED, FAILED]
    await desk.webhooks.change(PRACTICE, endpoint.id, Wish(enabled=True), hand=STAFF)
    await desk.deliveries.replay_since(PRACTICE, endpoint.id, desk.house.time() - HOUR, [FAILED])
    await desk.round()
    assert len(receiver.told) == 2


async def test_what_is_removed_is_told_no_more(desk: Desk, receiver: Receiver) -> None:
    endpoint = await desk.listens(receiver.url)
    await desk.owed(1)
    await desk.webhooks.remove(PRACTICE, endpoint.id, hand=STAFF)
    await desk.round()
    assert receiver.told == []
    assert list(await desk.webhooks.of(PRACTICE)) == []
    for deed in (
        desk.webhooks.get(PRACTICE, endpoint.id),
        desk.webhooks.rotate(PRACTICE, endpoint.id, hand=STAFF),
        desk.deliveries.replay(PRACTICE, endpoint.id, "msg"),
    ):
        with pytest.raises(NoSuchWebhook):
            await deed


async def test_another_practice_knows_nothing_of_it(desk: Desk) -> None:
    endpoint = await desk.listens("https://example.org/")
    with pytest.raises(NoSuchWebhook):
        await desk.webhooks.get("other", endpoint.id)
    with pytest.raises(NoSuchPractice):
        await desk.webhooks.add("nowhere", "https://example.org/", ("*",), hand=STAFF)
    with pytest.raises(NoSuchDelivery):
        await desk.deliveries.replay(PRACTICE, endpoint.id, "msg_none")


async def test_whoever_begins_to_listen_here_is_known_here_at_once(desk: Desk, receiver: Receiver) -> None:
    assert list(await desk.webhooks.listening(PRACTICE)) == []
    endpoint = await desk.listens(receiver.url)
    assert list(await desk.webhooks.listening(PRACTICE)) == [endpoint]
    changed = await desk.webhooks.change(PRACTICE, endpoint.id, Wish(enabled=False), hand=STAFF)
    assert list(await desk.webhooks.listening(PRACTICE)) == [changed]
    await desk.webhooks.remove(PRACTICE, endpoint.id, hand=STAFF)
    assert list(await desk.webhooks.listening(PRACTICE)) == []


async def test_who_listens_is_remembered_for_a_few_seconds_only(desk: Desk, receiver: Receiver) -> None:
    elsewhere = Webhooks(desk.stores, SIGNER, desk.house.time, plain=True)
    assert list(await desk.webhooks.listening(PRACTICE)) == []
    endpoint = await elsewhere.add(PRACTICE, receiver.url, ("*",), hand=STAFF)
    assert list(await desk.webhooks.listening(PRACTICE)) == []
    desk.house.time.pass_(REMEMBERED_FOR)
    assert list(await desk.webhooks.listening(PRACTICE)) == [endpoint]


async def test_of_two_who_change_it_at_once_one_is_told_so(desk: Desk) -> None:
    endpoint = await desk.listens("https://example.org/")
    both = await asyncio.gather(
        *(desk.webhooks.rotate(PRACTICE, endpoint.id, hand=STAFF) for _ in range(2)), return_exceptions=True
    )
    kinds = sorted(type(one).__name__ for one in both)
    assert kinds in (["ChangedMeanwhile", "Endpoint"], ["Endpoint", "Endpoint"])
    generation = (await desk.webhooks.get(PRACTICE, endpoint.id)).generation
    assert generation == 1 + kinds.count("Endpoint")


async def test_every_change_is_in_the_audit_once(desk: Desk) -> None:
    endpoint = await desk.listens("https://example.org/a-secret")
    for _ in range(2):
        await desk.webhooks.change(PRACTICE, endpoint.id, Wish(url="https://example.com/"), hand=STAFF)
    await desk.webhooks.rotate(PRACTICE, endpoint.id, hand=STAFF)
    await desk.webhooks.remove(PRACTICE, endpoint.id, hand=STAFF)
    noted = list(desk.house.audit.kept.values())
    assert [one.deed for one in noted] == ["made", "changed", "rotated", "removed"]
    ((field, old, new),) = [(one.field, one.old or "", one.new or "") for one in noted[1].changes]
    assert (field, old.split()[0], new.split()[0]) == ("url", '"example.org', '"example.com')
    assert "a-secret" not in repr(noted)


async def test_a_practice_has_not_endlessly_many(desk: Desk) -> None:
    for number in range(MOST):
        await desk.listens(f"https://example.org/{number}")
    with pytest.raises(TooManyWebhooks):
        await desk.listens("https://example.org/more")


def test_of_every_field_of_an_event_it_is_decided_whether_it_is_told() -> None:
    kept_back = {"service": {"screening"}, "client": {"consent", "guardian"}}
    fields = {name: part for event in OWN for name, part in event.model_fields.items()}
    assert set(fields) == set(telling.TOLD) | {"checked"}  # between the services alone
    for name, inner in kept_back.items():
        known = AppointmentEvent.model_fields[name].annotation
        assert known is not None
        assert set(known.model_fields) == telling.TOLD[name] | inner


def counted(outcome: str) -> float:
    return prometheus_client.REGISTRY.get_sample_value("webhooks_posted_total", {"outcome": outcome}) or 0.0


@pytest.mark.parametrize(("status", "outcome"), [(204, "delivered"), (500, "retried"), (410, "failed")])
async def test_what_comes_of_each_post_is_counted(desk: Desk, receiver: Receiver, status: int, outcome: str) -> None:
    receiver.answers = lambda _: web.Response(status=status)
    await desk.listens(receiver.url, "booking.appointment.requested.v1")
    await desk.books()
    before = counted(outcome)
    await desk.round()
    assert counted(outcome) == before + 1
