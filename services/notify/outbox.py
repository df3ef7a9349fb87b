"""What a reply says to the others."""

from __future__ import annotations

from datetime import datetime

from services.notify.domain.reply import Meaning
from services.notify.domain.visit import Visit
from shared import telemetry
from shared.events import envelope
from shared.events.notify import ReplyConfirmed, ReplyRescheduleAsked
from shared.relay import Said

FACTS = {Meaning.CONFIRM: ReplyConfirmed, Meaning.RESCHEDULE: ReplyRescheduleAsked}


def replied(visit: Visit, meaning: Meaning, received_at: datetime) -> Said:
    """One event for C and one for R; `visit.replies` already counts this reply."""
    fact = FACTS[meaning](appointment=visit.appointment, received_at=received_at)
    return [
        envelope(
            fact,
            subject=visit.appointment,
            practice=visit.practice,
            sequence=visit.replies,
            at=received_at,
            traceparent=telemetry.current_trace(),
        )
    ]
