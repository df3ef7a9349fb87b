"""An outside calendar as it was read last: the time it says is taken, and how the reading goes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.booking.domain.footprint import Footprint
from services.booking.domain.practice import Practice, Practitioner
from services.booking.domain.question import Busy, Reason
from services.booking.domain.spans import Span, Spans, clipped

SLACK = timedelta(days=8)
"""A calendar is read so much further than can be booked, and so need not be read anew each day that nothing changed."""
YESTERDAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A calendar that a profile names; the id does not tell its address, which is a secret."""

    id: str
    practice: str
    practitioner: str
    address: str
    zone: str
    horizon_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """`taken` is what the file said when it was last readable; `trouble` is why it could not be read since then.

    `skipped` counts entries that could not be understood, `tag` is how its server calls that state of the file.
    """

    id: str
    practice: str
    practitioner: str
    tried_at: datetime
    read_at: datetime | None = None
    read_until: datetime | None = None
    failing_since: datetime | None = None
    trouble: str | None = None
    skipped: int = 0
    tag: str | None = None
    taken: Spans = ()

    def is_stale(self, now: datetime, after: timedelta) -> bool:
        return self.read_at is None or now - self.read_at > after


def sources(practice: Practice, practitioner: str | None = None) -> Iterator[Source]:
    """Of one practitioner, or of all."""
    horizon = max((service.horizon_days for service in practice.services), default=0)
    for person in practice.practitioners:
        if practitioner in {None, person.id}:
            yield from (_source(practice, person, address, horizon) for address in person.calendars)


def begun(source: Source, at: datetime) -> Imported:
    return Imported(id=source.id, practice=source.practice, practitioner=source.practitioner, tried_at=at)


def window(source: Source, now: datetime) -> tuple[datetime, datetime]:
    """What of the calendar is of interest."""
    return now - YESTERDAY, now + timedelta(days=source.horizon_days) + SLACK


def is_far_enough(imported: Imported, source: Source, now: datetime) -> bool:
    """Whether what was read reaches beyond everything that can be booked."""
    until = imported.read_until
    return until is not None and until >= now + timedelta(days=source.horizon_days) + YESTERDAY


def read(was: Imported, taken: Spans, *, skipped: int, tag: str | None, until: datetime, at: datetime) -> Imported:
    return replace(
        was,
        tried_at=at,
        read_at=at,
        read_until=until,
        failing_since=None,
        trouble=None,
        skipped=skipped,
        tag=tag,
        taken=taken,
    )


def unchanged(was: Imported, at: datetime) -> Imported:
    return replace(was, tried_at=at, read_at=at, failing_since=None, trouble=None)


def failed(was: Imported, trouble: str, at: datetime) -> Imported:
    """What was read before still counts."""
    return replace(was, tried_at=at, failing_since=was.failing_since or at, trouble=trouble)


def busy(imported: Imported, starts: int, ends: int) -> Iterator[Busy]:
    """Everything taken that touches the minutes in between."""
    for span in clipped(imported.taken, starts, ends):
        yield _busy(imported.practitioner, span)


def _busy(practitioner: str, span: Span) -> Busy:
    taken = Footprint(starts=span[0], ends=span[1])
    return Busy(practitioner=practitioner, room=None, footprint=taken, reason=Reason.CALENDAR)


def _source(practice: Practice, person: Practitioner, address: str, horizon: int) -> Source:
    named = "\0".join((practice.id, person.id, practice.zone, address))
    return Source(
        id=hashlib.sha256(named.encode()).hexdigest()[:32],
        practice=practice.id,
        practitioner=person.id,
        address=address,
        zone=practice.zone,
        horizon_days=horizon,
    )
