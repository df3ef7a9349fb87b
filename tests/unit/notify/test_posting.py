"""Many texts at once: a POST that hangs holds up nobody else, and a round comes when the next text is due."""

from __future__ import annotations

import asyncio
from collections.abc import Set
from dataclasses import dataclass
from datetime import timedelta

from services.notify.actions.posting import Habits
from services.notify.domain.delivery import State
from services.notify.domain.provider import Accepted, Found, NotCreated, Outcome, Unknown
from services.notify.domain.sender import Pause
from services.notify.domain.visit import Visit
from services.notify.ports import Outgoing, Stores
from tests.support.notify import SENDER, STARTS, Clock, Phone, Worker, message, practice, steps, twins, visit
from tests.support.waiting import until

SINCE = STARTS - timedelta(days=7)
HANGS = "+15035550100"


class Slow(Phone):
    """POSTs to one number hang until they are let go; `most` is how many were ever under way together."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.let_go = asyncio.Event()
        self.under_way = self.most = 0

    async def send(self, text: Outgoing) -> Outcome:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if text.to == HANGS:
            await self.let_go.wait()
        await asyncio.sleep(0)
        self.under_way -= 1
        return await super().send(text)


@dataclass(slots=True)
class Desk:
    clock: Clock
    stores: Stores
    phone: Slow
    worker: Worker

    async def due(self, number: int, phone: str | None = None, *, at: timedelta = timedelta(0)) -> str:
        of = visit(appointment=f"{number:026d}", since=SINCE + at, phone=phone or f"+1503556{number:04d}")
        await self.stores.visits.keep(of)
        return await self._booked(of, number)

    async def _booked(self, of: Visit, number: int) -> str:
        [kept] = await self.stores.messages.save([message(steps(of)["booked"], of, code=f"{number:08d}")])
        return kept.id

    async def state(self, id_: str) -> State:
        kept = await self.stores.messages.get(id_)
        assert kept is not None
        return kept.state


async def desk(**habits: int) -> Desk:
    clock = Clock(SINCE)
    stores, phone = twins(clock), Slow(clock)
    await stores.practices.keep(practice())
    return Desk(clock, stores, phone, Worker(stores, phone, clock, habits=Habits(**habits)))  # type: ignore[arg-type]  # numbers


async def test_a_post_that_hangs_holds_up_neither_its_group_nor_what_is_due_later() -> None:
    at = await desk(at_once=3)
    hangs, beside = await at.due(1, HANGS), await at.due(2)
    sending = asyncio.create_task(at.worker.sending.send_due())

    await until(lambda: _accepted(at, beside))
    later = await at.due(3)
    await until(lambda: _accepted(at, later))
    assert await at.state(hangs) is State.SENDING
    at.phone.let_go.set()
    await sending

    assert await at.state(hangs) is State.ACCEPTED
    assert len(at.phone.posts) == 3


async def _accepted(at: Desk, id_: str) -> bool:
    return await at.state(id_) is State.ACCEPTED


async def test_no_more_posts_are_under_way_than_there_are_places() -> None:
    at = await desk(at_once=4)
    texts = [await at.due(n) for n in range(50)]

    await at.worker.sending.send_due()

    assert at.phone.most == 4
    assert {await at.state(id_) for id_ in texts} == {State.ACCEPTED}
    assert len(at.phone.bodies) == len(set(at.phone.bodies)) == 50


async def test_what_was_begun_does_not_go_out_when_the_sender_was_stopped_meanwhile() -> None:
    at = await desk(at_once=1)
    hangs, waits = await at.due(1, HANGS), await at.due(2, at=timedelta(microseconds=1))
    at.clock.forward(timedelta(seconds=1))
    sending = asyncio.create_task(at.worker.sending.send_due())
    await until(lambda: at.phone.under_way == 1)
    await at.stores.senders.pause(SENDER, Pause(by="desk", why="stop", at=at.clock()))
    assert await at.worker.sending._line.room(1) == 0  # as whoever claims next finds out
    at.phone.let_go.set()
    await sending

    assert await at.state(hangs) is State.ACCEPTED
    assert await at.state(waits) is State.PLANNED
    assert len(at.phone.posts) == 1


async def test_a_round_says_when_the_next_text_is_due() -> None:
    at = await desk()
    await at.due(1, at=timedelta(minutes=3))

    assert await at.worker.sending.send_due() == timedelta(minutes=3)
    at.clock.forward(timedelta(minutes=3) - timedelta(milliseconds=1))
    assert await at.worker.sending.send_due() == Habits().apart


class Asked(Phone):
    """Answers no question before three of them are asked."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.three = asyncio.Barrier(3)

    async def find(self, to: str, body: str, not_these: Set[str]) -> Found | None:
        await self.three.wait()
        return await super().find(to, body, not_these)


async def test_what_is_unknown_is_asked_about_side_by_side() -> None:
    clock = Clock(SINCE)
    stores, phone = twins(clock), Asked(clock)
    await stores.practices.keep(practice())
    at = Desk(clock, stores, Slow(clock), Worker(stores, phone, clock, habits=Habits(at_once=3)))
    texts = [await at.due(n) for n in range(6)]
    phone.answers = [lambda: Unknown("timeout")] * 6

    await at.worker.sending.send_due()
    clock.forward(Habits().pace.first_look)
    async with asyncio.timeout(5):
        await at.worker.sending.send_due()

    assert {await at.state(id_) for id_ in texts} == {State.ACCEPTED}
    assert len(phone.posts) == 6


async def test_who_has_nothing_planned_waits_for_the_usual_time() -> None:
    assert await (await desk()).worker.sending.send_due() is None


async def test_what_was_not_created_is_tried_again() -> None:
    at = await desk()
    id_ = await at.due(1)
    at.phone.answers = [lambda: NotCreated("refused"), lambda: Accepted("")]

    await at.worker.sending.send_due()
    assert await at.state(id_) is State.PLANNED
    at.clock.forward(timedelta(minutes=1))
    await at.worker.sending.send_due()

    assert await at.state(id_) is State.ACCEPTED
