"""All that people do by hand, over the JSON interface and on the staff's pages alike."""

from __future__ import annotations

from dataclasses import dataclass

from services.notify.actions.calls import Calls
from services.notify.actions.dead_letters import DeadLetters
from services.notify.actions.desk import Desk
from services.notify.actions.inbox import Inbox
from services.notify.actions.numbers import Numbers
from services.notify.actions.pauses import Pauses
from services.notify.actions.wordings import Wordings


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    desk: Desk
    calls: Calls
    inbox: Inbox
    dead_letters: DeadLetters
    pauses: Pauses
    numbers: Numbers
    wordings: Wordings
