"""Which texts go first where not all that are due may go at once: what is awaited, then what changed, then news."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from services.notify.domain.delivery import Message
from services.notify.domain.frame import Rank
from services.notify.domain.notice import NoticeKind
from services.notify.domain.steps import STEPS


class Haste(IntEnum):
    """The least goes first. A text without any, like a reminder, goes when none of these is due."""

    AWAITED = 0  # a code, an answer: the client holds the phone
    CHANGED = 1  # what was agreed holds no more: who is not told comes for nothing, or not at all
    NEWS = 2


CHANGES: Final = frozenset({"moved", "cancelled", "not_confirmed"})
RANKS: Final = {step.name: step.rank for step in STEPS}


def haste(message: Message) -> Haste | None:
    """An offer of a time can be made to somebody else, and on another day."""
    if message.asked_at is not None or (message.notice is not None and message.notice.asked_for):
        return Haste.AWAITED
    if message.step in CHANGES:
        return Haste.CHANGED
    is_news = message.step != NoticeKind.OFFER.value and RANKS.get(message.step, Rank.NEWS) is Rank.NEWS
    return Haste.NEWS if is_news else None
