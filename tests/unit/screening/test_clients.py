"""What screening does about one client: found under every name, handed out, forgotten for good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.screening import inbox
from services.screening.actions import Clients, ExportUnknown, Screening
from services.screening.domain.case import Case, State
from services.screening.domain.refusals import CaseClosed
from services.screening.ports import Cases
from shared.events import Event, envelope
from shared.events.booking import ClientEraseAsked, ClientExportAsked, ClientMerged
from shared.events.screening import ClientErased, ClientExported
from shared.retry import DONE
from tests.support import screening as twin
from tests.support.screening import NOW, PRACTICE

ASK = "q" * 26
FIRST, SECOND, NEVER = "a" * 26, "b" * 26, "c" * 26
REF, OLD_REF = "c" * 20, "d" * 20


class World:
    """What outlives a process."""

    def __init__(self) -> None:
        self.cases = twin.CaseTwin()
        self.merges, self.asks, self.vault = twin.MergeTwin(), twin.AskTwin(), twin.VaultTwin()
        self.now = NOW

    def process(self, cases: Cases | None = None, **ports: Any) -> tuple[Screening, Clients]:
        own = {"merges": self.merges, "asks": self.asks, "vault": self.vault}
        made = own | ports
        screening = twin.screening(cases or self.cases, vault=made["vault"])
        return screening, twin.clients(cases or self.cases, **made, now=self.now)

    async def hear(
        self, fact: Event, *, subject: str = ASK, of: tuple[Screening, Clients] | None = None, at: datetime = NOW
    ) -> None:
        heard = envelope(fact, subject=subject, practice=PRACTICE, sequence=2, at=at)
        assert await inbox.subscriptions(*(of or self.process()))[type(fact)](heard) == DONE

    async def checked(self, appointment: str, *, ref: str = REF) -> None:
        client = twin.snapshot()["client"].model_copy(update={"ref": ref})
        await self.hear(twin.requested(appointment=appointment, client=client), subject=appointment)
        await self.answers(appointment)

    async def answers(self, appointment: str) -> None:
        screening, _ = self.process()
        await screening.take_answers(appointment, PRACTICE, questionnaire=twin.FORM, answers=twin.REVIEWED, locale=None)


def erase_asked() -> ClientEraseAsked:
    return ClientEraseAsked(
        ask=ASK, refs=(REF, OLD_REF), phones=("+491701234567",), appointments=(FIRST, SECOND, NEVER)
    )


def export_asked() -> ClientExportAsked:
    return ClientExportAsked(ask=ASK, refs=(REF,), phones=("+491701234567",), appointments=(FIRST, SECOND, NEVER))


@pytest.fixture
async def world() -> World:
    world = World()
    await world.checked(FIRST)
    await world.checked(SECOND, ref=OLD_REF)
    return world


async def test_the_checks_of_a_merged_record_are_earlier_ones_of_the_same_client(world: World) -> None:
    _, clients = world.process()
    assert await clients.earlier(FIRST) == []

    await world.hear(ClientMerged(ref=OLD_REF, into=REF), subject=REF)

    assert [case.id for case in await clients.earlier(FIRST)] == [SECOND]
    assert [case.id for case in await clients.earlier(SECOND)] == [FIRST]


async def test_an_export_holds_every_answer_and_says_only_how_many_checks_there_are(world: World) -> None:
    for _ in range(2):
        await world.hear(export_asked())

    assert [said.data for said in world.asks.said] == [ClientExported(ask=ASK, records=2)]
    _, clients = world.process()
    opened = await clients.exported(ASK, PRACTICE, twin.STAFF)
    assert [one.case.id for one in opened] == [FIRST, SECOND]
    assert all(one.filled is not None and one.filled.answers == twin.REVIEWED for one in opened)


async def test_an_export_is_there_for_seven_days_and_for_its_practice(world: World) -> None:
    await world.hear(export_asked())
    _, clients = world.process()
    for ask, practice in ((ASK, "elsewhere"), ("r" * 26, PRACTICE)):
        with pytest.raises(ExportUnknown):
            await clients.exported(ask, practice, twin.STAFF)

    world.now += timedelta(days=7)
    _, clients = world.process()
    with pytest.raises(ExportUnknown):
        await clients.exported(ASK, PRACTICE, twin.STAFF)


async def test_nothing_is_left_of_a_forgotten_client(world: World) -> None:
    await world.hear(ClientMerged(ref=OLD_REF, into=REF), subject=REF)
    await world.hear(erase_asked())

    assert_forgotten(world)
    assert [said.data for said in world.asks.said] == [ClientErased(ask=ASK, records=2)]
    assert world.merges.into == {}


async def test_an_erasure_that_is_asked_again_is_answered_once(world: World) -> None:
    for _ in range(3):
        await world.hear(erase_asked())

    assert len(world.asks.said) == 1


async def test_what_comes_late_finds_everything_closed(world: World) -> None:
    await world.hear(ClientMerged(ref=OLD_REF, into=REF), subject=REF)
    await world.hear(erase_asked())
    for appointment in (FIRST, NEVER):
        await world.hear(twin.requested(appointment=appointment), subject=appointment)
        await world.hear(twin.moved(appointment=appointment), subject=appointment)
        with pytest.raises(CaseClosed):
            await world.answers(appointment)
    await world.hear(ClientMerged(ref=OLD_REF, into=REF), subject=REF)

    assert_forgotten(world)
    assert world.merges.into == {}


async def test_an_erasure_forgets_the_exports_of_its_client(world: World) -> None:
    await world.hear(export_asked().model_copy(update={"ask": "e" * 26}))
    await world.hear(erase_asked())

    assert set(world.asks.kept) == {ASK}


async def test_an_erasure_that_is_heard_again_leaves_those_who_came_back_alone(world: World) -> None:
    await world.hear(erase_asked())
    await world.hear(ClientMerged(ref=OLD_REF, into=REF), subject=REF, at=NOW + timedelta(days=1))
    await world.hear(erase_asked())

    assert world.merges.into == {(PRACTICE, OLD_REF): REF}


class Killed(BaseException):
    """The process is gone; nothing may catch this."""


class Mortal:
    """Stands before a port; the `dies_at`-th half of a call to any of them is the last."""

    def __init__(self, port: object, life: list[int]) -> None:
        self._port, self._life = port, life

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._port, name)

        async def mortal(*args: object, **kwargs: object) -> object:
            self._half()
            result = await call(*args, **kwargs)
            self._half()
            return result

        return mortal

    def _half(self) -> None:
        self._life[0] -= 1
        if self._life[0] == 0:
            raise Killed


async def erasing(dies_at: int) -> tuple[World, int]:
    world, life = World(), [dies_at]
    await world.checked(FIRST)
    await world.checked(SECOND, ref=OLD_REF)
    mortal = {name: Mortal(getattr(world, name), life) for name in ("merges", "asks", "vault")}
    process = world.process(Mortal(world.cases, life), **mortal)  # type: ignore[arg-type]  # stands for it
    try:
        await world.hear(erase_asked(), of=process)
    except Killed:
        await world.hear(erase_asked())
    return world, life[0]


async def test_killed_at_any_step_an_erasure_is_whole_once_it_is_heard_again() -> None:
    _, left = await erasing(10_000)
    halves = 10_000 - left
    assert halves > 20
    for dies_at in range(1, halves + 1):
        world, _ = await erasing(dies_at)
        assert_forgotten(world)
        said = [(one.id, one.data.records) for one in world.asks.said]
        assert said == [(f"{ASK}:1:client.erased", 2)], dies_at


def assert_forgotten(world: World) -> None:
    for appointment in (FIRST, SECOND, NEVER):
        case = world.cases.kept[appointment]
        assert case == Case(id=appointment, practice=PRACTICE, version=case.version, state=State.CLOSED)
        assert f"{PRACTICE}/{appointment}" in world.vault.forgotten
