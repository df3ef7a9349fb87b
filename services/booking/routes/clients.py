"""The routes of a practice's clients: found, merged, exported, erased."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import JsonValue

from services.booking.actions import Booking
from services.booking.actions.asks import Export, HasUpcomingVisits, NoSuchAsk
from services.booking.actions.clients import Family, MergedAlready, NoSuchClient, SameClient
from services.booking.actions.visits import Contended
from services.booking.domain.appointment import Appointment, Guardian
from services.booking.domain.client import AskKind, ClientAsk, Record, folded
from services.booking.domain.key import Scope
from services.booking.domain.refusals import NoSuchPractice
from services.booking.phone import NotAMobileNumber
from services.booking.ports import Counts
from services.booking.routes.client_payloads import (
    AnswerView,
    AskView,
    ClientDetail,
    ClientExport,
    ClientList,
    ClientRecordView,
    ClientsQuery,
    HistoryQuery,
    MergeBody,
    VisitLine,
)
from services.booking.routes.hand import hand_of
from services.booking.routes.payloads import GuardianView
from services.booking.routes.practices import PRACTICE
from services.booking.routes.views import appointment_view
from shared.clock import Clock
from shared.httpkit import Answer, Ask, InvalidRequest, Route, Who

CLIENTS: Final = f"{PRACTICE}/clients"
CLIENT: Final = f"{CLIENTS}/{{ref}}"


class ClientRoutes:
    def __init__(self, booking: Booking, now: Clock) -> None:
        self._clients = booking.clients
        self._asks = booking.asks
        self._now = now

    def routes(self) -> Sequence[Route]:
        return [*self._looking(), *self._changing(), *self._receipts()]

    def _looking(self) -> Sequence[Route]:
        reads: dict[str, Any] = {"method": "GET", "who": Who.OPERATOR, "scope": Scope.CLIENTS_READ}
        return [
            Route(
                path=CLIENTS,
                handler=self.list_clients,
                summary="The clients of a practice, by number or by the beginning of a name",
                query=ClientsQuery,
                answers={200: ClientList},
                refuses=(NoSuchPractice, NotAMobileNumber),
                **reads,
            ),
            Route(
                path=CLIENT,
                handler=self.show_client,
                summary="One client, how often they came, missed or cancelled late, and their visits",
                query=HistoryQuery,
                answers={200: ClientDetail},
                refuses=(NoSuchClient,),
                **reads,
            ),
        ]

    def _changing(self) -> Sequence[Route]:
        writes: dict[str, Any] = {"method": "POST", "who": Who.OPERATOR, "scope": Scope.CLIENTS_WRITE}
        return [
            Route(
                path=f"{CLIENT}/merge",
                handler=self.merge_clients,
                summary="Let another client's record speak for this one too: both are one person",
                body=MergeBody,
                answers={200: ClientDetail},
                refuses=(NoSuchClient, MergedAlready, SameClient, Contended),
                **writes,
            ),
            Route(
                path=f"{CLIENT}/erase",
                handler=self.erase_client,
                summary="Forget a client in all services; the answer names the receipt",
                answers={202: AskView},
                refuses=(NoSuchClient, HasUpcomingVisits),
                idempotent=True,
                **writes,
            ),
            Route(
                path=f"{CLIENT}/export",
                handler=self.export_client,
                summary="Make all that is held of a client ready to be fetched for seven days",
                answers={202: AskView},
                refuses=(NoSuchClient,),
                idempotent=True,
                **writes,
            ),
        ]

    def _receipts(self) -> Sequence[Route]:
        reads: dict[str, Any] = {"method": "GET", "who": Who.OPERATOR, "scope": Scope.CLIENTS_READ}
        return [
            Route(
                path=f"{PRACTICE}/asks/{{ask}}",
                handler=self.show_ask,
                summary="The receipt of an erasure or an export: what every service answered",
                answers={200: AskView},
                refuses=(NoSuchAsk,),
                **reads,
            ),
            Route(
                path=f"{PRACTICE}/exports/{{ask}}",
                handler=self.fetch_export,
                summary="All that booking holds of the client",
                answers={200: ClientExport},
                refuses=(NoSuchAsk,),
                **reads,
            ),
        ]

    async def list_clients(self, ask: Ask[None, ClientsQuery]) -> Answer:
        practice, query = ask.path["practice"], ask.query
        if query.phone is not None:
            found = await self._clients.of_number(practice, query.phone)
            return Answer(200, ClientList(clients=[_record(one) for one in found]))
        after = None if query.after is None else _place(query.after)
        found = await self._clients.listed(practice, name=query.name or "", after=after, limit=query.limit)
        following = _cursor(found[-1]) if len(found) == query.limit else None
        return Answer(200, ClientList(clients=[_record(one) for one in found], next=following))

    async def show_client(self, ask: Ask[None, HistoryQuery]) -> Answer:
        family = await self._clients.family(ask.path["practice"], ask.path["ref"])
        return Answer(200, await self._detail(family, ask.query))

    async def merge_clients(self, ask: Ask[MergeBody, None]) -> Answer:
        family = await self._clients.merge(ask.path["practice"], ask.path["ref"], ask.body.into)
        return Answer(200, await self._detail(family, HistoryQuery(limit=50)))

    async def erase_client(self, ask: Ask[None, None]) -> Answer:
        path, key = ask.path, ask.idempotency_key or secrets.token_hex(16)
        asked = await self._asks.erase(path["practice"], path["ref"], key=key, hand=hand_of(ask))
        return Answer(202, _receipt(asked))

    async def export_client(self, ask: Ask[None, None]) -> Answer:
        path, key = ask.path, ask.idempotency_key or secrets.token_hex(16)
        asked = await self._asks.export(path["practice"], path["ref"], key=key, hand=hand_of(ask))
        return Answer(202, _receipt(asked))

    async def show_ask(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, _receipt(await self._asks.get(ask.path["practice"], ask.path["ask"])))

    async def fetch_export(self, ask: Ask[None, None]) -> Answer:
        export = await self._asks.exported(ask.path["practice"], ask.path["ask"])
        return Answer(200, _export(export, self._now()))

    async def _detail(self, family: Family, query: HistoryQuery) -> ClientDetail:
        counts: Counts = await self._clients.counts(family)
        visits = await self._clients.visits(family, before=query.before, limit=query.limit)
        return ClientDetail(
            client=_record(family.speaker),
            merged=[_record(one) for one in family.others],
            visits=counts.visits,
            missed=counts.missed,
            cancelled_late=counts.cancelled_late,
            last_visit=counts.last_visit,
            history=[_line(one) for one in visits],
            next=visits[-1].starts_at if len(visits) == query.limit else None,
        )


def _record(record: Record) -> ClientRecordView:
    return ClientRecordView(
        ref=record.ref,
        name=record.name,
        phone=record.phone,
        locale=record.locale,
        zone=record.zone,
        first_seen=record.first_seen,
        born=record.born,
        guardian=_guardian(record.guardian),
        merged_into=record.merged_into,
    )


def _guardian(guardian: Guardian | None) -> GuardianView | None:
    return None if guardian is None else GuardianView(name=guardian.name, phone=guardian.phone)


def _line(appointment: Appointment) -> VisitLine:
    return VisitLine(
        id=appointment.id,
        state=appointment.state.value,
        service_name=appointment.offer.service_name,
        practitioner_name=appointment.offer.practitioner_name,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
    )


def _receipt(ask: ClientAsk) -> AskView:
    part = f"v1/practices/{ask.practice}/exports/{ask.id}"
    exports = ask.kind is AskKind.EXPORT
    return AskView(
        id=ask.id,
        kind=ask.kind,
        by=ask.by,
        asked_at=ask.asked_at,
        answers=[AnswerView(service=one.service, at=one.at, records=one.records) for one in ask.answers],
        awaits=list(ask.awaits),
        completed_at=ask.completed_at,
        until=ask.until,
        parts={one.service: f"/{one.service}/{part}" for one in ask.answers} if exports else None,
    )


def _export(export: Export, now: datetime) -> ClientExport:
    return ClientExport.model_validate(
        {
            "ask": export.ask.id,
            "records": [_record(one) for one in export.records],
            "visits": [_visit(one, now) for one in export.visits],
            "more": list(export.more),
        }
    )


def _visit(appointment: Appointment, now: datetime) -> dict[str, JsonValue]:
    """The visit, what was told with it, and every turn of it."""
    client = appointment.client
    told = None if client is None else client.consent
    shown: dict[str, JsonValue] = appointment_view(appointment, now=now).model_dump(mode="json", exclude_none=True)
    turns: list[JsonValue] = [
        {
            "deed": turn.deed.value,
            "by": turn.by.value,
            "at": turn.at.isoformat(),
            "late": turn.late,
            "where": turn.where,
        }
        for turn in appointment.history
    ]
    consent: JsonValue = None
    if told is not None:
        given_at = told.given_at.isoformat()
        consent = {"texts": told.texts, "offers": told.offers, "wording": told.wording, "given_at": given_at}
    named: JsonValue = None if client is None else {"name": client.name, "phone": client.phone}
    return shown | {"client": named, "consent": consent, "turns": turns}


def _cursor(record: Record) -> str:
    return base64.urlsafe_b64encode(f"{folded(record.name)}\0{record.ref}".encode()).decode()


def _place(cursor: str) -> tuple[str, str]:
    try:
        name, _, ref = base64.urlsafe_b64decode(cursor.encode()).decode().partition("\0")
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("`after` is not the `next` of a page") from error
    return name, ref
