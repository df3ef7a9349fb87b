"""When the texts of a visit are due, and until when each of them is of use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from typing import Final

from services.notify.domain import course
from services.notify.domain.frame import Frame
from services.notify.domain.practice import Timing

# What a practice can have otherwise. A day counts by the client's wall clock, an hour as elapsed time; the day before
# is reminded of at the visit's own wall time.
USUAL: Final[Mapping[str, Timing]] = {
    "prepare": Timing(days=2, at=time(17)),
    "two_days": Timing(hours=48),
    "day_before": Timing(days=1),
    "two_hours": Timing(hours=2),
    "aftercare": Timing(hours=3),
    "check_in": Timing(days=1, at=time(10)),
    "rebook": Timing(days=5, at=time(11)),
}
# Who has just said that something changed is filling in the form already; whoever is not, is asked by text.
FILLED_IN: Final = timedelta(minutes=15)
# The answer to what a client has just done may come at night too, so soon after it.
PROMPT: Final = timedelta(minutes=5)
MORNING_AFTER: Final = timedelta(minutes=90)
# A text is on the phone and was seen within this.
READ: Final = timedelta(minutes=30)
LATE: Final = timedelta(minutes=30)
ON_THE_WAY: Final = timedelta(minutes=45)


def timing(frame: Frame, step: str) -> Timing:
    """As the practice wants it, else as usual."""
    usual, wanted = USUAL[step], frame.practice.timings.get(step)
    if wanted is None:
        return usual
    return Timing(
        usual.days if wanted.days is None else wanted.days,
        usual.hours if wanted.hours is None else wanted.hours,
        usual.at if wanted.at is None else wanted.at,
    )


def start(frame: Frame, _: datetime) -> datetime:
    return frame.visit.starts_at


def before_start(hours: int) -> Callable[[Frame, datetime], datetime]:
    return lambda frame, _: frame.visit.starts_at - timedelta(hours=hours)


def at_once(frame: Frame) -> datetime:
    return frame.in_time(frame.visit.since)


def moved_due(frame: Frame) -> datetime:
    """After a short wait in which another move supersedes this one, unless the wait costs a night or the visit."""
    first = frame.news(frame.visit.since)
    waited = frame.news(frame.visit.since + course.SETTLE)
    return waited if waited - first <= course.SETTLE and waited < frame.soonest else first


def is_known_elsewhere(frame: Frame) -> bool:
    """The client may not have read of the last move yet, and think of the time that the visit had before."""
    moved = frame.visit.moved_at
    return moved is not None and frame.visit.since < frame.later(moved + course.SETTLE) + READ


def received_due(frame: Frame) -> datetime:
    """An outcome that comes at once says it all."""
    return frame.visit.since + course.SETTLE


def received_until(frame: Frame, _: datetime) -> datetime:
    return min(frame.visit.starts_at, frame.visit.since + timedelta(hours=12))


def received_wakes(frame: Frame) -> datetime:
    return frame.visit.since + PROMPT


def check_due(frame: Frame) -> datetime:
    return frame.later(frame.visit.since + FILLED_IN)


def check_until(frame: Frame, _: datetime) -> datetime:
    return frame.visit.check_until or frame.visit.starts_at


def prepare_due(frame: Frame) -> datetime:
    wanted = timing(frame, "prepare")
    return frame.earlier(frame.days_before(wanted.days or 0, wanted.at))


def prepare_until(frame: Frame, due: datetime) -> datetime:
    """A day before the visit, or some hours after its own time where a practice wants it later than that."""
    starts = frame.visit.starts_at
    return max(starts - timedelta(hours=24), min(due + timedelta(hours=4), starts - timedelta(hours=2)))


def two_days_due(frame: Frame) -> datetime:
    return frame.earlier(frame.visit.starts_at - timedelta(hours=timing(frame, "two_days").hours or 0))


def day_before_due(frame: Frame) -> datetime:
    return frame.earlier(frame.days_before(1, timing(frame, "day_before").at))


def two_hours_due(frame: Frame) -> datetime:
    return frame.earlier(frame.visit.starts_at - timedelta(hours=timing(frame, "two_hours").hours or 0))


def two_hours_until(frame: Frame, due: datetime) -> datetime:
    if frame.on_the_day(due):
        return min(due + LATE, frame.visit.starts_at - ON_THE_WAY)
    return frame.visit.starts_at - timedelta(hours=2)


def aftercare_due(frame: Frame) -> datetime:
    """Some hours after the end, by the evening's last call if that leaves the visit time to end, else next morning."""
    end, quiet = frame.visit.ends_at, frame.practice.quiet
    ideal = end + timedelta(hours=timing(frame, "aftercare").hours or 0)
    last_call = quiet.evening(end.astimezone(frame.zone).date(), frame.zone)
    if end <= last_call < ideal:
        ideal = last_call
    return frame.later(max(ideal, frame.visit.since), MORNING_AFTER)


def check_in_due(frame: Frame) -> datetime:
    return _days_after(frame, timing(frame, "check_in"))


def check_in_until(frame: Frame, _: datetime) -> datetime:
    return frame.visit.ends_at + timedelta(days=(timing(frame, "check_in").days or 0) + 1)


def rebook_due(frame: Frame) -> datetime:
    return _days_after(frame, timing(frame, "rebook"))


def rebook_until(frame: Frame, _: datetime) -> datetime:
    return frame.visit.ends_at + timedelta(days=(timing(frame, "rebook").days or 0) + 5)


def _days_after(frame: Frame, wanted: Timing) -> datetime:
    return frame.later(max(frame.days_after(wanted.days or 0, wanted.at or time()), frame.visit.since))
