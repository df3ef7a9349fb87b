"""The rules a practice profile must keep; every broken one is named by its field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from services.booking.domain.practice import (
    DAY_MINUTES,
    LONGEST_BUFFER_MINUTES,
    LONGEST_VISIT_MINUTES,
    RASTER_MINUTES,
    Block,
    Hours,
    Place,
    Practice,
    Practitioner,
    Service,
    wall_text,
)
from shared.errors import Kind, Refusal


class InvalidPractice(Refusal):
    """The profile breaks a rule; `field` is the first offending path, `problems` are all of them."""

    slug: ClassVar[str] = "invalid-practice"
    kind: ClassVar[Kind] = Kind.INVALID


def check(practice: Practice) -> None:
    """Raises `InvalidPractice` naming every field that breaks a rule."""
    problems = tuple(_problems(practice))
    if problems:
        raise InvalidPractice(
            "; ".join(f"{path}: {problem}" for path, problem in problems),
            field=problems[0][0],
            problems=[{"field": path, "message": problem} for path, problem in problems],
        )


Problems = Iterator[tuple[str, str]]

FURTHEST_DAYS: Final = 730
FURTHEST_SCREENED_DAYS: Final = 180  # for so long a clearance counts: nobody is cleared today for a visit beyond
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_GSM = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ÄÖÑÜ§¿äöñüà"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)


def _problems(practice: Practice) -> Problems:
    yield from _identity(practice)
    yield from _ids(practice)
    for index, place in enumerate(practice.places):
        yield from _zone(f"places[{index}].zone", place.zone)
    for index, room in enumerate(practice.rooms):
        yield from _known(f"rooms[{index}].place", room.place, practice.places)
    for index, service in enumerate(practice.services):
        yield from _service(f"services[{index}]", service)
    for index, person in enumerate(practice.practitioners):
        yield from _practitioner(f"practitioners[{index}]", person, practice)


def _identity(practice: Practice) -> Problems:
    if not _ID.fullmatch(practice.id) or len(practice.id) < 2:
        yield "id", f"{practice.id!r} is not 2 to 40 lower-case letters, digits or hyphens"
    yield from _filled("name", practice.name)
    if not 1 <= len(practice.sms_name.strip()) <= 21:
        yield "sms_name", "needs 1 to 21 characters"
    if strange := sorted(set(practice.sms_name) - _GSM):
        yield "sms_name", f"{''.join(strange)!r} would make every text cost more; use plain letters"
    if not re.fullmatch(r"[A-Z]{2}", practice.country):
        yield "country", f"{practice.country!r} is not a two-letter country code like CH"
    yield from _zone("zone", practice.zone)
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", practice.locale):
        yield "locale", f"{practice.locale!r} is not a language tag like en-GB"
    if not re.fullmatch(r"\+[1-9]\d{6,14}", practice.phone):
        yield "phone", "is not an international number like +41440000000"
    if not re.fullmatch(r"\d{2,6}", practice.emergency_number):
        yield "emergency_number", f"{practice.emergency_number!r} is not 2 to 6 digits"
    yield from _whole("review_hours", practice.review_hours, 1, 720)
    yield from _whole("assumed_attendance_minutes", practice.assumed_attendance_minutes, 0, 1440)


def _ids(practice: Practice) -> Problems:
    """Practitioners and rooms share one list: their ids are the names in the cells of the unique index."""
    resources = [(f"practitioners[{index}].id", one.id) for index, one in enumerate(practice.practitioners)]
    resources += [(f"rooms[{index}].id", one.id) for index, one in enumerate(practice.rooms)]
    services = [(f"services[{index}].id", one.id) for index, one in enumerate(practice.services)]
    places = [(f"places[{index}].id", one.id) for index, one in enumerate(practice.places)]
    for named in (resources, services, places):
        seen: dict[str, str] = {}
        for path, one in named:
            if not _ID.fullmatch(one):
                yield path, f"{one!r} is not 1 to 40 lower-case letters, digits or hyphens"
            if seen.setdefault(one, path) != path:
                yield path, f"{one!r} is already the id of {seen[one].removesuffix('.id')}"


def _service(path: str, service: Service) -> Problems:
    yield from _filled(f"{path}.name", service.name)
    yield from _raster(f"{path}.length_minutes", service.length_minutes, RASTER_MINUTES, LONGEST_VISIT_MINUTES)
    yield from _raster(f"{path}.buffer_before_minutes", service.buffer_before_minutes, 0, LONGEST_BUFFER_MINUTES)
    yield from _raster(f"{path}.buffer_after_minutes", service.buffer_after_minutes, 0, LONGEST_BUFFER_MINUTES)
    yield from _raster(f"{path}.step_minutes", service.step_minutes, RASTER_MINUTES, DAY_MINUTES)
    yield from _whole(f"{path}.notice_minutes", service.notice_minutes, 0, 60 * DAY_MINUTES)
    furthest = FURTHEST_DAYS if service.screening is None else FURTHEST_SCREENED_DAYS
    yield from _whole(f"{path}.horizon_days", service.horizon_days, 0, furthest)
    yield from _whole(f"{path}.cancellation_window_hours", service.cancellation_window_hours, 0, 720)
    if service.price is not None:
        yield from _whole(f"{path}.price.minor_units", service.price.minor_units, 0, 100_000_000)
        if not re.fullmatch(r"[A-Z]{3}", service.price.currency):
            yield f"{path}.price.currency", f"{service.price.currency!r} is not a currency code like CHF"


def _practitioner(path: str, person: Practitioner, practice: Practice) -> Problems:
    yield from _filled(f"{path}.name", person.name)
    for index, service in enumerate(person.services):
        yield from _known(f"{path}.services[{index}]", service, practice.services)
    for index, weekly in enumerate(person.hours):
        yield from _hours(f"{path}.hours[{index}]", weekly, practice)
        yield from _whole(f"{path}.hours[{index}].weekday", weekly.weekday, 0, 6)
    for weekday in range(7):
        yield from _apart(f"{path}.hours", tuple(weekly for weekly in person.hours if weekly.weekday == weekday))
    days: set[date] = set()
    for index, exception in enumerate(person.exceptions):
        here = f"{path}.exceptions[{index}]"
        if exception.day in days:
            yield f"{here}.day", f"{exception.day} has an exception already"
        days.add(exception.day)
        for number, hours in enumerate(exception.hours):
            yield from _hours(f"{here}.hours[{number}]", hours, practice)
        yield from _apart(f"{here}.hours", exception.hours)
    for index, block in enumerate(person.blocks):
        yield from _block(f"{path}.blocks[{index}]", block)


def _hours(path: str, hours: Hours, practice: Practice) -> Problems:
    """A range of no length is allowed and means nothing; one that ends before it starts is a slip."""
    yield from _known(f"{path}.place", hours.place, practice.places)
    yield from _raster(f"{path}.starts", hours.starts, 0, DAY_MINUTES)
    yield from _raster(f"{path}.ends", hours.ends, 0, DAY_MINUTES)
    if hours.ends < hours.starts:
        yield f"{path}.ends", f"{wall_text(hours.ends)} is before {wall_text(hours.starts)}"


def _apart(path: str, hours: tuple[Hours, ...]) -> Problems:
    """Ranges may overlap at one place (they are merged), but nobody is at two places at once."""
    for index, one in enumerate(hours):
        for other in hours[index + 1 :]:
            if one.place != other.place and one.starts < other.ends and other.starts < one.ends:
                yield path, f"overlap at {one.place!r} and {other.place!r}"


def _block(path: str, block: Block) -> Problems:
    if (block.starts_at.tzinfo is None) != (block.ends_at.tzinfo is None):
        yield path, "one end has an offset, the other has none"
    elif block.ends_at <= block.starts_at:
        yield f"{path}.ends_at", f"{block.ends_at.isoformat()} is not after {block.starts_at.isoformat()}"


def _filled(path: str, text: str) -> Problems:
    if not text.strip():
        yield path, "is empty"


def _known(path: str, wanted: str, among: tuple[Place, ...] | tuple[Service, ...]) -> Problems:
    if wanted not in {one.id for one in among}:
        yield path, f"{wanted!r} does not exist"


def _whole(path: str, number: int, least: int, most: int) -> Problems:
    if not least <= number <= most:
        yield path, f"{number} is not between {least} and {most}"


def _raster(path: str, minutes: int, least: int, most: int) -> Problems:
    yield from _whole(path, minutes, least, most)
    if minutes % RASTER_MINUTES:
        yield path, f"{minutes} is not a multiple of {RASTER_MINUTES} minutes"


def _zone(path: str, zone: str) -> Problems:
    """A directory of zones ("America") and a path out of them are as wrong as a name nobody knows."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        yield path, f"{zone!r} is not an IANA time zone like Europe/Zurich"
