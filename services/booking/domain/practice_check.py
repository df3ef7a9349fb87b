"""The rules a practice profile must keep; every broken one is named by its field."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from services.booking.domain import branding_check, practitioner_check, texting_check
from services.booking.domain.field_checks import Problems, address, filled, known, phone, raster, whole, zone
from services.booking.domain.practice import (
    DAY_MINUTES,
    LONGEST_BUFFER_MINUTES,
    LONGEST_VISIT_MINUTES,
    RASTER_MINUTES,
    Practice,
    Service,
)
from shared.errors import Kind, Refusal
from shared.lexicon import ALPHABET, health_word


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


FURTHEST_DAYS: Final = 730
LONGEST_COURSE_GAP_DAYS: Final = 60
OLDEST_YEARS: Final = 120
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
LONGEST_SMS_NAME: Final = 21
"""What every text of this release leaves room for, so that no name makes one cost more or too long to be sent."""


def _problems(practice: Practice) -> Problems:
    yield from _identity(practice)
    yield from _reach(practice)
    yield from _ids(practice)
    for index, place in enumerate(practice.places):
        yield from zone(f"places[{index}].zone", place.zone)
    for index, room in enumerate(practice.rooms):
        yield from known(f"rooms[{index}].place", room.place, practice.places)
    for index, service in enumerate(practice.services):
        yield from _service(f"services[{index}]", service)
    for index, person in enumerate(practice.practitioners):
        yield from practitioner_check.problems(f"practitioners[{index}]", person, practice)


def _identity(practice: Practice) -> Problems:
    if not _ID.fullmatch(practice.id) or len(practice.id) < 2:
        yield "id", f"{practice.id!r} is not 2 to 40 lower-case letters, digits or hyphens"
    yield from filled("name", practice.name)
    yield from _sms_name(practice.sms_name)
    yield from _country("country", practice.country)
    yield from zone("zone", practice.zone)
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", practice.locale):
        yield "locale", f"{practice.locale!r} is not a language tag like en-GB"
    yield from phone("phone", practice.phone)
    if practice.alerts_phone:
        yield from phone("alerts_phone", practice.alerts_phone)
    if not re.fullmatch(r"\d{2,6}", practice.emergency_number):
        yield "emergency_number", f"{practice.emergency_number!r} is not 2 to 6 digits"
    yield from whole("review_hours", practice.review_hours, 1, 720)
    yield from whole("assumed_attendance_minutes", practice.assumed_attendance_minutes, 0, 1440)


def _sms_name(name: str) -> Problems:
    """Every text opens with it, on whoever's screen that is."""
    if not name.strip() or len(name) > LONGEST_SMS_NAME:
        yield "sms_name", f"needs 1 to {LONGEST_SMS_NAME} characters"
    if strange := sorted(set(name) - ALPHABET):
        yield "sms_name", f"{''.join(strange)!r} would make every text cost more; use plain letters"
    if (word := health_word(name)) is not None:
        yield "sms_name", f"{word!r} would tell whoever sees the phone about somebody's health; use a neutral name"


def _reach(practice: Practice) -> Problems:
    for index, country in enumerate(practice.countries):
        yield from _country(f"countries[{index}]", country)
    yield from whole("waitlist.batch", practice.waitlist.batch, 1, 20)
    yield from whole("waitlist.offer_minutes", practice.waitlist.offer_minutes, 10, 2880)
    yield from texting_check.problems("texting", practice.texting)
    links = practice.links
    for name, link in (("website", links.website), ("privacy", links.privacy), ("directions", links.directions)):
        if link:
            yield from address(f"links.{name}", link)
    yield from branding_check.problems("branding", practice.branding)
    yield from branding_check.sites("sites", practice.sites)


def _country(path: str, country: str) -> Problems:
    if not re.fullmatch(r"[A-Z]{2}", country):
        yield path, f"{country!r} is not a two-letter country code like CH"


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
    yield from filled(f"{path}.name", service.name)
    yield from raster(f"{path}.length_minutes", service.length_minutes, RASTER_MINUTES, LONGEST_VISIT_MINUTES)
    yield from raster(f"{path}.buffer_before_minutes", service.buffer_before_minutes, 0, LONGEST_BUFFER_MINUTES)
    yield from raster(f"{path}.buffer_after_minutes", service.buffer_after_minutes, 0, LONGEST_BUFFER_MINUTES)
    yield from raster(f"{path}.step_minutes", service.step_minutes, RASTER_MINUTES, DAY_MINUTES)
    yield from whole(f"{path}.notice_minutes", service.notice_minutes, 0, 60 * DAY_MINUTES)
    yield from whole(f"{path}.horizon_days", service.horizon_days, 0, FURTHEST_DAYS)
    yield from whole(f"{path}.cancellation_window_hours", service.cancellation_window_hours, 0, 720)
    if service.price is not None:
        yield from whole(f"{path}.price.minor_units", service.price.minor_units, 0, 100_000_000)
        if not re.fullmatch(r"[A-Z]{3}", service.price.currency):
            yield f"{path}.price.currency", f"{service.price.currency!r} is not a currency code like CHF"
    yield from _for_whom(path, service)
    yield from whole(f"{path}.course_days_from", service.course_days_from, 1, LONGEST_COURSE_GAP_DAYS)
    yield from whole(f"{path}.course_days_until", service.course_days_until, 1, LONGEST_COURSE_GAP_DAYS)
    if service.course_days_until < service.course_days_from:
        yield f"{path}.course_days_until", f"{service.course_days_until} is less than {service.course_days_from}"


def _for_whom(path: str, service: Service) -> Problems:
    youngest, oldest = service.age_from, service.age_until
    for name, age in (("age_from", youngest), ("age_until", oldest)):
        if age is not None:
            yield from whole(f"{path}.{name}", age, 0, OLDEST_YEARS)
    if youngest is not None and oldest is not None and oldest < youngest:
        yield f"{path}.age_until", f"{oldest} is less than {youngest}"
