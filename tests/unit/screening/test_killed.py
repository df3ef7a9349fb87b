"""Killed before or after any write or read, and started again, a case ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.screening.actions import Casework, Continuing, Reminding, Reviews, Screening, Word
from services.screening.domain.audit import CLIENT, Fact
from services.screening.domain.case import Case, Reopening, Verdict
from services.screening.ports import KeyOwner
from shared.events import Envelope
from shared.events.screening import CaseDecided, CaseMessageLeft, CaseReviewDue, CaseVoided
from tests.support import screening as twin
from tests.support.screening import APPOINTMENT, NOW, PRACTICE, STARTS_AT

Step = Callable[["World"], Awaitable[object]]


class Killed(Exception):
    """The process is gone at this very point."""


class Mortal:
    """Counts the calls to a port and dies at one of them, before it or after it had its effect."""

    def __init__(self, dies_at: int, *, after: bool) -> None:
        self.calls = 0
        self._dies_at = dies_at
        self._after = after

    async def through(self, call: Callable[[], Awaitable[Any]]) -> Any:
        self.calls += 1
        dies = self.calls == self._dies_at
        if dies and not self._after:
            raise Killed
        result = await call()
        if dies:
            raise Killed
        return result


class MortalCases(twin.CaseTwin):
    def __init__(self, life: Mortal) -> None:
        super().__init__()
        self._life = life

    async def find(self, appointment: str) -> Case | None:
        found: Case | None = await self._life.through(lambda: super(MortalCases, self).find(appointment))
        return found

    async def save(self, before: Case, after: Case, said: Sequence[Envelope[Any]], trail: Sequence[Fact] = ()) -> bool:
        return bool(await self._life.through(lambda: super(MortalCases, self).save(before, after, said, trail)))


class MortalVault(twin.VaultTwin):
    def __init__(self, life: Mortal) -> None:
        super().__init__()
        self._life = life

    async def seal(self, owner: KeyOwner, secret: bytes) -> bytes:
        return bytes(await self._life.through(lambda: super(MortalVault, self).seal(owner, secret)))

    async def unseal(self, sealed: bytes) -> bytes:
        return bytes(await self._life.through(lambda: super(MortalVault, self).unseal(sealed)))


class MortalFiles(twin.AttachmentTwin):
    def __init__(self, life: Mortal) -> None:
        super().__init__()
        self._life = life

    async def put(self, attachment: str, appointment: str, pieces: Sequence[bytes], *, at: datetime) -> None:
        await self._life.through(lambda: super(MortalFiles, self).put(attachment, appointment, pieces, at=at))

    async def bind(self, attachment: str) -> None:
        await self._life.through(lambda: super(MortalFiles, self).bind(attachment))

    async def forget(self, appointment: str) -> None:
        await self._life.through(lambda: super(MortalFiles, self).forget(appointment))


class World:
    """What outlives a process. Each one that is started has no memory of its own."""

    def __init__(self, life: Mortal) -> None:
        self.cases, self.vault, self.files = MortalCases(life), MortalVault(life), MortalFiles(life)
        self._made = 0

    def casework(self, *, now: datetime = NOW) -> Casework:
        return twin.casework(self.cases, vault=self.vault, attachments=self.files, now=now)

    @property
    def screening(self) -> Screening:
        return twin.screening_of(self.casework())

    @property
    def continuing(self) -> Continuing:
        return Continuing(self.casework(), ids=self._id)

    def _id(self) -> str:
        self._made += 1
        return f"file-{self._made}"


async def request(world: World) -> None:
    await world.screening.take_request(APPOINTMENT, PRACTICE, twin.request("cst-core"), starts_at=STARTS_AT, sequence=2)


def answered(answers: dict[str, Any]) -> Step:
    async def answer(world: World) -> None:
        await world.screening.take_answers(
            APPOINTMENT, PRACTICE, questionnaire="cst-core", answers=answers, locale=None
        )

    return answer


answer = answered(twin.REVIEWED)


def decided(verdict: Verdict, *, version: int) -> Step:
    word = Word(verdict=verdict, note="Talked on the phone.", by="Ines", caller="operator", to_client="Please tell us.")

    async def decide(world: World) -> None:
        await Reviews(world.casework()).rule(APPOINTMENT, word, version=version, hand=twin.STAFF)

    return decide


async def explain(world: World) -> None:
    await world.continuing.explain(APPOINTMENT, PRACTICE, "My doctor agrees.", locale=None, hand=CLIENT)


async def attach(world: World) -> None:
    await world.continuing.attach(APPOINTMENT, PRACTICE, b"%PDF-1.7 a note", locale=None, hand=CLIENT)


async def appeal(world: World) -> None:
    await world.continuing.ask_for_review(APPOINTMENT, PRACTICE, "Why?", locale=None, hand=CLIENT)


async def void(world: World) -> None:
    await world.continuing.void(APPOINTMENT, PRACTICE, Reopening.CHANGED, locale=None, hand=CLIENT)


async def remind(world: World) -> None:
    await Reminding(world.casework(now=NOW + timedelta(hours=40))).look()


async def forget(world: World) -> None:
    await world.casework().forget(APPOINTMENT, PRACTICE)


async def lived_through(steps: Sequence[Step], life: Mortal) -> World:
    """Each step is repeated until it is through: the broker delivers again, the page sends again."""
    world = World(life)
    for step in steps:
        try:
            await step(world)
        except Killed:
            await step(world)
    return world


def unnamed(case: Case) -> Case:
    """Without the ids of files, each of which is drawn once more when a file is sent once more."""
    return replace(case, attachments=tuple(replace(one, id="") for one in case.attachments))


LIVES: dict[str, tuple[Sequence[Step], list[type]]] = {
    "request first": ((request, answer), [CaseDecided]),
    "answers first": ((answer, request), [CaseDecided]),
    "approved": ((request, answer, decided(Verdict.APPROVE, version=2)), [CaseDecided, CaseDecided]),
    "asked and explained": (
        (request, answer, decided(Verdict.MORE_INFO, version=2), explain, decided(Verdict.REFUSE, version=4)),
        [CaseDecided, CaseMessageLeft, CaseDecided, CaseDecided],
    ),
    "asked and sent a file": (
        (request, answer, decided(Verdict.MORE_INFO, version=2), attach),
        [CaseDecided, CaseMessageLeft, CaseDecided],
    ),
    "appealed": (
        (request, answered(twin.DECLINED), appeal, decided(Verdict.INVITE, version=3)),
        [CaseDecided, CaseMessageLeft],
    ),
    "changed": ((request, answer, void, answered(twin.CLEAR)), [CaseDecided, CaseVoided, CaseDecided]),
    "reminded": ((request, answer, remind), [CaseDecided, CaseReviewDue]),
    "forgotten with a file": ((request, answer, attach, forget), [CaseDecided]),
}


@pytest.mark.parametrize(("steps", "said"), LIVES.values(), ids=LIVES)
async def test_a_killed_process_changes_neither_the_end_nor_what_is_said(
    steps: Sequence[Step], said: list[type]
) -> None:
    life = Mortal(0, after=False)
    calm = await lived_through(steps, life)
    assert life.calls > 4
    for after in (False, True):
        for dies_at in range(1, life.calls + 1):
            world = await lived_through(steps, Mortal(dies_at, after=after))
            assert unnamed(world.cases.kept[APPOINTMENT]) == unnamed(calm.cases.kept[APPOINTMENT])
            assert world.cases.said == calm.cases.said
            assert [type(one.data) for one in world.cases.said] == said
            await _swept(world)


async def _swept(world: World) -> None:
    """A file is there if its case names it, and no other one is, once what was left half-way is swept away."""
    await Reminding(world.casework(now=NOW + timedelta(hours=2))).look()
    named = {one.id for one in world.cases.kept[APPOINTMENT].attachments}
    assert (set(world.files.kept), world.files.since) == (named, {})
