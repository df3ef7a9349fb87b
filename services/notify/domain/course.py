"""The visits of a course speak with one voice: the first for the booking, the last cancelled for all with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from services.notify.domain.frame import Frame
from services.notify.domain.visit import Visit, VisitState

# Cancelling a whole course says so visit by visit: each text waits this long for another that speaks for it too. As
# long, the text of a move waits for a second move, and that of a request for its outcome.
SETTLE = timedelta(minutes=3)
# A later visit whose first one was cancelled before it was confirmed is cancelled too, and never declined or lapsed.
ONCE_CONFIRMED = (VisitState.CONFIRMED, VisitState.ATTENDED, VisitState.MISSED, VisitState.CANCELLED)


def leads(frame: Frame) -> bool:
    """Speaks for its course, or belongs to none."""
    return frame.visit.seat is None or frame.visit.seat.index == 0


def came_about(frame: Frame) -> bool:
    """The course was confirmed by its first visit, so whatever becomes of this one is told by nobody else.

    A first visit that is not known yet, or still waits, may turn out to speak for this one too.
    """
    leads = (one for one in frame.course if one.seat is not None and one.seat.index == 0)
    return any(_course(one) == _course(frame.visit) and one.state in ONCE_CONFIRMED for one in leads)


def booked_words(frame: Frame) -> str | None:
    """The confirmation of the whole, if this visit leads a course."""
    if frame.visit.seat is None:
        return None
    return "booked_upkeep" if frame.visit.seat.count is None else "booked_course"


def cancelled_due(frame: Frame) -> datetime:
    """After the wait where the visit is in a course and the wait leaves the text any use, else at once."""
    return frame.news(_settled(frame.visit)) if _waits(frame) else frame.news(frame.visit.since)


def told_by_another(frame: Frame) -> bool:
    """The text of a visit that was cancelled after this one is still to come, or was sent knowing of this one."""
    return any(_tells_of(other, frame) for other in _others(frame))


def tells_of_others(frame: Frame) -> bool:
    return any(_tells_of(frame, other) for other in _others(frame))


def _tells_of(late: Frame, early: Frame) -> bool:
    """The order is that in which notify came to know, so that nobody relies on a text that is already out.

    What is heard after that text was due has settled after it too, and speaks for itself; so does a visit that would
    have begun before that text comes.
    """
    if not (_waits(late) and _waits(early)) or _order(late) <= _order(early):
        return False
    if cancelled_due(late) >= early.visit.starts_at:
        return False
    near = _settled(late.visit) - _settled(early.visit) <= SETTLE
    return near or cancelled_due(late) == cancelled_due(early)


def _others(frame: Frame) -> list[Frame]:
    mine = frame.visit
    return [
        replace(frame, visit=visit, planned={})
        for visit in frame.course
        if visit.appointment != mine.appointment and _course(visit) == _course(mine) and visit.phone == mine.phone
    ]


def _waits(frame: Frame) -> bool:
    visit = frame.visit
    told = visit.seat is not None and visit.state is VisitState.CANCELLED and visit.consented
    return told and frame.news(_settled(visit)) < visit.starts_at


def _settled(visit: Visit) -> datetime:
    return max(visit.since, visit.known_at or visit.since) + SETTLE


def _order(frame: Frame) -> tuple[datetime, str]:
    return _settled(frame.visit), frame.visit.appointment


def _course(visit: Visit) -> tuple[str, str] | None:
    return (visit.practice, visit.seat.course) if visit.seat else None
