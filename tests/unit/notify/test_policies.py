"""A practice changes how it texts while texts are planned: what is still to come follows, what is past does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

from services.notify.domain.delivery import Message, State
from services.notify.domain.practice import Practice, Timing
from services.notify.domain.quiet import Quiet
from services.notify.domain.visit import Seat, VisitState
from services.notify.ports import Stores
from tests.support.notify import (
    APPOINTMENT,
    FULL,
    STARTS,
    Clock,
    Life,
    Phone,
    Worker,
    mortal,
    practice,
    steps,
    twins,
    visit,
)

BOOKED_AT = STARTS - timedelta(days=7)


class House:
    def __init__(self, **changes: Any) -> None:
        self.clock = Clock(BOOKED_AT)
        self.stores = twins(self.clock)
        self.phone = Phone(self.clock)
        self.worker = Worker(self.stores, self.phone, self.clock)
        self.policy = practice(**changes)

    async def opens(self) -> House:
        await self.worker.planning.keep_practice(self.policy)
        return self

    async def wants(self, **changes: Any) -> None:
        self.policy = replace(self.policy, version=self.policy.version + 1, **changes)
        await self.worker.planning.keep_practice(self.policy)

    async def texts(self, appointment: str = APPOINTMENT) -> dict[str, Message]:
        return {text.step: text for text in await self.stores.messages.of(appointment)}

    async def planned(self, appointment: str = APPOINTMENT) -> set[str]:
        return {step for step, text in (await self.texts(appointment)).items() if text.state is State.PLANNED}

    async def run(self, to: timedelta) -> None:
        """Until so long before the visit."""
        while self.clock() <= STARTS - to:
            await self.worker.sending.send_due()
            self.clock.forward(timedelta(minutes=10))


async def test_what_is_planned_comes_at_the_time_that_the_practice_wants_now() -> None:
    house = await House().opens()
    await house.worker.hears(visit(since=BOOKED_AT))
    await house.wants(timings={"day_before": Timing(at=time(18))})

    assert (await house.texts())["day_before"].planned_for == steps(visit(), house.policy)["day_before"].due


async def test_the_evening_before_never_says_today_because_the_night_became_shorter() -> None:
    """Two hours before nine was pulled to the evening before; under the new policy it comes on the day, and says so."""
    starts = STARTS - timedelta(hours=1)
    house = await House(steps=frozenset({"two_hours"})).opens()
    await house.worker.hears(visit(starts_at=starts, since=BOOKED_AT))
    await house.wants(quiet=Quiet(time(21), time(6)))
    await house.run(to=timedelta(hours=4))
    assert [body for body in house.phone.bodies if "today" in body] == []

    await house.run(to=timedelta(hours=2))
    assert ["today" in body for body in house.phone.bodies] == [False, True]


async def test_a_step_that_is_switched_on_is_planned_for_visits_that_are_booked_already() -> None:
    house = await House(steps=frozenset({"aftercare"})).opens()
    await house.worker.hears(visit(since=BOOKED_AT))
    await house.wants(steps=FULL)

    assert await house.planned() == {"booked", "prepare", "two_days", "day_before", "two_hours"}


async def test_what_would_have_come_before_the_step_was_switched_on_is_not_made_up_for() -> None:
    house = await House(steps=frozenset()).opens()
    await house.worker.hears(visit(since=BOOKED_AT))
    await house.run(to=timedelta(hours=30))
    await house.wants(steps=frozenset({"prepare", "two_days", "day_before", "two_hours"}))

    assert (await house.texts()).keys() == {"booked", "day_before", "two_hours"}


async def test_a_step_that_is_switched_off_and_on_again_is_planned_as_before() -> None:
    house = await House().opens()
    await house.worker.hears(visit(since=BOOKED_AT))
    before = await house.planned()
    await house.wants(steps=frozenset())
    assert await house.planned() == {"booked"}

    await house.wants(steps=practice().steps)

    assert await house.planned() == before


async def test_every_visit_follows_however_many_there_are_and_whatever_became_of_them() -> None:
    house = await House(steps=frozenset()).opens()
    seats = [visit(appointment=f"{n:026d}", since=BOOKED_AT, seat=Seat("c" * 26, n % 5, 5)) for n in range(450)]
    for of in seats:
        await house.worker.hears(of)
    called_off = replace(seats[7], version=4, state=VisitState.CANCELLED)
    await house.worker.hears(called_off)
    await house.wants(steps=frozenset({"day_before"}))

    for of in seats:
        expected = {"cancelled"} if of.appointment == called_off.appointment else {"day_before"}
        assert await house.planned(of.appointment) - {"booked"} == expected


async def test_a_change_that_no_plan_goes_by_looks_at_no_visit() -> None:
    house = await House().opens()
    await house.worker.hears(visit(since=BOOKED_AT))
    life = Life(None)
    worker = Worker(mortal(house.stores, life), house.phone, house.clock)

    await worker.planning.keep_practice(replace(house.policy, version=2, sms_name="New name", most_a_day=1))

    assert life.halves == 2 * len(("keep", "get"))


async def test_a_visit_that_is_heard_of_while_the_practice_changes_follows_the_new_policy() -> None:
    house = await House().opens()
    changed = practice(version=2, steps=frozenset({"day_before"}))
    worker = Worker(_with(house.stores, _Changing(house.stores, changed)), house.phone, house.clock)

    await worker.planning.keep_visit(visit(since=BOOKED_AT))

    assert await house.planned() == {"booked", "day_before"}


async def test_a_client_who_is_forgotten_while_the_practice_changes_stays_forgotten() -> None:
    house = await House(steps=frozenset()).opens()
    await house.worker.hears(visit(since=BOOKED_AT))
    worker = Worker(_with(house.stores, _Forgetting(house.stores)), house.phone, house.clock)

    await worker.planning.keep_practice(practice(version=2))

    assert await house.stores.messages.of(APPOINTMENT) == []


def _with(stores: Stores, messages: object) -> Stores:
    return replace(stores, messages=messages)  # type: ignore[arg-type]  # stands for it


class _Beside:
    """Something else happens just before the texts are written."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stores.messages, name)

    async def save(self, *args: Any) -> Any:
        await self.happens()
        return await self._stores.messages.save(*args)

    async def happens(self) -> None: ...


class _Changing(_Beside):
    def __init__(self, stores: Stores, to: Practice) -> None:
        super().__init__(stores)
        self._to = to

    async def happens(self) -> None:
        """Another worker has gone through all visits before this one was there."""
        await self._stores.practices.keep(self._to)


class _Forgetting(_Beside):
    async def happens(self) -> None:
        await self._stores.visits.forget("still-waters", [APPOINTMENT])
        await self._stores.messages.forget([APPOINTMENT])
