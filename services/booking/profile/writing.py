"""From the domain to the document of a practice, as JSON or as TOML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import groupby
from typing import Any

import tomli_w
from pydantic_core import to_json

from services.booking.domain import branding
from services.booking.domain import practice as domain
from services.booking.domain.audit import marked
from services.booking.domain.practice import wall_text
from services.booking.domain.texting import Texting
from services.booking.profile.documents import NO_SCREENING, WEEKDAYS, Own, Profile
from services.booking.profile.reading import Fields, described


def written(practice: domain.Practice) -> Profile:
    """The opposite of `read`: what is read from it again is equal to `practice`."""
    return Profile.model_validate(
        asdict(practice)
        | {
            "texting": _written_texting(practice.texting),
            "services": [asdict(service) | _screening(service) for service in practice.services],
            "practitioners": [_written_person(person) for person in practice.practitioners],
        }
    )


def as_json(practice: domain.Practice) -> dict[str, Any]:
    """The document in values of JSON; what is not set is absent."""
    return written(practice).model_dump(mode="json", exclude_none=True)


def as_told(practice: domain.Practice) -> dict[str, Any]:
    """As `as_json`, for the audit, which keeps for ever what it is told: of a calendar only the host is no secret.

    Of a logo it is told enough to see that it is another one.
    """
    told = as_json(practice)
    if practice.branding.logo:
        told["branding"]["logo"] = branding.logo_version(practice.branding)
    for person in told["practitioners"]:
        person["calendars"] = [marked(address) for address in person["calendars"]]
    return told


def as_toml(practice: domain.Practice) -> str:
    """The file from which the same practice can be loaded."""
    return tomli_w.dumps(as_json(practice), multiline_strings=True)


def with_own(practice: domain.Practice, own: Own) -> domain.Practice:
    """The practice with what it now says of itself; unchecked, like all that is `described`."""
    said = own.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    old = as_json(practice)
    if "preset" in said.get("texting", {}):
        old["texting"].pop("steps")
    return described(Profile.model_validate_json(to_json(_merged(old, said)), strict=True))


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    parts = {name: _merged(old[name], one) for name, one in new.items() if isinstance(one, Mapping) and name in old}
    return {**old, **new, **parts}


def _written_texting(texting: Texting) -> Fields:
    """A preset is written as its steps: what a later release adds to it comes to nobody unasked."""
    timings = [asdict(one) | {"at": None if one.at is None else f"{one.at:%H:%M}"} for one in texting.timings]
    return asdict(texting) | {
        "quiet_from": f"{texting.quiet_from:%H:%M}",
        "quiet_until": f"{texting.quiet_until:%H:%M}",
        "timings": timings,
    }


def _screening(service: domain.Service) -> Fields:
    return {"screening": NO_SCREENING if service.screening is None else service.screening}


def _written_person(person: domain.Practitioner) -> Fields:
    exceptions = [
        {"day": one.day, "hours": [_written_hours(hours) for hours in one.hours], "note": one.note}
        for one in person.exceptions
    ]
    return asdict(person) | {"hours": list(_written_week(person.hours)), "exceptions": exceptions}


def _written_hours(hours: domain.Hours) -> Fields:
    return {"place": hours.place, "starts": wall_text(hours.starts), "ends": wall_text(hours.ends)}


def _written_week(week: Iterable[domain.WeeklyHours]) -> Iterator[Fields]:
    """Weekdays with the same hours become one entry."""

    def span(hours: domain.WeeklyHours) -> tuple[str, int, int]:
        return hours.place, hours.starts, hours.ends

    for _, same in groupby(sorted(week, key=lambda hours: (*span(hours), hours.weekday)), key=span):
        hours = list(same)
        yield _written_hours(hours[0]) | {"days": [WEEKDAYS[one.weekday] for one in hours]}
