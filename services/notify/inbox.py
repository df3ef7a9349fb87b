"""What notify hears of booking; each handler changes nothing when it hears the same again, or late."""

from __future__ import annotations

from datetime import timedelta

from services.notify.actions.planning import Planning
from services.notify.domain.consent import Entry, Word
from services.notify.domain.quiet import Quiet
from services.notify.domain.visit import Practice, Visit, VisitState
from shared.bus import Subscriptions
from shared.events import Envelope
from shared.events.booking import (
    AppointmentAttended,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentDeclined,
    AppointmentEvent,
    AppointmentInReview,
    AppointmentLapsed,
    AppointmentMissed,
    AppointmentMoved,
    PracticeChanged,
)
from shared.retry import DONE, RetryAfter, Verdict

PRACTICE_COMES = timedelta(seconds=5)


def subscriptions(planning: Planning) -> Subscriptions:
    async def practice_changed(heard: Envelope[PracticeChanged]) -> Verdict:
        await planning.keep_practice(_practice(heard))
        return DONE

    async def visit_turned(heard: Envelope[AppointmentEvent]) -> Verdict:
        if heard.data.state == "requested":
            return DONE  # moved before anybody decided: there is nothing to tell the client yet
        known = await planning.keep_visit(_visit(heard), _consent(heard.data))
        return DONE if known else RetryAfter(PRACTICE_COMES, "the practice is not known yet")

    return {
        PracticeChanged: practice_changed,
        AppointmentInReview: visit_turned,
        AppointmentConfirmed: visit_turned,
        AppointmentMoved: visit_turned,
        AppointmentCancelled: visit_turned,
        AppointmentDeclined: visit_turned,
        AppointmentLapsed: visit_turned,
        AppointmentAttended: visit_turned,
        AppointmentMissed: visit_turned,
    }


def _practice(heard: Envelope[PracticeChanged]) -> Practice:
    fact = heard.data
    return Practice(
        id=heard.practice,
        version=heard.sequence,
        sms_name=fact.sms_name,
        locale=fact.locale,
        phone=fact.phone,
        steps=frozenset(fact.texting.steps),
        quiet=Quiet(fact.texting.quiet_from.replace(tzinfo=None), fact.texting.quiet_until.replace(tzinfo=None)),
    )


def _visit(heard: Envelope[AppointmentEvent]) -> Visit:
    fact = heard.data
    return Visit(
        appointment=fact.appointment,
        practice=heard.practice,
        version=heard.sequence,
        state=VisitState(fact.state),
        moved=isinstance(fact, AppointmentMoved),
        since=heard.time,
        starts_at=fact.starts_at,
        ends_at=fact.ends_at,
        zone=fact.zone,
        phone=fact.client.guardian.phone if fact.client.guardian else fact.client.phone,
        client_zone=fact.client.zone,
        locale=fact.client.locale,
        consented=fact.client.consent.texts,
    )


def _consent(fact: AppointmentEvent) -> Entry:
    """One line in the ledger for each visit's own answer."""
    consent = fact.client.consent
    return Entry(
        key=f"visit:{fact.appointment}:{int(consent.given_at.timestamp())}",
        word=Word.CONSENTED if consent.texts else Word.WITHHELD,
        at=consent.given_at,
        source="booking",
        wording=consent.wording,
    )
