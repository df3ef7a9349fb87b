"""How much leaves by the sender, and when nothing does: rests, breaks, budgets and being told to slow down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import prometheus_client
import pytest

from services.notify.actions.line import NEXT_BUDGET, Line
from services.notify.domain.delivery import Message, State, begin
from services.notify.domain.provider import Accepted, NotCreated, Outcome, Refused, Unknown
from services.notify.domain.sender import BREAKS_AT, FIRST_BREAK, Limits, Pause, Standing
from services.notify.domain.visit import VisitState
from services.notify.ports import Outgoing
from tests.support.notify import PHONE, SENDER, STARTS, Clock, Phone, Worker, message, practice, steps, twins, visit

BOOKED_AT = STARTS - timedelta(days=7)
SLOW_DOWN, LOST, GOOD = NotCreated("slow_down"), Unknown("timeout"), Accepted("SM1")


class Many:
    """A worker with so many texts due at once, one of each visit."""

    def __init__(self, visits: int, *, limits: Limits | None = None, phone: type[Phone] = Phone) -> None:
        self.clock = Clock(BOOKED_AT)
        self.phone = phone(self.clock)
        self.stores = twins(self.clock)
        self.worker = Worker(self.stores, self.phone, self.clock, limits=limits or Limits())
        self.visits = [f"{n:026d}" for n in range(visits)]

    async def begin(self) -> Many:
        await self.stores.practices.keep(practice())
        for n, name in enumerate(self.visits):
            await self.worker.hears(visit(appointment=name, since=BOOKED_AT, phone=f"+150355501{n:02d}"))
        return self

    async def run(self, after: timedelta = timedelta()) -> int:
        """How many POSTs this round made."""
        self.clock.forward(after)
        before = len(self.phone.posts)
        await self.worker.sending.send_due()
        return len(self.phone.posts) - before

    async def booked(self) -> list[Message]:
        texts = [text for name in self.visits for text in await self.stores.messages.of(name)]
        return [text for text in texts if text.step == "booked"]

    async def standing(self) -> Standing:
        return (await self.stores.senders.get(SENDER)).standing


def line(limits: Limits | None = None, *, at_once: int = 8) -> Line:
    clock = Clock(BOOKED_AT)
    return Line(twins(clock).senders, SENDER, limits=limits or Limits(), at_once=at_once, now=clock)


async def test_told_to_slow_down_half_as_many_go_at_once_and_one_more_after_each_good_group() -> None:
    one = line()
    widths = []
    for outcome in (SLOW_DOWN, SLOW_DOWN, SLOW_DOWN, SLOW_DOWN, GOOD, GOOD, LOST, Refused(21211)):
        await one.heard([GOOD, outcome])
        widths.append(one.at_once)

    assert widths == [4, 2, 1, 1, 2, 3, 3, 4]


async def test_never_more_at_once_than_the_settings_say() -> None:
    one = line()
    for _ in range(20):
        await one.heard([GOOD])

    assert one.at_once == 8


class Crowded(Phone):
    """Takes two POSTs side by side, and tells the others to slow down."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.inside, self.most = 0, 0

    async def send(self, text: Outgoing) -> Outcome:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            crowd = self.inside
            await asyncio.sleep(0)
            if crowd > 2:
                self.posts.append(text)
                return SLOW_DOWN
            return await super().send(text)
        finally:
            self.inside -= 1


async def test_a_provider_that_is_crowded_gets_every_text_once_for_all_that() -> None:
    day = await Many(30, phone=Crowded).begin()
    for _ in range(40):
        await day.run(timedelta(seconds=30))

    assert len(day.phone.bodies) == len(set(day.phone.bodies)) == 30
    assert {text.tries for text in await day.booked()} == {1}


@pytest.mark.parametrize("limits", [Limits(), Limits(per_second=1_000), Limits(per_day=1_000)])
async def test_high_limits_hold_nobody_up(limits: Limits) -> None:
    day = await Many(60, limits=limits).begin()

    assert await day.run() == 60


async def test_what_finds_the_bucket_empty_stays_due_as_it_was_and_loses_no_try() -> None:
    day = await Many(5, limits=Limits(per_second=1)).begin()

    assert [await day.run(timedelta(seconds=s)) for s in (0, 0, 1, 1, 9)] == [2, 0, 1, 1, 1]
    assert [text.tries for text in await day.booked()] == [1] * 5
    assert {text.state for text in await day.booked()} == {State.ACCEPTED}


async def test_a_group_that_was_answered_in_part_is_no_sign_of_a_silent_provider() -> None:
    one = line()
    for _ in range(BREAKS_AT):
        await one.heard([GOOD, LOST, LOST, LOST])

    assert await one.room(9) == 9


@pytest.mark.parametrize("outcome", [SLOW_DOWN, NotCreated("held_up"), NotCreated("held_back")], ids=str)
async def test_a_trial_that_says_nothing_of_the_provider_is_given_back_for_the_next_text(outcome: Outcome) -> None:
    clock = Clock(BOOKED_AT)
    stores = twins(clock)
    one = Line(stores.senders, SENDER, limits=Limits(), at_once=8, now=clock)
    await stores.senders.unanswered(SENDER, BREAKS_AT)
    clock.forward(FIRST_BREAK)
    assert await one.room(9) == 1
    assert await one.room(9) == 0

    await one.heard([outcome])

    assert await one.room(9) == 1
    assert (await stores.senders.get(SENDER)).failures == BREAKS_AT


async def test_a_line_that_ran_dry_flows_again_when_there_is_room() -> None:
    clock = Clock(BOOKED_AT)
    one = Line(twins(clock).senders, SENDER, limits=Limits(per_second=1), at_once=8, now=clock)
    news = claimed("booked", timedelta())
    dry = counted("no_room")
    assert await one.room(9) == 2
    await one.fitted([news] * 3, [begun(news)] * 3)
    assert (one.flows, dry()) == (False, 1)

    clock.forward(timedelta(seconds=2))
    assert await one.room(9) == 2
    assert one.flows


async def test_what_is_spent_is_shown_for_today_and_what_is_held_back_by_why() -> None:
    clock = Clock(BOOKED_AT)
    one = Line(twins(clock).senders, SENDER, limits=Limits(per_day=2), at_once=8, now=clock)
    news, over = claimed("booked", timedelta()), counted("over_budget")
    await one.room(9)
    await one.fitted([news] * 3, [begun(news)] * 3)
    await one.room(9)
    assert (spent(), over()) == (2, 1)

    clock.forward(timedelta(days=1))
    await one.room(9)
    assert spent() == 0


def spent() -> float | None:
    return prometheus_client.REGISTRY.get_sample_value("texts_segments_spent")


def counted(why: str) -> Callable[[], float]:
    def value() -> float:
        return prometheus_client.REGISTRY.get_sample_value("texts_held_back_total", {"why": why}) or 0.0

    before = value()
    return lambda: value() - before


async def test_on_a_narrow_line_a_cancellation_does_not_wait_for_the_news_and_reminders_of_a_whole_practice() -> None:
    day = await Many(30, limits=Limits(per_second=1)).begin()
    await day.worker.hears(visit(appointment="x" * 26, since=BOOKED_AT - timedelta(hours=1), phone="+15035550199"))
    await day.run()
    day.clock.forward(timedelta(seconds=30))
    cancelled = visit(
        appointment="x" * 26, version=4, since=day.clock(), state=VisitState.CANCELLED, phone="+15035550199"
    )
    await day.worker.hears(cancelled)

    await day.run(timedelta(seconds=1))

    assert "is cancelled" in day.phone.posts[2].body


async def test_told_to_slow_down_the_line_is_narrow_until_it_goes_at_its_full_width_again() -> None:
    one = line()
    assert not one.is_narrow
    await one.heard([GOOD, SLOW_DOWN])
    assert one.is_narrow
    for _ in range(4):
        await one.heard([GOOD])
    assert not one.is_narrow
    assert line(Limits(per_day=1)).is_narrow


async def test_two_workers_share_one_bucket() -> None:
    day = await Many(6, limits=Limits(per_second=1)).begin()
    other = Worker(day.stores, day.phone, day.clock, limits=Limits(per_second=1))

    await asyncio.gather(day.worker.sending.send_due(), other.sending.send_due())

    assert len(day.phone.posts) == 2
    assert sum(text.state is State.PLANNED for text in await day.booked()) == 4


def begun(claimed: Message, body: str = "x") -> Message:
    return begin(claimed, attempt="ab" * 16, body=body, to=PHONE, at=BOOKED_AT)


def claimed(name: str, due: timedelta) -> Message:
    one = message(steps(visit())[name], visit(), state=State.CLAIMED)
    return replace(one, due=BOOKED_AT + due)


async def test_when_the_day_is_nearly_spent_news_goes_before_a_reminder_that_is_longer_due() -> None:
    clock = Clock(BOOKED_AT)
    stores = twins(clock)
    limits = Limits(per_day=10)
    one = Line(stores.senders, SENDER, limits=limits, at_once=8, now=clock)
    reminder, news = claimed("day_before", timedelta(hours=-3)), claimed("booked", timedelta(hours=-1))
    decided = [begun(reminder), begun(news), begun(reminder), begun(news), begun(news)]
    for _ in range(2):
        await one.room(10)
        await one.fitted([news] * 4, [begun(news)] * 4)

    assert await one.room(10) == 2
    fitted = await one.fitted([reminder, news, reminder, news, news], decided)

    sending = [State.PLANNED, State.SENDING, State.PLANNED, State.SENDING, State.PLANNED]
    assert [text.state for text in fitted] == sending
    assert {text.why for text in fitted if text.state is State.PLANNED} == {"over_budget"}
    assert {text.due for text in fitted if text.state is State.PLANNED} == {BOOKED_AT + NEXT_BUDGET}
    assert {text.tries for text in fitted if text.state is State.PLANNED} == {0}
    assert await one.room(10) == 0


async def test_a_spent_day_ends_at_midnight_and_what_is_still_of_use_goes_then() -> None:
    day = await Many(3, limits=Limits(per_day=1, zone="America/New_York")).begin()

    assert await day.run() == 1
    assert await day.run(timedelta(hours=5)) == 0
    assert await day.run(timedelta(hours=17)) == 1  # past midnight in New York, and a decent hour


async def test_nothing_is_claimed_while_the_desk_has_paused_the_sender() -> None:
    day = await Many(3).begin()
    await day.stores.senders.pause(SENDER, Pause(by="kim", why="wrong number", at=BOOKED_AT))

    assert await day.run() == 0
    assert {(text.state, text.turns[-1].state) for text in await day.booked()} == {(State.PLANNED, State.PLANNED)}

    await day.stores.senders.resume(SENDER, by="kim", at=BOOKED_AT)
    assert await day.run() == 3


async def test_credentials_that_are_refused_cost_one_group_and_everything_goes_out_after_the_rest() -> None:
    day = await Many(30).begin()
    day.phone.answers = [lambda: Refused(20003)] * 20

    assert await day.run() <= 20
    assert await day.standing() is Standing.RESTING
    assert await day.run(timedelta(minutes=4)) == 0
    day.phone.answers = []
    for _ in range(10):
        await day.run(timedelta(minutes=4))
    assert len(day.phone.bodies) == 30


async def test_a_silent_provider_breaks_the_line_and_one_text_tries_it_again() -> None:
    day = await Many(40).begin()
    day.phone.answers = [lambda: NotCreated("ClientConnectorError")] * 400

    assert BREAKS_AT <= await day.run() < 40
    assert await day.standing() is Standing.SHUT
    assert await day.run(timedelta(seconds=5)) == 0
    assert await day.run(FIRST_BREAK) == 1
    assert await day.run(FIRST_BREAK) == 0

    day.phone.answers = []
    posted = [await day.run(timedelta(seconds=40)) for _ in range(12)]
    assert await day.standing() is Standing.OPEN
    assert len(day.phone.bodies) == 40, posted


async def test_a_trial_with_nothing_to_send_is_left_to_the_next_text() -> None:
    day = await Many(0).begin()
    await day.stores.senders.unanswered(SENDER, BREAKS_AT)

    assert await day.run(FIRST_BREAK) == 0
    await day.worker.hears(visit(since=BOOKED_AT))
    assert await day.run() == 1
    assert await day.standing() is Standing.OPEN


NEUTRAL: list[Callable[[], Outcome]] = [lambda: SLOW_DOWN, lambda: NotCreated("held_up")]


@pytest.mark.parametrize("outcome", NEUTRAL)
async def test_who_tells_us_to_slow_down_is_there(outcome: Callable[[], Outcome]) -> None:
    one = line()
    for _ in range(2 * BREAKS_AT):
        await one.heard([outcome()] * 3)

    assert await one.room(1) == 1
