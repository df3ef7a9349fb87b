"""Twins of screening's ports, and values that its tests start from."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.screening import library
from services.screening.actions import Auditing, Casework, Clients, Memory, Reviews, Screening, Submitting
from services.screening.domain import standing
from services.screening.domain.audit import Fact, Hand, Role
from services.screening.domain.case import WAITING, Case, Request
from services.screening.domain.history import History
from services.screening.domain.retention import Kept, kept
from services.screening.ports import (
    Asked,
    AskKind,
    Attachments,
    Cases,
    Damaged,
    Forgotten,
    Histories,
    Hold,
    KeyOwner,
    Profile,
)
from shared.events import Envelope
from shared.events.booking import (
    AppointmentCancelled,
    AppointmentMoved,
    AppointmentRequested,
    Client,
    Consent,
    PracticeChanged,
    ServiceFacts,
)
from tests.support.screening_audit import an_audit
from tests.support.screening_editions import EditionTwin

PRACTICE = "still-waters"
APPOINTMENT = "abcdefghijklmnopqrstuvwxyz"
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
STARTS_AT = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
CATALOGUE = library.read()
FORM = "cst-core@2026.1.0"
STAFF = Hand(role=Role.STAFF, who="operator", where="192.0.2.7", name="Ines")

CLEAR: dict[str, Any] = {
    "respondent_role": "self",
    "dob": "1980-05-04",
    "q_red_flags": ["none"],
    "q_head_injury": "no",
    "q_skull_fracture": "no",
    "q_brain_bleed": "no",
    "q_aneurysm": "no",
    "q_bleeding_disorder": "no",
    "q_blood_thinners": "none",
}
REVIEWED = CLEAR | {"q_blood_thinners": "anticoagulant"}
NEEDS_CLEARANCE = CLEAR | {"q_bleeding_disorder": "yes", "q_bleeding_severity": "mild"}
DECLINED = CLEAR | {"q_aneurysm": "yes"}
URGENT = CLEAR | {"q_red_flags": ["thunderclap"]}
URGENT_UNSURE = CLEAR | {"q_red_flags": ["unsure"]}

SERVICE = ServiceFacts(id="session", name="Session", length_minutes=60, screening="cst-core")


class CaseTwin:
    """Cases in memory. `said` is what the writes announced: as in the database, only with the state they belong to."""

    def __init__(self) -> None:
        self.kept: dict[str, Case] = {}
        self.said: list[Envelope[Any]] = []
        self.trails: dict[str, list[Fact]] = {}

    async def find(self, appointment: str) -> Case | None:
        return self.kept.get(appointment)

    async def save(self, before: Case, after: Case, said: Sequence[Envelope[Any]], trail: Sequence[Fact] = ()) -> bool:
        kept = self.kept.get(after.id)
        if (kept.version if kept else 0) != before.version:
            return False
        self.kept[after.id] = after
        self.said += said
        if trail:
            self.trails.setdefault(after.id, []).extend(trail)
        return True

    async def in_review(self, practice: str, *, after: tuple[datetime, str] | None, limit: int) -> list[Case]:
        waiting = [case for case in self.kept.values() if case.practice == practice and case.state in WAITING]
        found = sorted((case.deadline or NOW, case.id) for case in waiting)
        return [self.kept[name] for at, name in found if after is None or (at, name) > after][:limit]

    async def flagged(self, practice: str, *, since: datetime, limit: int) -> list[Case]:
        theirs = [case for case in self.kept.values() if case.practice == practice and standing.flags(case)]
        upcoming = [case for case in theirs if case.starts_at is not None and case.starts_at >= since]
        return sorted(upcoming, key=lambda case: case.starts_at or NOW)[:limit]

    async def to_remind(self, at: datetime, *, limit: int) -> list[Case]:
        found = [case for case in self.kept.values() if case.remind_at is not None and case.remind_at <= at]
        return sorted(found, key=lambda case: case.remind_at or NOW)[:limit]

    async def overdue(self, at: datetime, *, limit: int) -> int:
        return min(limit, sum(case.deadline is not None and case.deadline < at for case in self.kept.values()))

    async def of_clients(self, practice: str, refs: Sequence[str], *, limit: int) -> list[Case]:
        theirs = [case for case in self.kept.values() if case.practice == practice and case.client in refs]
        return sorted(theirs, key=lambda case: case.starts_at or NOW, reverse=True)[:limit]

    async def by_visit(
        self, practice: str, *, before: tuple[datetime, str] | None, since: datetime | None, limit: int
    ) -> list[Case]:
        dated = [(one.starts_at, one.id) for one in self.kept.values() if one.practice == practice and one.starts_at]
        found = [one for one in dated if (before is None or one < before) and (since is None or one[0] >= since)]
        return [self.kept[appointment] for _, appointment in sorted(found, reverse=True)[:limit]]

    async def last_attended(self, practice: str, refs: Sequence[str]) -> Case | None:
        came = [one for one in await self.of_clients(practice, refs, limit=len(self.kept)) if one.attended]
        return came[0] if came else None

    async def kept_before(self, why: Kept, before: date, *, after: tuple[date, str] | None, limit: int) -> list[Case]:
        found = [(term[1], one.id, one) for one in self.kept.values() if (term := kept(one)) and term[0] is why]
        old = sorted(one[:2] for one in found if one[0] < before and (after is None or one[:2] > after))
        return [self.kept[appointment] for _, appointment in old[:limit]]


class AttachmentTwin:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, tuple[bytes, ...]]] = {}
        self.since: dict[str, datetime] = {}

    async def put(self, attachment: str, appointment: str, pieces: Sequence[bytes], *, at: datetime) -> None:
        self.kept[attachment] = appointment, tuple(pieces)
        self.since[attachment] = at

    async def get(self, attachment: str, appointment: str) -> Sequence[bytes] | None:
        owner, pieces = self.kept.get(attachment, ("", ()))
        return pieces if owner == appointment else None

    async def bind(self, attachment: str) -> None:
        self.since.pop(attachment, None)

    async def drop(self, attachment: str) -> None:
        self.kept.pop(attachment, None)
        self.since.pop(attachment, None)

    async def forget(self, appointment: str) -> None:
        for name in [name for name, (owner, _) in self.kept.items() if owner == appointment]:
            await self.drop(name)

    async def loose(self, before: datetime, *, limit: int) -> Sequence[tuple[str, str]]:
        found = sorted((since, name) for name, since in self.since.items() if since < before)
        return [(name, self.kept[name][0]) for _, name in found[:limit]]


class HoldTwin:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Hold] = {}

    async def place(self, hold: Hold) -> Hold:
        return self.kept.setdefault((hold.practice, hold.client), hold)

    async def lift(self, practice: str, client: str) -> bool:
        return self.kept.pop((practice, client), None) is not None

    async def of(self, practice: str) -> Sequence[Hold]:
        return sorted((one for one in self.kept.values() if one.practice == practice), key=lambda one: one.at)

    async def any_of(self, practice: str, refs: Sequence[str]) -> bool:
        return any((practice, ref) in self.kept for ref in refs)


class MergeTwin:
    def __init__(self) -> None:
        self.into: dict[tuple[str, str], str] = {}
        self.erased: dict[tuple[str, str], datetime] = {}

    async def join(self, practice: str, ref: str, into: str, *, at: datetime) -> None:
        if (practice, ref) not in self.erased or self.erased[practice, ref] < at:
            self.into[practice, ref] = into

    async def family(self, practice: str, ref: str) -> Sequence[str]:
        def root(one: str) -> str:
            return root(self.into[practice, one]) if (practice, one) in self.into else one

        others = [one for house, one in self.into if house == practice and root(one) == root(ref)]
        return [root(ref), *others]

    async def forget(self, practice: str, refs: Sequence[str], *, at: datetime) -> None:
        for ref in refs:
            self.into.pop((practice, ref), None)
            self.erased[practice, ref] = at


class HistoryTwin:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], History] = {}
        self.found = 0

    async def find(self, practice: str, ref: str) -> History | None:
        self.found += 1
        return self.kept.get((practice, ref))

    async def save(self, before: History, after: History) -> bool:
        kept = self.kept.get((after.practice, after.ref))
        if (kept.version if kept else 0) != before.version:
            return False
        self.kept[after.practice, after.ref] = after
        return True


class AskTwin:
    def __init__(self) -> None:
        self.kept: dict[str, Asked] = {}
        self.said: list[Envelope[Any]] = []

    async def get(self, ask: str) -> Asked | None:
        return self.kept.get(ask)

    async def begin(self, ask: Asked) -> Asked:
        return self.kept.setdefault(ask.id, ask)

    async def done(self, ask: Asked, said: Sequence[Envelope[Any]]) -> bool:
        if self.kept[ask.id].done_at is not None:
            return False
        self.kept[ask.id] = ask
        self.said += said
        return True

    async def open_erasures(self, *, limit: int) -> Sequence[Asked]:
        begun = [one for one in self.kept.values() if one.kind is AskKind.ERASE and one.done_at is None]
        return sorted(begun, key=lambda one: one.begun_at)[:limit]

    async def forget_exports(self, appointments: Sequence[str]) -> None:
        for one in list(self.kept.values()):
            if one.kind is AskKind.EXPORT and set(appointments) & set(one.appointments):
                del self.kept[one.id]


class PracticeTwin:
    def __init__(self) -> None:
        self.kept: dict[str, Profile] = {}

    async def find(self, practice: str) -> Profile | None:
        return self.kept.get(practice)

    async def keep(self, profile: Profile) -> None:
        known = self.kept.get(profile.practice)
        if known is None or known.version < profile.version:
            self.kept[profile.practice] = replace(profile, own=known.own if known else profile.own)


class VaultTwin:
    """Not secret, but not readable at a glance either; deterministic, so that whole cases can be compared."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []
        self._made: dict[str, int] = {}

    async def seal(self, owner: KeyOwner, secret: bytes) -> bytes:
        name = f"{owner.practice}/{owner.subject}"
        key = self._made.setdefault(name, self.forgotten.count(name))
        return f"{name}|{key}|{zlib.crc32(secret)}|".encode() + base64.b85encode(secret)

    async def unseal(self, sealed: bytes) -> bytes:
        try:
            name, key, check, secret = sealed.split(b"|", 3)
            opened = base64.b85decode(secret)
        except ValueError:
            raise Damaged from None
        if zlib.crc32(opened) != int(check):
            raise Damaged
        if self.forgotten.count(name.decode()) > int(key):
            raise Forgotten("its key was deleted")
        return opened

    async def forget(self, practice: str, subject: str) -> None:
        self.forgotten.append(f"{practice}/{subject}")
        self._made.pop(f"{practice}/{subject}", None)


def profile(**changes: Any) -> Profile:
    return replace(
        Profile(
            practice=PRACTICE,
            version=1,
            zone="Europe/Berlin",
            locale="en",
            emergency_number="112",
            review_for=timedelta(hours=48),
            forms={"session": "cst-core"},
        ),
        **changes,
    )


def casework(
    cases: Cases,
    *,
    vault: VaultTwin | None = None,
    now: datetime = NOW,
    auditing: Auditing | None = None,
    attachments: Attachments | None = None,
) -> Casework:
    """On twins, with one practice that is known."""
    practices = PracticeTwin()
    practices.kept[PRACTICE] = profile()
    return Casework(
        cases=cases,
        attachments=attachments or AttachmentTwin(),
        practices=practices,
        vault=vault or VaultTwin(),
        catalogue=CATALOGUE,
        editions=EditionTwin(practices),
        auditing=auditing or an_audit(now=now),
        now=lambda: now,
    )


def screening(
    cases: Cases,
    *,
    vault: VaultTwin | None = None,
    now: datetime = NOW,
    histories: Histories | None = None,
    **ports: Any,
) -> Screening:
    return screening_of(casework(cases, vault=vault, now=now, **ports), histories=histories)


def screening_of(made: Casework, *, histories: Histories | None = None) -> Screening:
    return Screening(made, Submitting(made, Memory(made, histories or HistoryTwin())))


def reviews(cases: Cases, *, vault: VaultTwin | None = None, now: datetime = NOW) -> Reviews:
    return Reviews(casework(cases, vault=vault, now=now))


def request(form: str = "cst-core") -> Request:
    return Request(service="session", form=form)


def practice_changed(**changes: Any) -> PracticeChanged:
    return PracticeChanged(
        **{
            "display_name": "Still Waters",
            "sms_name": "Still Waters",
            "country": "DE",
            "zone": "Europe/Berlin",
            "locale": "en",
            "phone": "+4930123456",
            "emergency_number": "112",
            "services": (SERVICE,),
            **changes,
        }
    )


def snapshot(**changes: Any) -> dict[str, Any]:
    consent = Consent(texts=True, wording="care-texts@1", given_at=NOW)
    client = Client(
        ref="c" * 20, name="A Client", phone="+491701234567", locale="en", zone="Europe/Berlin", consent=consent
    )
    return {
        "appointment": APPOINTMENT,
        "state": "requested",
        "service": SERVICE,
        "practitioner": "ines",
        "practitioner_name": "Ines",
        "place_name": "Still Waters",
        "place_address": "Quiet Street 1",
        "starts_at": STARTS_AT,
        "ends_at": STARTS_AT + timedelta(hours=1),
        "zone": "Europe/Berlin",
        "client": client,
        **changes,
    }


def requested(**changes: Any) -> AppointmentRequested:
    return AppointmentRequested(**snapshot(**changes))


def moved(**changes: Any) -> AppointmentMoved:
    return AppointmentMoved(**snapshot(**changes), moved_from=STARTS_AT, moved_by="client")


def cancelled(**changes: Any) -> AppointmentCancelled:
    return AppointmentCancelled(**snapshot(state="cancelled", **changes), cancelled_by="client", late=False)


def clients(cases: Cases, *, vault: VaultTwin | None = None, now: datetime = NOW, **ports: Any) -> Clients:
    """What screening does about clients, on twins."""
    shared = {name: ports.pop(name, None) for name in ("auditing", "attachments")}
    made = casework(cases, vault=vault, now=now, **shared)
    memory = Memory(made, ports.pop("histories", None) or HistoryTwin())
    twins: dict[str, Any] = {"merges": MergeTwin(), "asks": AskTwin(), "holds": HoldTwin(), "memory": memory}
    return Clients(made, **twins | ports)
