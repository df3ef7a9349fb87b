"""What every turn of events makes of a text: the outcome of its POST, a look at the provider's list, a receipt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.notify.domain.delivery import ON_ITS_WAY, Message, State, forgotten, may_follow, turned
from services.notify.domain.errors import treatment
from services.notify.domain.provider import Accepted, Found, NotCreated, Outcome, Refused, Unknown
from services.notify.domain.steps import STEPS

MOST_TRIES = 3
# Within this the other end of a POST that we gave up on may still be alive.
FIRST_LOOK = timedelta(seconds=60)
SECOND_LOOK = timedelta(seconds=300)
# A text whose receipts do not come is asked about after so long, then after six times and 36 times that, then no more.
CHASE = timedelta(minutes=10)
CHASES = 3

# Receipts arrive in any order and more than once: a text never goes back to an earlier one of these.
STATUSES: Mapping[str, State] = {
    **dict.fromkeys(("queued", "accepted", "scheduled", "sending"), State.ACCEPTED),
    "sent": State.SENT,
    **dict.fromkeys(("delivered", "read"), State.DELIVERED),
    "undelivered": State.UNDELIVERED,
    **dict.fromkeys(("failed", "canceled"), State.FAILED),
}

ANSWERS = frozenset({"auto", "help", "stopped", "unclear"})
# What comes twice is worse than missed: these are never sent on suspicion.
AT_MOST_ONCE = ANSWERS | {step.name for step in STEPS if step.once}


@dataclass(frozen=True, slots=True)
class Pace:
    """When the provider is asked: twice after a POST of unknown outcome, and when receipts do not come."""

    first_look: timedelta = FIRST_LOOK
    second_look: timedelta = SECOND_LOOK
    chase: timedelta = CHASE


def is_failure(status: str) -> bool:
    """Whether the provider's word for it is one of an end that did not arrive, with an error code or without one."""
    return STATUSES.get(status) in (State.FAILED, State.UNDELIVERED)


def after_post(message: Message, outcome: Outcome, at: datetime, pace: Pace, *, attempt: str | None = None) -> Message:
    """What the one POST's outcome makes of it; a receipt that was faster is not undone.

    `attempt` is whose outcome it is, the present one's if left out. Of one that was given up meanwhile only the name
    counts: a worker that slept says nothing about the POST that another has under way.
    """
    if attempt is not None and message.attempt is not None and attempt != message.attempt.id:
        return _named_late(message, attempt, outcome.sid) if isinstance(outcome, Accepted) else message
    match outcome:
        case Accepted(sid) if message.attempt is not None and message.attempt.sid not in (None, sid):
            return replace(message, duplicates=message.duplicates + 1)
        case Accepted(sid, status):
            return adopted(message, sid, status, None, at, pace)
        case _ if message.state is not State.SENDING:
            return message
        case NotCreated(why, retry_after):
            wait = retry_after or min(timedelta(seconds=5) * 2 ** min(message.waits, 6), timedelta(minutes=5))
            changed = replace(_never_left(message), tries=message.tries - 1, waits=message.waits + 1)
            return _again(changed, at + wait * (1 + _chance(message) / 4), at, why)
        case Unknown(why):
            return turned(message, State.UNKNOWN, at, why, due=_look_at(message, pace.first_look))
        case Refused(code):
            after = failed(message, State.SKIPPED if treatment(code).opts_out else State.FAILED, code, at)
            # Refused for sure: not one of the POSTs that may have arrived.
            return _never_left(after) if after.state is State.PLANNED else after


def after_look(message: Message, found: Found | None, at: datetime, pace: Pace) -> Message:
    """What the provider's list says of a POST of unknown outcome; two empty looks allow another try."""
    if message.state in ON_ITS_WAY:
        return _chased(message, found, at, pace)
    if message.state is not State.UNKNOWN:
        return message
    if found is not None:
        # It is there, whatever its status is called by now.
        status = found.status if found.status in STATUSES else "accepted"
        return adopted(message, found.sid, status, found.error_code, at, pace)
    if message.looks == 0:
        # Never right after the first: after an outage both would fall together, and the list may lag.
        again = max(_look_at(message, pace.second_look), at + pace.second_look - pace.first_look)
        return turned(message, State.UNKNOWN, at, "not_listed_yet", looks=1, due=again)
    doubtful = sum(attempt.sid is None for attempt in message.attempts[-message.tries :])
    if message.step in AT_MOST_ONCE or doubtful >= MOST_TRIES:
        return turned(message, State.DEAD, at, "unresolved")
    return _again(message, at, at, "not_listed")


def after_receipt(
    message: Message, *, attempt: str, sid: str, status: str, error_code: int | None, at: datetime, pace: Pace
) -> Message:
    """What a signed receipt for one attempt makes of it.

    A receipt for an attempt that had been given up, or a second name for the same one, means that the client got the
    text twice: that is counted, and shown.
    """
    current = message.attempt
    if current is None or attempt not in {known.id for known in message.attempts}:
        return message
    if attempt != current.id:
        return _named_late(message, attempt, sid, arrives=not is_failure(status))
    if current.sid not in (None, sid):
        return replace(message, duplicates=message.duplicates + 1)
    return adopted(message, sid, status, error_code, at, pace)


def adopted(message: Message, sid: str, status: str, error_code: int | None, at: datetime, pace: Pace) -> Message:
    """The provider has it under this name, in this status or a later one."""
    state, attempt = STATUSES.get(status), message.attempt
    if state is None or attempt is None or attempt.sid not in (None, sid):
        return message
    had_its_end = attempt.sid is not None and message.sid is None
    if had_its_end or not may_follow(message, state):
        return message
    attempts = (*message.attempts[:-1], replace(attempt, sid=sid))
    if state in (State.FAILED, State.UNDELIVERED):
        return failed(replace(message, sid=sid, attempts=attempts), state, error_code, at)
    due = at + pace.chase if state in ON_ITS_WAY else None
    return turned(message, state, at, sid=sid, attempts=attempts, looks=0, due=due)


def lapsed(message: Message, at: datetime, pace: Pace) -> Message:
    """Its worker is gone: what had not begun is due again, what had begun is unknown."""
    if message.state is State.CLAIMED:
        return turned(message, State.PLANNED, at, "lease_lapsed")
    if message.state is State.SENDING:
        return turned(message, State.UNKNOWN, at, "lease_lapsed", due=_look_at(message, pace.first_look))
    return message


def _chased(message: Message, found: Found | None, at: datetime, pace: Pace) -> Message:
    """Receipts are lost when this service was away; some carriers give none, so the asking ends."""
    if found is not None:
        moved = adopted(message, found.sid, found.status, found.error_code, at, pace)
        if moved.state is not message.state:
            return moved
    looks = message.looks + 1
    if looks >= CHASES:
        return forgotten(replace(message, looks=looks, due=None))
    return replace(message, looks=looks, due=at + pace.chase * 6**looks)


def failed(message: Message, state: State, code: int | None, at: datetime) -> Message:
    """Try again where the code allows it and it is still of use; else this is the end."""
    cure = treatment(code)
    if cure.after is not None and message.tries <= cure.retries:
        again_at = at + cure.after * (1 + cure.spread * _chance(message))
        if again_at < message.not_after:
            return _again(message, again_at, at, cure.why)
    return turned(message, state, at, f"{cure.why}:{code}" if code else cure.why)


def _again(message: Message, due: datetime, at: datetime, why: str) -> Message:
    return turned(message, State.PLANNED, at, why, due=due, sid=None)


def _never_left(message: Message) -> Message:
    """Without its last POST, which surely made no text: the client got none, and the next one is not counted twice."""
    before = message.attempts[:-1]
    return replace(message, attempts=before, sent_at=before[-1].at if before else None)


def _named_late(message: Message, attempt: str, sid: str, *, arrives: bool = True) -> Message:
    known = next((a for a in message.attempts if a.id == attempt), None)
    if known is None or known.sid is not None:
        return message
    attempts = tuple(replace(a, sid=sid) if a.id == attempt else a for a in message.attempts)
    return replace(message, attempts=attempts, duplicates=message.duplicates + arrives)


def _look_at(message: Message, wait: timedelta) -> datetime:
    return (message.attempt.at if message.attempt else message.planned_for) + wait


def _chance(message: Message) -> float:
    """From 0 to 1 by the attempt's random id, so that many texts held up together do not return together."""
    return int(message.attempt.id[:4], 16) / 0xFFFF if message.attempt else 0.0
