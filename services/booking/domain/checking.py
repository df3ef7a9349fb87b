"""What the health check of a visit means for it, however often it is decided or voided: the newest word counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from services.booking.domain import turns
from services.booking.domain.appointment import BOOKED, Appointment, State


class Outcome(StrEnum):
    """What the health check came to."""

    CLEARED = "cleared"
    NEEDS_REVIEW = "needs_review"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What was told of a case: `version` is the case's own, `event` what told it.

    No `outcome` voids whatever was decided before. `cleared_until` is the last day of a clearance.
    """

    version: int
    event: str
    outcome: Outcome | None = None
    cleared_until: date | None = None


def obey(appointment: Appointment, word: Word, *, now: datetime) -> Appointment:
    """Follow the health check; the same appointment if the word is not new, or has nothing to say about it.

    Words may come twice and in any order. A visit that has begun takes place whatever is said; what still waits may
    be decided late, because it is not given back before all that was said in time has been heard. The later visits of
    a course follow the first, until their own check is asked for; but a client may take back there what the first said.
    """
    if word.version <= appointment.checked or appointment.client is None or _is_elsewhere(appointment, word):
        return appointment
    if appointment.state in turns.TOOK_PLACE and now >= appointment.starts_at:
        obeyed = _noted(appointment, word, now)
    elif appointment.state in BOOKED:
        obeyed = _obeyed(appointment, word, now)
    else:
        return appointment
    return obeyed if obeyed is appointment else replace(obeyed, checked=word.version)


def _is_elsewhere(appointment: Appointment, word: Word) -> bool:
    """Of a health check that was never asked for nothing is decided here, and only what took it for granted ends.

    Its case begins with the word that voids it: nobody gets more time for a first form by taking it back.
    """
    follows = appointment.follows and not appointment.was_asked_again
    never_asked = follows or (word.version == 1 and not appointment.checked)
    if not never_asked:
        return False
    return (follows and word.outcome is not None) or (
        word.outcome is None and appointment.state not in turns.TOOK_PLACE
    )


def _noted(appointment: Appointment, word: Word, now: datetime) -> Appointment:
    if word.outcome is Outcome.CLEARED:
        return turns.recheck(appointment, cleared_until=word.cleared_until, event=word.event, now=now)
    return turns.void(appointment, event=word.event, now=now)


def _obeyed(appointment: Appointment, word: Word, now: datetime) -> Appointment:
    match word.outcome:
        case None:
            begun = now >= appointment.starts_at
            return appointment if begun else turns.ask_check(appointment, now=now, voided_by=word.event)
        case Outcome.CLEARED:
            return cleared(appointment, until=word.cleared_until, event=word.event, now=now)
        case Outcome.NEEDS_REVIEW:
            return turns.review(appointment, event=word.event, now=now)
        case Outcome.DECLINED:
            return turns.decline(appointment, event=word.event, now=now)


def cleared(appointment: Appointment, *, until: date | None, event: str, now: datetime) -> Appointment:
    """Confirmed, if the clearance reaches the visit; else its time is kept until the check is asked for once more."""
    if not appointment.is_reached(until):
        return turns.postpone(appointment, cleared_until=until, event=event, now=now)
    if appointment.state is State.CONFIRMED:
        return turns.recheck(appointment, cleared_until=until, event=event, now=now)
    return turns.confirm(appointment, cleared_until=until, event=event, now=now)
