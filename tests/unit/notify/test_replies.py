"""What becomes of a text in words: a call, an entry at the desk, one answer, and nothing anywhere else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY, generate_latest
from structlog.testing import capture_logs

from services.notify import documents
from services.notify.actions.calls import CallUnknown
from services.notify.actions.inbox import WordsUnknown
from services.notify.domain.call import CallWhy
from services.notify.domain.consent import Entry, Purpose, Word
from services.notify.domain.delivery import State
from services.notify.domain.visit import VisitState
from services.notify.sealing import Seal
from tests.support.notify import (
    ALL_STEPS,
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

HOUSE, ALERTS = "still-waters", "+15035550111"
BOOKED_AT = STARTS - timedelta(days=7)
PLANTED = "my sister Zebulona says the quokka is purple"


class Desk:
    """One practice with a visit; every step is switched on."""

    def __init__(self) -> None:
        self.clock = Clock(BOOKED_AT)
        self.stores = twins(self.clock)
        self.phone = Phone(self.clock)
        self.worker = Worker(self.stores, self.phone, self.clock)
        self.heard = 0

    async def begin(self) -> Desk:
        house = replace(practice(steps=ALL_STEPS | {"check_in"}), alerts_phone=ALERTS, emergency="911")
        await self.stores.practices.keep(house)
        assert await self.worker.hears(visit(since=BOOKED_AT))
        await self.run()
        return self

    async def run(self) -> None:
        for _ in range(4):
            await self.worker.sending.send_due()
            self.clock.forward(timedelta(seconds=10))

    async def hear(self, body: str, *, phone: str = PHONE, sid: str | None = None) -> None:
        self.heard += 1
        await self.worker.listening.hear(inbound(body, sid=sid or f"SMin{self.heard}", phone=phone))
        await self.run()

    async def checked_in(self) -> Desk:
        """The day after the visit, the client was asked how they are."""
        self.clock.at = STARTS + timedelta(hours=1)
        done = visit(version=5, state=VisitState.ATTENDED, since=self.clock())
        assert await self.worker.hears(done)
        self.clock.at = STARTS + timedelta(days=1, hours=2)
        for text in await self.stores.messages.of(APPOINTMENT):
            if text.step == "check_in" and text.due is not None:
                self.clock.at = max(self.clock.at, text.due)
        await self.run()
        last = await self.stores.messages.last_sent(PHONE, self.clock())
        assert last is not None
        assert last.step == "check_in"
        return self

    def to(self, phone: str) -> list[str]:
        return [text.body for text, _ in self.phone.arrived if text.to == phone]

    async def open_calls(self) -> list[tuple[str, CallWhy]]:
        found, _ = await self.worker.calls.page(HOUSE, only_open=True, before=None, limit=10)
        return [(call.appointment, call.why) for call in found]


async def test_a_1_after_the_question_how_one_is_needs_nothing_and_a_2_is_a_call() -> None:
    desk = await (await Desk().begin()).checked_in()
    before = len(desk.to(PHONE))

    await desk.hear("1")
    assert await desk.open_calls() == []
    await desk.hear("2")

    assert await desk.open_calls() == [(APPOINTMENT, CallWhy.ASKED)]
    assert len(desk.to(PHONE)) == before
    assert [text for text in desk.to(ALERTS) if "asks to be called" in text]


async def test_two_days_after_the_question_a_2_is_no_call_any_more() -> None:
    desk = await (await Desk().begin()).checked_in()
    desk.clock.forward(timedelta(hours=49))

    await desk.hear("2")

    assert await desk.open_calls() == []


async def test_a_worrying_text_is_a_call_at_once_even_at_night_and_the_answer_tells_the_emergency_number() -> None:
    desk = await Desk().begin()
    desk.clock.at = BOOKED_AT.replace(hour=6)  # two in the morning there

    await desk.hear("I can't breathe")

    assert await desk.open_calls() == [(APPOINTMENT, CallWhy.WORRIED)]
    assert len(desk.to(ALERTS)) == 1
    assert "911" in desk.to(PHONE)[-1]
    assert "breathe" not in desk.to(ALERTS)[0]


async def test_a_wish_for_a_call_waits_for_a_decent_hour_and_is_dropped_once_somebody_called() -> None:
    desk = await Desk().begin()
    desk.clock.at = BOOKED_AT.replace(hour=6)
    await desk.hear("please call me")
    assert desk.to(ALERTS) == []

    [(call, _)] = [
        (one.id, one) for one in (await desk.worker.calls.page(HOUSE, only_open=True, before=None, limit=5))[0]
    ]
    await desk.worker.calls.done(HOUSE, call, by="ana")
    desk.clock.forward(timedelta(hours=10))
    await desk.run()

    assert desk.to(ALERTS) == []
    assert await desk.open_calls() == []
    with pytest.raises(CallUnknown):
        await desk.worker.calls.done("elsewhere", call, by="bob")
    again = await desk.worker.calls.done(HOUSE, call, by="bob")
    assert again.done_by == "ana"


async def test_one_entry_is_open_for_a_visit_however_many_texts_ask() -> None:
    desk = await Desk().begin()
    for n in range(3):
        await desk.hear("call me", sid=f"SMc{n}")
    await desk.hear("I feel dizzy", sid="SMd")

    assert await desk.open_calls() == [(APPOINTMENT, CallWhy.WORRIED)]
    assert len(desk.to(ALERTS)) == 2  # asked for, and then worrying


async def test_words_are_at_the_desk_and_nowhere_else() -> None:
    with capture_logs() as logged:
        desk = await Desk().begin()
        await desk.hear(PLANTED)
        opened, _ = await desk.worker.inbox.page(HOUSE, before=None, limit=10)

    assert [(words.appointment, said) for words, said in opened] == [(APPOINTMENT, PLANTED)]
    kept = [*desk.stores.messages.kept.values(), *(await desk.stores.replies.of([PHONE]))]  # type: ignore[attr-defined]  # the twin's own
    everything = repr([kept, logged, desk.stores.visits.said, desk.phone.bodies, [words for words, _ in opened]])  # type: ignore[attr-defined]  # the twin's own
    everything += repr([bytes(words.sealed) for words, _ in opened]) + generate_latest(REGISTRY).decode()
    everything += repr([documents.of_reply(one) for one in await desk.stores.replies.of([PHONE])])
    for word in ("Zebulona", "quokka", "purple"):
        assert word not in everything


async def test_whoever_reads_a_text_first_is_named_and_only_its_practice_may() -> None:
    desk = await Desk().begin()
    await desk.hear(PLANTED, sid="SMw")

    for who in ("ana", "bob"):
        await desk.worker.inbox.mark_read(HOUSE, "SMw", by=who)
    with pytest.raises(WordsUnknown):
        await desk.worker.inbox.mark_read("elsewhere", "SMw", by="bob")

    [(words, _)] = (await desk.worker.inbox.page(HOUSE, before=None, limit=10))[0]
    assert words.read_by == "ana"


async def test_a_stranger_is_not_answered_and_no_word_of_theirs_is_kept() -> None:
    desk = await Desk().begin()
    for body in ("HELP", "hello?", "C", "R", "call me", "I can't breathe", PLANTED):
        await desk.hear(body, phone="+15035550199")

    assert desk.to("+15035550199") == []
    assert (await desk.worker.inbox.page(HOUSE, before=None, limit=10))[0] == []
    assert all(reply.sealed is None for reply in await desk.stores.replies.of(["+15035550199"]))


@pytest.mark.parametrize("body", ["echo", "R", "HELP", "what?"])
async def test_two_machines_that_answer_each_other_come_to_an_end(body: str) -> None:
    desk = Desk()
    desk.worker = Worker(desk.stores, desk.phone, desk.clock, provider_answers=False)
    await desk.begin()
    answered = len(desk.to(PHONE))
    for n in range(30):
        was = len(desk.to(PHONE))
        await desk.hear(desk.to(PHONE)[-1] if body == "echo" else body, sid=f"SMr{n}")
        if len(desk.to(PHONE)) == was:
            break
    else:
        pytest.fail("it goes on and on")

    assert len(desk.to(PHONE)) - answered <= 8


async def test_a_stop_in_words_is_confirmed_once_a_day_and_not_where_the_provider_did() -> None:
    desk = await Desk().begin()
    for body in ("please stop texting me", "START", "stop sending these", "no more texts"):
        await desk.hear(body)
    assert len([text for text in desk.to(PHONE) if "no more texts" in text]) == 1

    desk = await Desk().begin()
    await desk.worker.listening.hear(inbound("STOP", opt_out_type="STOP"))
    await desk.run()
    assert not [text for text in desk.to(PHONE) if "no more texts" in text]


async def test_a_text_that_is_handed_over_twice_or_to_two_at_once_is_one_text() -> None:
    desk = await Desk().begin()
    other = Worker(desk.stores, desk.phone, desk.clock)
    before = len(desk.to(PHONE))

    twice = [one.listening.hear(inbound(f"{PLANTED}, call me", sid="SMx")) for one in (desk.worker, other)]
    await asyncio.gather(*twice)
    await desk.hear(f"{PLANTED}, call me", sid="SMx")

    assert len((await desk.worker.inbox.page(HOUSE, before=None, limit=10))[0]) == 1
    assert len(await desk.open_calls()) == 1
    assert len(desk.to(PHONE)) == before + 1
    assert len(desk.to(ALERTS)) == 1


async def test_killed_between_any_two_steps_the_words_and_the_call_are_there_once() -> None:
    async def lived(dies_at: int | None) -> tuple[list[str], list[tuple[str, CallWhy]], int, int, int]:
        desk = await Desk().begin()
        life = Life(dies_at)
        try:
            await Worker(mortal(desk.stores, life), desk.phone, desk.clock).listening.hear(inbound("I feel dizzy"))
        except Killed:
            if not await desk.stores.replies.undone(desk.clock() + timedelta(days=1), 10):
                await desk.worker.listening.hear(inbound("I feel dizzy"))
        desk.clock.forward(timedelta(seconds=30))
        await desk.worker.listening.finish_dropped()
        await desk.run()
        opened, _ = await desk.worker.inbox.page(HOUSE, before=None, limit=10)
        said = [words for _, words in opened]
        return said, await desk.open_calls(), len(desk.to(PHONE)), len(desk.to(ALERTS)), life.halves

    *undisturbed, halves = await lived(None)
    assert undisturbed == [["I feel dizzy"], [(APPOINTMENT, CallWhy.WORRIED)], 2, 1]
    for half in range(halves):
        assert list((await lived(half))[:4]) == undisturbed, half


async def test_nothing_of_inbox_and_calls_is_left_of_a_forgotten_client() -> None:
    desk = await Desk().begin()
    await desk.hear(f"{PLANTED}, call me")
    await desk.worker.clients.erase("a" * 26, HOUSE, appointments=[APPOINTMENT], phones=[PHONE])

    assert await desk.stores.inbox.of([APPOINTMENT]) == []
    assert await desk.stores.calls.of([APPOINTMENT]) == []


async def test_an_export_holds_calls_and_the_words() -> None:
    desk = await Desk().begin()
    await desk.hear(f"{PLANTED}, call me")
    await desk.worker.clients.prepare_export("a" * 26, HOUSE, appointments=[APPOINTMENT])

    export = await desk.worker.clients.exported("a" * 26, HOUSE)

    assert [words for _, words in export.words] == [f"{PLANTED}, call me"]
    assert [call.why for call in export.calls] == [CallWhy.ASKED]


async def test_where_the_two_lists_of_stops_differ_is_shown() -> None:
    desk = await Desk().begin()
    [booked] = [text for text in await desk.stores.messages.of(APPOINTMENT) if text.state is State.ACCEPTED]
    refused = replace(
        booked, state=State.FAILED, id=f"{APPOINTMENT}/x/1", code="x", sid=None, fence=0, why="opted_out:21610"
    )
    await desk.stores.messages.save([refused])
    stop = Entry(key="provider:1", word=Word.STOPPED, at=desk.clock(), source="provider")
    await desk.stores.contacts.enter_everywhere(PHONE, stop)

    drift = await desk.worker.ledgers.drift(HOUSE, timedelta(days=1))
    assert [text.id for text in drift.unknown_here] == [refused.id]
    assert list(drift.accepted_there) == []
    assert dict(drift.words) == {(Word.STOPPED, "provider"): 1}

    late = replace(booked, id=f"{APPOINTMENT}/y/1", code="y", sid="SMlate", fence=0)
    late = replace(late, sent_at=desk.clock() + timedelta(hours=1))
    await desk.stores.messages.save([late])
    drift = await desk.worker.ledgers.drift(HOUSE, timedelta(days=1))
    assert [text.id for text in drift.accepted_there] == [late.id]


async def test_what_a_number_agreed_to_follows_from_its_ledger() -> None:
    desk = await Desk().begin()
    said = await desk.worker.ledgers.of(HOUSE, PHONE)

    assert (said.stopped, said.agrees) == (False, {Purpose.CARE: True, Purpose.OFFERS: False})


def test_words_are_read_under_their_own_key_and_name_only() -> None:
    sealed = Seal(b"k" * 32).seal("words", "SM1")

    assert Seal(b"k" * 32).read(sealed, "SM1") == "words"
    for key, name, shown in (
        (b"x" * 32, "SM1", sealed),
        (b"k" * 32, "SM2", sealed),
        (b"k" * 32, "SM1", b"\x02" + sealed[1:]),
    ):
        assert Seal(key).read(shown, name) is None


async def test_what_was_sealed_under_another_key_hides_nothing_that_can_be_read() -> None:
    desk = await Desk().begin()
    await desk.hear("before the key was lost", sid="SMold")
    desk.worker = Worker(desk.stores, desk.phone, desk.clock, words_key=b"n" * 32)
    await desk.hear("and after it", sid="SMnew")

    opened, _ = await desk.worker.inbox.page(HOUSE, before=None, limit=10)
    await desk.worker.clients.prepare_export("a" * 26, HOUSE, appointments=[APPOINTMENT])
    export = await desk.worker.clients.exported("a" * 26, HOUSE)

    assert [(kept.sid, words) for kept, words in opened] == [("SMnew", "and after it"), ("SMold", None)]
    assert [words for _, words in export.words] == [None, "and after it"]
