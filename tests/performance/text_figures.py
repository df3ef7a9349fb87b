"""What is measured of a contestant, and which lines of the bar it meets."""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tests.performance.text_contestants import Contestant, soon
from tests.performance.text_load import texts

LEAD = 2.0
LEADS = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """What became of texts that were due at the same time.

    CPU is in ms a text: `cpu_ms` of the contestant's processes, `all_ms` with that of the servers it stores in;
    `shares` is that of each worker, as a part of all.
    """

    per_second: float
    cpu_ms: float
    all_ms: float
    late: Sequence[float]
    lost: int
    twice: int
    shares: Sequence[float]

    def rate_after(self, first: int) -> float:
        """Texts a second without the first so many."""
        later = sorted(self.late)[first:]
        return (len(later) - 1) / (later[-1] - later[0])


async def measure(one: Contestant, count: int, *, lead: float = LEAD, apart: float = 0.0) -> Figure:
    """Who cannot be given so many texts in that time gets them anew, with twice the time."""
    for _ in range(LEADS):
        at = soon(lead)
        due = texts([at + timedelta(seconds=apart * n) for n in range(count)])
        await one.plan(due)
        in_time = soon(0) < at
        await asyncio.sleep(max((at - soon(0)).total_seconds(), 0))
        began, servers = one.used, one.servers_used
        await until(lambda: _all_there(one, count))
        await until(lambda: _none_waits(one))
        used = [after - before for after, before in zip(one.used, began, strict=True)]
        served = one.servers_used - servers
        seen = await one.place.ask("/seen?forget=1")
        if in_time:
            break
        lead *= 2
    else:
        raise SystemExit(f"{one.name} takes longer than {lead / 2} s to be given {count} texts")
    first = [seen["first"].get(text.to) for text in due]
    late = [arrived - text.due.timestamp() for arrived, text in zip(first, due, strict=True) if arrived]
    return Figure(
        per_second=count / max(late),
        cpu_ms=sum(used) * 1e3 / count,
        all_ms=(sum(used) + served) * 1e3 / count,
        late=late,
        lost=first.count(None),
        twice=seen["twice"],
        shares=[part / max(sum(used), 0.01) for part in used],
    )


async def until(done: Callable[[], Awaitable[bool]], within: float = 120.0) -> None:
    async with asyncio.timeout(within):
        while not await done():  # noqa: ASYNC110  other processes set no event of ours
            await asyncio.sleep(0.05)


async def _all_there(one: Contestant, count: int) -> bool:
    return bool(await one.place.ask("/count") >= count)


async def _none_waits(one: Contestant) -> bool:
    return await one.waiting() == 0


def middle(figures: Sequence[Figure], what: str) -> float:
    return statistics.median(getattr(figure, what) for figure in figures)


def total(figures: Sequence[Figure], what: str) -> int:
    return sum(getattr(figure, what) for figure in figures)


def told(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass(slots=True)
class Bars:
    """Every line of the bar that was measured, told at once and counted up at the end."""

    met: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def at_least(self, what: str, figure: float, bar: float) -> None:
        self._told(what, figure, f"{bar:g} or more", is_met=figure >= bar)

    def at_most(self, what: str, figure: float, bar: float) -> None:
        self._told(what, figure, f"{bar:g} or less", is_met=figure <= bar)

    def below(self, what: str, figure: float, bar: float) -> None:
        self._told(what, figure, f"below {bar:g}", is_met=figure < bar)

    def _told(self, what: str, figure: float, bar: str, *, is_met: bool) -> None:
        line = f"{what}: {figure:.2f} (bar: {bar})"
        (self.met if is_met else self.missed).append(line)
        told(f"  {'met' if is_met else 'NOT MET'}: {line}")

    def summed_up(self) -> None:
        told(f"{len(self.met)} of {len(self.met) + len(self.missed)} bars met")
        for line in self.missed:
            told(f"NOT MET: {line}")
