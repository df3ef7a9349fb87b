"""From the document of a practice, or of a part of it, to the domain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import time
from typing import Any

from services.booking.domain import branding
from services.booking.domain import practice as domain
from services.booking.domain.practice import wall_minutes
from services.booking.domain.practice_check import check
from services.booking.domain.texting import PRESETS
from services.booking.domain.texting import StepTiming as Timed
from services.booking.domain.texting import Texting as Texted
from services.booking.profile.documents import (
    NO_SCREENING,
    WEEKDAYS,
    Block,
    Branding,
    DayException,
    Hours,
    Load,
    Place,
    Practitioner,
    Profile,
    Room,
    Service,
    StepTiming,
    Texting,
    WeeklyHours,
)
from shared.httpkit import Payload

Fields = dict[str, Any]
"""Keyword arguments of a domain class that has the same fields as its document."""


def read(document: Profile) -> domain.Practice:
    """The practice that the document describes; raises `InvalidPractice` naming the fields that break a rule."""
    practice = described(document)
    check(practice)
    return practice


def described(document: Profile) -> domain.Practice:
    """The same, unchecked: what was stored under the rules of its day is still a practice today."""
    return domain.Practice(
        **_fields(document)
        | {
            "links": domain.Links(**_fields(document.links)),
            "branding": _branding(document.branding),
            "texting": _texting(document.texting),
            "buffers": domain.Buffers(document.buffers),
            "waitlist": domain.WaitlistPolicy(**_fields(document.waitlist)),
            "places": tuple(place(one) for one in document.places),
            "rooms": tuple(room(one) for one in document.rooms),
            "services": tuple(service(one) for one in document.services),
            "practitioners": tuple(practitioner(one) for one in document.practitioners),
        }
    )


def place(document: Place) -> domain.Place:
    return domain.Place(**_fields(document))


def room(document: Room) -> domain.Room:
    return domain.Room(**_fields(document))


def service(document: Service) -> domain.Service:
    price = None if document.price is None else domain.Price(**_fields(document.price))
    screening = None if document.screening == NO_SCREENING else document.screening
    return domain.Service(
        **_fields(document) | {"price": price, "screening": screening, "audience": domain.Audience(document.audience)}
    )


def practitioner(document: Practitioner) -> domain.Practitioner:
    return domain.Practitioner(
        **_fields(document)
        | {
            "hours": week(document.hours),
            "exceptions": tuple(exception(one) for one in document.exceptions),
            "blocks": tuple(block(one) for one in document.blocks),
            "load": _load(document.load),
        }
    )


def week(documents: Iterable[WeeklyHours]) -> tuple[domain.WeeklyHours, ...]:
    """One entry for each weekday and range, in order; what is said twice is said once."""
    hours = {weekly for grouped in documents for weekly in _weekly(grouped)}
    return tuple(sorted(hours, key=lambda weekly: (weekly.weekday, weekly.starts, weekly.ends, weekly.place)))


def exception(document: DayException) -> domain.DayException:
    hours = tuple(_hours(one) for one in document.hours)
    return domain.DayException(day=document.day, hours=hours, note=document.note)


def block(document: Block) -> domain.Block:
    return domain.Block(**_fields(document))


def _branding(document: Branding) -> branding.Branding:
    return branding.Branding(**_fields(document) | {"font": branding.Font(document.font)})


def _texting(texting: Texting) -> Texted:
    fields = _fields(texting)
    preset = fields.pop("preset") or "gentle"
    return Texted(
        **fields
        | {
            "steps": PRESETS[preset] if texting.steps is None else texting.steps,
            "quiet_from": time.fromisoformat(texting.quiet_from),
            "quiet_until": time.fromisoformat(texting.quiet_until),
            "timings": tuple(_timing(one) for one in texting.timings),
        }
    )


def _timing(timing: StepTiming) -> Timed:
    return Timed(**_fields(timing) | {"at": None if timing.at is None else time.fromisoformat(timing.at)})


def _load(load: Load) -> domain.Load:
    resets = tuple(domain.Reset(**_fields(reset)) for reset in load.resets)
    return domain.Load(**_fields(load) | {"resets": resets})


def _hours(hours: Hours) -> domain.Hours:
    return domain.Hours(place=hours.place, starts=wall_minutes(hours.starts), ends=wall_minutes(hours.ends))


def _weekly(hours: WeeklyHours) -> Iterator[domain.WeeklyHours]:
    for day in hours.days:
        once = _hours(hours)
        yield domain.WeeklyHours(weekday=WEEKDAYS.index(day), place=once.place, starts=once.starts, ends=once.ends)


def _fields(document: Payload) -> Fields:
    return dict(document)
