"""Every turn in the life of an appointment: the table of what may follow what, and one pure function for each deed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from services.booking.domain import eligibility
from services.booking.domain.appointment import (
    ACTIVE,
    BOOKED,
    PENDING,
    Appointment,
    AppointmentId,
    By,
    Client,
    Deed,
    Offer,
    Seat,
    State,
    Turn,
)
from services.booking.domain.clearance import Clearance
from services.booking.domain.policy import Policy, check_until, held_until, is_late
from shared.errors import Kind, Refusal

MOST_TURNS: Final = 100


@dataclass(frozen=True, slots=True)
class Step:
    """From which states a deed is possible and where it leads; no `to` leaves the state as it is."""

    of: frozenset[State]
    to: State | None


TOOK_PLACE: Final = frozenset({State.CONFIRMED, State.ATTENDED, State.MISSED})
# Others may rely on what was said of a visit also when it came to nothing afterwards.
VOIDABLE: Final = TOOK_PLACE | {State.CANCELLED, State.LAPSED}
# Attended may have been assumed in silence, so the practitioner's later word may still correct it, and a slip.
STEPS: Final[Mapping[Deed, Step]] = {
    Deed.RENEWED: Step(frozenset({State.HELD}), None),
    Deed.REQUESTED: Step(frozenset({State.HELD}), State.REQUESTED),
    Deed.REVIEWED: Step(BOOKED, State.IN_REVIEW),
    Deed.CONFIRMED: Step(PENDING, State.CONFIRMED),
    Deed.RECHECKED: Step(TOOK_PLACE, None),
    Deed.VOIDED: Step(VOIDABLE, None),
    Deed.POSTPONED: Step(BOOKED, State.REQUESTED),
    Deed.CHECK_ASKED: Step(BOOKED, State.REQUESTED),
    Deed.DECLINED: Step(BOOKED, State.DECLINED),
    Deed.LAPSED: Step(PENDING, State.LAPSED),
    Deed.CANCELLED: Step(ACTIVE, State.CANCELLED),
    Deed.MOVED: Step(BOOKED, None),
    Deed.ATTENDED: Step(frozenset({State.CONFIRMED, State.MISSED}), State.ATTENDED),
    Deed.MISSED: Step(frozenset({State.CONFIRMED, State.ATTENDED}), State.MISSED),
    Deed.SAID_YES: Step(frozenset({State.CONFIRMED}), None),
    Deed.ASKED_TO_MOVE: Step(BOOKED, None),
}


class WrongState(Refusal):
    """The appointment is not in a state in which this can be done."""

    slug = "wrong-state"
    kind = Kind.CONFLICT


class HoldExpired(Refusal):
    """The time was not requested while it was held; it may be free again or somebody else's."""

    slug = "hold-expired"
    kind = Kind.CONFLICT


class AlreadyRenewed(Refusal):
    """A hold is renewed once."""

    slug = "already-renewed"
    kind = Kind.CONFLICT


class TooLate(Refusal):
    """The practice's window for changes by the client has passed."""

    slug = "too-late"
    kind = Kind.CONFLICT


class TooEarly(Refusal):
    """Nobody can have come to, or missed, a visit that has not begun."""

    slug = "too-early"
    kind = Kind.CONFLICT


def hold(
    *,
    id_: AppointmentId,
    practice: str,
    offer: Offer,
    starts_at: datetime,
    asked: str,
    now: datetime,
    policy: Policy,
    seat: Seat | None = None,
) -> Appointment:
    """Take the time for a while; `asked` is the fingerprint of the body that asked for it."""
    return Appointment(
        id=id_,
        practice=practice,
        offer=offer,
        starts_at=starts_at,
        state=State.HELD,
        version=1,
        held_until=held_until(now, policy.hold_for, starts_at),
        asked=asked,
        seat=seat,
        history=(Turn(deed=Deed.HELD, by=By.CLIENT, at=now, version=1),),
    )


def renew(held: Appointment, *, now: datetime, policy: Policy) -> Appointment:
    """The whole time of a hold once more, from now."""
    if held.is_expired(now):
        raise HoldExpired("the hold on this time has expired")
    if any(turn.deed is Deed.RENEWED for turn in held.history):
        _check(held, Deed.RENEWED)
        raise AlreadyRenewed("this hold has been renewed already")
    return replace(
        _turn(held, Deed.RENEWED, By.CLIENT, now), held_until=held_until(now, policy.hold_for, held.starts_at)
    )


def request(
    held: Appointment,
    client: Client,
    *,
    asked: str,
    now: datetime,
    policy: Policy,
    attended: bool = False,
    cleared: Clearance | None = None,
) -> Appointment:
    """Consume the hold. A service without a health check is confirmed by the request itself.

    The later visits of a course wait for the first in any case. `attended` is whether the client was ever there
    before. A clearance from an earlier visit that covers this day confirms it too; its event says why.
    """
    if held.is_expired(now):
        raise HoldExpired("the hold on this time has expired")
    _check(held, Deed.REQUESTED)
    eligibility.check(held.offer, client, held.starts_at, attended=attended)
    wanted = replace(held, client=client, requested_with=asked)
    if held.offer.screening is None and not held.follows:
        return replace(_turn(wanted, Deed.CONFIRMED, By.CLIENT, now), held_until=None)
    if cleared is not None and not held.follows and cleared.covers(held.starts_at, held.offer):
        confirmed = _turn(wanted, Deed.CONFIRMED, By.CLIENT, now, event=cleared.event)
        return replace(confirmed, held_until=None, cleared_until=cleared.until)
    deadline = held_until(now, policy.answers_within, held.starts_at)
    return replace(_turn(wanted, Deed.REQUESTED, By.CLIENT, now), held_until=deadline)


def confirm(appointment: Appointment, *, cleared_until: date | None, event: str, now: datetime) -> Appointment:
    """The health check, or the practitioner after it, cleared the client."""
    if appointment.state is State.HELD:
        raise WrongState("a held appointment cannot be confirmed before it is requested", state=appointment.state)
    confirmed = _turn(appointment, Deed.CONFIRMED, By.RULES, now, event=event)
    return replace(confirmed, held_until=None, cleared_until=cleared_until)


def recheck(appointment: Appointment, *, cleared_until: date | None, event: str, now: datetime) -> Appointment:
    """The health check cleared the client once more; nobody has to be told."""
    rechecked = _turn(appointment, Deed.RECHECKED, By.RULES, now, event=event)
    return replace(rechecked, cleared_until=cleared_until)


def postpone(appointment: Appointment, *, cleared_until: date | None, event: str, now: datetime) -> Appointment:
    """No clearance reaches the visit yet: its time is kept, and time itself asks for the check when it is near."""
    postponed = _turn(appointment, Deed.POSTPONED, By.RULES, now, event=event)
    return replace(postponed, held_until=None, cleared_until=cleared_until)


def void(appointment: Appointment, *, event: str, now: datetime) -> Appointment:
    """The clearance of a visit that has begun counts no longer: nothing changes for it, but no other may rely on it."""
    return replace(_turn(appointment, Deed.VOIDED, By.RULES, now, event=event), cleared_until=None)


def ask_check(appointment: Appointment, *, now: datetime, voided_by: str | None = None) -> Appointment:
    """The health check is wanted once more, in time for the visit; what was voided counts no longer."""
    asked = _turn(appointment, Deed.CHECK_ASKED, By.RULES, now, event=voided_by)
    kept = appointment.cleared_until if voided_by is None else None
    return replace(asked, held_until=check_until(now, appointment.starts_at), cleared_until=kept)


def review(appointment: Appointment, *, event: str, now: datetime) -> Appointment:
    """A person decides; the time stays held for as long as the practice allows."""
    deadline = held_until(now, appointment.offer.review_for, appointment.starts_at)
    reviewed = _turn(appointment, Deed.REVIEWED, By.RULES, now, event=event)
    return replace(reviewed, held_until=deadline, cleared_until=None)


def decline(appointment: Appointment, *, event: str, now: datetime) -> Appointment:
    declined = _turn(appointment, Deed.DECLINED, By.RULES, now, event=event)
    return replace(declined, held_until=None, cleared_until=None)


def lapse(appointment: Appointment, *, now: datetime) -> Appointment:
    """Nobody requested, answered or decided in time."""
    if not appointment.is_overdue(now):
        raise WrongState("the appointment is not overdue", state=appointment.state)
    return replace(_turn(appointment, Deed.LAPSED, By.RULES, now), held_until=None)


def cancel(appointment: Appointment, *, by: By, now: datetime) -> Appointment:
    """Free the time at once. A client may cancel until the visit begins; inside the window it is marked late."""
    if by is By.CLIENT and now >= appointment.starts_at:
        _check(appointment, Deed.CANCELLED)
        raise TooLate("the visit has begun")
    late = appointment.state is not State.HELD and is_late(appointment.starts_at, appointment.offer.change_window, now)
    return replace(_turn(appointment, Deed.CANCELLED, by, now, late=late), held_until=None)


def move(appointment: Appointment, *, offer: Offer, starts_at: datetime, by: By, now: datetime) -> Appointment:
    """Give the old time back and take the new one together; the practice may, the client only in time."""
    check_move(appointment, starts_at, by=by, now=now)
    turned = _turn(appointment, Deed.MOVED, by, now, moved_from=appointment.starts_at)
    until = None if appointment.held_until is None else min(appointment.held_until, starts_at)
    return _as_cleared(replace(turned, offer=offer, starts_at=starts_at, held_until=until))


def check_move(appointment: Appointment, starts_at: datetime, *, by: By, now: datetime) -> None:
    """Raises what keeps the visit from being moved there, before anybody looks whether that time is free."""
    _check(appointment, Deed.MOVED)
    if by is By.CLIENT and is_late(appointment.starts_at, appointment.offer.change_window, now):
        raise TooLate("the practice's window for moving this visit has passed")
    if by is By.CLIENT and appointment.client is not None:
        eligibility.check_age(appointment.offer, appointment.client, starts_at)


def attend(appointment: Appointment, *, now: datetime, assumed: bool = False) -> Appointment:
    by = By.RULES if assumed else By.PRACTICE
    _check_begun(appointment, Deed.ATTENDED, now)
    return _turn(appointment, Deed.ATTENDED, by, now, assumed=assumed)


def miss(appointment: Appointment, *, now: datetime) -> Appointment:
    _check_begun(appointment, Deed.MISSED, now)
    return _turn(appointment, Deed.MISSED, By.PRACTICE, now)


def reply(appointment: Appointment, deed: Deed, *, event: str, at: datetime) -> Appointment:
    """Record what the client answered to a text, once; too late for the visit, it changes nothing."""
    heard = any(turn.event == event for turn in appointment.history)
    if heard or appointment.state not in STEPS[deed].of:
        return appointment
    return _turn(appointment, deed, By.CLIENT, at, event=event)


def keep_time(appointment: Appointment, *, now: datetime) -> Appointment | None:
    """The turn that time itself takes when `due_at` has come, None while it has not."""
    if appointment.is_overdue(now):
        return lapse(appointment, now=now)
    due = appointment.due_at
    if due is None or now < due:
        return None
    if appointment.state is State.CONFIRMED:
        return attend(appointment, now=now, assumed=True)
    if now < appointment.starts_at:
        return ask_check(appointment, now=now)
    return lapse(replace(appointment, held_until=now), now=now)


def _turn(
    was: Appointment,
    deed: Deed,
    by: By,
    at: datetime,
    *,
    moved_from: datetime | None = None,
    late: bool = False,
    assumed: bool = False,
    event: str | None = None,
) -> Appointment:
    step = _check(was, deed)
    version = was.version + 1
    turn = Turn(
        deed=deed, by=by, at=at, version=version, moved_from=moved_from, late=late, assumed=assumed, event=event
    )
    history = (*was.history[-MOST_TURNS + 1 :], turn)
    return replace(was, state=step.to or was.state, version=version, history=history)


def _check(appointment: Appointment, deed: Deed) -> Step:
    step = STEPS[deed]
    if appointment.state not in step.of:
        raise WrongState(f"an appointment that is {appointment.state} cannot be {deed}", state=appointment.state)
    return step


def _as_cleared(moved: Appointment) -> Appointment:
    """Confirmed only on a day that the clearance reaches; a visit that waits for another one's fate goes on waiting."""
    reached = moved.is_reached(moved.cleared_until)
    if moved.state is State.CONFIRMED and not reached:
        return replace(moved, state=State.REQUESTED)
    if moved.is_postponed and not moved.follows and moved.cleared_until is not None and reached:
        return replace(moved, state=State.CONFIRMED)
    return moved


def _check_begun(appointment: Appointment, deed: Deed, now: datetime) -> None:
    _check(appointment, deed)
    if now < appointment.starts_at:
        raise TooEarly("the visit has not begun", starts_at=appointment.starts_at.isoformat())
