"""The steps of a visit's plan as a table: whom each applies to, when, until when, in which words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta

from services.notify.domain import course
from services.notify.domain.frame import Frame, Rank, Step, Together
from services.notify.domain.visit import NOT_CONFIRMED, VisitState

# Booked at shorter notice than this, the preparation travels with the confirmation and the day-before text is dropped.
SHORT_NOTICE = timedelta(hours=30)
# Who has just said that something changed is filling in the form already; whoever is not, is asked by text.
SETTLED = timedelta(minutes=15)
TOO_SHORT_FOR_TWO_HOURS = timedelta(hours=4)
MORNING_AFTER = timedelta(minutes=90)
MOVES = (VisitState.CONFIRMED, VisitState.REQUESTED)


def _agreed(frame: Frame) -> bool:
    return frame.visit.state is VisitState.CONFIRMED


def _at_once(frame: Frame) -> datetime:
    return frame.later(frame.visit.since)


def _start(frame: Frame, _: datetime) -> datetime:
    return frame.visit.starts_at


def _before_start(hours: int) -> Callable[[Frame, datetime], datetime]:
    return lambda frame, _: frame.visit.starts_at - timedelta(hours=hours)


def _in(template: str) -> Callable[[Frame, datetime], str]:
    return lambda _, __: template


def _day_before_words(frame: Frame, _: datetime) -> str:
    """The preparation travels along when its own text was wanted but its time had already passed."""
    carries = "prepare" in frame.practice.steps and "prepare" not in frame.planned
    return "day_before_prepare" if carries else "day_before"


def _booked_words(frame: Frame, _: datetime) -> str:
    if frame.visit.again:
        return "booked_again"
    whole = course.booked_words(frame)
    if whole is not None:
        return whole
    carries = "prepare" in frame.practice.steps and not {"prepare", "day_before"} & frame.planned.keys()
    return "booked_prepare" if carries else "booked"


def _two_hours_applies(frame: Frame) -> bool:
    """Pulled out of the night into the evening before, it would only repeat the day-before text."""
    if not _agreed(frame) or frame.notice < TOO_SHORT_FOR_TWO_HOURS:
        return False
    return frame.on_the_day(_two_hours_due(frame)) or "day_before" not in frame.planned


def _two_hours_due(frame: Frame) -> datetime:
    return frame.earlier(frame.visit.starts_at - timedelta(hours=2))


def _two_hours_until(frame: Frame, due: datetime) -> datetime:
    if frame.on_the_day(due):
        return min(due + timedelta(minutes=30), frame.visit.starts_at)
    return frame.visit.starts_at - timedelta(hours=2)


def _two_hours_words(frame: Frame, due: datetime) -> str:
    return "two_hours" if frame.on_the_day(due) else "day_before"


def _aftercare_due(frame: Frame) -> datetime:
    """Three hours after the end, by the evening's last call if that leaves the visit time to end, else next morning."""
    end, quiet = frame.visit.ends_at, frame.practice.quiet
    ideal = end + timedelta(hours=3)
    last_call = quiet.evening(end.astimezone(frame.zone).date(), frame.zone)
    if end <= last_call < ideal:
        ideal = last_call
    return frame.later(max(ideal, frame.visit.since), MORNING_AFTER)


# The order matters: a row may look at what the rows above it have planned.
STEPS: tuple[Step, ...] = (
    Step(
        name="prepare",
        applies=lambda frame: _agreed(frame) and frame.notice >= SHORT_NOTICE,
        due=lambda frame: frame.earlier(frame.days_before(2, time(17))),
        until=_before_start(24),
        validity=timedelta(hours=4),
        words=_in("prepare"),
        optional=True,
        rank=Rank.PREPARE,
        together=Together.FIRST,
    ),
    Step(
        name="day_before",
        applies=lambda frame: _agreed(frame) and frame.notice >= SHORT_NOTICE,
        due=lambda frame: frame.earlier(frame.days_before(1)),
        until=_before_start(2),
        validity=timedelta(hours=3),
        words=_day_before_words,
        optional=True,
        rank=Rank.DAY_BEFORE,
        together=Together.FIRST,
    ),
    Step(
        name="two_hours",
        applies=_two_hours_applies,
        due=_two_hours_due,
        until=_two_hours_until,
        validity=timedelta(minutes=30),
        words=_two_hours_words,
        optional=True,
        rank=Rank.TWO_HOURS,
        together=Together.FIRST,
    ),
    Step(
        name="booked",
        applies=lambda frame: _agreed(frame) and not frame.visit.moved and (frame.visit.again or course.leads(frame)),
        due=_at_once,
        until=_start,
        validity=timedelta(hours=4),
        words=_booked_words,
    ),
    Step(
        name="moved",
        # Also of a visit that is not confirmed for its new day yet: whoever knew the old time would come then.
        applies=lambda frame: frame.visit.moved and frame.visit.state in MOVES,
        due=_at_once,
        until=_start,
        validity=timedelta(hours=4),
        words=_in("moved"),
    ),
    Step(
        name="cancelled",
        applies=lambda frame: frame.visit.state is VisitState.CANCELLED and not course.told_by_another(frame),
        due=course.cancelled_due,
        until=_start,
        validity=timedelta(hours=4),
        words=lambda frame, _: "cancelled_course" if course.tells_of_others(frame) else "cancelled",
    ),
    Step(
        name="check",
        applies=lambda frame: frame.visit.state is VisitState.REQUESTED and frame.visit.check_until is not None,
        due=lambda frame: frame.later(frame.visit.since + SETTLED),
        until=lambda frame, _: frame.visit.check_until or frame.visit.starts_at,
        validity=timedelta(hours=4),
        words=_in("check"),
    ),
    # What the health check said is never told apart by text: waiting, refused and run out read the same.
    Step(
        name="call_us",
        # A later visit of a course waits for a person on its own account only, after the first was confirmed for all.
        applies=lambda frame: frame.visit.state is VisitState.IN_REVIEW,
        due=_at_once,
        until=_start,
        validity=timedelta(hours=4),
        words=_in("call_us"),
    ),
    Step(
        name="not_confirmed",
        applies=lambda frame: frame.visit.state in NOT_CONFIRMED and (course.leads(frame) or course.came_about(frame)),
        due=_at_once,
        until=_start,
        validity=timedelta(hours=4),
        words=_in("call_us"),
    ),
    Step(
        name="aftercare",
        applies=lambda frame: frame.visit.state is VisitState.ATTENDED,
        due=_aftercare_due,
        until=lambda frame, _: frame.visit.ends_at + timedelta(hours=20),
        validity=timedelta(hours=4),
        words=_in("aftercare"),
        optional=True,
        rank=Rank.AFTERCARE,
        together=Together.LAST,
    ),
)
