"""Several workers over one real database: together they give a client no more than one alone would."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from services.notify.actions.posting import Habits
from services.notify.app import open_stores
from services.notify.domain.consent import Entry, Purpose, Word
from services.notify.domain.delivery import State
from services.notify.domain.visit import Visit, VisitState
from services.notify.ports import Stores
from shared import mongo
from shared.bus import Bus
from shared.relay import Relay
from tests.support.notify import FULL, PHONE, STARTS, Clock, Phone, Worker, practice, visit

CLIENTS, WORKERS = 12, 3
BOOKED_AT = STARTS - timedelta(days=9)
DAY_BEFORE = STARTS - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class House:
    stores: Stores
    clock: Clock
    phone: Phone

    async def hears(self, *visits: Visit) -> None:
        worker = Worker(self.stores, self.phone, self.clock)
        for of in visits:
            assert await worker.hears(of)

    async def together(self, batch: int = 1) -> None:
        """Every worker claims so few that they judge a client's texts at the same moment."""
        workers = [Worker(self.stores, self.phone, self.clock, habits=Habits(batch=batch)) for _ in range(WORKERS)]
        await asyncio.gather(*(worker.sending.send_due() for worker in workers))

    @property
    def counts(self) -> Counter[str]:
        return Counter(text.to for text in self.phone.posts)


@pytest.fixture
async def house(mongo_url: str, database_name: str) -> AsyncIterator[House]:
    clock = Clock(BOOKED_AT)
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        stores = await open_stores(database, Relay(Bus(SecretStr("amqp://nobody"), "notify", 1)), b"k" * 32)
        yield House(stores, clock, Phone(clock))


def number(client: int) -> str:
    return f"{PHONE[:-4]}{client:04d}"


def due_at_once(client: int) -> list[Visit]:
    """Five visits on five days, whose requests are answered at the same minute."""
    first = visit(phone=number(client), state=VisitState.REQUESTED, version=1, since=BOOKED_AT)
    return [
        replace(
            first,
            appointment=f"{client:021d}visit"[:25] + str(day),
            starts_at=STARTS + timedelta(days=day),
            ends_at=STARTS + timedelta(days=day, hours=1),
        )
        for day in range(5)
    ]


@pytest.mark.parametrize("batch", [1, 4])
async def test_workers_that_judge_at_the_same_moment_give_away_the_places_of_a_day_once(
    house: House, batch: int
) -> None:
    await house.stores.practices.keep(practice(steps=FULL))
    for client in range(CLIENTS):
        await house.hears(*due_at_once(client))
    house.clock.forward(timedelta(minutes=3))

    await house.together(batch)

    assert house.counts == {number(client): 2 for client in range(CLIENTS)}
    for client in range(CLIENTS):
        left = [text for of in due_at_once(client) for text in await house.stores.messages.of(of.appointment)]
        assert Counter(text.why for text in left if text.state is State.SKIPPED) == {"capped": 3}


async def test_workers_that_judge_at_the_same_moment_remind_of_the_first_visit_alone(house: House) -> None:
    """Also where two children's visits are texted to one guardian."""
    await house.stores.practices.keep(practice(steps=frozenset({"day_before"})))
    pairs = [[replace(of, state=VisitState.CONFIRMED) for of in due_at_once(client)[:2]] for client in range(CLIENTS)]
    for first, second in pairs:
        await house.hears(first, replace(second, starts_at=STARTS, ends_at=STARTS + timedelta(hours=1)))
    await house.together(50)
    before = house.counts
    house.clock.at = DAY_BEFORE

    await house.together()

    assert house.counts - before == {number(client): 1 for client in range(CLIENTS)}
    for first, _ in pairs:
        [reminder] = [text for text in await house.stores.messages.of(first.appointment) if text.step == "day_before"]
        assert reminder.state is State.ACCEPTED


async def test_nobody_is_offered_what_they_have_however_far_ahead_it_is(house: House) -> None:
    await house.stores.practices.keep(practice(steps=frozenset({"rebook"})))
    ended = visit(state=VisitState.ATTENDED, since=STARTS + timedelta(hours=2), wants_offers=True)
    house.clock.at = STARTS + timedelta(hours=3)
    next_year = replace(
        due_at_once(0)[0],
        phone=PHONE,
        since=house.clock(),
        starts_at=STARTS + timedelta(days=300),
        ends_at=STARTS + timedelta(days=300, hours=1),
    )
    await house.hears(ended, next_year)
    offers = [text for text in await house.stores.messages.of(ended.appointment) if text.step == "rebook"]
    house.clock.at = offers[0].planned_for
    await house.stores.contacts.enter("still-waters", PHONE, _agreed(house))

    await house.together()

    [after] = [text for text in await house.stores.messages.of(ended.appointment) if text.step == "rebook"]
    assert (after.state, after.why) == (State.SKIPPED, "visit_ahead")


async def test_a_step_that_was_switched_on_later_silences_nobody(house: House) -> None:
    """The first visit of the day has its texts already, and none of the new step; the second has one."""
    await house.stores.practices.keep(practice(steps=frozenset({"aftercare"})))
    first, second = (
        visit(since=BOOKED_AT),
        visit(appointment="s" * 26, since=BOOKED_AT + timedelta(hours=1), starts_at=STARTS + timedelta(hours=3)),
    )
    await house.hears(first)
    await house.stores.practices.keep(practice(version=2, steps=frozenset({"aftercare", "day_before"})))
    house.clock.forward(timedelta(hours=1))
    await house.hears(second)
    await house.together()
    house.clock.at = DAY_BEFORE + timedelta(hours=3)

    await house.together()

    states = {text.step: text.state for text in await house.stores.messages.of(second.appointment)}
    assert states["day_before"] is State.ACCEPTED


def _agreed(house: House) -> Entry:
    word = Word.CONSENTED
    return Entry(key="offers:1", word=word, at=house.clock(), source="booking", wording="v1", purpose=Purpose.OFFERS)
