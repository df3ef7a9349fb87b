"""What notify says to the others: what a client replied, and that what was asked about one is done."""

from __future__ import annotations

from datetime import datetime

from services.notify.domain.reply import Meaning
from services.notify.domain.visit import Visit
from services.notify.ports import AskKind, ClientAsk
from shared import telemetry
from shared.events import envelope
from shared.events.notify import ClientErased, ClientExported, ReplyConfirmed, ReplyRescheduleAsked
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


def answered(ask: ClientAsk) -> Said:
    """What was asked about a client is done: how much that was, never what."""
    fact: ClientErased | ClientExported
    if ask.kind is AskKind.ERASE:
        fact = ClientErased(ask=ask.id, records=ask.records)
    else:
        fact = ClientExported(ask=ask.id, records=ask.records)
    at, trace = ask.done_at or ask.begun_at, telemetry.current_trace()
    return [envelope(fact, subject=ask.id, practice=ask.practice, sequence=1, at=at, traceparent=trace)]
