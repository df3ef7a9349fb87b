"""Webhooks that come twice, late and in another order, and numbers that more than one practice knows."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.actions.replies import HEARD_KEPT
from services.notify.domain.delivery import Message, State, turned
from services.notify.domain.visit import Visit, VisitState
from tests.support.notify import (
    APPOINTMENT,
    PHONE,
    STARTS,
    Clock,
    Killed,
    Life,
    Phone,
    Worker,
    inbound,
    mortal,
    practice,
    twins,
    visit,
)

BOOKED_AT = STARTS - timedelta(days=7)
HOUSE, OTHER_HOUSE, SECOND = "still-waters", "other-house", "s" * 26
ALERTS = "+15035550111"


class Day:
    """Two practices on one sender, and a client with a visit at the first."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock(BOOKED_AT)
        self.phone = Phone(self.clock)
        self.stores = twins(self.clock)
        self.worker = Worker(self.stores, self.phone, self.clock, **options)

    async def begin(self) -> Day:
        for house in (HOUSE, OTHER_HOUSE):
            await self.stores.practices.keep(replace(practice(id=house, sms_name=house.title()), alerts_phone=ALERTS))
        assert await self.worker.hears(visit(since=BOOKED_AT))
        await self.run()
        return self

    async def run(self) -> None:
        for _ in range(3):
            await self.worker.sending.send_due()
            self.clock.forward(timedelta(seconds=20))

    async def hear(self, body: str, sid: str) -> None:
        await self.worker.listening.hear(inbound(body, sid=sid))
        await self.run()

    async def books_elsewhere(self) -> None:
        self.clock.forward(timedelta(hours=1))
        starts_at = STARTS - timedelta(days=1)
        elsewhere = visit(appointment=SECOND, since=self.clock(), starts_at=starts_at)
        assert await self.worker.hears(replace(elsewhere, practice=OTHER_HOUSE))
        await self.run()

    async def visit(self, appointment: str) -> Visit:
        found = await self.stores.visits.get(appointment)
        assert found is not None
        return found

    async def answers(self, step: str) -> list[Message]:
        texts = [text for about in (APPOINTMENT, SECOND) for text in await self.stores.messages.of(about)]
        return [text for text in texts if text.step == step]

    async def inbox(self, house: str) -> list[str]:
        opened, _ = await self.worker.inbox.page(house, before=None, limit=20)
        return [words for _, words in opened]

    async def calls(self, house: str) -> list[str]:
        found, _ = await self.worker.calls.page(house, only_open=True, before=None, limit=20)
        return [call.appointment for call in found]

    async def all_of_it(self) -> dict[str, object]:
        """Everything that a webhook may have changed."""
        ledger = await self.worker.ledgers.of(HOUSE, PHONE)
        return {
            "visit": await self.visit(APPOINTMENT),
            "told booking": [event.id for event in self.stores.visits.said],  # type: ignore[attr-defined]  # the twin's own
            "texts": sorted(text.id for text in await self.stores.messages.of(APPOINTMENT)),
            "bodies": list(self.phone.bodies),
            "ledger": list(ledger.entries),
            "inbox": await self.inbox(HOUSE),
            "calls": await self.calls(HOUSE),
        }


SAID = ("C", "R", "please stop texting me", "START", "HELP", "I feel dizzy, call me", "where do I park?", "2")


@pytest.mark.parametrize("body", SAID)
async def test_a_webhook_that_comes_again_at_once_or_much_later_changes_nothing(body: str) -> None:
    day = await Day().begin()
    await day.hear(body, "SMone")
    after = await day.all_of_it()

    for later in (timedelta(0), timedelta(seconds=15), timedelta(hours=1), timedelta(days=2)):
        day.clock.forward(later)
        await asyncio.gather(*(day.worker.listening.hear(inbound(body, sid="SMone")) for _ in range(3)))
        await day.worker.listening.finish_dropped()

        assert await day.all_of_it() == after


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(SAID) - 1), min_size=1, max_size=5, unique=True), st.data())
async def test_replays_in_any_order_leave_what_the_first_hearing_left(said: list[int], data: st.DataObject) -> None:
    day = await Day().begin()
    for n in said:
        await day.hear(SAID[n], f"SM{n}")
    after = await day.all_of_it()

    for n in data.draw(st.lists(st.sampled_from(said), max_size=8)):
        await day.worker.listening.hear(inbound(SAID[n], sid=f"SM{n}"))
    await day.run()

    assert await day.all_of_it() == after


@pytest.mark.parametrize("order", list(permutations(["STOP", "START", "please stop texting me"])), ids="-".join)
async def test_of_stops_and_starts_the_one_that_was_heard_last_counts_whatever_is_replayed(
    order: tuple[str, ...],
) -> None:
    day = await Day().begin()
    for body in order:
        await day.hear(body, f"SM{body}")
    for body in order:
        await day.hear(body, f"SM{body}")

    said = await day.worker.ledgers.of(HOUSE, PHONE)
    assert said.stopped is (order[-1] != "START")
    assert len(said.entries) == 4  # with the consent on the form


async def test_a_reply_is_of_the_practice_that_texted_last_and_of_no_other() -> None:
    day = await Day().begin()
    await day.books_elsewhere()
    at_first = await day.visit(APPOINTMENT)

    await day.hear("C", "SMc")
    await day.hear("I feel dizzy, please call me", "SMw")

    assert (await day.visit(SECOND)).heard == ("SMc",)
    assert await day.visit(APPOINTMENT) == at_first
    assert (await day.inbox(OTHER_HOUSE), await day.inbox(HOUSE)) == (["I feel dizzy, please call me"], [])
    assert (await day.calls(OTHER_HOUSE), await day.calls(HOUSE)) == ([SECOND], [])
    assert {text.practice for text in await day.answers("auto")} == {OTHER_HOUSE}


async def test_once_the_first_practice_texts_again_replies_are_its_again() -> None:
    day = await Day().begin()
    await day.books_elsewhere()
    day.clock.at = STARTS - timedelta(hours=22)
    await day.run()
    last = await day.stores.messages.last_sent(PHONE, day.clock())
    assert last is not None
    assert last.practice == HOUSE

    await day.hear("C", "SMc")
    await day.hear("where do I park?", "SMw")

    assert ((await day.visit(APPOINTMENT)).heard, (await day.visit(SECOND)).heard) == (("SMc",), ())
    assert (await day.inbox(HOUSE), await day.inbox(OTHER_HOUSE)) == (["where do I park?"], [])


async def test_a_stop_is_heard_by_every_practice_that_has_the_number() -> None:
    day = await Day().begin()
    await day.books_elsewhere()

    await day.hear("please stop texting me", "SMstop")

    assert [(await day.worker.ledgers.of(house, PHONE)).stopped for house in (HOUSE, OTHER_HOUSE)] == [True, True]
    assert [text.practice for text in await day.answers("stopped")] == [OTHER_HOUSE]


@pytest.mark.parametrize("body", ["C", "R", "1", "STOP", "START", "HELP", "yes", "no more texts", "👍"])
async def test_of_a_short_answer_no_words_are_kept_for_anybody(body: str) -> None:
    day = await Day().begin()

    await day.worker.listening.hear(inbound(body))

    [reply] = await day.stores.replies.of([PHONE])
    assert (await day.inbox(HOUSE), reply.sealed) == ([], None)


async def test_words_from_a_number_that_is_no_longer_the_visit_s_are_kept_for_nobody() -> None:
    """Whoever has the number now may be somebody else."""
    day = await Day().begin()
    assert await day.worker.hears(visit(version=9, since=day.clock(), phone="+15035550188"))

    await day.hear("I feel dizzy, please call me", "SMold")

    assert (await day.inbox(HOUSE), await day.calls(HOUSE)) == ([], [])


async def test_an_answer_to_the_question_how_one_is_is_about_that_visit_though_another_one_is_ahead() -> None:
    day = Day()
    steps = frozenset({"check_in"})
    await day.stores.practices.keep(replace(practice(steps=steps), alerts_phone=ALERTS))
    assert await day.worker.hears(visit(since=BOOKED_AT))
    day.clock.at = STARTS + timedelta(hours=1)
    assert await day.worker.hears(visit(version=5, state=VisitState.ATTENDED, since=day.clock()))
    next_one = visit(appointment=SECOND, since=day.clock(), starts_at=STARTS + timedelta(days=9))
    assert await day.worker.hears(next_one)
    await day.run()
    [asks] = await day.answers("check_in")
    day.clock.at = asks.planned_for
    await day.run()

    await day.hear("2", "SMtwo")

    assert await day.calls(HOUSE) == [APPOINTMENT]
    assert (await day.visit(SECOND)).heard == ()


@pytest.mark.parametrize("body", ["C", "R"])
async def test_an_answer_about_a_visit_that_has_begun_or_is_off_is_not_passed_on(body: str) -> None:
    begun, off = await Day().begin(), await Day().begin()
    begun.clock.at = STARTS + timedelta(minutes=1)
    assert await off.worker.hears(visit(version=9, state=VisitState.CANCELLED, since=off.clock()))
    await off.run()

    for day in (begun, off):
        await day.hear(body, "SMone")

        assert (await day.visit(APPOINTMENT)).heard == ()
        assert day.stores.visits.said == []  # type: ignore[attr-defined]  # the twin's own
        assert len(await day.answers("unclear")) == 1


async def test_a_visit_knows_its_newest_replies_only() -> None:
    day = await Day().begin()
    for n in range(HEARD_KEPT + 5):
        await day.worker.listening.hear(inbound("C", sid=f"SM{n}"))

    about = await day.visit(APPOINTMENT)

    assert (len(about.heard), about.heard[-1], about.replies) == (HEARD_KEPT, f"SM{HEARD_KEPT + 4}", HEARD_KEPT + 5)


@pytest.mark.parametrize(
    ("body", "step", "useful"),
    [
        ("please stop texting me", "stopped", timedelta(minutes=5)),
        ("where do I park?", "auto", timedelta(hours=1)),
        ("please call me", "auto", timedelta(hours=1)),
    ],
)
async def test_an_answer_is_dropped_once_it_would_come_too_late(body: str, step: str, useful: timedelta) -> None:
    day = await Day().begin()
    await day.worker.listening.hear(inbound(body))

    [answer] = await day.answers(step)

    assert answer.not_after - day.clock() == useful


async def test_the_link_to_move_a_visit_is_of_no_use_once_it_begins() -> None:
    day = await Day().begin()
    day.clock.at = STARTS - timedelta(minutes=10)
    await day.worker.listening.hear(inbound("R"))

    [answer] = await day.answers("reschedule")

    assert answer.not_after == STARTS


async def test_who_asks_to_be_called_again_and_again_is_answered_once_a_day() -> None:
    day = await Day().begin()
    for n in range(3):
        await day.hear("please call me", f"SM{n}")
    assert len(await day.answers("auto")) == 1

    day.clock.forward(timedelta(hours=25))
    await day.hear("please call me", "SMnext")

    assert len(await day.answers("auto")) == 2


async def test_who_wants_no_texts_and_tells_of_something_worrying_is_stopped_and_called() -> None:
    day = await Day().begin()

    await day.hear("stop texting me, I want to die", "SMone")

    assert (await day.worker.ledgers.of(HOUSE, PHONE)).stopped
    assert await day.calls(HOUSE) == [APPOINTMENT]
    assert await day.inbox(HOUSE) == ["stop texting me, I want to die"]


async def test_a_reply_that_is_finished_too_late_is_answered_nothing_and_read_all_the_same() -> None:
    """Wherever the worker died between noting it and answering, and the next one came hours later."""
    late = 0
    for dies_at in range(100):
        day = await Day().begin()
        try:
            worker = Worker(mortal(day.stores, Life(dies_at)), day.phone, day.clock)
            await worker.listening.hear(inbound("where do I park?", sid="SMx"))
        except Killed:
            if await day.answers("auto") or not await day.stores.replies.undone(STARTS, 5):
                continue
        else:
            break
        late += 1
        day.clock.forward(timedelta(hours=2))
        await day.worker.listening.finish_dropped()

        assert (await day.answers("auto"), await day.inbox(HOUSE)) == ([], ["where do I park?"]), dies_at
    assert late > 3


async def test_the_same_answer_does_not_come_twice_within_a_day_though_midnight_lies_between() -> None:
    day = await Day().begin()
    day.clock.at = day.clock.at.replace(hour=23, minute=50)
    await day.hear("please stop texting me", "SMone")
    await day.hear("START", "SMstart")
    day.clock.forward(timedelta(minutes=20))

    await day.hear("please stop texting me", "SMtwo")

    assert len(await day.answers("stopped")) == 1


async def test_an_answer_that_never_went_stands_in_the_way_of_none() -> None:
    day = await Day().begin()
    day.clock.at = day.clock.at.replace(hour=23, minute=50)
    await day.worker.listening.hear(inbound("where do I park?", sid="SMone"))
    [unsent] = await day.answers("auto")
    await day.stores.messages.save([turned(unsent, State.SKIPPED, day.clock(), "opted_out")])
    day.clock.forward(timedelta(minutes=20))

    await day.hear("where do I park?", "SMtwo")

    assert [text.state for text in await day.answers("auto")].count(State.SKIPPED) == 1
    assert len(await day.answers("auto")) == 2


async def test_a_farewell_goes_however_much_was_answered_before() -> None:
    day = await Day().begin()
    for n in range(12):
        await day.hear("R", f"SM{n}")
    assert len(await day.answers("reschedule")) == 8

    await day.hear("please stop texting me", "SMstop")

    assert len(await day.answers("stopped")) == 1
