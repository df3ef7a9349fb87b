"""Planning, sending, receipts and replies over the twins: what each leaves behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.notify.domain.delivery import Message, State
from services.notify.domain.provider import NotCreated, Refused, Unknown
from services.notify.domain.visit import VisitState
from services.notify.ports import Outgoing
from tests.support.notify import (
    APPOINTMENT,
    FULL,
    PHONE,
    SENDER,
    STARTS,
    Clock,
    Phone,
    Worker,
    inbound,
    practice,
    receipt_at,
    steps,
    twins,
    visit,
)

BOOKED_AT = STARTS - timedelta(days=7)


class Day:
    """A worker, its provider and its clock, with a practice known and a visit booked."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock(BOOKED_AT)
        self.phone = Phone(self.clock)
        self.worker = Worker(twins(self.clock), self.phone, self.clock, **options)

    async def begin(self, **changes: Any) -> Day:
        await self.worker.stores.practices.keep(practice())
        await self.worker.hears(visit(since=BOOKED_AT, **changes))
        return self

    async def text(self, step: str) -> Message:
        return next(t for t in await self.worker.stores.messages.of(APPOINTMENT) if t.step == step)

    async def steps(self) -> dict[str, State]:
        return {t.step: t.state for t in await self.worker.stores.messages.of(APPOINTMENT)}

    async def run(self, minutes: int = 8) -> None:
        for _ in range(minutes):
            await self.worker.sending.send_due()
            self.clock.forward(timedelta(minutes=1))

    async def hear(self, body: str, sid: str = "SMin1", **options: Any) -> None:
        await self.worker.listening.hear(inbound(body, sid=sid, **options))


async def test_a_visit_is_not_taken_before_its_practice_is_known() -> None:
    day = Day()

    assert await day.worker.hears(visit()) is False
    assert await day.worker.stores.visits.get(APPOINTMENT) is None


async def test_what_is_due_at_once_wakes_the_sender() -> None:
    assert (await Day().begin()).worker.woken == 1


async def test_a_text_carries_an_opaque_receipt_address_and_lives_no_longer_than_it_is_of_use() -> None:
    day = await Day().begin(notice=timedelta(hours=1), starts_at=BOOKED_AT + timedelta(hours=1))
    await day.run(1)

    [post] = day.phone.posts
    text = await day.text("booked")
    assert text.attempt is not None
    assert post == Outgoing(
        to=PHONE, body=str(text.body), receipt_url=receipt_at(text.code, text.attempt.id), validity=timedelta(hours=1)
    )
    assert APPOINTMENT not in post.receipt_url


async def test_a_cancellation_stops_what_was_planned() -> None:
    day = await Day().begin()
    await day.worker.hears(visit(version=4, state=VisitState.CANCELLED, since=BOOKED_AT))
    await day.run(1)

    assert (await day.steps())["booked"] is State.CANCELLED
    assert len(day.phone.bodies) == 1
    assert "cancelled" in day.phone.bodies[0]


async def test_the_truth_is_looked_at_again_when_the_text_is_due() -> None:
    """The visit was cancelled, and the worker that heard it died before it got to the texts."""
    day = await Day().begin()
    await day.worker.stores.visits.keep(visit(version=4, state=VisitState.CANCELLED))
    await day.run(1)

    assert day.phone.posts == []
    assert (await day.steps())["booked"] is State.CANCELLED


async def test_a_practice_that_switches_a_step_off_is_heeded_by_texts_already_planned() -> None:
    day = await Day().begin()
    await day.worker.planning.keep_practice(practice(version=2, steps=frozenset()))
    day.clock.at = STARTS - timedelta(days=1)
    await day.run(1)

    assert (await day.steps())["day_before"] is State.CANCELLED


OUTCOMES = [
    (NotCreated("refused"), True, 1),
    (NotCreated("slow_down", timedelta(seconds=30)), True, 1),
    (Unknown("timeout"), True, 1),
    (Unknown("timeout"), False, 1),
    (Refused(21211), False, 0),
    (Refused(21611), False, 1),
    (Refused(99999), False, 0),
]


@pytest.mark.parametrize(("outcome", "arrives", "texts"), OUTCOMES, ids=str)
async def test_each_outcome_of_the_first_post_ends_with_the_right_number_of_texts(
    outcome: Any, arrives: bool, texts: int
) -> None:
    day = await Day().begin()
    day.phone.answers.append(lambda: outcome)
    day.phone.arrives = arrives
    await day.run(1)
    day.phone.arrives = True
    await day.run(10)

    assert len(day.phone.bodies) == texts
    assert (await day.steps())["booked"] is (State.ACCEPTED if texts else State.FAILED)


async def test_three_posts_that_were_never_seen_are_the_last() -> None:
    day = await Day().begin()
    day.phone.answers = [lambda: Unknown("timeout")] * 5
    day.phone.arrives = False
    await day.run(40)

    assert len(day.phone.posts) == 3
    assert (await day.steps())["booked"] is State.DEAD


async def test_while_the_provider_cannot_be_asked_nothing_is_sent_again() -> None:
    day = await Day().begin()
    day.phone.answers = [lambda: Unknown("timeout")]
    day.phone.down = True
    await day.run(30)

    assert len(day.phone.posts) == 1
    assert (await day.steps())["booked"] is State.UNKNOWN


async def test_wrong_credentials_rest_the_sender_and_lose_nothing() -> None:
    day = await Day().begin()
    day.phone.answers = [lambda: Refused(20003)]
    await day.worker.sending.send_due()
    await day.worker.hears(visit(appointment="b" * 26, since=day.clock()))
    await day.worker.sending.send_due()
    assert len(day.phone.posts) == 1

    await day.run(10)
    assert len(day.phone.bodies) == 2


async def test_an_opt_out_that_the_provider_tells_of_holds_for_every_later_text() -> None:
    day = await Day().begin()
    day.phone.answers = [lambda: Refused(21610)]
    await day.run(1)
    await day.worker.hears(visit(appointment="b" * 26, since=day.clock()))
    await day.run(1)

    assert len(day.phone.posts) == 1
    assert (await day.text("booked")).why == "opted_out:21610"


async def test_a_receipt_that_comes_twice_is_taken_once() -> None:
    day = await Day().begin()
    await day.run(1)
    text = await day.text("booked")
    assert text.attempt is not None
    for _ in range(2):
        await day.worker.receipts.take(
            text.code, text.attempt.id, sid=str(text.sid), status="delivered", error_code=None
        )

    assert (await day.text("booked")).fence == text.fence + 1


async def test_workers_that_run_at_once_send_each_text_once() -> None:
    day = await Day().begin()
    for n in range(40):
        await day.worker.hears(visit(appointment=f"{n:026d}", since=BOOKED_AT))
    others = [Worker(day.worker.stores, day.phone, day.clock) for _ in range(5)]

    await asyncio.gather(*(worker.sending.send_due() for worker in (day.worker, *others)))

    assert len(day.phone.bodies) == len(set(day.phone.bodies)) == 41


async def test_a_c_is_said_once_and_answered_with_silence() -> None:
    day = await Day().begin()
    await day.run(1)
    for sid in ("SMin1", "SMin1"):
        await day.hear("C", sid)
    await day.run(1)

    assert [event.id for event in day.worker.stores.visits.said] == [f"{APPOINTMENT}:1:reply.confirmed"]  # type: ignore[attr-defined]  # the twin's own
    assert len(day.phone.bodies) == 1


async def test_a_c_is_about_the_visit_of_the_last_text() -> None:
    day = await Day().begin()
    await day.run(1)
    await day.worker.hears(visit(appointment="b" * 26, starts_at=STARTS + timedelta(days=3), since=day.clock()))
    await day.run(1)
    await day.hear("C")

    assert [event.subject for event in day.worker.stores.visits.said] == ["b" * 26]  # type: ignore[attr-defined]  # the twin's own


async def test_a_c_about_a_cancelled_visit_is_about_the_next_one() -> None:
    day = await Day().begin()
    await day.run(1)
    await day.worker.hears(visit(appointment="b" * 26, state=VisitState.CANCELLED, since=day.clock()))
    await day.run(1)
    await day.hear("C")

    assert [event.subject for event in day.worker.stores.visits.said] == [APPOINTMENT]  # type: ignore[attr-defined]  # the twin's own


async def test_an_r_is_answered_with_a_link_even_at_night() -> None:
    day = await Day().begin()
    await day.run(1)
    day.clock.at = BOOKED_AT + timedelta(hours=14)
    await day.hear("R")
    await day.run(1)

    assert "pick another time" in day.phone.bodies[-1]


async def test_a_text_in_words_is_answered_once_a_day() -> None:
    day = await Day().begin()
    await day.run(1)
    for n in range(3):
        await day.hear("what shall I bring?", f"SMin{n}")
        await day.run(1)
    day.clock.forward(timedelta(days=1))
    await day.hear("hello?", "SMin9")
    await day.run(1)

    assert len([body for body in day.phone.bodies if "this line is automated" in body]) == 2


async def test_after_a_stop_nothing_goes_out_until_a_start() -> None:
    day = await Day().begin()
    await day.run(1)
    await day.hear("STOP")
    day.clock.at = STARTS - timedelta(days=2) + timedelta(hours=7)
    await day.run(1)
    assert (await day.steps())["prepare"] is State.SKIPPED

    await day.hear("START", "SMin2")
    day.clock.at = STARTS - timedelta(days=1)
    await day.run(1)

    assert (await day.steps())["day_before"] is State.ACCEPTED
    assert len(day.phone.bodies) == 2


async def test_a_stop_from_a_number_that_nobody_knew_holds_when_it_books_later_until_a_start() -> None:
    day = Day()
    await day.hear("please stop texting me")
    await day.begin()
    await day.run(1)
    assert (await day.steps())["booked"] is State.SKIPPED
    assert day.phone.posts == []

    await day.hear("START", "SMin2")
    day.clock.at = STARTS - timedelta(days=1)
    await day.run(1)

    assert (await day.steps())["day_before"] is State.ACCEPTED


async def test_please_stop_is_confirmed_once_and_then_there_is_silence() -> None:
    day = await Day().begin()
    await day.run(1)
    await day.hear("please stop texting me")
    await day.run(1)
    await day.hear("hello?", "SMin2")
    await day.run(1)

    assert len(day.phone.bodies) == 2
    assert "no more texts" in day.phone.bodies[-1]


async def test_a_text_from_an_unknown_number_is_noted_and_nothing_more() -> None:
    day = await Day().begin()
    await day.hear("C", phone="+15035559999")
    await day.run(1)

    assert len(day.phone.bodies) == 1
    assert await day.worker.stores.replies.undone(day.clock() + timedelta(days=1), 10) == []


async def test_help_is_answered_here_where_the_provider_does_not() -> None:
    day = await Day(provider_answers=False).begin()
    await day.run(1)
    await day.hear("HELP")
    await day.run(1)

    assert "Reply STOP to opt out" in day.phone.bodies[-1]
    assert (await day.text("help")).state is State.ACCEPTED


async def test_the_words_of_a_reply_are_not_kept() -> None:
    day = await Day().begin()
    await day.run(1)
    await day.hear("my knee is bad")

    kept = day.worker.stores.replies._kept["SMin1"]  # type: ignore[attr-defined]  # the twin's own
    assert "knee" not in repr(kept)
    assert kept == replace(kept)


OF_A_LATER_RELEASE = "Mars/Olympus"


async def test_a_text_that_cannot_be_written_holds_up_none_of_its_neighbours() -> None:
    day = await Day().begin()
    await day.worker.hears(visit(since=BOOKED_AT, appointment="b" * 26))
    lost = await day.text("booked")
    await day.worker.stores.visits.keep(visit(version=4, since=BOOKED_AT, zone=OF_A_LATER_RELEASE))

    await day.run(2)

    assert len(day.phone.bodies) == 1
    put_off = await day.text("booked")
    assert (put_off.id, put_off.state, put_off.due) == (lost.id, State.PLANNED, BOOKED_AT + timedelta(minutes=5))


async def test_a_text_that_was_too_long_goes_out_once_the_practice_has_a_shorter_name() -> None:
    day = await Day().begin()
    await day.worker.planning.keep_practice(practice(version=2, sms_name="\U0001f33f" * 60))
    await day.run(1)
    assert (await day.steps())["booked"] is State.PLANNED

    await day.worker.planning.keep_practice(practice(version=3))
    await day.run(5)

    assert len(day.phone.bodies) == 1


async def test_a_text_that_still_cannot_be_written_when_it_is_of_no_more_use_is_given_up() -> None:
    day = await Day().begin(notice=timedelta(minutes=8), starts_at=BOOKED_AT + timedelta(minutes=8))
    soon = visit(since=BOOKED_AT, starts_at=BOOKED_AT + timedelta(minutes=8))
    await day.worker.stores.visits.keep(replace(soon, version=4, zone=OF_A_LATER_RELEASE))

    await day.run(8)

    given_up = await day.text("booked")
    assert (given_up.state, given_up.due) == (State.DEAD, None)


async def test_a_worker_that_was_suspended_before_its_post_posts_nothing_late() -> None:
    day = await Day().begin()
    save = day.worker.stores.messages.save

    async def suspended(*args: Any) -> Any:
        saved = await save(*args)
        if any(text.state is State.SENDING for text in saved):
            day.clock.forward(timedelta(hours=10))
        return saved

    day.worker.stores.messages.save = suspended  # type: ignore[method-assign]  # the pause of a whole machine
    await day.worker.sending.send_due()

    assert day.phone.posts == []
    assert (await day.text("booked")).state is State.PLANNED


async def reported(day: Day, error_code: int, status: str = "failed") -> None:
    """A receipt says what became of the text about the booking."""
    text = await day.text("booked")
    assert text.attempt is not None
    await day.worker.receipts.take(text.code, text.attempt.id, sid=str(text.sid), status=status, error_code=error_code)


async def listed(day: Day, error_code: int) -> None:
    """No receipt came, and the provider's list says what became of the only text."""
    [(post, found)] = day.phone.arrived
    day.phone.arrived = [(post, replace(found, status="failed", error_code=error_code))]
    day.clock.forward(timedelta(minutes=10))
    await day.worker.sending.send_due()


TOLD = pytest.mark.parametrize("told", [reported, listed])


@TOLD
async def test_an_opt_out_told_after_the_post_holds_for_every_later_text(told: Any) -> None:
    day = await Day().begin()
    await day.worker.sending.send_due()
    await told(day, 21610)
    await day.worker.hears(visit(appointment="b" * 26, since=day.clock()))
    await day.run(5)

    assert len(day.phone.posts) == 1


@TOLD
async def test_a_sender_that_is_found_unusable_after_the_post_stops_until_somebody_lets_it_go_on(told: Any) -> None:
    day = await Day().begin()
    await day.worker.sending.send_due()
    await told(day, 30034)
    await day.worker.hears(visit(appointment="b" * 26, since=day.clock()))
    await day.worker.sending.send_due()
    await day.run(3)
    assert len(day.phone.posts) == 1

    await day.worker.stores.senders.resume(SENDER, by="desk", at=day.clock())
    await day.run(1)
    assert len(day.phone.posts) == 2


@TOLD
async def test_what_a_person_has_to_see_is_logged_once(told: Any) -> None:
    day = await Day().begin()
    await day.worker.sending.send_due()
    with capture_logs() as lines:
        for _ in range(2):
            await told(day, 30007)

    assert [line["why"] for line in lines if line["event"] == "text.refused"] == ["filtered"]


async def test_of_two_moves_within_three_minutes_the_last_is_told() -> None:
    day = await Day().begin()
    await day.run(1)
    for version, days in ((4, 1), (5, 2)):
        moved = visit(version=version, moved=True, since=day.clock(), starts_at=STARTS + timedelta(days=days))
        await day.worker.hears(moved)
        await day.run(2)
    await day.run(5)

    assert ["Jun 18" in body for body in day.phone.bodies if "moved" in body] == [True]


async def test_who_says_yes_is_not_asked_two_days_before_until_the_visit_moves_or_they_ask_to_move_it() -> None:
    day = await Day().begin()
    await day.run(1)
    asked = []
    for body in ("C", "R", "C"):
        await day.hear(body, sid=f"SMin{len(asked)}")
        of = await day.worker.stores.visits.get(APPOINTMENT)
        assert of is not None
        asked.append("two_days" in steps(of, practice(steps=FULL)))
    await day.worker.hears(visit(version=4, moved=True, since=day.clock(), starts_at=STARTS + timedelta(days=1)))
    moved = await day.worker.stores.visits.get(APPOINTMENT)

    assert asked == [False, True, False]
    assert moved is not None
    assert "two_days" in steps(moved, practice(steps=FULL))
