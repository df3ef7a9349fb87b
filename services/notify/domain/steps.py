"""The steps of a visit's plan as a table: whom each applies to, when, until when, in which words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from services.notify.domain import course, moments
from services.notify.domain.frame import Frame, Rank, Step, Together
from services.notify.domain.visit import NOT_CONFIRMED, VisitState

# Booked at shorter notice than this, nobody is asked two days ahead whether they come.
TOO_SHORT_FOR_TWO_DAYS: Final = timedelta(hours=72)
# Than this, the preparation travels with the confirmation and the day-before text is dropped.
SHORT_NOTICE: Final = timedelta(hours=30)
# Than this, the confirmation is the only text.
TOO_SHORT_FOR_TWO_HOURS: Final = timedelta(hours=4)
# Than this, the client is on the way, and reads nothing long.
ON_THE_WAY: Final = timedelta(minutes=45)
# Two texts that say the same keep this far apart, or the later one is dropped.
REMINDED: Final = timedelta(hours=12)
ASKED_AFTER: Final = timedelta(hours=6)
# News of a change is of use until the visit, so the provider keeps trying as long as it can (it takes no longer).
TO_THE_START: Final = timedelta(hours=10)
ASKED_FOR: Final = frozenset({VisitState.REQUESTED})
IN_REVIEW: Final = frozenset({VisitState.IN_REVIEW})
AGREED: Final = frozenset({VisitState.CONFIRMED})
ATTENDED: Final = frozenset({VisitState.ATTENDED})
# Any of them says that a practice tells its clients what to wear.
PREPARES: Final = frozenset({"prepare", "day_before"})


def _in(template: str) -> Callable[[Frame, datetime], str]:
    return lambda _, __: template


def _two_days_applies(frame: Frame) -> bool:
    return frame.notice >= TOO_SHORT_FOR_TWO_DAYS and not frame.visit.said_yes


def _day_before_applies(frame: Frame) -> bool:
    if frame.notice < SHORT_NOTICE:
        return False
    reminded = frame.planned.get("two_days")
    return reminded is None or moments.day_before_due(frame) - reminded.due > REMINDED


def _day_before_words(frame: Frame, _: datetime) -> str:
    """The preparation travels along unless it has a text of its own."""
    return "day_before" if "prepare" in frame.planned else "day_before_prepare"


def _booked_words(frame: Frame, due: datetime) -> str:
    if frame.visit.again:
        return "booked_again"
    whole = course.booked_words(frame)
    if whole is not None:
        return whole
    if PREPARES & frame.planned.keys() or not PREPARES & frame.practice.steps:
        return "booked"
    return "booked_today" if frame.notice < ON_THE_WAY and frame.on_the_day(due) else "booked_prepare"


def _two_hours_applies(frame: Frame) -> bool:
    """Pulled out of the night into the evening before, it would only repeat the day-before text."""
    if frame.notice < TOO_SHORT_FOR_TWO_HOURS:
        return False
    return "day_before" not in frame.planned or frame.on_the_day(moments.two_hours_due(frame))


def _two_hours_words(frame: Frame, due: datetime) -> str:
    return "two_hours" if frame.on_the_day(due) else "day_before"


def _cancelled_words(frame: Frame, _: datetime) -> str:
    if course.tells_of_others(frame):
        return "cancelled_course"
    return "cancelled_moved" if moments.is_known_elsewhere(frame) else "cancelled"


def _news_wakes(frame: Frame) -> datetime | None:
    return frame.visit.starts_at if frame.wakes else None


def _check_in_applies(frame: Frame) -> bool:
    """Nobody is asked how they are with the advice for the evening still on the screen."""
    advised = frame.planned.get("aftercare")
    return advised is None or moments.check_in_due(frame) - advised.due >= ASKED_AFTER


# The order matters: a row may look at what the rows above it have planned.
STEPS: tuple[Step, ...] = (
    Step(
        name="received",
        # Later visits of a course are asked for with the first; what is asked for once more has a text of its own.
        states=ASKED_FOR,
        applies=lambda frame: not (frame.visit.moved or frame.visit.check_until) and course.leads(frame),
        due=moments.received_due,
        until=moments.received_until,
        wakes=moments.received_wakes,
        validity=timedelta(hours=1),
        words=_in("received"),
        optional=True,
        rank=Rank.RECEIVED,
    ),
    Step(
        name="prepare",
        states=AGREED,
        applies=lambda frame: frame.notice >= SHORT_NOTICE,
        due=moments.prepare_due,
        until=moments.prepare_until,
        validity=timedelta(hours=4),
        words=_in("prepare"),
        optional=True,
        rank=Rank.PREPARE,
        together=Together.FIRST,
        settable=frozenset({"days", "at"}),
    ),
    Step(
        name="two_days",
        states=AGREED,
        applies=_two_days_applies,
        due=moments.two_days_due,
        until=moments.before_start(24),
        validity=timedelta(hours=4),
        words=_in("two_days"),
        optional=True,
        rank=Rank.TWO_DAYS,
        together=Together.FIRST,
        settable=frozenset({"hours"}),
    ),
    Step(
        name="day_before",
        states=AGREED,
        applies=_day_before_applies,
        due=moments.day_before_due,
        until=moments.before_start(2),
        validity=timedelta(hours=3),
        words=_day_before_words,
        optional=True,
        rank=Rank.DAY_BEFORE,
        together=Together.FIRST,
        settable=frozenset({"at"}),
    ),
    Step(
        name="two_hours",
        states=AGREED,
        applies=_two_hours_applies,
        due=moments.two_hours_due,
        until=moments.two_hours_until,
        validity=timedelta(minutes=30),
        words=_two_hours_words,
        optional=True,
        rank=Rank.TWO_HOURS,
        together=Together.FIRST,
        settable=frozenset({"hours"}),
    ),
    Step(
        name="booked",
        states=AGREED,
        applies=lambda frame: not frame.visit.moved and (frame.visit.again or course.leads(frame)),
        due=moments.at_once,
        until=moments.start,
        validity=timedelta(hours=4),
        words=_booked_words,
    ),
    Step(
        name="moved",
        # Also of a visit that is not confirmed for its new day yet: whoever knew the old time would come then.
        states=AGREED | ASKED_FOR | IN_REVIEW,
        applies=lambda frame: frame.visit.moved,
        due=moments.moved_due,
        until=moments.start,
        wakes=_news_wakes,
        validity=TO_THE_START,
        words=_in("moved"),
    ),
    Step(
        name="cancelled",
        states=frozenset({VisitState.CANCELLED}),
        applies=lambda frame: not course.told_by_another(frame),
        due=course.cancelled_due,
        until=moments.start,
        wakes=_news_wakes,
        validity=TO_THE_START,
        words=_cancelled_words,
    ),
    Step(
        name="check",
        states=ASKED_FOR,
        applies=lambda frame: frame.visit.check_until is not None,
        due=moments.check_due,
        until=moments.check_until,
        validity=timedelta(hours=4),
        words=_in("check"),
    ),
    # What the health check said is never told apart by text: waiting, refused and run out read the same.
    Step(
        name="call_us",
        # A later visit of a course waits for a person on its own account only, after the first was confirmed for all.
        states=IN_REVIEW,
        due=moments.at_once,
        until=moments.start,
        validity=timedelta(hours=4),
        words=_in("call_us"),
    ),
    Step(
        name="not_confirmed",
        states=frozenset(NOT_CONFIRMED),
        applies=lambda frame: course.leads(frame) or course.came_about(frame),
        due=moments.at_once,
        until=moments.start,
        validity=timedelta(hours=4),
        words=_in("call_us"),
    ),
    Step(
        name="aftercare",
        states=ATTENDED,
        due=moments.aftercare_due,
        until=lambda frame, _: frame.visit.ends_at + timedelta(hours=20),
        validity=timedelta(hours=4),
        words=_in("aftercare"),
        optional=True,
        rank=Rank.AFTERCARE,
        together=Together.LAST,
        settable=frozenset({"hours"}),
    ),
    Step(
        name="check_in",
        states=ATTENDED,
        applies=_check_in_applies,
        due=moments.check_in_due,
        until=moments.check_in_until,
        validity=timedelta(hours=4),
        words=_in("check_in"),
        optional=True,
        rank=Rank.CHECK_IN,
        once=True,
        together=Together.LAST,
        settable=frozenset({"days", "at"}),
    ),
    Step(
        name="rebook",
        states=ATTENDED,
        applies=lambda frame: frame.visit.wants_offers,
        due=moments.rebook_due,
        until=moments.rebook_until,
        validity=timedelta(hours=4),
        words=_in("rebook"),
        optional=True,
        rank=Rank.REBOOK,
        together=Together.LAST,
        promotes=True,
        once=True,
        settable=frozenset({"days", "at"}),
    ),
)
