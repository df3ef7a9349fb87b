"""Of two visits on a day one is reminded of: what a text that never arrived means for the next one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from services.notify.domain.consent import Entry, Purpose, Word
from services.notify.domain.delivery import Message, State
from services.notify.domain.practice import Timing
from services.notify.domain.provider import NotCreated, Outcome, Refused, Unknown
from services.notify.domain.traffic import attended
from services.notify.ports import Stores
from tests.support.notify import STARTS, Clock, Phone, Worker, practice, steps, twins, visit

POLICY = practice(steps=frozenset({"two_hours"}))
MORNING = visit(appointment="m" * 26)
AFTERNOON = visit(appointment="p" * 26, starts_at=STARTS + timedelta(hours=5), since=MORNING.since)
FIRST_DUE, NEXT_DUE = (steps(of, POLICY)["two_hours"].due for of in (MORNING, AFTERNOON))


@dataclass(frozen=True, slots=True)
class Day:
    stores: Stores
    clock: Clock
    phone: Phone
    worker: Worker

    async def goes_on_until(self, end: datetime) -> None:
        while self.clock() < end:
            await self.worker.sending.send_due()
            self.clock.forward(timedelta(minutes=2))

    async def reminder(self, appointment: str) -> Message:
        [text] = [one for one in await self.stores.messages.of(appointment) if one.step == "two_hours"]
        return text


@pytest.fixture
async def day() -> Day:
    clock = Clock(MORNING.since)
    stores, phone = twins(clock), Phone(clock)
    worker = Worker(stores, phone, clock)
    await stores.practices.keep(POLICY)
    for of in (MORNING, AFTERNOON):
        await worker.hears(of)
    await worker.sending.send_due()
    clock.at = FIRST_DUE
    return Day(stores, clock, phone, worker)


@pytest.mark.parametrize(
    "answer", [lambda: NotCreated("refused"), lambda: Refused(21617)], ids=["no connection", "refused"]
)
async def test_where_the_first_reminder_never_left_the_next_visit_is_reminded_of(
    day: Day, answer: Callable[[], Outcome]
) -> None:
    """The provider was away for as long as the first was of use."""
    day.phone.answers = [answer] * 50
    await day.goes_on_until(FIRST_DUE + timedelta(minutes=40))
    day.phone.answers = []
    await day.goes_on_until(NEXT_DUE + timedelta(minutes=1))

    assert (await day.reminder(MORNING.appointment)).state in (State.SKIPPED, State.FAILED)
    assert (await day.reminder(AFTERNOON.appointment)).state is State.ACCEPTED


@pytest.mark.parametrize("error_code", [30003, 30036])
async def test_where_the_first_reminder_did_not_reach_the_phone_the_next_visit_is_reminded_of(
    day: Day, error_code: int
) -> None:
    await day.worker.sending.send_due()
    first = await day.reminder(MORNING.appointment)
    assert first.sid is not None
    assert first.attempt is not None
    await day.worker.receipts.take(
        first.code, first.attempt.id, sid=first.sid, status="undelivered", error_code=error_code
    )
    await day.goes_on_until(NEXT_DUE + timedelta(minutes=1))

    assert (await day.reminder(AFTERNOON.appointment)).state is State.ACCEPTED


async def test_where_nobody_can_tell_whether_the_first_reminder_arrived_the_next_visit_is_not_reminded_of(
    day: Day,
) -> None:
    day.phone.arrives, day.phone.answers = False, [lambda: Unknown("timeout")] * 3
    await day.goes_on_until(FIRST_DUE + timedelta(minutes=29))
    assert (await day.reminder(MORNING.appointment)).state is State.DEAD
    await day.goes_on_until(NEXT_DUE + timedelta(minutes=1))

    assert (await day.reminder(AFTERNOON.appointment)).why == "merged"


async def test_of_two_visits_on_a_day_one_is_followed_by_an_offer_however_late_it_comes() -> None:
    """A month afterwards, as late as a practice may want it."""
    clock = Clock(MORNING.since)
    worker = Worker(stores := twins(clock), phone := Phone(clock), clock)
    await stores.practices.keep(practice(steps=frozenset({"rebook"}), timings={"rebook": Timing(days=30)}))
    agreed = Entry(key="o:1", word=Word.CONSENTED, at=clock(), source="booking", wording="v1", purpose=Purpose.OFFERS)
    for of in (MORNING, AFTERNOON):
        clock.at = of.ends_at
        await worker.planning.keep_visit(replace(attended(of), wants_offers=True), agreed)
    clock.forward(timedelta(days=31))
    await worker.sending.send_due()

    offers = [text for of in (MORNING, AFTERNOON) for text in await stores.messages.of(of.appointment)]
    assert [text.why for text in offers] == ["merged", None]
    assert len(phone.bodies) == 1


async def test_visits_of_one_number_at_two_practices_have_nothing_to_do_with_each_other() -> None:
    """Also where their texts are due together, and judged in one group."""
    clock = Clock(MORNING.since)
    worker = Worker(stores := twins(clock), Phone(clock), clock)
    policy = practice(steps=frozenset({"prepare"}), most_a_day=1)
    await stores.practices.keep(policy)
    await stores.practices.keep(replace(policy, id="elsewhere"))
    there = replace(AFTERNOON, practice="elsewhere")
    for of in (MORNING, there):
        await worker.hears(of)
    await worker.sending.send_due()
    clock.at = steps(MORNING, policy)["prepare"].due
    await worker.sending.send_due()

    texts = [text for of in (MORNING, there) for text in await stores.messages.of(of.appointment)]
    assert [text.state for text in texts if text.step == "prepare"] == [State.ACCEPTED, State.ACCEPTED]
