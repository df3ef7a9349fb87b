"""What the practice says of itself, for its owners: names, numbers, where on the web, and how it deals with time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time
from typing import Any, Final

from services.booking.console.begin_form import countries
from services.booking.console.fields import Field, Group, Kind, Speak, Values, number
from services.booking.console.reaching import dialled, zones
from services.booking.console.sheets import Desk, Sheet
from services.booking.domain.practice import Buffers, Links, Practice, WaitlistPolicy
from services.booking.domain.practice_check import LONGEST_SMS_NAME
from shared.console import OWNERS
from shared.console.catalogue import SPOKEN
from shared.httpkit import Answer, Ask, Route
from shared.staff import Staff

PATH: Final = "/console/practice"
GROUPS: Final = (
    Group(
        "",
        (
            Field(name="name", is_needed=True, complete="organization"),
            Field(name="sms_name", most=LONGEST_SMS_NAME, is_needed=True),
            Field(name="phone", most=40, is_needed=True, type="tel", complete="tel"),
            Field(name="alerts_phone", most=40, type="tel"),
            Field(name="emergency_number", most=6, is_needed=True),
        ),
    ),
    Group(
        "where",
        (
            Field(name="country", kind=Kind.CHOICE),
            Field(name="zone", kind=Kind.CHOICE),
            Field(name="locale", kind=Kind.CHOICE),
            Field(name="website", most=500, type="url", complete="url"),
            Field(name="privacy", most=500, type="url"),
            Field(name="directions", most=500, type="url"),
        ),
    ),
    Group(
        "rules",
        (
            Field(name="buffers", kind=Kind.CHOICE),
            number("review_hours", 1, 720),
            number("assumed_attendance_minutes", 0, 1440),
            number("batch", 1, 20),
            number("offer_minutes", 10, 2880),
            Field(name="quiet_from", kind=Kind.CHOICE),
            Field(name="quiet_until", kind=Kind.CHOICE),
            Field(name="verify_numbers", kind=Kind.TICK),
        ),
    ),
)
OWN: Final = (
    "name", "sms_name", "phone", "alerts_phone", "emergency_number", "country", "zone", "locale", "review_hours",
    "assumed_attendance_minutes", "verify_numbers",
)  # fmt: skip
HALF_HOURS: Final = tuple(f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 30))


@dataclass(frozen=True, slots=True)
class PracticePage:
    desk: Desk

    def routes(self) -> Sequence[Route]:
        route = self.desk.console.route
        return [
            route("GET", PATH, self.show, "What the practice says of itself", OWNERS),
            route("POST", PATH, self.save, "Change what the practice says of itself", OWNERS),
        ]

    async def show(self, ask: Ask[None, None], staff: Staff) -> Answer:
        return await self.desk.show(ask, staff, lambda practice: self._sheet(practice, staff))

    async def save(self, ask: Ask[None, None], staff: Staff) -> Answer:
        return await self.desk.save(ask, staff, lambda practice: self._sheet(practice, staff))

    def _sheet(self, practice: Practice, staff: Staff) -> Sheet:
        return Sheet(
            part="practice",
            title="",
            groups=GROUPS,
            kept=_kept(practice),
            changed=_changed,
            field_of=lambda path: path.rpartition(".")[2],
            choices=_choices(practice, self.desk.console.translated(staff), staff.locale),
        )


def _kept(practice: Practice) -> Mapping[str, Any]:
    texting, waitlist, links = practice.texting, practice.waitlist, practice.links
    return {name: getattr(practice, name) for name in OWN} | {
        "website": links.website,
        "privacy": links.privacy,
        "directions": links.directions,
        "buffers": practice.buffers.value,
        "batch": waitlist.batch,
        "offer_minutes": waitlist.offer_minutes,
        "quiet_from": f"{texting.quiet_from:%H:%M}",
        "quiet_until": f"{texting.quiet_until:%H:%M}",
    }


def _choices(practice: Practice, speak: Speak, lang: str) -> Mapping[str, Sequence[tuple[str, str]]]:
    """What is kept can always be kept, also where it is nothing that would be chosen here."""
    locale, region = practice.locale, practice.locale.partition("-")[2]
    spoken = {f"{code}-{region}" if region else code: name for code, name in SPOKEN.items()}
    quiet = (practice.texting.quiet_from, practice.texting.quiet_until)
    clock = [(at, at) for at in sorted({*HALF_HOURS, *(f"{one:%H:%M}" for one in quiet)})]
    return {
        "country": countries(lang),
        "zone": zones(practice.zone),
        "locale": list(({locale: locale} | spoken).items()),
        "buffers": [(one.value, speak(f"buffers:{one.value}")) for one in Buffers],
        "quiet_from": clock,
        "quiet_until": clock,
    }


def _changed(practice: Practice, values: Values) -> Practice:
    own = {name: values[name] for name in OWN}
    for name in ("phone", "alerts_phone"):
        own[name] = dialled(values[name], values["country"])
    quiet_from, quiet_until = time.fromisoformat(values["quiet_from"]), time.fromisoformat(values["quiet_until"])
    changed: Practice = replace(
        practice,
        **own,
        buffers=Buffers(values["buffers"]),
        links=Links(website=values["website"], privacy=values["privacy"], directions=values["directions"]),
        waitlist=WaitlistPolicy(batch=values["batch"], offer_minutes=values["offer_minutes"]),
        texting=replace(practice.texting, quiet_from=quiet_from, quiet_until=quiet_until),
    )
    return changed
