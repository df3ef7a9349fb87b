"""Killed before or after any call of any port, and begun again, nothing is remembered too little or too much."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from services.screening.actions import Contended
from services.screening.domain.case import Case, State
from services.screening.domain.history import History
from services.screening.ports import KeyOwner
from shared.errors import Refusal
from shared.events import Envelope
from tests.support import screening as twin
from tests.support.screening import PRACTICE
from tests.support.screening_returning import OTHER_REF, REF, House, id_of

A, B, C = (id_of(number) for number in range(3))
ASK = "q" * 26
Step = Callable[[House], Awaitable[object]]


class Killed(Exception):
    """The process is gone at this very point."""


class Life:
    """Counts the calls of all ports and ends at one of them, before it or after it had its effect."""

    def __init__(self, dies_at: int = 0, *, after: bool = False) -> None:
        self.calls, self._dies_at, self._after = 0, dies_at, after

    async def through(self, call: Awaitable[Any]) -> Any:
        self.calls += 1
        if self.calls == self._dies_at and not self._after:
            call.close()  # type: ignore[attr-defined]  # a coroutine, and never awaited
            raise Killed
        result = await call
        if self.calls == self._dies_at:
            raise Killed
        return result


class Cases(twin.CaseTwin):
    def __init__(self, life: Life) -> None:
        super().__init__()
        self.life = life

    async def find(self, appointment: str) -> Case | None:
        found: Case | None = await self.life.through(super().find(appointment))
        return found

    async def save(self, before: Case, after: Case, said: Sequence[Envelope[Any]], trail: Any = ()) -> bool:
        return bool(await self.life.through(super().save(before, after, said, trail)))


class Histories(twin.HistoryTwin):
    def __init__(self, life: Life) -> None:
        super().__init__()
        self.life = life

    async def find(self, practice: str, ref: str) -> History | None:
        found: History | None = await self.life.through(super().find(practice, ref))
        return found

    async def save(self, before: History, after: History) -> bool:
        return bool(await self.life.through(super().save(before, after)))


class Vault(twin.VaultTwin):
    def __init__(self, life: Life) -> None:
        super().__init__()
        self.life = life

    async def seal(self, owner: KeyOwner, secret: bytes) -> bytes:
        return bytes(await self.life.through(super().seal(owner, secret)))

    async def unseal(self, sealed: bytes) -> bytes:
        return bytes(await self.life.through(super().unseal(sealed)))

    async def forget(self, practice: str, subject: str) -> None:
        await self.life.through(super().forget(practice, subject))


def a_house(life: Life) -> House:
    house = House()
    house.cases, house.histories, house.vault = Cases(life), Histories(life), Vault(life)
    return house


async def lived_through(steps: Sequence[Step], life: Life) -> House:
    """Each step is done again when it was killed: the broker delivers again, the page sends again."""
    house = a_house(life)
    for step in steps:
        try:
            await step(house)
        except Killed:
            await step(house)
    life.calls = -1_000_000  # nobody dies any more
    return house


async def says_yes(house: House) -> None:
    await house.answer(A, twin.DECLINED)


async def is_known(house: House) -> None:
    await house.request(A)


async def is_known_elsewhere(house: House) -> None:
    await house.request(A, ref=OTHER_REF)


async def merged(house: House) -> None:
    await house.clients.merge(PRACTICE, OTHER_REF, REF, at=house.now)


async def erased(house: House) -> None:
    await house.erase(ASK, A, refs=(REF, OTHER_REF))


@pytest.mark.parametrize(
    "steps",
    [
        (is_known, says_yes),
        (says_yes, is_known),
        (says_yes, is_known_elsewhere, merged),
        (is_known_elsewhere, merged, says_yes),
    ],
    ids=["request first", "answers first", "merged", "merged before"],
)
async def test_a_yes_is_never_forgotten_by_a_process_that_dies(steps: Sequence[Step]) -> None:
    calm = Life()
    house = a_house(calm)
    for step in steps:
        await step(house)
    assert calm.calls > 6
    for dies_at in range(1, calm.calls + 1):
        for after in (False, True):
            house = await lived_through(steps, Life(dies_at, after=after))
            assert (await house.visit(B, twin.CLEAR)).state is State.IN_REVIEW
            assert await house.reasons(B) == ("CONTRADICTION:PRIOR_ANSWER:q_aneurysm",)
            assert [said.data.outcome for said in house.cases.said if said.subject == A] == ["declined"]


@pytest.mark.parametrize("first", [is_known, says_yes])
async def test_a_yes_of_a_process_that_died_and_was_never_sent_again_does_not_count(first: Step) -> None:
    then = says_yes if first is is_known else is_known
    for dies_at in range(1, 40):
        for after in (False, True):
            house = a_house(Life())
            await first(house)
            life = Life(dies_at, after=after)
            house.cases.life = house.histories.life = house.vault.life = life  # type: ignore[attr-defined]  # made above
            with suppress(Killed):
                await then(house)
            life.calls = -1_000_000
            if house.case(A).state is State.DECLINED:
                continue
            expected = State.CLEARED
            if first is says_yes and house.histories.kept:
                expected = State.IN_REVIEW  # said, and already known whose it is
            assert (await house.visit(B, twin.CLEAR)).state is expected


async def test_an_erasure_that_dies_anywhere_ends_with_nothing_left() -> None:
    steps = (is_known_elsewhere, merged, says_yes, erased)
    calm = Life()
    house = a_house(calm)
    for step in steps:
        await step(house)
    for dies_at in range(1, calm.calls + 1):
        for after in (False, True):
            house = await lived_through(steps, Life(dies_at, after=after))
            assert all(history.is_empty and history.into is None for history in house.histories.kept.values())
            assert {f"{PRACTICE}/client:{ref}" for ref in (REF, OTHER_REF)} <= set(house.vault.forgotten)
            with suppress(Refusal, Contended):
                await says_yes(house)
            assert (await house.visit(B, twin.CLEAR)).state is State.CLEARED
