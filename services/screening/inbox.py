"""What screening hears of booking; each handler changes nothing when it hears the same again, or late."""

from __future__ import annotations

from datetime import timedelta

from services.screening.actions import Clients, Screening
from services.screening.domain.case import Request
from services.screening.ports import Profile
from shared.bus import Subscriptions
from shared.events import Envelope
from shared.events.booking import (
    AppointmentAttended,
    AppointmentCancelled,
    AppointmentCheckAsked,
    AppointmentDeclined,
    AppointmentLapsed,
    AppointmentMissed,
    AppointmentMoved,
    AppointmentRequested,
    ClientEraseAsked,
    ClientExportAsked,
    ClientMerged,
    PracticeChanged,
)
from shared.retry import DONE, Verdict


def subscriptions(screening: Screening, clients: Clients) -> Subscriptions:
    async def practice_changed(heard: Envelope[PracticeChanged]) -> Verdict:
        await screening.keep_practice(_profile(heard))
        return DONE

    async def requested(heard: Envelope[AppointmentRequested]) -> Verdict:
        fact = heard.data
        if fact.service.screening is not None:
            request = Request(service=fact.service.id, form=fact.service.screening)
            await screening.take_request(
                fact.appointment,
                heard.practice,
                request,
                starts_at=fact.starts_at,
                sequence=heard.sequence,
                client=fact.client.ref,
            )
        return DONE

    async def check_asked(heard: Envelope[AppointmentCheckAsked]) -> Verdict:
        fact = heard.data
        if fact.service.screening is not None:
            await screening.ask_again(
                fact.appointment,
                heard.practice,
                Request(service=fact.service.id, form=fact.service.screening),
                starts_at=fact.starts_at,
                sequence=heard.sequence,
                checked=fact.checked,
                client=fact.client.ref,
            )
        return DONE

    return {
        PracticeChanged: practice_changed,
        AppointmentRequested: requested,
        AppointmentCheckAsked: check_asked,
        **_afterwards(screening),
        **_about_clients(clients),
    }


def _afterwards(screening: Screening) -> Subscriptions:
    async def attended(heard: Envelope[AppointmentAttended | AppointmentMissed]) -> Verdict:
        fact = heard.data
        if fact.service.screening is not None:
            await screening.attend(fact.appointment, heard.practice, attended=fact.state == "attended")
        return DONE

    async def moved(heard: Envelope[AppointmentMoved]) -> Verdict:
        fact = heard.data
        if fact.service.screening is not None:
            await screening.move(fact.appointment, heard.practice, starts_at=fact.starts_at, sequence=heard.sequence)
        return DONE

    async def ended(heard: Envelope[AppointmentCancelled | AppointmentLapsed]) -> Verdict:
        if heard.data.service.screening is not None:
            await screening.close(heard.data.appointment, heard.practice)
        return DONE

    async def declined(heard: Envelope[AppointmentDeclined]) -> Verdict:
        if heard.data.service.screening is not None:
            await screening.decline(heard.data.appointment, heard.practice)
        return DONE

    return {
        AppointmentDeclined: declined,
        AppointmentMoved: moved,
        AppointmentCancelled: ended,
        AppointmentLapsed: ended,
        AppointmentAttended: attended,
        AppointmentMissed: attended,
    }


def _about_clients(clients: Clients) -> Subscriptions:
    async def merged(heard: Envelope[ClientMerged]) -> Verdict:
        await clients.merge(heard.practice, heard.data.ref, heard.data.into, at=heard.time)
        return DONE

    async def erase(heard: Envelope[ClientEraseAsked]) -> Verdict:
        fact = heard.data
        await clients.erase(fact.ask, heard.practice, appointments=fact.appointments, refs=fact.refs, at=heard.time)
        return DONE

    async def export(heard: Envelope[ClientExportAsked]) -> Verdict:
        await clients.prepare_export(heard.data.ask, heard.practice, appointments=heard.data.appointments)
        return DONE

    return {ClientMerged: merged, ClientEraseAsked: erase, ClientExportAsked: export}


def _profile(heard: Envelope[PracticeChanged]) -> Profile:
    fact = heard.data
    return Profile(
        practice=heard.practice,
        version=heard.sequence,
        zone=fact.zone,
        locale=fact.locale,
        emergency_number=fact.emergency_number,
        review_for=timedelta(hours=fact.review_hours),
        forms={service.id: service.screening for service in fact.services if service.screening is not None},
        sites=fact.sites or (),
        theme=fact.theme or "",
    )
