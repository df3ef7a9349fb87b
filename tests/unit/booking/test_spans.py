"""Spans of minutes against sets of minutes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain.calendar import Stretch
from services.booking.domain.spans import Spans, clipped, holds, merged, overlapping, without

ends = st.integers(-5, 40)
some_spans = st.lists(st.tuples(ends, ends), max_size=8)


def minutes(spans: Spans) -> set[int]:
    return {minute for starts, behind in spans for minute in range(starts, behind)}


def is_tidy(spans: Spans) -> bool:
    return all(one[0] < one[1] for one in spans) and all(one[1] < other[0] for one, other in pairwise(spans))


@given(some_spans)
def test_merging_keeps_the_minutes_and_tidies(spans: list[tuple[int, int]]) -> None:
    assert minutes(merged(spans)) == minutes(spans)
    assert is_tidy(merged(spans))
    assert merged(reversed(spans)) == merged(spans)


@given(some_spans, some_spans)
def test_taking_away_leaves_what_is_in_the_one_and_not_in_the_other(
    spans: list[tuple[int, int]], taken: list[tuple[int, int]]
) -> None:
    left = without(merged(spans), merged(taken))
    assert minutes(left) == minutes(spans) - minutes(taken)
    assert is_tidy(left)


@given(some_spans, ends, ends)
def test_clipping_leaves_what_lies_inside(spans: list[tuple[int, int]], starts: int, behind: int) -> None:
    left = clipped(merged(spans), starts, behind)
    assert minutes(left) == minutes(spans) & set(range(starts, behind))
    assert is_tidy(left)


@given(some_spans, ends)
def test_holding_a_minute_is_being_in_a_span(spans: list[tuple[int, int]], minute: int) -> None:
    assert holds(merged(spans), minute) == (minute in minutes(spans))


@given(some_spans, some_spans)
def test_pieces_meet_exactly_the_spans_that_they_share_minutes_with(
    pieces: list[tuple[int, int]], spans: list[tuple[int, int]]
) -> None:
    disjoint, among = [Stretch(starts, ends, 0, 0) for starts, ends in merged(pieces)], merged(spans)
    assert list(overlapping(disjoint, among)) == [
        (piece, span) for piece in disjoint for span in among if piece.starts < span[1] and span[0] < piece.ends
    ]
