"""How much a practitioner takes on: the starts that would make too many visits in a row."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from services.booking.domain.practice import Load
from services.booking.domain.spans import Span


def overworked(visits: Iterable[Span], length: int, load: Load) -> list[Span]:
    """The start minutes from which a visit of `length` would be one of more than `load` allows in a row.

    Visits are in a row while less than the pause lies between one's end and the next one's start; a visit between two
    rows makes them one. Sorted, and none empty.
    """
    most = load.most_in_a_row
    if most is None:
        return []
    near: list[tuple[int, int]] = []
    for count, starts, ends in _rows(visits, load.pause_minutes):
        near += [(starts - load.pause_minutes - length + 1, count), (ends + load.pause_minutes, -count)]
    return list(_reaching(most, near))


def _rows(visits: Iterable[Span], pause: int) -> list[tuple[int, int, int]]:
    """Each row as the number of its visits and its whole time."""
    rows: list[tuple[int, int, int]] = []
    for starts, ends in sorted(visits):
        if rows and starts - rows[-1][2] < pause:
            count, first, last = rows[-1]
            rows[-1] = (count + 1, first, max(last, ends))
        else:
            rows.append((1, starts, ends))
    return rows


def _reaching(most: int, near: list[tuple[int, int]]) -> Iterable[Span]:
    """Where the visits in reach, counted up and down at the minutes of `near`, are `most` or more."""
    in_reach, since = 0, None
    for minute, changes in groupby(sorted(near), key=lambda change: change[0]):
        in_reach += sum(count for _, count in changes)
        if in_reach >= most and since is None:
            since = minute
        elif in_reach < most and since is not None:
            yield since, minute
            since = None
