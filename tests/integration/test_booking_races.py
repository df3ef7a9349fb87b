"""Races for the same time, on a real database: one winner, no overlap, nothing left behind."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from services.booking.actions import Booking
from services.booking.actions.times import Wanted
from services.booking.domain.appointment import Appointment, State
from services.booking.domain.checking import Outcome
from services.booking.ports import Kept
from services.booking.store import open_stores
from shared import mongo
from shared.bus import Bus
from shared.errors import Refusal
from shared.mongo import Database
from shared.relay import Relay
from tests.support.auditor import findings
from tests.support.booking import CLIENT, HOUR, MINUTE, POLICY, STAFF, TEN, Time, a_house, a_person, a_word, wants

QUARTER = 15 * MINUTE


@dataclass(frozen=True, slots=True)
class Desk:
    """Booking over the real store; nothing is published."""

    booking: Booking
    database: Database
    time: Time

    async def hold(self, wanted: Wanted, key: str) -> Appointment:
        return await self.booking.visits.hold("still-water", wanted, key=key, hand=CLIENT)


@pytest.fixture
async def desk(mongo_url: str, database_name: str) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(mongo.connect(SecretStr(mongo_url), database_name))
        relay = Relay(Bus(SecretStr("amqp://nobody"), "booking", 1))
        stores = await open_stores(database, relay)
        await stores.practices.put(Kept(a_house(), 1), ())
        time = Time()
        yield Desk(Booking.of(stores, POLICY, time), database, time)


async def outcomes(*deeds: Awaitable[Appointment]) -> tuple[list[Appointment], Counter[str]]:
    """Who won, and what the others were told."""
    answers = await asyncio.gather(*deeds, return_exceptions=True)
    won = [answer for answer in answers if isinstance(answer, Appointment)]
    strange = [answer for answer in answers if not isinstance(answer, Appointment | Refusal)]
    assert strange == []
    return won, Counter(answer.slug for answer in answers if isinstance(answer, Refusal))


@pytest.mark.parametrize(
    "variants",
    [
        [wants()],
        [wants(), wants(service="long")],
        [wants(), wants(TEN + QUARTER)],
        [wants(service="long"), wants(TEN + QUARTER), wants(TEN + QUARTER, service="call")],
        [wants(TEN), wants(TEN + HOUR)],
        [wants(service="long"), wants(TEN + HOUR, service="call")],
    ],
    ids=[
        "the same start",
        "the same start, longer",
        "a quarter later",
        "contains and is contained, another service",
        "touching, within the buffer",
        "reaching into another service",
    ],
)
async def test_of_fifty_claims_at_once_one_wins_and_the_rest_are_told(desk: Desk, variants: list[Wanted]) -> None:
    won, told = await outcomes(*(desk.hold(variants[n % len(variants)], f"claim {n}") for n in range(50)))
    assert (len(won), told) == (1, Counter({"slot-taken": 49}))
    assert await findings(desk.database, answered=[one.id for one in won]) == []


async def test_touching_visits_both_fit(desk: Desk) -> None:
    variants = [wants(service="long"), wants(TEN + 90 * MINUTE)]
    won, told = await outcomes(*(desk.hold(variants[n % 2], f"claim {n}") for n in range(50)))
    assert sorted(one.starts_at for one in won) == [TEN, TEN + 90 * MINUTE]
    assert told == Counter({"slot-taken": 48})
    assert await findings(desk.database, answered=[one.id for one in won]) == []


async def test_two_practitioners_never_share_a_room(desk: Desk) -> None:
    one_room = a_house(rooms=a_house().rooms[:1])
    await desk.booking.profiles.put(one_room, hand=STAFF)
    won, told = await outcomes(*(desk.hold(wants(practitioner=("ana", "ben")[n % 2]), f"claim {n}") for n in range(50)))
    assert (len(won), told) == (1, Counter({"slot-taken": 49}))
    assert await findings(desk.database, answered=[one.id for one in won]) == []


async def test_any_practitioner_serves_as_many_as_there_are(desk: Desk) -> None:
    won, told = await outcomes(*(desk.hold(wants(practitioner=None), f"claim {n}") for n in range(50)))
    assert sorted((one.offer.practitioner, one.offer.room) for one in won) == [("ana", "heron"), ("ben", "kingfisher")]
    assert told == Counter({"slot-taken": 48})
    assert await findings(desk.database, answered=[one.id for one in won]) == []


async def test_the_same_key_fifty_times_at_once_is_one_appointment(desk: Desk) -> None:
    won, told = await outcomes(*(desk.hold(wants(), "one key") for _ in range(50)))
    assert (len(won), len({one.id for one in won}), told) == (50, 1, Counter())
    assert await findings(desk.database, answered=[won[0].id]) == []


async def test_an_expired_hold_goes_to_the_first_who_asks_without_the_sweeper(desk: Desk) -> None:
    await desk.hold(wants(), "first")
    desk.time.pass_(10 * MINUTE)
    won, told = await outcomes(*(desk.hold(wants(), f"claim {n}") for n in range(50)))
    assert (len(won), told) == (1, Counter({"slot-taken": 49}))
    assert await findings(desk.database) == []


async def test_of_moves_onto_one_time_at_once_one_wins_and_the_others_stay(desk: Desk) -> None:
    starts = [TEN + timedelta(days=day, hours=2 * n) for day in (1, 2) for n in range(5)]
    held = [await desk.hold(wants(at, practitioner=None), f"visit {at}") for at in starts]
    visits = [await desk.booking.visits.request(one.id, a_person(), hand=CLIENT) for one in held]
    to = TEN + timedelta(days=4)
    won, told = await outcomes(*(desk.booking.visits.move(one.id, to, "ana", hand=CLIENT) for one in visits))
    assert (len(won), told) == (1, Counter({"slot-taken": 9}))
    stayed = [one for one in visits if one.id != won[0].id]
    assert [await desk.booking.visits.get(one.id) for one in stayed] == stayed
    assert await findings(desk.database) == []


@pytest.mark.parametrize("outcome", Outcome)
async def test_cancelling_while_the_decision_comes_ends_without_the_time(desk: Desk, outcome: Outcome) -> None:
    for day in range(8):
        held = await desk.hold(wants(TEN + timedelta(days=day)), f"visit {day}")
        await desk.booking.visits.request(held.id, a_person(), hand=CLIENT)
        deciding = desk.booking.visits.told(held.id, a_word(outcome, until=None, event="decided"))
        await asyncio.gather(deciding, desk.booking.visits.cancel(held.id, hand=CLIENT), return_exceptions=True)
        assert (await desk.booking.visits.get(held.id)).state in {State.CANCELLED, State.DECLINED}
    assert await findings(desk.database) == []


@pytest.mark.timeout(400)
async def test_ten_thousand_claims_on_two_hundred_slots_leave_no_overlap_and_no_orphan(desk: Desk) -> None:
    dice = random.Random(2027)
    slots = [TEN - 4 * HOUR + timedelta(days=day, minutes=75 * n) for day in range(20) for n in range(10)]
    fifty = asyncio.Semaphore(50)
    won: list[Appointment] = []
    told: Counter[str] = Counter()

    async def claim(number: int, starts_at: datetime) -> None:
        async with fifty:
            try:
                won.append(await desk.hold(wants(starts_at), f"claim {number}"))
            except Refusal as refusal:
                told[refusal.slug] += 1

    await asyncio.gather(*(claim(number, dice.choice(slots)) for number in range(10_000)))
    assert (len(won), told) == (200, Counter({"slot-taken": 9_800}))
    assert await findings(desk.database, answered=[one.id for one in won]) == []
