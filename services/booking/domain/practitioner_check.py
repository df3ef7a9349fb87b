"""The rules for a practitioner: hours, time off, load, and how to reach them; every broken one by its field."""

from __future__ import annotations

from datetime import date
from typing import Final

from services.booking.domain.field_checks import Problems, address, filled, known, phone, raster, whole
from services.booking.domain.practice import DAY_MINUTES, Block, Hours, Load, Practice, Practitioner, wall_text

LONGEST_PAUSE_MINUTES: Final = 480


def problems(path: str, person: Practitioner, practice: Practice) -> Problems:
    yield from filled(f"{path}.name", person.name)
    for index, service in enumerate(person.services):
        yield from known(f"{path}.services[{index}]", service, practice.services)
    yield from _week(path, person, practice)
    yield from _exceptions(path, person, practice)
    for index, block in enumerate(person.blocks):
        yield from _block(f"{path}.blocks[{index}]", block)
    yield from _load(f"{path}.load", person.load, practice)
    yield from _reached(path, person)


def _week(path: str, person: Practitioner, practice: Practice) -> Problems:
    for index, weekly in enumerate(person.hours):
        yield from _hours(f"{path}.hours[{index}]", weekly, practice)
        yield from whole(f"{path}.hours[{index}].weekday", weekly.weekday, 0, 6)
    for weekday in range(7):
        yield from _apart(f"{path}.hours", tuple(weekly for weekly in person.hours if weekly.weekday == weekday))


def _exceptions(path: str, person: Practitioner, practice: Practice) -> Problems:
    days: set[date] = set()
    for index, exception in enumerate(person.exceptions):
        here = f"{path}.exceptions[{index}]"
        if exception.day in days:
            yield f"{here}.day", f"{exception.day} has an exception already"
        days.add(exception.day)
        for number, hours in enumerate(exception.hours):
            yield from _hours(f"{here}.hours[{number}]", hours, practice)
        yield from _apart(f"{here}.hours", exception.hours)


def _hours(path: str, hours: Hours, practice: Practice) -> Problems:
    """A range of no length is allowed and means nothing; one that ends before it starts is a slip."""
    yield from known(f"{path}.place", hours.place, practice.places)
    yield from raster(f"{path}.starts", hours.starts, 0, DAY_MINUTES)
    yield from raster(f"{path}.ends", hours.ends, 0, DAY_MINUTES)
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


def _load(path: str, load: Load, practice: Practice) -> Problems:
    if load.most_in_a_row is not None:
        yield from whole(f"{path}.most_in_a_row", load.most_in_a_row, 1, 20)
    yield from raster(f"{path}.pause_minutes", load.pause_minutes, 0, LONGEST_PAUSE_MINUTES)
    for index, reset in enumerate(load.resets):
        here = f"{path}.resets[{index}]"
        yield from known(f"{here}.service", reset.service, practice.services)
        yield from raster(f"{here}.minutes", reset.minutes, 0, LONGEST_PAUSE_MINUTES)


def _reached(path: str, person: Practitioner) -> Problems:
    """Where a calendar's address leads is judged when it is fetched; here it only has to be one."""
    for index, calendar in enumerate(person.calendars):
        yield from address(f"{path}.calendars[{index}]", calendar)
    for index, directory in enumerate(person.directories):
        yield from address(f"{path}.directories[{index}]", directory)
    if person.alerts_phone:
        yield from phone(f"{path}.alerts_phone", person.alerts_phone)
