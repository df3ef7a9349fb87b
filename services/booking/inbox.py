"""What booking hears: the health check's decisions, the client's replies, and what it said itself.

Hearing anything again changes nothing. What follows from a turn and may come a moment later hangs on the event that
announced it, so that no crash between the two forgets it.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

from services.booking.actions import Booking
from services.booking.actions.visits import Contended
from services.booking.domain.appointment import ACTIVE, Appointment, AppointmentId, Deed, State
from services.booking.domain.checking import Outcome, Word
from services.booking.domain.client import Answer
from services.booking.domain.refusals import NoSuchAppointment
from shared.bus import Subscriptions
from shared.events import Envelope, notify, screening
from shared.events.booking import (
    AppointmentAttended,
    AppointmentCancelled,
    AppointmentCheckAsked,
    AppointmentConfirmed,
    AppointmentDeclined,
    AppointmentEvent,
    AppointmentInReview,
    AppointmentLapsed,
    AppointmentMissed,
    AppointmentMoved,
    AppointmentRequested,
)
from shared.events.notify import Reply, ReplyConfirmed, ReplyRescheduleAsked
from shared.events.screening import CaseDecided, CaseVoided
from shared.retry import DONE, Park, RetryAfter, Verdict

SOON = timedelta(seconds=5)
UNASKED = "not requested yet"


def subscriptions(booking: Booking) -> Subscriptions:
    async def decided(heard: Envelope[CaseDecided]) -> Verdict:
        fact = heard.data
        word = Word(
            version=heard.sequence, event=heard.id, outcome=Outcome(fact.outcome), cleared_until=fact.valid_until
        )
        return await _verdict(_told(fact.appointment, word))

    async def voided(heard: Envelope[CaseVoided]) -> Verdict:
        word = Word(version=heard.sequence, event=heard.id)
        verdict = await _verdict(_told(heard.data.appointment, word))
        # Nobody had asked for this check: of a time that is only held there is nothing to take back, now or later.
        return DONE if heard.sequence == 1 and isinstance(verdict, RetryAfter) and verdict.why == UNASKED else verdict

    async def _told(appointment: str, word: Word) -> Appointment:
        visit = await booking.visits.told(AppointmentId(appointment), word)
        await booking.courses.told(visit, word.event)
        await booking.resting.told(visit, word.event)
        return visit

    async def said_yes(heard: Envelope[ReplyConfirmed]) -> Verdict:
        return await _verdict(_replied(heard, Deed.SAID_YES))

    async def asked_to_move(heard: Envelope[ReplyRescheduleAsked]) -> Verdict:
        return await _verdict(_replied(heard, Deed.ASKED_TO_MOVE))

    def _replied(
        heard: Envelope[ReplyConfirmed] | Envelope[ReplyRescheduleAsked], deed: Deed
    ) -> Awaitable[Appointment]:
        fact: Reply = heard.data
        return booking.visits.replied(AppointmentId(fact.appointment), deed, event=heard.id, at=fact.received_at)

    return {
        CaseDecided: decided,  # may come twice, late, or after a later one
        CaseVoided: voided,
        ReplyConfirmed: said_yes,
        ReplyRescheduleAsked: asked_to_move,
        **_about_clients(booking),
        **_about_turns(booking),
    }


def _about_turns(booking: Booking) -> Subscriptions:
    async def turned(heard: Envelope[AppointmentEvent]) -> Verdict:
        appointment, over = AppointmentId(heard.data.appointment), State(heard.data.state) not in ACTIVE
        try:
            # Nobody is forgotten while a visit of theirs is open, so then it may be known by heart.
            knowing = booking.visits.get(appointment) if over else booking.visits.as_heard(appointment, heard.sequence)
            visit = await knowing
            if visit.pseudonym is not None:
                return DONE  # what comes late of a forgotten client is told to nobody
            for react in booking.reactions:
                await react(heard, visit)
        except Contended:
            return RetryAfter(SOON, "contended")
        except NoSuchAppointment:
            return Park("no such appointment")
        if over and await booking.asks.has_forgotten(appointment):  # only then may it have happened meanwhile
            await booking.asks.forget_again(heard)
        return DONE

    return {
        AppointmentRequested: turned,
        AppointmentInReview: turned,
        AppointmentConfirmed: turned,
        AppointmentMoved: turned,
        AppointmentCheckAsked: turned,
        AppointmentCancelled: turned,
        AppointmentDeclined: turned,
        AppointmentLapsed: turned,
        AppointmentAttended: turned,
        AppointmentMissed: turned,
    }


def _about_clients(booking: Booking) -> Subscriptions:
    async def erased(heard: Envelope[screening.ClientErased] | Envelope[notify.ClientErased]) -> Verdict:
        return DONE if await answered(heard) else Park("no such ask")

    async def exported(heard: Envelope[screening.ClientExported] | Envelope[notify.ClientExported]) -> Verdict:
        await answered(heard)  # an erasure forgets the exports of its client
        return DONE

    async def answered(heard: Envelope[Any]) -> bool:
        service = heard.source.rpartition("/")[2]
        return await booking.asks.answered(
            heard.practice, heard.data.ask, Answer(service, heard.time, heard.data.records)
        )

    return {
        screening.ClientErased: erased,
        notify.ClientErased: erased,
        screening.ClientExported: exported,
        notify.ClientExported: exported,
    }


async def _verdict(deed: Awaitable[Appointment]) -> Verdict:
    try:
        appointment = await deed
    except Contended:
        return RetryAfter(SOON, "contended")
    except NoSuchAppointment:
        return Park("no such appointment")
    # Nothing can be said about what was never requested, unless an older state of the database was restored.
    return RetryAfter(SOON, UNASKED) if appointment.state is State.HELD else DONE
