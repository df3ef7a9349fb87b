"""Where a worker may end between planning and receipt, row by row: what becomes of the text, and how often it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from services.notify.actions.posting import HELD_UP, Habits
from services.notify.domain.delivery import Message, State
from services.notify.domain.provider import Found, Outcome
from services.notify.domain.turns import SECOND_LOOK
from services.notify.domain.visit import Visit, VisitState
from services.notify.gateway import WHOLE_POST
from services.notify.ports import Outgoing
from tests.support.notify import (
    APPOINTMENT,
    FULL,
    STARTS,
    Clock,
    Killed,
    Life,
    Mortal,
    Phone,
    Worker,
    mortal,
    practice,
    twins,
    visit,
)
from tests.support.waiting import until

BOOKED_AT = STARTS - timedelta(days=7)
BOOKED = visit(since=BOOKED_AT)
# Ended yesterday before noon, so that it is asked about at once.
ATTENDED = visit(since=BOOKED_AT, starts_at=BOOKED_AT - timedelta(hours=23), state=VisitState.ATTENDED)
LAG = SECOND_LOOK + timedelta(minutes=5)


class Wire(Phone):
    """`dies` is called before a POST leaves and after the text was made; what was made is listed `lag` later.

    Answers wait for `answered`, if there is one.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.before: Callable[[], None] = _nothing
        self.after: Callable[[], None] = _nothing
        self.lag = timedelta()
        self.at: list[datetime] = []
        self.answered: asyncio.Event | None = None

    async def send(self, text: Outgoing) -> Outcome:
        self.before()
        self.at.append(self._clock())
        outcome = await super().send(text)
        self.after()
        if self.answered is not None:
            await self.answered.wait()
        return outcome

    async def find(self, to: str, body: str, not_these: Set[str]) -> Found | None:
        found = await super().find(to, body, not_these)
        return found if found is not None and found.created_at + self.lag <= self._clock() else None


def _nothing() -> None:
    return


def _die() -> None:
    raise Killed


class Table:
    """One visit with one text that is due, and workers one after the other."""

    def __init__(self) -> None:
        self.clock = Clock(BOOKED_AT)
        self.stores, self.wire = twins(self.clock), Wire(self.clock)

    async def begin(self, of: Visit = BOOKED) -> Table:
        await self.stores.practices.keep(practice(steps=FULL - {"received", "aftercare"}))
        assert await self.worker().hears(of)
        return self

    def worker(self) -> Worker:
        return Worker(self.stores, self.wire, self.clock)

    async def dies(self) -> None:
        with suppress(Killed):
            await self.worker().sending.send_due()
        self.wire.before = self.wire.after = _nothing

    async def goes_on(self, within: timedelta = timedelta(minutes=30)) -> None:
        """Another worker looks every ten seconds."""
        worker, end = self.worker(), self.clock() + within
        while self.clock() < end:
            await worker.sending.send_due()
            self.clock.forward(timedelta(seconds=10))

    async def receipt(self, which: int = 0, status: str = "delivered", code: int | None = None) -> None:
        """Of the text that was made as the `which`-th, under the attempt that made it."""
        posted, found = self.wire.arrived[which]
        *_, text, attempt = posted.receipt_url.split("/")
        await self.worker().receipts.take(text, attempt, sid=found.sid, status=status, error_code=code)

    async def text(self) -> Message:
        [begun] = [m for m in await self.stores.messages.of(APPOINTMENT) if m.planned_for <= BOOKED_AT]
        return begun


async def test_before_the_claim_is_written_another_worker_takes_it() -> None:
    table = await Table().begin()
    claimed = await table.stores.messages.claim(table.clock(), limit=1, lease=Habits().lease)
    assert [text.state for text in claimed] == [State.CLAIMED]
    await table.goes_on()

    assert len(table.wire.bodies) == 1
    assert (await table.text()).state is State.ACCEPTED


async def test_after_sending_and_before_the_post_it_is_sent_once_after_two_empty_looks() -> None:
    table = await Table().begin()
    table.wire.before = _die
    await table.dies()
    assert (await table.text()).state is State.SENDING
    await table.goes_on()

    assert len(table.wire.bodies) == 1
    assert table.wire.at[0] - BOOKED_AT >= SECOND_LOOK
    assert ((await table.text()).state, (await table.text()).tries) == (State.ACCEPTED, 2)


async def test_after_sending_and_before_the_post_what_is_better_missed_is_given_up_and_shown() -> None:
    table = await Table().begin(ATTENDED)
    table.wire.before = _die
    await table.dies()
    await table.goes_on()

    assert table.wire.bodies == []
    dead, _ = await table.worker().dead_letters.page("still-waters", why="unresolved", before=None, limit=9)
    assert [(text.step, text.state) for text in dead] == [("check_in", State.DEAD)]


async def test_after_the_provider_took_it_a_receipt_adopts_it_and_nothing_is_sent_again() -> None:
    table = await Table().begin()
    table.wire.after = _die
    await table.dies()
    table.wire.lag = timedelta(days=1)
    table.clock.forward(timedelta(seconds=30))
    await table.receipt()
    await table.goes_on()

    assert len(table.wire.bodies) == 1
    assert ((await table.text()).state, (await table.text()).sid) == (State.DELIVERED, table.wire.arrived[0][1].sid)


@pytest.mark.parametrize("lag", [timedelta(), timedelta(seconds=100), SECOND_LOOK - timedelta(seconds=10)], ids=str)
async def test_after_the_provider_took_it_the_list_adopts_it_also_if_it_lags_less_than_five_minutes(
    lag: timedelta,
) -> None:
    table = await Table().begin()
    table.wire.after, table.wire.lag = _die, lag
    await table.dies()
    await table.goes_on()

    assert len(table.wire.bodies) == 1
    assert ((await table.text()).state, (await table.text()).sid) == (State.ACCEPTED, table.wire.arrived[0][1].sid)


async def test_after_the_response_and_before_it_is_written_the_same() -> None:
    undisturbed = Life(None)
    table = await Table().begin()
    await Worker(mortal(table.stores, undisturbed), table.wire, table.clock).sending.send_due()
    found = 0
    for half in range(undisturbed.halves):
        table, life = await Table().begin(), Life(half)
        dying = Worker(mortal(table.stores, life), Mortal(table.wire, Life(None)), table.clock)  # type: ignore[arg-type]  # stands for it
        with suppress(Killed):
            await dying.sending.send_due()
        unwritten = len(table.wire.posts) == 1 and (await table.text()).state is State.SENDING
        found += unwritten
        await table.goes_on()

        assert len(table.wire.bodies) == 1, half
        assert not unwritten or (await table.text()).tries == 1, half
    assert found > 0, "no worker died with the answer in its hands"


async def test_an_answer_that_comes_when_another_worker_took_its_text_for_lost_is_written_all_the_same() -> None:
    table = await Table().begin()
    table.wire.answered, table.wire.lag = asyncio.Event(), LAG
    sending = asyncio.create_task(table.worker().sending.send_due())
    await until(lambda: table.wire.posts)
    table.clock.forward(Habits().lease + timedelta(seconds=1))
    await table.worker().sending.send_due()
    assert (await table.text()).state is State.UNKNOWN
    table.wire.answered.set()
    await sending

    assert ((await table.text()).state, (await table.text()).sid) == (State.ACCEPTED, table.wire.arrived[0][1].sid)
    assert [turn.state for turn in (await table.text()).turns[-2:]] == [State.UNKNOWN, State.ACCEPTED]


async def test_a_second_try_that_never_left_is_not_taken_for_the_first_which_is_listed_with_the_same_words() -> None:
    table = await Table().begin()
    await table.worker().sending.send_due()
    await table.receipt(status="undelivered", code=30008)
    due = (await table.text()).due
    assert due is not None
    table.clock.at, table.wire.before = due, _die
    await table.dies()
    assert ((await table.text()).state, (await table.text()).tries) == (State.SENDING, 2)
    await table.goes_on()

    assert len(table.wire.bodies) == 2
    assert ((await table.text()).state, (await table.text()).sid) == (State.ACCEPTED, table.wire.arrived[1][1].sid)


async def test_after_the_outcome_is_written_the_same_event_again_changes_nothing() -> None:
    table = await Table().begin()
    await table.worker().sending.send_due()
    before = await table.text()
    assert await table.worker().hears(BOOKED)
    await table.goes_on(timedelta(minutes=5))

    assert await table.text() == before
    assert len(table.wire.bodies) == 1


async def test_a_lost_callback_and_a_list_that_lags_longer_is_the_one_hole_and_it_is_counted() -> None:
    table = await Table().begin()
    table.wire.after, table.wire.lag = _die, LAG
    await table.dies()
    await table.goes_on()
    assert len(table.wire.bodies) == 2
    assert (await table.text()).duplicates == 0

    with capture_logs() as lines:
        for _ in range(2):
            await table.receipt(0)
    assert (await table.text()).duplicates == 1
    assert [line["log_level"] for line in lines if line["event"] == "text.duplicate"] == ["error"]


async def test_a_receipt_that_meets_another_write_is_taken_after_it() -> None:
    table = await Table().begin()
    await table.worker().sending.send_due()
    save, met = table.stores.messages.save, []

    async def contended(texts: Sequence[Message]) -> Sequence[Message]:
        met.append(len(texts))
        return [] if len(met) == 1 else await save(texts)

    table.stores.messages.save = contended  # type: ignore[method-assign]  # the fence of another write
    await table.receipt()

    assert ((await table.text()).state, len(met)) == (State.DELIVERED, 2)


async def test_asked_to_end_in_the_middle_of_a_post_it_waits_for_the_answer() -> None:
    table = await Table().begin()
    table.wire.answered = asyncio.Event()
    worker = table.worker()
    sending = asyncio.create_task(worker.sending.send_due())
    await until(lambda: table.wire.posts)
    sending.cancel()
    ending = asyncio.create_task(worker.sending.finish())
    with suppress(asyncio.CancelledError):
        await sending
    assert not ending.done()
    table.wire.answered.set()
    await ending

    assert (await table.text()).state is State.ACCEPTED
    assert len(table.wire.bodies) == 1


async def test_a_worker_that_slept_with_a_text_in_its_hands_takes_nothing_from_the_one_who_sends_it_now() -> None:
    table, woken = await Table().begin(), asyncio.Event()
    sleeper, other = table.worker(), table.worker()
    save = table.stores.messages.save

    async def asleep(texts: Sequence[Message]) -> Sequence[Message]:
        saved = await save(texts)
        if any(text.state is State.SENDING for text in saved):
            table.stores.messages.save = save  # type: ignore[method-assign]  # only the first one sleeps
            await woken.wait()
        return saved

    table.stores.messages.save = asleep  # type: ignore[method-assign]  # the pause of one machine
    sleeping = asyncio.create_task(sleeper.sending.send_due())
    await until(lambda: table.stores.messages.save == save)
    table.wire.answered = asyncio.Event()
    looking = asyncio.create_task(_looks_until_it_posts(other, table))
    await until(lambda: table.wire.posts)
    under_way = await table.text()
    woken.set()
    await sleeping
    assert await table.text() == under_way
    assert (under_way.state, under_way.tries) == (State.SENDING, 2)
    table.wire.answered.set()
    await looking
    await table.goes_on()

    assert len(table.wire.bodies) == 1
    assert (await table.text()).state is State.ACCEPTED


async def _looks_until_it_posts(worker: Worker, table: Table) -> None:
    while not table.wire.posts:
        table.clock.forward(timedelta(seconds=10))
        await worker.sending.send_due()


def test_a_second_try_begins_when_no_socket_of_the_first_can_be_alive() -> None:
    assert WHOLE_POST.total is not None
    whole = timedelta(seconds=WHOLE_POST.total)

    assert HELD_UP + whole < Habits().pace.first_look < Habits().pace.second_look
    assert HELD_UP + whole < Habits().lease
