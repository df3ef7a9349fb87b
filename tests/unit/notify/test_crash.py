"""Killed before and after every call to the outside: the same end state, and each text once."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta

from services.notify.domain.delivery import State
from services.notify.domain.visit import Visit, VisitState
from services.notify.ports import Stores
from shared.events import Envelope
from tests.support.notify import (
    STARTS,
    Clock,
    Killed,
    Life,
    Mortal,
    Phone,
    Worker,
    inbound,
    mortal,
    practice,
    twins,
    visit,
)

BOOKED_AT = STARTS - timedelta(days=7)
MOVED_AT = BOOKED_AT + timedelta(hours=1)
MOVED_TO = STARTS + timedelta(days=2)
BEGUN = (State.CLAIMED, State.SENDING, State.UNKNOWN)
ENDS = MOVED_TO + timedelta(hours=1)


@dataclass
class World:
    """What survives a kill: the stores, the provider, the time, and the event that was not acknowledged."""

    clock: Clock
    stores: Stores
    phone: Phone
    life: Life
    kills: int = 0

    def worker(self) -> Worker:
        return Worker(mortal(self.stores, self.life), Mortal(self.phone, self.life), self.clock)  # type: ignore[arg-type]  # stands for it

    async def hears(self, of: Visit) -> None:
        """As the broker delivers: again until it is acknowledged."""
        while True:
            try:
                assert await self.worker().hears(of)
            except Killed:
                self.kills += 1
            else:
                return

    async def texts(self, body: str, sid: str) -> None:
        """As the provider delivers: once; what was noted is finished by whoever comes next."""
        try:
            await self.worker().listening.hear(inbound(body, sid=sid))
        except Killed:
            self.kills += 1
            if not await self.stores.replies.undone(self.clock() + timedelta(days=1), 10):
                await self.worker().listening.hear(inbound(body, sid=sid))

    async def run(self) -> None:
        """Time goes on, half a minute at a time, with a new process after every kill, until nothing is left to do."""
        while await self.unfinished():
            try:
                worker = self.worker()
                await worker.listening.finish_dropped()
                await worker.sending.send_due()
            except Killed:
                self.kills += 1
            self.clock.forward(timedelta(seconds=30))

    async def unfinished(self) -> bool:
        now = self.clock()
        texts = await self.stores.messages.of(visit().appointment)
        open_ = any(t.due is not None and (t.due <= now or t.state in BEGUN) for t in texts)
        return open_ or bool(await self.stores.replies.undone(now + timedelta(seconds=1), 1))


async def story(dies_at: int | None) -> World:
    clock = Clock(BOOKED_AT)
    world = World(clock, twins(clock), Phone(clock), Life(dies_at))
    await world.stores.practices.keep(practice())
    await world.hears(visit(since=BOOKED_AT))
    await world.run()
    clock.at = MOVED_AT
    moved = visit(version=4, moved=True, starts_at=MOVED_TO, since=MOVED_AT)
    await world.hears(moved)
    await world.run()
    await world.texts("R", "SMin1")
    await world.run()
    for hours_before in (24, 2):
        clock.at = MOVED_TO - timedelta(hours=hours_before)
        await world.run()
    await world.texts("C", "SMin2")
    await world.run()
    clock.at = ENDS
    await world.hears(replace(moved, version=5, moved=False, state=VisitState.ATTENDED, since=ENDS))
    clock.at = ENDS + timedelta(hours=3)
    await world.run()
    return world


def arrived(world: World) -> Counter[str]:
    return Counter(re.sub(r"/n/\w+", "/n/CODE", body) for body in world.phone.bodies)


async def end_state(world: World) -> dict[str, str]:
    return {text.id: text.state.value for text in await world.stores.messages.of(visit().appointment)}


def said(world: World) -> list[Envelope[object]]:
    return [event.id for event in world.stores.visits.said]  # type: ignore[attr-defined]  # the twin's own


async def test_a_kill_at_any_point_of_the_story_changes_neither_the_texts_nor_the_end() -> None:
    undisturbed = await story(None)
    texts, end, events = arrived(undisturbed), await end_state(undisturbed), said(undisturbed)
    assert set(texts.values()) == {1}
    assert len(texts) == 6  # booked, moved, the link for R, day before, two hours, aftercare
    assert len(events) == 2

    for half in range(undisturbed.life.halves):
        world = await story(half)
        assert world.kills == 1, half
        assert arrived(world) == texts, half
        assert await end_state(world) == end, half
        assert said(world) == events, half
