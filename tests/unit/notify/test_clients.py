"""What notify does about one client: handed out, or forgotten for good but for the STOP."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.notify import inbox
from services.notify.actions.clients import Clients, ExportUnknown
from services.notify.actions.notices import Notices
from services.notify.domain.consent import Entry, Word, hidden, stopped
from services.notify.domain.delivery import State
from services.notify.domain.notice import Asked, Notice, NoticeKind
from services.notify.domain.visit import VisitState
from services.notify.ports import Stores
from services.notify.routes.views import ExportAnswer
from shared.events import Event, envelope
from shared.events.booking import ClientEraseAsked, ClientExportAsked
from shared.events.notify import ClientErased, ClientExported
from shared.retry import DONE
from tests.support.notify import (
    APPOINTMENT,
    NEW_YORK,
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

ASK = "q" * 26
SECOND, NEVER = "b" * 26, "c" * 26
GUARDIAN = "+15035550143"
OTHERS = "z" * 26
BOOKED = STARTS - timedelta(days=7)


class World:
    """A practice with a client who was texted, has answered and has come, once with a guardian; and somebody else."""

    def __init__(self) -> None:
        self.clock = Clock(BOOKED)
        self.stores = twins(self.clock)
        self.phone = Phone(self.clock)
        self.woken = 0

    @property
    def worker(self) -> Worker:
        return Worker(self.stores, self.phone, self.clock)

    async def lived(self) -> World:
        await self.stores.practices.keep(practice())
        for appointment, phone in ((APPOINTMENT, PHONE), (SECOND, GUARDIAN), (OTHERS, GUARDIAN)):
            await self.worker.hears(visit(appointment=appointment, phone=phone, since=BOOKED))
        await self.worker.sending.send_due()
        await self.worker.listening.hear(inbound("C", sid="SMc"))
        await self.worker.listening.hear(inbound("C", sid="SMg", phone=GUARDIAN))
        await self.worker.listening.hear(inbound("STOP", sid="SMs"))
        await self.offered("offer")
        self.clock.at = STARTS + timedelta(hours=1)
        for appointment, phone in ((APPOINTMENT, PHONE), (SECOND, GUARDIAN)):
            await self.worker.hears(self.attended(appointment, phone))
        return self

    def attended(self, appointment: str = APPOINTMENT, phone: str = PHONE) -> Any:
        return visit(appointment=appointment, phone=phone, version=4, state=VisitState.ATTENDED, since=STARTS)

    async def offered(self, offer: str, **changes: Any) -> bool:
        at = self.clock()
        fields: dict[str, Any] = {"locale": "en-US", "zone": NEW_YORK, "client_zone": NEW_YORK, "consented": True}
        times = {"expires_at": at + timedelta(hours=2), "starts_at": at + timedelta(days=3)}
        notice = Notice(kind=NoticeKind.OFFER, **fields, **times)
        asked = Asked(id=offer, count=1, practice="still-waters", phone=PHONE, at=changes.get("at", at), notice=notice)
        entry = Entry(key="waitlist:1", word=Word.CONSENTED, at=at, source="booking", wording="v1")
        notices = Notices(self.stores, wake=self.wake, new_code=lambda: offer, now=self.clock)
        return await notices.tell(asked, entry)

    def wake(self) -> None:
        self.woken += 1

    async def hear(self, fact: Event, stores: Stores | None = None) -> None:
        heard = envelope(fact, subject=ASK, practice="still-waters", sequence=1, at=self.clock())
        notices = Notices(self.stores, wake=lambda: None, new_code=lambda: "x", now=self.clock)
        clients = Clients(stores or self.stores, seal=self.worker.seal, now=self.clock)
        assert await inbox.subscriptions(self.worker.planning, notices, clients)[type(fact)](heard) == DONE

    async def forgotten(self) -> None:
        """Nothing that names the client is left; what is of others is."""
        for appointment in (APPOINTMENT, SECOND, NEVER):
            assert await self.stores.visits.get(appointment) is None
            assert await self.stores.messages.of(appointment) == []
        assert await self.stores.messages.of("offer") == []
        ledgers = self.stores.contacts._ledgers  # type: ignore[attr-defined]  # the twin's own
        assert set(ledgers) == {("*", PHONE), ("still-waters", GUARDIAN)}
        assert [entry.key for entry in ledgers["still-waters", GUARDIAN]] == [f"visit:{OTHERS}:1"]
        assert await self.stores.replies.of([PHONE, GUARDIAN]) == []
        assert await self.stores.messages.of(OTHERS)


def erase_asked() -> ClientEraseAsked:
    return ClientEraseAsked(ask=ASK, refs=("r",), phones=(PHONE,), appointments=(APPOINTMENT, SECOND, NEVER))


def export_asked() -> ClientExportAsked:
    return ClientExportAsked(ask=ASK, refs=("r",), phones=(PHONE,), appointments=(APPOINTMENT, SECOND, NEVER))


@pytest.fixture
async def world() -> World:
    return await World().lived()


async def test_an_export_holds_texts_in_full_consents_and_what_replies_meant(world: World) -> None:
    for _ in range(2):
        await world.hear(export_asked())
    answer = ExportAnswer.of(ASK, await world.worker.clients.exported(ASK, "still-waters"))

    assert {one.appointment for one in answer.visits} == {APPOINTMENT, SECOND}
    sent = [one for one in answer.texts if one.state == State.ACCEPTED.value]
    assert {(one.to, one.step) for one in sent} == {(PHONE, "booked"), (GUARDIAN, "booked")}
    assert all(one.body and "Still Waters" in one.body for one in sent)
    assert {(one.phone, one.word) for one in answer.consents} >= {(PHONE, "consented"), (PHONE, "stopped")}
    assert [(one.phone, one.meaning) for one in answer.replies if one.phone == PHONE] == [
        (PHONE, "confirm"), (PHONE, "stop")
    ]  # fmt: skip
    (said,) = world.stores.asks.said  # type: ignore[attr-defined]  # the twin's own
    assert said.data == ClientExported(ask=ASK, records=len(answer.visits) + len(answer.texts))


async def test_an_export_is_there_for_seven_days_and_for_its_practice(world: World) -> None:
    await world.hear(export_asked())
    for ask, house in ((ASK, "elsewhere"), ("r" * 26, "still-waters")):
        with pytest.raises(ExportUnknown):
            await world.worker.clients.exported(ask, house)

    world.clock.forward(timedelta(days=7))
    with pytest.raises(ExportUnknown):
        await world.worker.clients.exported(ASK, "still-waters")


async def test_nothing_is_left_of_a_forgotten_client_but_that_they_said_stop(world: World) -> None:
    await world.hear(erase_asked())

    await world.forgotten()
    assert stopped(await world.stores.contacts.of_number(PHONE))
    with pytest.raises(ExportUnknown):
        await world.worker.clients.exported(ASK, "still-waters")


async def test_an_erasure_that_is_asked_again_is_answered_once_under_the_same_id(world: World) -> None:
    for _ in range(3):
        await world.hear(erase_asked())

    (said,) = world.stores.asks.said  # type: ignore[attr-defined]  # the twin's own
    assert said.id == f"{ASK}:1:client.erased"
    assert isinstance(said.data, ClientErased)


async def test_what_comes_late_brings_nothing_back(world: World) -> None:
    (booked, *_) = await world.stores.messages.of(APPOINTMENT)
    before = world.clock()
    world.clock.forward(timedelta(minutes=1))
    await world.hear(erase_asked())
    for appointment in (APPOINTMENT, NEVER):
        assert await world.worker.hears(visit(appointment=appointment, version=9))
    attempt = booked.attempt
    assert attempt is not None
    await world.worker.receipts.take(booked.code, attempt.id, sid="SM1", status="delivered", error_code=None)
    woken = world.woken
    assert await world.offered("offer", at=before)
    assert world.woken == woken, "it could have been sent"
    await world.worker.sending.send_due()

    await world.forgotten()


async def test_whoever_comes_back_after_an_erasure_is_texted_again_unless_they_said_stop(world: World) -> None:
    await world.hear(erase_asked())
    world.clock.forward(timedelta(days=1))
    again = visit(appointment="n" * 26, starts_at=STARTS + timedelta(days=9), since=world.clock())
    assert await world.worker.hears(again)
    await world.worker.sending.send_due()
    (booked, *_) = await world.stores.messages.of("n" * 26)
    assert (booked.state, booked.why) == (State.SKIPPED, "opted_out")

    await world.worker.listening.hear(inbound("START", sid="SMstart"))
    await world.worker.desk.retry(booked.id, by="Ana")
    await world.worker.sending.send_due()
    (booked, *_) = await world.stores.messages.of("n" * 26)
    assert booked.state is State.ACCEPTED


async def test_an_erasure_that_is_heard_again_leaves_those_who_came_back_alone(world: World) -> None:
    await world.hear(erase_asked())
    await world.worker.listening.hear(inbound("HELP", sid="SMhelp"))
    await world.hear(erase_asked())

    assert [reply.sid for reply in await world.stores.replies.of([PHONE])] == ["SMhelp"]


async def test_an_erasure_between_two_steps_of_planning_leaves_nothing(world: World) -> None:
    """At each call of a late event's handler the erasure happens in between, whole."""

    class Meanwhile:
        def __init__(self, port: object, name: str) -> None:
            self._port, self._name = port, name

        def __getattr__(self, name: str) -> Any:
            call = getattr(self._port, name)

            async def after_the_erasure(*args: object, **kwargs: object) -> object:
                if (self._name, name) == at:
                    await fresh.hear(erase_asked())
                return await call(*args, **kwargs)

            return after_the_erasure

    points = {("visits", "keep"), ("contacts", "enter"), ("messages", "of"), ("messages", "save"), ("visits", "get")}
    for at in sorted(points):
        fresh = await World().lived()
        kept = {name: Meanwhile(getattr(fresh.stores, name), name) for name in ("visits", "contacts", "messages")}
        worker = Worker(replace(fresh.stores, **kept), fresh.phone, fresh.clock)  # type: ignore[arg-type]  # stands for it
        late = visit(version=9, state=VisitState.ATTENDED, since=STARTS)
        entry = Entry(key=f"visit:{APPOINTMENT}:9", word=Word.CONSENTED, at=STARTS, source="booking", wording="v1")
        assert await worker.planning.keep_visit(late, entry), at
        await fresh.forgotten()


async def test_killed_at_any_step_an_erasure_is_whole_once_it_is_heard_again() -> None:
    calm, life = await World().lived(), Life(None)
    await calm.hear(erase_asked(), mortal(calm.stores, life))
    said = calm.stores.asks.said  # type: ignore[attr-defined]  # the twin's own
    assert life.halves > 15
    for half in range(life.halves):
        world = await World().lived()
        with pytest.raises(Killed):
            await world.hear(erase_asked(), mortal(world.stores, Life(half)))
        await world.hear(erase_asked())
        await world.forgotten()
        assert [(one.id, one.data) for one in world.stores.asks.said] == [(said[0].id, said[0].data)], half  # type: ignore[attr-defined]  # the twin's own


def test_a_hidden_number_is_the_same_for_one_key_and_shows_nothing() -> None:
    names = {hidden(phone, key) for phone in (PHONE, GUARDIAN) for key in (b"a", b"b")}

    assert len(names) == 4
    assert hidden(PHONE, b"a") in names
    assert all(len(name) == 64 and PHONE not in name for name in names)
