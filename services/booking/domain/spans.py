"""Sorted, disjoint, half-open spans of whole minutes, and the few operations that availability needs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import Protocol, TypeVar

Span = tuple[int, int]
Spans = Sequence[Span]
"""Sorted by start, disjoint and not touching, none empty: what `merged` returns."""


class Stretched(Protocol):
    """Something with half-open ends in minutes."""

    @property
    def starts(self) -> int: ...

    @property
    def ends(self) -> int: ...


Piece = TypeVar("Piece", bound=Stretched)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The minutes that lie in any of the spans; empty ones vanish, touching ones become one."""
    union: list[Span] = []
    reached: float = -inf
    for starts, ends in sorted(spans):
        if ends <= starts:
            continue
        if starts > reached:
            union.append((starts, ends))
            reached = ends
        elif ends > reached:
            union[-1] = (union[-1][0], ends)
            reached = ends
    return union


def without(spans: Spans, taken: Spans) -> list[Span]:
    """The minutes of `spans` that are not in `taken`, in one sweep over both."""
    left: list[Span] = []
    at = 0
    for starts, ends in spans:
        kept_from = starts
        while at < len(taken) and taken[at][1] <= starts:
            at += 1
        ahead = at
        while ahead < len(taken) and taken[ahead][0] < ends:
            if kept_from < taken[ahead][0]:
                left.append((kept_from, taken[ahead][0]))
            kept_from = taken[ahead][1]
            ahead += 1
        if kept_from < ends:
            left.append((kept_from, ends))
    return left


def clipped(spans: Spans, starts: int, ends: int) -> list[Span]:
    """The minutes of `spans` that lie in [starts, ends)."""
    first = bisect_right(spans, (starts, inf)) - 1
    behind = bisect_left(spans, (ends, -inf))
    inside = ((max(one, starts), min(other, ends)) for one, other in spans[max(first, 0) : behind])
    return [(one, other) for one, other in inside if one < other]


def overlapping(pieces: Sequence[Piece], spans: Spans) -> Iterator[tuple[Piece, Span]]:
    """Every piece with every span that it shares minutes with, in order; the pieces are sorted and disjoint."""
    at = 0
    for piece in pieces:
        while at < len(spans) and spans[at][1] <= piece.starts:
            at += 1
        ahead = at
        while ahead < len(spans) and spans[ahead][0] < piece.ends:
            yield piece, spans[ahead]
            ahead += 1


def holds(spans: Spans, minute: int) -> bool:
    index = bisect_right(spans, (minute, inf)) - 1
    return index >= 0 and minute < spans[index][1]
