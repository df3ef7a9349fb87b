"""What one visit blocks of its practitioner and room, and the cells by which a unique index guards it.

The rule: of two visits of one practitioner or room, the earlier ends at least `gap` before the later starts, and
`gap` is the larger of what the earlier needs after it and the later needs before it.

The cells: every five minutes have two keys, a plain one and one marked `b`. A visit owns the plain keys of itself
and of the need after it; and the `b` keys of the need before it and of its own last five minutes. Then two visits
share a key exactly if they break the rule, with everything on the five-minute raster. For let X start before Y (if
they start together, they share the plain key of that start, and break the rule).
- If Y starts before X's end and the need after it, both own the plain key of Y's start; rightly, for the gap is
  less than X needs. If not, their plain keys are apart: X's end before Y starts.
- If then Y's need before it begins before X's end, it contains X's last five minutes, since it lasts until Y's
  start, which is not before X's end: both own that `b` key; rightly, for the gap is less than Y needs. If not, Y's
  `b` keys all come after X's, whose last is that of X's last five minutes. So no key is shared, and both needs are
  met.
So what the availability offers the index takes, and what breaks the rule it refuses, with one key more than the
visit and its needs have cells. A practice that wants needs summed counts them as part of the visit itself, with
none left outside: the same rule and the same keys, also beside visits booked before it changed its mind. That is
why a visit keeps the needs and the policy it was booked with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from services.booking.domain.calendar import minute_of
from services.booking.domain.practice import RASTER_MINUTES, Buffers, Practitioner, Service
from services.booking.domain.spans import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """A visit as half-open minutes since the epoch, with the minutes it needs before and after it."""

    starts: int
    ends: int
    before: int = 0
    after: int = 0
    buffers: Buffers = Buffers.LARGER

    @property
    def core(self) -> tuple[int, int, int, int]:
        """What nobody else may touch, as start and end, and the needs before and after it that may be shared."""
        if self.buffers is Buffers.SUMMED:
            return self.starts - self.before, self.ends + self.after, 0, 0
        return self.starts, self.ends, self.before, self.after


def footprint(service: Service, person: Practitioner, starts_at: datetime, buffers: Buffers) -> Footprint:
    """What a visit of the service with this practitioner blocks when it is booked today."""
    return footprint_from(service, person, minute_of(starts_at), buffers)


def footprint_from(service: Service, person: Practitioner, starts: int, buffers: Buffers) -> Footprint:
    return Footprint(
        starts=starts,
        ends=starts + service.length_minutes,
        before=service.buffer_before_minutes,
        after=need_after(service, person),
        buffers=buffers,
    )


def need_after(service: Service, person: Practitioner) -> int:
    """Minutes: the service's buffer, or the time that the practitioner needs after such a visit if that is longer."""
    resets = (reset.minutes for reset in person.load.resets if reset.service == service.id)
    return max((service.buffer_after_minutes, *resets))


def kept_apart_from(candidate: Footprint, other: Footprint) -> Span:
    """The minutes by which `candidate` may not be shifted, because it would come too close to `other`.

    Half-open; a candidate laid out at minute 0 gives the starts that are not possible.
    """
    starts, ends, before, after = candidate.core
    other_starts, other_ends, other_before, other_after = other.core
    return (other_starts - ends - max(after, other_before) + 1, other_ends + max(other_after, before) - starts)


def kept_apart_from_all(candidate: Footprint, others: Iterable[Footprint]) -> Iterator[Span]:
    """As `kept_apart_from`, for each of many."""
    starts, ends, before, after = candidate.core
    for other in others:
        if other.buffers is Buffers.SUMMED:
            yield kept_apart_from(candidate, other)
        else:
            later, earlier = max(after, other.before), max(before, other.after)
            yield other.starts - ends - later + 1, other.ends + earlier - starts


def cells(footprint: Footprint, resources: Iterable[str]) -> tuple[str, ...]:
    """The keys a visit owns for each resource (practitioner, room): at most one active visit may own a key.

    Ends off the raster are snapped outward.
    """
    starts, ends, before, after = footprint.core
    first, behind = starts // RASTER_MINUTES, -(-ends // RASTER_MINUTES)
    plain = range(first, -(-(ends + after) // RASTER_MINUTES))
    marked = (*range((starts - before) // RASTER_MINUTES, first), behind - 1)
    return tuple(
        key
        for resource in resources
        for key in (*(f"{resource}|{n}" for n in plain), *(f"{resource}|{n}b" for n in marked))
    )
