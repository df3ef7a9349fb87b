"""What the desk does with texts that were sent, with those that did not arrive, and with those that must wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from services.notify.actions import dead_letters
from services.notify.actions.desk import MessageBegun, MessageUnknown, PracticeUnknown
from services.notify.actions.pauses import SenderUnknown, TemplateUnknown
from services.notify.actions.timelines import Entry
from services.notify.domain.again import NotToBeResent, ResentOften
from services.notify.domain.delivery import Message, State
from services.notify.domain.errors import TREATMENTS, UNLISTED
from services.notify.domain.leave import Leave
from services.notify.domain.provider import Refused
from services.notify.domain.sender import Standing
from services.notify.domain.visit import Visit, VisitState
from services.notify.domain.whys import in_words
from services.notify.ports import Reply
from tests.support.notify import (
    APPOINTMENT,
    PHONE,
    SENDER,
    STARTS,
    Clock,
    Phone,
    Worker,
    code,
    inbound,
    practice,
    twins,
    visit,
)

BOOKED_AT = STARTS - timedelta(days=7)
HOUSE = "still-waters"


class Day:
    """One practice, one client, one phone."""

    def __init__(self, leave: Leave = Leave()) -> None:  # noqa: B008  frozen
        self.clock = Clock(BOOKED_AT)
        self.phone = Phone(self.clock)
        self.worker = Worker(twins(self.clock), self.phone, self.clock, leave=leave)

    async def open(self) -> Day:
        await self.worker.stores.practices.keep(practice())
        return self

    async def told(self, of: Visit | None = None) -> Message:
        """A visit whose news was sent and delivered."""
        known = of or visit(since=BOOKED_AT)
        await self.worker.hears(known)
        await self.worker.sending.send_due()
        [booked, *_] = await self.worker.stores.messages.of(known.appointment)
        return await self.delivered(booked)

    async def delivered(self, text: Message) -> Message:
        assert text.attempt is not None
        assert text.sid is not None
        await self.worker.receipts.take(text.code, text.attempt.id, sid=text.sid, status="delivered", error_code=None)
        return await self.read(text.id)

    async def read(self, id: str) -> Message:  # noqa: A002  the field's own name
        found = await self.worker.stores.messages.get(id)
        assert found is not None
        return found

    async def refused(self, error: int) -> Message:
        self.phone.answers.append(lambda: Refused(error))
        await self.worker.hears(visit(since=BOOKED_AT))
        await self.worker.sending.send_due()
        [booked, *_] = await self.worker.stores.messages.of(APPOINTMENT)
        return booked


@pytest.fixture
async def day() -> Day:
    return await Day().open()


async def test_a_text_that_was_lost_is_sent_again_in_the_same_words_under_a_link_of_its_own(day: Day) -> None:
    booked = await day.told()

    copy = await day.worker.desk.resend(booked.id, by="Ana", practice=HOUSE)
    await day.worker.sending.send_due()

    sent = await day.read(copy.id)
    assert copy.id == f"{booked.id}~1"
    assert copy.turns[0].why == "desk:Ana"
    assert sent.state is State.ACCEPTED
    assert [body.replace(sent.code, booked.code) for body in day.phone.bodies] == [booked.body, booked.body]
    assert sent.code != booked.code


async def test_a_copy_is_not_sent_once_it_is_no_longer_true(day: Day) -> None:
    booked = await day.told()
    copy = await day.worker.desk.resend(booked.id, by="Ana")
    moved = visit(since=BOOKED_AT, version=4, moved=True, starts_at=STARTS + timedelta(days=1))

    await day.worker.stores.visits.keep(moved)
    await day.worker.sending.send_due()

    kept = await day.read(copy.id)
    assert (kept.state, kept.why) == (State.CANCELLED, "superseded")
    assert len(day.phone.bodies) == 1


async def test_a_copy_that_waits_is_left_alone_by_a_change_that_leaves_its_text_true(day: Day) -> None:
    booked = await day.told()
    copy = await day.worker.desk.resend(booked.id, by="Ana")

    await day.worker.hears(visit(since=BOOKED_AT, version=4))

    assert (await day.read(copy.id)).state is State.PLANNED


async def test_the_same_words_go_out_three_times_a_day_at_most(day: Day) -> None:
    booked = await day.told()
    for number in (1, 2, 3):
        copy = await day.worker.desk.resend(f"{booked.id}~1" if number == 3 else booked.id, by="Ana")
        assert copy.id == f"{booked.id}~{number}"
        await day.worker.sending.send_due()
        await day.delivered(await day.read(copy.id))

    with pytest.raises(ResentOften):
        await day.worker.desk.resend(booked.id, by="Ana")
    day.clock.forward(timedelta(days=1))
    assert (await day.worker.desk.resend(booked.id, by="Ana")).id == f"{booked.id}~4"


async def test_two_people_who_send_it_again_at_the_same_moment_make_one_copy(day: Day) -> None:
    booked = await day.told()

    done = await asyncio.gather(
        *(day.worker.desk.resend(booked.id, by=name) for name in ("Ana", "Ben")), return_exceptions=True
    )
    await day.worker.sending.send_due()

    assert sorted(type(one).__name__ for one in done) == ["Message", "NotToBeResent"]
    assert len(day.phone.bodies) == 2


async def test_of_two_who_saw_the_same_line_of_time_one_is_refused(day: Day) -> None:
    booked = await day.told()
    both, messages = asyncio.Barrier(2), day.worker.stores.messages
    of = messages.of

    async def seen_by_both(appointment: str) -> Sequence[Message]:
        found = await of(appointment)
        await both.wait()
        return found

    messages.of = seen_by_both  # type: ignore[method-assign]  # both have read before either writes
    done = await asyncio.gather(
        *(day.worker.desk.resend(booked.id, by=name) for name in ("Ana", "Ben")), return_exceptions=True
    )

    assert sorted(type(one).__name__ for one in done) == ["Message", "NotToBeResent"]
    assert len(await of(APPOINTMENT)) == len({text.code for text in await of(APPOINTMENT)})


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN, State.ACCEPTED])
async def test_what_may_have_left_cannot_be_cancelled_and_is_not_retried(day: Day, state: State) -> None:
    await day.worker.hears(visit(since=BOOKED_AT))
    [booked, *_] = await day.worker.stores.messages.of(APPOINTMENT)
    [left] = await day.worker.stores.messages.save([replace(booked, state=state)])

    for deed in (day.worker.desk.cancel, day.worker.desk.retry):
        with pytest.raises(MessageBegun):
            await deed(booked.id, by="Ana")
    assert await day.read(booked.id) == left


async def test_a_retry_by_hand_begins_anew_whatever_was_tried_before(day: Day) -> None:
    failed = await day.refused(21408)
    tired = replace(failed, tries=9, looks=2, sid="SM1", state=State.UNDELIVERED)
    await day.worker.stores.messages.save([tired])

    again = await day.worker.desk.retry(failed.id, by="Ana")

    assert (again.state, again.due, again.why) == (State.PLANNED, day.clock(), "desk:Ana")
    assert (again.tries, again.looks, again.sid) == (0, 0, None)


async def test_what_is_on_its_way_was_never_sent_or_is_of_no_use_is_not_sent_again(day: Day) -> None:
    await day.worker.hears(visit(since=BOOKED_AT))
    [booked, later, *_] = await day.worker.stores.messages.of(APPOINTMENT)
    await day.worker.sending.send_due()
    for id_ in (booked.id, later.id):
        with pytest.raises(NotToBeResent):
            await day.worker.desk.resend(id_, by="Ana")

    await day.delivered(await day.read(booked.id))
    day.clock.at = booked.not_after
    with pytest.raises(NotToBeResent):
        await day.worker.desk.resend(booked.id, by="Ana")


async def test_a_code_and_an_answer_are_not_sent_again(day: Day) -> None:
    await day.told()
    await day.worker.told(code(at=BOOKED_AT, expires_at=BOOKED_AT + timedelta(minutes=10)))
    await day.worker.listening.hear(inbound("what?"))
    await day.worker.sending.send_due()
    for id_ in [m.id for m in await _all(day) if m.step in {"code", "auto", "unclear"}]:
        await day.delivered(await day.read(id_))
        with pytest.raises(NotToBeResent):
            await day.worker.desk.resend(id_, by="Ana")


async def _all(day: Day) -> list[Message]:
    line = day.worker.stores.overview.line
    return list(await line(HOUSE, PHONE, before=None, limit=100))


async def test_a_text_of_another_practice_is_not_found(day: Day) -> None:
    booked = await day.told()

    for deed in (day.worker.desk.cancel, day.worker.desk.retry, day.worker.desk.resend):
        with pytest.raises(MessageUnknown):
            await deed(booked.id, by="Ana", practice="others")
    assert await day.worker.desk.timeline(APPOINTMENT, "others") == []
    assert await day.worker.desk.timeline(APPOINTMENT, HOUSE) != []


async def test_texts_and_replies_stand_in_one_line_of_time_page_by_page(day: Day) -> None:
    await day.told()
    day.clock.forward(timedelta(minutes=1))
    await day.worker.listening.hear(inbound("C", sid="SMc"))
    day.clock.forward(timedelta(minutes=1))
    await day.worker.listening.hear(inbound("hello?", sid="SMu"))
    await day.worker.sending.send_due()

    seen, before = list[Entry](), None
    for _ in range(20):
        entries, before = await day.worker.timelines.page(HOUSE, PHONE, before=before, limit=2)
        seen.extend(entries)
        if before is None:
            break

    assert [entry.place for entry in seen] == sorted({entry.place for entry in seen}, reverse=True)
    told = [e.what.sid if isinstance(e.what, Reply) else e.what.step for e in seen]
    assert told[-2:] == ["SMc", "booked"]
    assert "SMu" in told
    assert [e.what.sid for e in seen if isinstance(e.what, Reply) and e.has_words] == ["SMu"]
    assert "day_before" in told


async def test_a_practice_does_not_see_what_was_said_to_another_but_a_stop_is_to_all(day: Day) -> None:
    await day.told()
    await day.worker.stores.practices.keep(practice(id="others"))
    other = replace(visit(appointment="z" * 26, since=BOOKED_AT), practice="others")
    day.clock.forward(timedelta(minutes=1))
    await day.told(other)
    day.clock.forward(timedelta(minutes=1))
    await day.worker.listening.hear(inbound("C", sid="SMc"))
    await day.worker.listening.hear(inbound("stop", sid="SMs"))

    ours, _ = await day.worker.timelines.page(HOUSE, PHONE, before=None, limit=50)
    theirs, _ = await day.worker.timelines.page("others", PHONE, before=None, limit=50)

    assert [e.what.sid for e in ours if isinstance(e.what, Reply)] == ["SMs"]
    assert [e.what.sid for e in theirs if isinstance(e.what, Reply)] == ["SMs", "SMc"]
    assert {e.what.practice for e in ours if isinstance(e.what, Message)} == {HOUSE}


async def test_a_dead_letter_is_listed_with_its_reason_and_replayed_while_it_is_of_use(day: Day) -> None:
    failed = await day.refused(21408)
    listed, more = await day.worker.dead_letters.page(HOUSE, why=None, before=None, limit=10)
    assert ([text.id for text in listed], more) == ([failed.id], None)
    assert failed.why is not None
    assert await day.worker.dead_letters.page("others", why=None, before=None, limit=10) == ([], None)

    done = await day.worker.dead_letters.replay(HOUSE, why=failed.why, by="Ana")
    await day.worker.sending.send_due()

    assert (done.replayed, done.stale, done.more) == (1, 0, False)
    again = await day.read(failed.id)
    assert again.state is State.ACCEPTED
    assert "desk:Ana" in [turn.why for turn in again.turns]


async def test_a_dead_letter_of_no_use_is_not_replayed_and_a_false_one_is_not_sent(day: Day) -> None:
    failed = await day.refused(21408)
    assert failed.why is not None
    await day.worker.hears(visit(since=BOOKED_AT, version=4, state=VisitState.CANCELLED))
    await day.worker.sending.send_due()
    told = len(day.phone.bodies)

    assert (await day.worker.dead_letters.replay(HOUSE, why=failed.why, by="Ana")).replayed == 1
    await day.worker.sending.send_due()
    assert (len(day.phone.bodies), (await day.read(failed.id)).state) == (told, State.CANCELLED)


async def test_after_the_visit_a_dead_letter_counts_as_stale(day: Day) -> None:
    failed = await day.refused(21408)
    assert failed.why is not None
    day.clock.at = failed.not_after

    done = await day.worker.dead_letters.replay(HOUSE, why=failed.why, by="Ana")

    assert (done.replayed, done.stale) == (0, 1)
    assert (await day.read(failed.id)).state is State.FAILED


async def test_so_many_are_looked_at_in_one_go_page_by_page_and_the_sender_is_woken_for_what_goes(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "AT_ONCE", 1)
    monkeypatch.setattr(dead_letters, "MOST", 2)
    for n in range(3):
        day.phone.answers.append(lambda: Refused(21408))
        await day.worker.hears(visit(appointment=f"{n:026d}", since=BOOKED_AT, phone=f"+1503555011{n}"))
    await day.worker.sending.send_due()
    woken = day.worker.woken

    first = await day.worker.dead_letters.replay(HOUSE, why="region_not_enabled:21408", by="Ana")
    assert ((first.replayed, first.stale, first.more), day.worker.woken) == ((2, 0, True), woken + 1)
    then = await day.worker.dead_letters.replay(HOUSE, why="region_not_enabled:21408", by="Ana")
    assert ((then.replayed, then.stale, then.more), day.worker.woken) == ((1, 0, False), woken + 2)
    none = await day.worker.dead_letters.replay(HOUSE, why="region_not_enabled:21408", by="Ana")
    assert ((none.replayed, none.stale, none.more), day.worker.woken) == ((0, 0, False), woken + 2)


async def test_what_did_not_arrive_is_shown_for_thirty_days(day: Day) -> None:
    failed = await day.refused(21408)
    day.clock.at = failed.at + dead_letters.SHOWN
    assert len((await day.worker.dead_letters.page(HOUSE, why=None, before=None, limit=10))[0]) == 1
    day.clock.forward(timedelta(seconds=1))
    assert (await day.worker.dead_letters.page(HOUSE, why=None, before=None, limit=10))[0] == []


async def test_only_those_of_the_reason_are_replayed(day: Day) -> None:
    failed = await day.refused(21408)

    assert (await day.worker.dead_letters.replay(HOUSE, why="unresolved", by="Ana")).replayed == 0
    assert (await day.read(failed.id)).state is State.FAILED


@pytest.mark.parametrize("why", sorted({t.why for t in (*TREATMENTS.values(), UNLISTED)}))
def test_every_reason_of_the_provider_has_words(why: str) -> None:
    assert in_words(f"{why}:1") != in_words("no such reason:1")
    assert in_words(f"{why}:1").endswith("(code 1)")


async def test_a_paused_template_waits_is_counted_and_goes_on_when_it_is_let_go(day: Day) -> None:
    await day.worker.pauses.pause(HOUSE, "booked", by="Ana")
    await day.worker.hears(visit(since=BOOKED_AT))
    await day.worker.sending.send_due()
    assert (day.phone.bodies, await day.worker.pauses.paused(HOUSE)) == ([], {"booked": 1})
    assert await day.worker.stores.overview.waiting("others", most=10) == {}

    await day.worker.pauses.resume(HOUSE, "booked", by="Ana")
    day.clock.forward(timedelta(minutes=10))
    await day.worker.sending.send_due()

    assert (len(day.phone.bodies), await day.worker.pauses.paused(HOUSE)) == (1, {})


async def test_a_template_that_is_paused_already_is_no_change_of_the_desk(day: Day) -> None:
    for _ in range(2):
        await day.worker.pauses.pause("still-waters", "booked", by="Ana")
    paused = await day.worker.stores.practices.get("still-waters")
    for _ in range(2):
        await day.worker.pauses.resume("still-waters", "booked", by="Ana")
    resumed = await day.worker.stores.practices.get("still-waters")

    assert paused is not None
    assert resumed is not None
    assert (paused.edits, resumed.edits, resumed.paused) == (1, 2, frozenset())


async def test_a_paused_text_is_dropped_only_when_it_is_of_no_use(day: Day) -> None:
    await day.worker.pauses.pause(HOUSE, "booked", by="Ana")
    await day.worker.hears(visit(since=BOOKED_AT))
    await day.worker.sending.send_due()
    [booked, *_] = await day.worker.stores.messages.of(APPOINTMENT)
    assert booked.state is State.PLANNED

    day.clock.at = booked.not_after - timedelta(minutes=1)
    await day.worker.sending.send_due()

    assert (await day.read(booked.id)).state is State.SKIPPED
    assert day.phone.bodies == []


async def test_unknown_templates_practices_and_senders_cannot_be_paused(day: Day) -> None:
    with pytest.raises(TemplateUnknown):
        await day.worker.pauses.pause(HOUSE, "nothing", by="Ana")
    with pytest.raises(PracticeUnknown):
        await day.worker.pauses.pause("nobody", "booked", by="Ana")
    with pytest.raises(SenderUnknown):
        await day.worker.pauses.pause_sender("+10000000000", by="Ana", why="x")


async def test_while_the_sender_is_paused_nothing_leaves_and_then_everything_does(day: Day) -> None:
    paused = await day.worker.pauses.pause_sender(SENDER, by="Ana", why="a wrong name in every text")
    await day.worker.hears(visit(since=BOOKED_AT))
    await day.worker.sending.send_due()
    assert (paused.standing, day.phone.posts) == (Standing.PAUSED, [])
    assert paused.paused is not None
    assert paused.paused.by == "Ana"
    assert (await day.worker.pauses.backlog()).due == 1

    resumed = await day.worker.pauses.resume_sender(SENDER, by="Ben")
    await day.worker.sending.send_due()

    assert (resumed.standing, resumed.resumed_by, len(day.phone.bodies)) == (Standing.OPEN, "Ben", 1)


@pytest.mark.parametrize(
    ("leave", "why"),
    [(Leave(dry_run=True), "dry_run"), (Leave(only_to=frozenset({"+15035550199"})), "sandbox")],
    ids=["dry run", "sandbox"],
)
async def test_a_text_that_may_not_leave_is_written_and_not_posted(leave: Leave, why: str) -> None:
    day = await Day(leave).open()
    await day.worker.hears(visit(since=BOOKED_AT))
    await day.worker.sending.send_due()

    [booked, *_] = await day.worker.stores.messages.of(APPOINTMENT)
    assert (booked.state, booked.why, booked.attempts, day.phone.posts) == (State.SKIPPED, why, (), [])
    assert booked.body is not None
    assert booked.body.startswith("Still Waters")


async def test_a_number_on_the_list_of_the_sandbox_is_texted() -> None:
    day = await Day(Leave(only_to=frozenset({PHONE}))).open()

    await day.told()

    assert len(day.phone.bodies) == 1
