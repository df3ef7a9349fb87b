"""Killed before or after any write or read, and started again, a case ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from services.screening.actions import Screening
from services.screening.domain.audit import Fact
from services.screening.domain.case import Case
from services.screening.ports import KeyOwner
from shared.events import Envelope
from tests.support import screening as twin
from tests.support.screening import APPOINTMENT, PRACTICE, STARTS_AT

Step = Callable[[Screening], Awaitable[object]]


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


async def request(screening: Screening) -> None:
    await screening.take_request(APPOINTMENT, PRACTICE, twin.request("cst-core"), starts_at=STARTS_AT, sequence=2)


async def answer(screening: Screening) -> None:
    await screening.take_answers(APPOINTMENT, PRACTICE, questionnaire="cst-core", answers=twin.REVIEWED, locale=None)


async def lived_through(steps: Sequence[Step], life: Mortal) -> MortalCases:
    """Each step is repeated until it is through: the broker delivers again, the page sends again."""
    cases = MortalCases(life)
    vault = MortalVault(life)
    for step in steps:
        try:
            await step(twin.screening(cases, vault=vault))
        except Killed:
            await step(twin.screening(cases, vault=vault))
    return cases


@pytest.mark.parametrize("steps", [(request, answer), (answer, request)], ids=["request first", "answers first"])
async def test_a_killed_process_changes_neither_the_end_nor_what_is_said(steps: Sequence[Step]) -> None:
    life = Mortal(0, after=False)
    calm = await lived_through(steps, life)
    assert life.calls > 4
    for after in (False, True):
        for dies_at in range(1, life.calls + 1):
            cases = await lived_through(steps, Mortal(dies_at, after=after))
            assert cases.kept == calm.kept
            assert cases.said == calm.said
            assert [said.data.outcome for said in cases.said] == ["needs_review"]
