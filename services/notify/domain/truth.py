"""The last look before a text goes out: is it still true, still wanted, and is this a decent hour?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.notify.domain.consent import Entry, stopped
from services.notify.domain.delivery import Message, State
from services.notify.domain.plan import plan
from services.notify.domain.reconcile import SUPERSEDED
from services.notify.domain.reply import ANSWER_STEPS
from services.notify.domain.visit import Practice, Visit

# A prompt answer to the client's own text may come in quiet hours; a late one may not.
PROMPT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known at this moment."""

    visit: Visit
    practice: Practice
    ledger: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Send:
    """Go."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now; at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Drop:
    """Never, for this reason."""

    state: State
    why: str


def judge(message: Message, truth: Truth, now: datetime) -> Send | Wait | Drop:
    """May this text go out now? Asked again at every attempt, with the newest truth."""
    answer = ANSWER_STEPS.get(message.step) if message.asked_at is not None else None
    if now >= message.not_after:
        return Drop(State.SKIPPED, "stale")
    if answer is None and message.id not in {text.id for text in plan(truth.visit, truth.practice)}:
        return Drop(State.SKIPPED, "no_consent") if not truth.visit.consented else Drop(State.CANCELLED, SUPERSEDED)
    if stopped(truth.ledger) and not (answer and answer.to_stopped):
        return Drop(State.SKIPPED, "opted_out")
    return _at_this_hour(message, truth, now)


def _at_this_hour(message: Message, truth: Truth, now: datetime) -> Send | Wait | Drop:
    prompt = message.asked_at is not None and now - message.asked_at <= PROMPT
    zone = ZoneInfo(truth.visit.client_zone)
    if prompt or not truth.practice.quiet.covers(now, zone):
        return Send()
    later = truth.practice.quiet.later(now, zone)
    return Wait(later) if later < message.not_after else Drop(State.SKIPPED, "stale")
