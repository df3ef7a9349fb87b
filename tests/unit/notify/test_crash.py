"""Killed before and after every call to the outside: the same end state, and each text once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import time, timedelta

import pytest

from services.notify.domain.course import SETTLE
from services.notify.domain.delivery import State
from services.notify.domain.notice import Asked
from services.notify.domain.practice import Practice, Timing
from services.notify.domain.visit import Seat, Visit, VisitState
from services.notify.ports import Stores
from shared.events import Envelope
from tests.support.notify import (
    ALL_STEPS,
    CHECK,
    OFFER,
    OFFERED_AT,
    STARTS,
    Clock,
    Killed,
    Life,
    Mortal,
    Phone,
    Worker,
    code,
    inbound,
    mortal,
    offer,
    practice,
    twins,
    visit,
)

BOOKED_AT = STARTS - timedelta(days=7)
MOVED_AT = BOOKED_AT + timedelta(hours=1)
MOVED_TO = STARTS + timedelta(days=2)
BEGUN = (State.CLAIMED, State.SENDING, State.UNKNOWN)
ENDS = MOVED_TO + timedelta(hours=1)
COURSE = [
    visit(
        appointment=f"{n:026d}", seat=Seat("c" * 26, n, 3), starts_at=STARTS + timedelta(days=7 * n), since=OFFERED_AT
    )
    for n in range(3)
]
ABOUT = (visit().appointment, OFFER, CHECK, *(of.appointment for of in COURSE))


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

    async def hears(self, of: Visit | Asked) -> None:
        """As the broker delivers: again until it is acknowledged."""
        while True:
            try:
                worker = self.worker()
                assert await (worker.hears(of) if isinstance(of, Visit) else worker.told(of))
            except Killed:
                self.kills += 1
            else:
                return

    async def changes(self, to: Practice) -> None:
        while True:
            try:
                await self.worker().planning.keep_practice(to)
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
        texts = [text for about in ABOUT for text in await self.stores.messages.of(about)]
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
    clock.forward(SETTLE)
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
    texts = [text for about in ABOUT for text in await world.stores.messages.of(about)]
    return {text.id: text.state.value for text in texts}


def said(world: World) -> list[Envelope[object]]:
    return [event.id for event in world.stores.visits.said]  # type: ignore[attr-defined]  # the twin's own


async def story_of_notices(dies_at: int | None) -> World:
    """An offer and a code beside a visit, and a C that is not about the visit."""
    clock = Clock(OFFERED_AT)
    world = World(clock, twins(clock), Phone(clock), Life(dies_at))
    await world.stores.practices.keep(practice())
    await world.hears(visit(since=OFFERED_AT))
    await world.run()
    await world.hears(offer(expires_at=OFFERED_AT + timedelta(days=1)))
    await world.hears(code(expires_at=OFFERED_AT + timedelta(hours=1)))
    await world.run()
    await world.hears(offer(id="p" * 26, expires_at=OFFERED_AT))
    await world.hears(offer(count=2, expires_at=OFFERED_AT + timedelta(days=1)))
    await world.run()
    await world.texts("C", "SMin1")
    await world.run()
    return world


async def story_of_a_course(dies_at: int | None) -> World:
    """Booked as a whole, and cancelled as a whole."""
    clock = Clock(OFFERED_AT)
    world = World(clock, twins(clock), Phone(clock), Life(dies_at))
    await world.stores.practices.keep(practice())
    for of in COURSE:
        await world.hears(of)
    await world.run()
    clock.at = OFFERED_AT + timedelta(hours=1)
    for of in COURSE:
        await world.hears(replace(of, version=4, state=VisitState.CANCELLED, since=clock()))
    clock.forward(timedelta(minutes=4))
    await world.run()
    return world


async def story_of_a_policy(dies_at: int | None) -> World:
    """The practice switches on a text the evening before, and off that about the preparation."""
    clock = Clock(BOOKED_AT)
    world = World(clock, twins(clock), Phone(clock), Life(dies_at))
    await world.changes(practice(steps=ALL_STEPS - {"day_before"}))
    await world.hears(visit(since=BOOKED_AT))
    await world.run()
    steps = ALL_STEPS - {"prepare"}
    await world.changes(practice(version=2, steps=steps, timings={"day_before": Timing(at=time(18))}))
    for hours_before in (16, 2):
        clock.at = STARTS - timedelta(hours=hours_before)
        await world.run()
    return world


STORIES = [
    (story, 6, 2),  # booked, moved, the link for R, day before, two hours, aftercare
    (story_of_notices, 5, 0),  # booked, two offers, a code, the link of the offer again
    (story_of_a_course, 2, 0),  # booked, cancelled
    (story_of_a_policy, 3, 0),  # booked, day before, two hours
]


@pytest.mark.parametrize(("story", "count", "events_said"), STORIES)
async def test_a_kill_at_any_point_of_the_story_changes_neither_the_texts_nor_the_end(
    story: Callable[[int | None], Awaitable[World]], count: int, events_said: int
) -> None:
    undisturbed = await story(None)
    texts, end, events = arrived(undisturbed), await end_state(undisturbed), said(undisturbed)
    assert sum(texts.values()) == count
    assert len(events) == events_said

    for half in range(undisturbed.life.halves):
        world = await story(half)
        assert world.kills == 1, half
        assert arrived(world) == texts, half
        assert await end_state(world) == end, half
        assert said(world) == events, half
