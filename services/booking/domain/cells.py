"""The five-minute cells a visit claims: two visits that may not stand side by side share at least one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

CELL = timedelta(minutes=5)
_CELL_SECONDS = int(CELL.total_seconds())


def claimed(
    *,
    practitioner: str,
    room: str | None,
    starts_at: datetime,
    ends_at: datetime,
    before: timedelta,
    after: timedelta,
    summed: bool = False,
) -> tuple[str, ...]:
    """Every key the visit takes from its practitioner and its room.

    Between neighbours the larger of the two buffers counts, not their sum, so a buffer may lie over the
    neighbour's buffer but not over its session. Session cells exclude each other under `=`. A buffer after a
    visit takes `+` cells, which the first cell of a session takes too; a buffer before takes `-` cells, which
    the last cell of a session takes too. One unique index over all the keys is then the whole rule. Where the
    practice wants the sum, the buffers count as part of the session.
    """
    owners = (practitioner,) if room is None else (practitioner, room)
    if summed:
        starts_at, ends_at, before, after = starts_at - before, ends_at + after, timedelta(0), timedelta(0)
    marks = tuple(_marks(starts_at, ends_at, before, after))
    return tuple(f"{owner}|{mark}" for owner in owners for mark in marks)


def _marks(starts_at: datetime, ends_at: datetime, before: timedelta, after: timedelta) -> Iterator[str]:
    first, end = _floor(starts_at), _ceiling(ends_at)
    yield from (f"={cell}" for cell in range(first, end))
    yield from (f"+{cell}" for cell in (first, *range(end, _ceiling(ends_at + after))))
    yield from (f"-{cell}" for cell in (end - 1, *range(_floor(starts_at - before), first)))


def _floor(instant: datetime) -> int:
    return int(instant.timestamp()) // _CELL_SECONDS


def _ceiling(instant: datetime) -> int:
    return -(-int(instant.timestamp()) // _CELL_SECONDS)
