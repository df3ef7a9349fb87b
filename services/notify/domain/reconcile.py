"""From the texts that exist and the plan as it is now, to the texts that change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from services.notify.domain.delivery import NOT_BEGUN, Message, State, Turn, original, turned
from services.notify.domain.frame import Planned
from services.notify.domain.notice import AWAITED, OVER, NoticeKind
from services.notify.domain.visit import Visit

SUPERSEDED = "superseded"
PLANNED_ANEW = "planned_anew"


def reconcile(
    existing: Sequence[Message], planned: Sequence[Planned], visit: Visit, *, now: datetime, new_code: Callable[[], str]
) -> list[Message]:
    """The messages to write: the missing ones, those whose time or address changed, those that are no longer true.

    What has begun sending is left alone, and so is whatever a newer version of the visit has already planned.
    """
    known = {message.id: message for message in existing}
    wanted = {text.id for text in planned}
    changes = [
        *(
            _kept(known[text.id], text, visit, now) if text.id in known else _new(text, visit, now, new_code())
            for text in planned
        ),
        *_obsolete(existing, wanted, visit, now),
    ]
    return [change for change in changes if change is not known.get(change.id)]


def still_to_come(planned: Sequence[Planned], existing: Sequence[Message], now: datetime) -> list[Planned]:
    """Of a plan under a new policy: a text that the old one did not have, or had dropped, is not made up for late."""
    waiting = {message.id for message in existing if message.state in NOT_BEGUN}
    return [text for text in planned if text.due > now or text.id in waiting]


def _new(text: Planned, visit: Visit, now: datetime, code: str) -> Message:
    message = Message(
        id=text.id,
        practice=visit.practice,
        appointment=visit.appointment,
        step=text.step,
        template=text.template,
        code=code,
        to=visit.phone,
        version=visit.version,
        planned_for=text.due,
        due=text.due,
        not_after=text.not_after,
        validity=text.validity,
        turns=(Turn(State.PLANNED, now),),
    )
    return message if now < text.not_after else turned(message, State.SKIPPED, now, "stale")


def _kept(message: Message, text: Planned, visit: Visit, now: datetime) -> Message:
    if message.version > visit.version:
        return message
    revived = message.state is State.CANCELLED and message.why == SUPERSEDED and now < text.not_after
    if not revived and message.state not in NOT_BEGUN:
        return message
    same_time = message.planned_for == text.due and not revived
    changed = replace(
        message,
        version=visit.version,
        template=text.template,
        to=visit.phone,
        planned_for=text.due,
        due=message.due if same_time else text.due,
        not_after=text.not_after,
        validity=text.validity,
    )
    if revived or not same_time:
        return turned(changed, State.PLANNED, now, PLANNED_ANEW)
    return message if changed == message else changed


def _obsolete(existing: Sequence[Message], wanted: set[str], visit: Visit, now: datetime) -> Iterator[Message]:
    for message in existing:
        mine = message.asked_at is None and message.notice is None and message.version <= visit.version
        if (mine or untimely(message, visit)) and original(message.id) not in wanted and message.state in NOT_BEGUN:
            yield turned(message, State.CANCELLED, now, SUPERSEDED, version=visit.version)


def untimely(message: Message, visit: Visit) -> bool:
    """The practice is asked to look at what nobody waits for any more, or the client at a page that is over."""
    if message.notice is None:
        return False
    if message.notice.kind is NoticeKind.REVIEW_DUE:
        return visit.state not in AWAITED
    return message.notice.kind is NoticeKind.MESSAGE_LEFT and visit.state in OVER
