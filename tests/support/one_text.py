"""Visits of which each is one text: as booking tells of them, and as notify would have planned and written them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from services.notify import documents
from services.notify.domain.consent import Entry, Purpose, Word
from services.notify.domain.plan import plan
from services.notify.domain.practice import Practice
from services.notify.domain.reconcile import reconcile
from services.notify.domain.visit import Visit, VisitState
from shared.events import booking
from shared.mongo import Document
from tests.support.notify import visit
from tests.support.notify_app import PRACTICE, SERVICE

FIRST_NUMBER: Final = 15_000_000_000
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
# All that the practice chose, so that each visit is one text; these two are better missed than doubled.
STEPS: Final = ("check_in", "rebook")
WHOLE, CHECKED_IN, REBOOKED = 100, 8, 6
# Has no factor in common with the whole, so each hundred has all kinds, mixed.
SPREAD: Final = 37
AGREED: Final = timedelta(days=9)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One visit that is to be one text, known by its number."""

    number: int
    step: str

    @property
    def to(self) -> str:
        return f"+{self.number}"

    @property
    def appointment(self) -> str:
        digits, rest = "", self.number
        while rest:
            rest, digit = divmod(rest, 32)
            digits = LETTERS[digit] + digits
        return digits.rjust(26, "a")

    def visit(self, at: datetime) -> Visit:
        """As it is at `at`, when its one text is due; it is noon with the client."""
        facts: dict[str, Any] = {"appointment": self.appointment, "phone": self.to, "since": at, "zone": "UTC"}
        facts |= {"client_zone": noon(at), "wants_offers": self.step == "rebook"}
        if self.step == "booked":
            return visit(starts_at=at + timedelta(days=60), **facts)
        ended = {"check_in": timedelta(hours=23), "rebook": timedelta(days=5, hours=2)}[self.step]
        return visit(starts_at=at - ended, state=VisitState.ATTENDED, version=4, **facts)

    def fact(self, at: datetime) -> booking.AppointmentEvent:
        """What booking says of the same visit."""
        of = self.visit(at)
        consent = booking.Consent(
            texts=True, wording="texts-v1", given_at=at - AGREED, offers=True if of.wants_offers else None
        )
        told: dict[str, Any] = {
            "appointment": of.appointment,
            "state": of.state.value,
            "service": SERVICE,
            "practitioner": "ana",
            "practitioner_name": "Ana",
            "place_name": "Studio",
            "place_address": "1 River Road",
            "starts_at": of.starts_at,
            "ends_at": of.ends_at,
            "zone": of.zone,
            "client": booking.Client(
                ref="0" * 20, name="Kim", phone=of.phone, locale=of.locale, zone=of.client_zone, consent=consent
            ),
        }
        if of.state is VisitState.CONFIRMED:
            return booking.AppointmentConfirmed(**told)
        return booking.AppointmentAttended(assumed=False, **told)

    def documents(self, at: datetime, practice: Practice, code: str) -> Documents:
        """Planned by the product's own rules and written as it writes it."""
        of = self.visit(at)
        [text] = plan(of, practice)
        [message] = reconcile([], [text], of, now=at, new_code=lambda: code)
        said = Entry(key=f"visit:{of.appointment}:1", word=Word.CONSENTED, at=at - AGREED, source="booking")
        entries = [said, replace(said, key=f"{said.key}:offers", purpose=Purpose.OFFERS)][: 1 + of.wants_offers]
        contact = {"_id": f"{PRACTICE}/{of.phone}", "practice": PRACTICE, "phone": of.phone}
        return Documents(
            due=text.due,
            visit={**documents.of_visit(of), "replies": 0, "heard": [], "outbox": []},
            contact=contact | {"entries": [documents.of_entry(entry) for entry in entries]},
            message=documents.of_message(replace(message, fence=1)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """What notify holds of one visit."""

    due: datetime
    visit: Document
    contact: Document
    message: Document


def noon(at: datetime) -> str:
    hours = 12 - at.hour
    return "UTC" if hours == 0 else f"Etc/GMT{-hours:+d}"


def wanted(count: int) -> list[Wanted]:
    """Of a hundred visits most were just confirmed, some are asked how they are, some are offered another visit."""
    steps = ["check_in"] * CHECKED_IN + ["rebook"] * REBOOKED
    steps += ["booked"] * (WHOLE - len(steps))
    return [Wanted(FIRST_NUMBER + n, steps[n * SPREAD % WHOLE]) for n in range(count)]
