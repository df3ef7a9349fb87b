"""A worker that slept, a question without an answer, a word without a code: nothing late, lost or counted in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import prometheus_client

from services.notify.actions.posting import HELD_UP, Habits
from services.notify.domain.consent import Entry, Word
from services.notify.domain.delivery import Attempt, Message, State, begin, turned
from services.notify.domain.provider import Accepted, Found, NotCreated, Outcome, Refused, Unknown
from services.notify.domain.sender import Standing
from services.notify.domain.turns import Pace, after_post, after_receipt
from services.notify.ports import GatewayDown, Outgoing
from tests.support.notify import (
    APPOINTMENT,
    PHONE,
    SENDER,
    STARTS,
    Clock,
    Contacts,
    Phone,
    Worker,
    message,
    practice,
    steps,
    twins,
    visit,
)
from tests.support.waiting import until

BOOKED_AT = STARTS - timedelta(days=7)
DESK = "+15035550177"
OF = visit()
PLANNED = message(steps(OF)["day_before"], OF)
AT = PLANNED.planned_for
A_MINUTE = timedelta(minutes=1)


class Sleepy(Contacts):
    """After the next look at the ledgers the worker sleeps; what it saw is what was there before."""

    def __init__(self, sleep: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self._sleep: Callable[[], Awaitable[None]] | None = sleep

    async def ledgers(self, numbers: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[Entry, ...]]:
        seen = await super().ledgers(numbers)
        sleep, self._sleep = self._sleep, None
        if sleep is not None:
            await sleep()
        return seen


async def test_a_worker_that_slept_over_what_it_had_read_does_not_send_by_it() -> None:
    clock = Clock(BOOKED_AT)
    phone = Phone(clock)

    async def stopped_meanwhile() -> None:
        clock.forward(timedelta(minutes=2))
        said = Entry(key="SMin1", word=Word.STOPPED, at=clock(), source="reply")
        await worker.stores.contacts.enter_everywhere(PHONE, said)

    worker = Worker(replace(twins(clock), contacts=Sleepy(stopped_meanwhile)), phone, clock)
    await worker.stores.practices.keep(practice())
    await worker.hears(visit(since=BOOKED_AT))
    for _ in range(3):
        await worker.sending.send_due()
        clock.forward(A_MINUTE)

    [booked, *_] = await worker.stores.messages.of(APPOINTMENT)
    assert phone.posts == []
    assert (booked.state, booked.why, booked.sent_at) == (State.SKIPPED, "opted_out", None)


class Hanging(Phone):
    """Its first POST hangs until it is let go."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(clock)
        self.hangs, self.let_go = False, asyncio.Event()

    async def send(self, text: Outgoing) -> Outcome:
        if not self.posts:
            self.posts.append(text)
            self.hangs = True
            await self.let_go.wait()
            return Accepted("SM1")
        return await super().send(text)


async def test_what_became_of_no_use_while_it_waited_for_its_post_is_not_posted() -> None:
    clock = Clock(BOOKED_AT)
    phone = Hanging(clock)
    worker = Worker(twins(clock), phone, clock, habits=Habits(at_once=1))
    await worker.stores.practices.keep(practice())
    for n, phone_of in enumerate(("+15035550101", "+15035550102")):
        await worker.hears(visit(appointment=f"{n:026d}", since=BOOKED_AT, phone=phone_of))
        [booked, *_] = await worker.stores.messages.of(f"{n:026d}")
        ends = replace(booked, due=booked.planned_for + n * A_MINUTE / 60, not_after=BOOKED_AT + timedelta(seconds=15))
        await worker.stores.messages.save([ends])
    clock.forward(timedelta(seconds=2))

    sending = asyncio.create_task(worker.sending.send_due())
    await until(lambda: _truly(phone.hangs))
    clock.at = BOOKED_AT + timedelta(seconds=15)
    assert clock() - BOOKED_AT < HELD_UP
    phone.let_go.set()
    await sending
    clock.forward(A_MINUTE)
    await worker.sending.send_due()

    [late, *_] = await worker.stores.messages.of(f"{1:026d}")
    assert len(phone.posts) == 1
    assert (late.state, late.why) == (State.SKIPPED, "stale")


async def _truly(one: bool) -> bool:
    return one


def sending(of: Message = PLANNED, *, attempt: str = "11" * 16, at: datetime = AT) -> Message:
    return begin(turned(of, State.CLAIMED, at), attempt=attempt, body="See you", to=of.to, at=at)


def test_what_surely_never_left_does_not_count_among_what_the_client_got() -> None:
    assert after_post(sending(), NotCreated("refused"), AT, Pace()).sent_at is None
    assert after_post(sending(), Refused(21611), AT, Pace()).sent_at is None
    assert after_post(sending(), Unknown("timeout"), AT, Pace()).sent_at == AT

    once = after_post(sending(), Accepted("SM1"), AT, Pace())
    failed = after_receipt(
        once, attempt="11" * 16, sid="SM1", status="failed", error_code=30008, at=AT + A_MINUTE, pace=Pace()
    )
    again = after_post(
        sending(failed, attempt="22" * 16, at=AT + timedelta(hours=1)), NotCreated("refused"), AT, Pace()
    )
    assert (again.sent_at, again.attempts) == (AT, (Attempt("11" * 16, AT, "SM1"),))


def test_a_text_that_was_given_up_and_failed_was_no_second_one_to_the_client() -> None:
    first = after_post(sending(), Unknown("timeout"), AT, Pace())
    second = sending(turned(first, State.PLANNED, AT, due=AT), attempt="22" * 16)

    def told(status: str) -> Message:
        return after_receipt(second, attempt="11" * 16, sid="SM1", status=status, error_code=None, at=AT, pace=Pace())

    assert (told("failed").duplicates, told("undelivered").duplicates, told("sent").duplicates) == (0, 0, 1)
    assert told("failed").attempts[0].sid == "SM1"


class Day:
    """A practice that wants to be told of lost news, and the text of a visit that was just booked."""

    def __init__(self, phone: type[Phone] = Phone) -> None:
        self.clock = Clock(BOOKED_AT)
        self.phone = phone(self.clock)
        self.worker = Worker(twins(self.clock), self.phone, self.clock)

    async def begin(self) -> Day:
        await self.worker.stores.practices.keep(replace(practice(), alerts_phone=DESK))
        await self.worker.hears(visit(since=BOOKED_AT))
        await self.worker.sending.send_due()
        return self

    async def booked(self, appointment: str = APPOINTMENT) -> Message:
        return next(text for text in await self.worker.stores.messages.of(appointment) if text.step == "booked")

    async def receipt(self, status: str, error_code: int | None) -> None:
        text = await self.booked()
        assert text.attempt is not None
        await self.worker.receipts.take(
            text.code, text.attempt.id, sid=str(text.sid), status=status, error_code=error_code
        )

    async def told(self) -> list[str]:
        self.clock.forward(A_MINUTE)
        await self.worker.sending.send_due()
        return [text.body for text in self.phone.posts if text.to == DESK]


def refused(why: str) -> float:
    return prometheus_client.REGISTRY.get_sample_value("texts_refused_total", {"why": why}) or 0.0


async def test_a_text_that_failed_without_a_code_is_shown_and_its_news_told_to_the_practice() -> None:
    for status in ("failed", "undelivered", "canceled"):
        day, before = await Day().begin(), refused("unlisted_error")
        await day.receipt(status, None)

        assert (await day.booked()).why == "unlisted_error"
        assert refused("unlisted_error") == before + 1
        assert len(await day.told()) == 1


async def test_a_code_beside_a_text_that_arrived_is_no_failure() -> None:
    day, before = await Day().begin(), refused("unlisted_error")
    await day.receipt("delivered", 0)

    assert (await day.booked()).state is State.DELIVERED
    assert refused("unlisted_error") == before
    assert await day.told() == []


async def test_the_end_of_a_post_that_was_given_up_says_nothing_of_the_one_that_followed() -> None:
    day = await Day().begin()
    text = await day.booked()
    older = Attempt("22" * 16, BOOKED_AT - A_MINUTE)
    await day.worker.stores.messages.save([replace(text, attempts=(older, *text.attempts))])
    await day.worker.receipts.take(text.code, older.id, sid="SM9", status="failed", error_code=30036)

    assert (await day.booked()).state is State.ACCEPTED
    assert await day.told() == []


async def test_a_failure_that_only_the_providers_list_tells_of_is_told_to_the_practice_too() -> None:
    day = await Day().begin()
    text, found = day.phone.arrived[0]
    day.phone.arrived[0] = (text, replace(found, status="failed"))
    day.clock.forward(Pace().chase)
    await day.worker.sending.send_due()

    assert (await day.booked()).state is State.FAILED
    assert len(await day.told()) == 1


async def test_what_is_heard_late_of_a_text_from_before_the_sender_was_let_go_does_not_stop_it_again() -> None:
    day = await Day().begin()
    late = await day.booked()
    assert late.attempt is not None
    day.clock.forward(A_MINUTE)
    await day.worker.pauses.resume_sender(SENDER, by="Ana")
    await day.worker.receipts.take(late.code, late.attempt.id, sid=str(late.sid), status="failed", error_code=30034)
    assert (await day.worker.stores.senders.get(SENDER)).standing is Standing.OPEN

    day.clock.forward(A_MINUTE)
    await day.worker.hears(visit(appointment="n" * 26, since=day.clock(), phone="+15035550103"))
    await day.worker.sending.send_due()
    new = await day.booked("n" * 26)
    assert new.attempt is not None
    await day.worker.receipts.take(new.code, new.attempt.id, sid=str(new.sid), status="failed", error_code=30034)
    assert (await day.worker.stores.senders.get(SENDER)).standing is Standing.PAUSED


class Mute(Phone):
    """Never answers a question about one number."""

    async def find(self, to: str, body: str, not_these: Set[str]) -> Found | None:
        if to == PHONE:
            raise GatewayDown
        return await super().find(to, body, not_these)


async def test_a_text_that_the_provider_never_answers_about_is_in_nobodys_way() -> None:
    clock = Clock(BOOKED_AT)
    phone = Mute(clock)
    worker = Worker(twins(clock), phone, clock, habits=Habits(at_once=1))
    await worker.stores.practices.keep(practice())
    await _hears(worker, 0, PHONE)
    clock.forward(timedelta(seconds=1))
    await _hears(worker, 1, "+15035550102")
    phone.answers = [lambda: Unknown("timeout")] * 2
    await worker.sending.send_due()
    clock.forward(Pace().first_look)
    for _ in range(3):
        await worker.sending.send_due()
        clock.forward(timedelta(seconds=1))

    states = [(await worker.stores.messages.of(f"{n:026d}"))[0].state for n in range(2)]
    assert states == [State.UNKNOWN, State.ACCEPTED]


async def _hears(worker: Worker, number: int, phone: str, **changes: Any) -> None:
    await worker.hears(visit(appointment=f"{number:026d}", since=BOOKED_AT, phone=phone, **changes))
