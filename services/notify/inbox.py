"""What notify hears of booking and screening; each handler changes nothing when it hears the same again, or late."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.notify.actions.clients import Clients
from services.notify.actions.notices import Notices
from services.notify.actions.planning import Planning
from services.notify.domain.consent import Entry, Purpose, Word
from services.notify.domain.notice import Asked, Notice, NoticeKind
from services.notify.domain.practice import Practice, Timing
from services.notify.domain.quiet import Quiet
from services.notify.domain.visit import Seat, Visit, VisitState
from shared.bus import Subscriptions
from shared.events import Envelope
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
    Client,
    ClientEraseAsked,
    ClientExportAsked,
    CodeAsked,
    PracticeChanged,
    WaitlistOffered,
)
from shared.events.screening import CaseMessageLeft, CaseReviewDue
from shared.retry import DONE, RetryAfter, Verdict

PRACTICE_COMES = timedelta(seconds=5)


def subscriptions(planning: Planning, notices: Notices, clients: Clients) -> Subscriptions:
    async def practice_changed(heard: Envelope[PracticeChanged]) -> Verdict:
        await planning.keep_practice(_practice(heard))
        return DONE

    async def visit_turned(heard: Envelope[AppointmentEvent]) -> Verdict:
        known = await planning.keep_visit(_visit(heard), *_consents(heard.data))
        return _told(known)

    async def word_left(heard: Envelope[CaseMessageLeft]) -> Verdict:
        return _told(await notices.word_left(heard.data.appointment, count=heard.sequence, at=heard.time))

    async def review_due(heard: Envelope[CaseReviewDue]) -> Verdict:
        fact = heard.data
        return _told(await notices.review_due(fact.appointment, until=fact.due_at, count=heard.sequence, at=heard.time))

    async def time_offered(heard: Envelope[WaitlistOffered]) -> Verdict:
        return _told(await notices.tell(_offer(heard), _consent_to_wait(heard.data.client)))

    async def code_asked(heard: Envelope[CodeAsked]) -> Verdict:
        return _told(await notices.tell(_code(heard), None))

    return {
        PracticeChanged: practice_changed,
        AppointmentRequested: visit_turned,
        AppointmentInReview: visit_turned,
        AppointmentConfirmed: visit_turned,
        AppointmentMoved: visit_turned,
        AppointmentCheckAsked: visit_turned,
        AppointmentCancelled: visit_turned,
        AppointmentDeclined: visit_turned,
        AppointmentLapsed: visit_turned,
        AppointmentAttended: visit_turned,
        AppointmentMissed: visit_turned,
        WaitlistOffered: time_offered,
        CodeAsked: code_asked,
        CaseMessageLeft: word_left,
        CaseReviewDue: review_due,
        **_about_clients(clients),
    }


def _about_clients(clients: Clients) -> Subscriptions:
    async def erase(heard: Envelope[ClientEraseAsked]) -> Verdict:
        fact = heard.data
        await clients.erase(fact.ask, heard.practice, appointments=fact.appointments, phones=fact.phones)
        return DONE

    async def export(heard: Envelope[ClientExportAsked]) -> Verdict:
        await clients.prepare_export(heard.data.ask, heard.practice, appointments=heard.data.appointments)
        return DONE

    return {ClientEraseAsked: erase, ClientExportAsked: export}


def _told(known: bool) -> Verdict:
    return DONE if known else RetryAfter(PRACTICE_COMES, "the practice or the visit is not known yet")


def _practice(heard: Envelope[PracticeChanged]) -> Practice:
    fact, texting = heard.data, heard.data.texting
    return Practice(
        id=heard.practice,
        version=heard.sequence,
        sms_name=fact.sms_name,
        locale=fact.locale,
        phone=fact.phone,
        steps=frozenset(texting.steps),
        alerts_phone=fact.alerts_phone,
        country=fact.country,
        emergency=fact.emergency_number,
        zone=fact.zone,
        timings={one.step: Timing(one.days, one.hours, one.at) for one in texting.timings},
        most_a_day=texting.most_a_day,
        most_a_week=texting.most_a_week,
        wakes_for_changes=texting.wakes_for_changes,
        quiet=Quiet(texting.quiet_from.replace(tzinfo=None), texting.quiet_until.replace(tzinfo=None)),
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
        phone=_texted(fact.client),
        client_zone=fact.client.zone,
        locale=fact.client.locale,
        consented=fact.client.consent.texts,
        wants_offers=bool(fact.client.consent.offers),
        check_until=fact.check_until if isinstance(fact, AppointmentCheckAsked | AppointmentMoved) else None,
        by_practice=_by_practice(fact),
        moved_from=fact.moved_from if isinstance(fact, AppointmentMoved) else None,
        moved_at=heard.time if isinstance(fact, AppointmentMoved) else None,
        again=isinstance(fact, AppointmentConfirmed | AppointmentInReview) and bool(fact.again),
        seat=Seat(fact.seat.course, fact.seat.index, fact.seat.count) if fact.seat else None,
    )


def _by_practice(fact: AppointmentEvent) -> bool:
    if isinstance(fact, AppointmentMoved):
        return fact.moved_by == "practice"
    return isinstance(fact, AppointmentCancelled) and fact.cancelled_by == "practice"


def _texted(client: Client) -> str:
    return client.guardian.phone if client.guardian else client.phone


def _offer(heard: Envelope[WaitlistOffered]) -> Asked:
    fact = heard.data
    notice = Notice(
        kind=NoticeKind.OFFER,
        locale=fact.client.locale,
        zone=fact.zone,
        client_zone=fact.client.zone,
        expires_at=fact.expires_at,
        consented=fact.client.consent.texts,
        starts_at=fact.starts_at,
    )
    return _asked(heard, fact.offer, _texted(fact.client), notice)


def _code(heard: Envelope[CodeAsked]) -> Asked:
    fact = heard.data
    notice = Notice(
        kind=NoticeKind.CODE,
        locale=fact.locale,
        zone=fact.zone,
        client_zone=fact.zone,
        expires_at=fact.expires_at,
        code=fact.code,
    )
    return _asked(heard, fact.check, fact.phone, notice)


def _asked(heard: Envelope[Any], about: str, phone: str, notice: Notice) -> Asked:
    return Asked(id=about, count=heard.sequence, practice=heard.practice, phone=phone, at=heard.time, notice=notice)


def _consent_to_wait(client: Client) -> Entry:
    """One line in the ledger for the answer that was given on beginning to wait, however many offers follow."""
    return _entry(f"waitlist:{int(client.consent.given_at.timestamp())}", client)


def _consents(fact: AppointmentEvent) -> tuple[Entry, ...]:
    """One line in the ledger for each visit's own answer, and one more where offers were agreed to as well.

    A box that is left empty takes nothing back: who wants no offers any more says STOP.
    """
    consent = fact.client.consent
    care = _entry(f"visit:{fact.appointment}:{int(consent.given_at.timestamp())}", fact.client)
    if not consent.offers:
        return (care,)
    return care, replace(care, key=f"{care.key}:offers", word=Word.CONSENTED, purpose=Purpose.OFFERS)


def _entry(key: str, client: Client) -> Entry:
    consent = client.consent
    return Entry(
        key=key,
        word=Word.CONSENTED if consent.texts else Word.WITHHELD,
        at=consent.given_at,
        source="booking",
        wording=consent.wording,
    )
