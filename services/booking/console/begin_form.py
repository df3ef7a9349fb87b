"""The form of the first set-up: what was typed, read into a practice and its owner, or what is wrong field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final
from zoneinfo import available_timezones

import phonenumbers
from babel import Locale
from babel.core import get_global
from phonenumbers import NumberParseException, PhoneNumberFormat

from services.booking.actions.team import Newcomer
from services.booking.domain.practice import DAY_MINUTES, Practice, wall_minutes, wall_text
from services.booking.domain.practice_check import InvalidPractice, check
from services.booking.domain.starter import EMERGENCY, LONGEST_ID, STARTERS, Facts, begun, slug
from services.booking.domain.team import Role, UserInvalid, check_login, check_name, check_password
from shared.console.catalogue import SPOKEN

AREAS: Final = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip
CLOCK: Final = tuple(wall_text(minutes) for minutes in range(6 * 60, 22 * 60 + 1, 30))
PAUSES: Final = ("", "11:30-12:30", "12:00-13:00", "12:00-14:00", "12:30-13:30", "13:00-14:00", "14:00-16:00")
WEEKDAYS: Final = range(7)
# In the order of the page. The second list is what is asked of an owner alone, whose practice is there already.
ASKED: Final = (
    "name", "place", "country", "zone", "locale", "phone", "emergency", "id", "services", "days", "from", "until",
    "pause", "own_name", "login", "password", "key",
)  # fmt: skip
OWN: Final = ("own_name", "login", "password", "key")
FIELDS: Final[Mapping[str, str]] = {
    "sms_name": "name",
    "emergency_number": "emergency",
    "places": "place",
    "practitioners": "own_name",
}
USUAL: Final[Mapping[str, str]] = {
    **{f"service.{starter.id}": "yes" for starter in STARTERS},
    **{f"day.{weekday}": "yes" for weekday in range(5)},
    "from": "09:00",
    "until": "17:00",
    "pause": "12:00-13:00",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """`practice` is None where it is there already and only an owner is wanted."""

    practice: Practice | None
    owner: Newcomer
    password: str


def read(form: Mapping[str, str], *, lang: str) -> tuple[Wanted | None, tuple[str, ...]]:
    """Either what is wanted or the fields that are wrong, in the order of the page; the key is looked at by no one."""
    wrong = _of_owner(form) | ({"key"} if not form.get("key", "").strip() else set())
    if form.get("practice"):
        owner = _owner(form, lang, None)
        return (None if wrong else Wanted(None, owner, form["password"])), tuple(one for one in OWN if one in wrong)
    wrong |= _of_practice(form)
    practice = None
    if not wrong:
        practice = begun(_facts(form))
        wrong |= _against_rules(practice)
    if practice is None or wrong:
        return None, tuple(one for one in ASKED if one in wrong)
    return Wanted(practice, _owner(form, lang, practice.practitioners[0].id), form["password"]), ()


def usual(lang: str, region: str) -> Mapping[str, str]:
    """What most likely holds, filled in already; `region` is the country that the browser names, if it does.

    What follows from the country stays empty: nobody would see that it no longer fits once another one is chosen.
    """
    return {**USUAL, "locale": lang, "country": region if region in phonenumbers.SUPPORTED_REGIONS else ""}


@cache
def countries(lang: str) -> tuple[tuple[str, str], ...]:
    """Codes and names, by name."""
    names = Locale.parse(lang).territories
    found = ((code, str(names.get(code, code))) for code in phonenumbers.SUPPORTED_REGIONS)
    return tuple(sorted(found, key=lambda one: slug(one[1])))


@cache
def zones() -> Mapping[str, tuple[str, ...]]:
    """By area of the world."""
    return {area: tuple(sorted(zone for zone in _zones() if zone.partition("/")[0] == area)) for area in AREAS}


@cache
def _zones() -> frozenset[str]:
    return frozenset(zone for zone in available_timezones() if zone.partition("/")[0] in AREAS)


def _of_owner(form: Mapping[str, str]) -> set[str]:
    checks = {"own_name": check_name, "login": check_login, "password": check_password}
    wrong = set[str]()
    for field, is_right in checks.items():
        try:
            is_right(form.get(field, ""))
        except UserInvalid:
            wrong.add(field)
    return wrong


def _of_practice(form: Mapping[str, str]) -> set[str]:
    """What follows from something else that is wrong is not told beside it."""
    country = form.get("country", "")
    is_known = country in phonenumbers.SUPPORTED_REGIONS
    is_wrong = {
        "name": not 1 <= len(_line(form, "name")) <= 120,
        "place": not 1 <= len(_line(form, "place")) <= 200,
        "country": not is_known,
        "zone": is_known and _zone(form) not in _zones(),
        "locale": form.get("locale") not in SPOKEN,
        "phone": is_known and _number(form) is None,
        "emergency": is_known and not (_line(form, "emergency") or EMERGENCY.get(country, "")),
        "id": len(_id(form)) < 2 and bool(_line(form, "id") or _line(form, "name")),
        "services": not _services(form),
        "days": not _weekdays(form),
        "from": form.get("from") not in CLOCK,
        "until": _until(form) <= _from(form),
        "pause": form.get("pause", "") not in PAUSES,
    }
    return {field for field, wrong in is_wrong.items() if wrong}


def _against_rules(practice: Practice) -> set[str]:
    try:
        check(practice)
    except InvalidPractice as refusal:
        paths = [str(problem["field"]) for problem in refusal.extra["problems"]]
        return {FIELDS.get(path.partition("[")[0], path) for path in paths}
    return set()


def _facts(form: Mapping[str, str]) -> Facts:
    country, pause = form["country"], form.get("pause", "")
    away, _, back = pause.partition("-")
    return Facts(
        id=_id(form),
        name=_line(form, "name"),
        country=country,
        zone=_zone(form),
        language=form["locale"],
        phone=_number(form) or "",
        emergency_number=_line(form, "emergency") or EMERGENCY[country],
        address=_line(form, "place"),
        person=_line(form, "own_name"),
        services=_services(form),
        weekdays=_weekdays(form),
        starts=_from(form),
        ends=_until(form),
        pause=(wall_minutes(away), wall_minutes(back)) if pause else None,
    )


def _owner(form: Mapping[str, str], lang: str, practitioner: str | None) -> Newcomer:
    name, login = _line(form, "own_name"), form.get("login", "")
    return Newcomer(name=name, login=login, role=Role.OWNER, practitioner=practitioner, locale=lang)


def _line(form: Mapping[str, str], field: str) -> str:
    return " ".join(form.get(field, "").split())


def _id(form: Mapping[str, str]) -> str:
    """As typed, else made from the name."""
    return _line(form, "id")[: LONGEST_ID + 1] or slug(_line(form, "name"))


def _zone(form: Mapping[str, str]) -> str:
    """As chosen, else the only one of the country; empty where it has several."""
    of_country = get_global("territory_zones").get(form.get("country", ""), [])
    return form.get("zone") or (of_country[0] if len(of_country) == 1 else "")


def _number(form: Mapping[str, str]) -> str | None:
    """Of any kind, not of mobile phones alone: nothing is texted there."""
    try:
        number = phonenumbers.parse(form.get("phone", ""), form["country"])
    except NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _services(form: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(starter.id for starter in STARTERS if f"service.{starter.id}" in form)


def _weekdays(form: Mapping[str, str]) -> tuple[int, ...]:
    return tuple(weekday for weekday in WEEKDAYS if f"day.{weekday}" in form)


def _from(form: Mapping[str, str]) -> int:
    return wall_minutes(form["from"]) if form.get("from") in CLOCK else 0


def _until(form: Mapping[str, str]) -> int:
    return wall_minutes(form["until"]) if form.get("until") in CLOCK else -DAY_MINUTES
