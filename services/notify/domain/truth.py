"""The last look before a text goes out: is it still true, still wanted, and is this a decent hour?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.notify.domain.consent import Entry, Purpose, agrees, stopped
from services.notify.domain.delivery import Message, State, original
from services.notify.domain.frame import Planned
from services.notify.domain.mark import Mark, holds
from services.notify.domain.notice import Notice
from services.notify.domain.plan import plan
from services.notify.domain.practice import Practice
from services.notify.domain.reconcile import PLANNED_ANEW, SUPERSEDED
from services.notify.domain.reply import ANSWER_STEPS
from services.notify.domain.steps import STEPS
from services.notify.domain.traffic import Traffic, gives_way
from services.notify.domain.verdict import Drop, Send, Wait
from services.notify.domain.visit import Visit

# A prompt answer to the client's own text may come in quiet hours; a late one may not.
PROMPT = timedelta(minutes=5)
# How often a text whose template is paused looks whether it was let go.
LET_GO = timedelta(minutes=10)
BAD_NUMBER = "bad_number"
PROMOTES = frozenset(step.name for step in STEPS if step.promotes)
PAUSED = "paused"
STALE = "stale"
NO_OTHERS = Traffic()


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known at this moment; `course` are the visits of the same course, `traffic` what else the client gets."""

    about: Visit | Notice
    practice: Practice
    ledger: tuple[Entry, ...]
    course: Sequence[Visit] = ()
    mark: Mark | None = None
    traffic: Traffic = NO_OTHERS


def judge(message: Message, truth: Truth, now: datetime) -> Send | Wait | Drop:
    """May this text go out now? Asked again at every attempt, with the newest truth."""
    answer = ANSWER_STEPS.get(message.step) if message.asked_at is not None else None
    if now >= message.not_after:
        return Drop(State.SKIPPED, STALE)
    texts = _planned(truth) if answer is None else ()
    wanted = original(message.id)
    text = next((one for one in texts if one.id == wanted), None)
    words = Send(message.template) if answer is not None else _still_true(message, truth, text)
    if isinstance(words, Drop):
        return words
    if stopped(truth.ledger) and not (answer and answer.to_stopped):
        return Drop(State.SKIPPED, "opted_out")
    if answer is None and message.step in PROMOTES and not agrees(truth.ledger, Purpose.OFFERS):
        return Drop(State.SKIPPED, "no_consent")
    if answer is None and _is_bad_number(truth):
        return Drop(State.SKIPPED, BAD_NUMBER)
    return (
        _held(words, message, truth, now)
        or _too_early(message, text, now)
        or _gives_way(message, truth, text, texts, now)
        or words
    )


def _too_early(message: Message, text: Planned | None, now: datetime) -> Wait | None:
    """A policy may put it later between the moment at which it is kept and that at which the visit is planned anew.

    Where the time is still the planned one, the desk has asked for the text at once.
    """
    if text is None or text.id != message.id or text.due <= max(now, message.planned_for):
        return None
    return Wait(text.due, PLANNED_ANEW)


def _planned(truth: Truth) -> Sequence[Planned]:
    """The newest plan of a visit."""
    return plan(truth.about, truth.practice, truth.course) if isinstance(truth.about, Visit) else ()


def _still_true(message: Message, truth: Truth, text: Planned | None) -> Send | Drop:
    """Of a visit: in the newest plan, with the words it has there. Of a notice: it was agreed to or asked for."""
    if not (truth.about.consented or (isinstance(truth.about, Notice) and truth.about.asked_for)):
        return Drop(State.SKIPPED, "no_consent")
    if isinstance(truth.about, Notice):
        return Send(message.template)
    return Send(text.template, text.wakes_until) if text is not None else Drop(State.CANCELLED, SUPERSEDED)


def _is_bad_number(truth: Truth) -> bool:
    """Who waits for a code has given the number at this minute: it is tried."""
    is_code = isinstance(truth.about, Notice) and truth.about.asked_for
    return truth.mark is not None and not is_code and holds(truth.mark, truth.ledger)


def _held(words: Send, message: Message, truth: Truth, now: datetime) -> Wait | Drop | None:
    about, zone = truth.about, ZoneInfo(truth.about.client_zone)
    prompt = message.asked_at is not None and now - message.asked_at <= PROMPT
    awaited = isinstance(about, Notice) and about.wakes
    return held_by_pause(words.template, message.not_after, truth.practice, now) or (
        None if prompt or awaited else held_by_night(words.wakes_until, message.not_after, truth.practice, zone, now)
    )


def held_by_pause(template: str, not_after: datetime, practice: Practice, now: datetime) -> Wait | Drop | None:
    if template not in practice.paused:
        return None
    return Wait(now + LET_GO, PAUSED) if now + LET_GO < not_after else Drop(State.SKIPPED, PAUSED)


def held_by_night(
    wakes_until: datetime | None, not_after: datetime, practice: Practice, zone: ZoneInfo, now: datetime
) -> Wait | Drop | None:
    if (wakes_until is not None and now < wakes_until) or not practice.quiet.covers(now, zone):
        return None
    later = practice.quiet.later(now, zone)
    return Wait(later) if later < not_after else Drop(State.SKIPPED, STALE)


def _gives_way(
    message: Message, truth: Truth, text: Planned | None, texts: Sequence[Planned], now: datetime
) -> Wait | Drop | None:
    """What the desk sends once more gives way to nothing."""
    visit = truth.about
    if text is None or text.id != message.id or not isinstance(visit, Visit):
        return None

    def plans(of: Visit, practice: Practice) -> Sequence[Planned]:
        return texts if of is visit else plan(of, practice)

    return gives_way(text, visit, truth.practice, truth.traffic, now, plans=plans)
