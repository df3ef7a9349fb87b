"""One part of a practice changed and all the rest as it was; whether the whole still holds is checked afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import ClassVar, Final, TypeVar

from services.booking.domain.identity import fingerprint
from services.booking.domain.practice import (
    Block,
    DayException,
    Place,
    Practice,
    Practitioner,
    Room,
    Service,
    WeeklyHours,
)
from shared.errors import Kind, Refusal

Part = Place | Room | Service | Practitioner
One = TypeVar("One", bound=Part)

LISTS: Final[Mapping[type, str]] = {Place: "places", Room: "rooms", Service: "services", Practitioner: "practitioners"}


class NoSuchPart(Refusal):
    """The practice has no such place, room, service, practitioner, exception or block."""

    slug: ClassVar[str] = "no-such-part"
    kind: ClassVar[Kind] = Kind.NOT_FOUND


class StillUsed(Refusal):
    """Other parts of the practice refer to it; `used_by` names them."""

    slug: ClassVar[str] = "still-used"
    kind: ClassVar[Kind] = Kind.CONFLICT


def part(practice: Practice, kind: type[One], id_: str) -> One:
    """The part of this id; raises `NoSuchPart`."""
    found: One
    for found in getattr(practice, LISTS[kind]):
        if found.id == id_:
            return found
    raise NoSuchPart(f"there is no {kind.__name__.lower()} {id_!r}")


def with_part(practice: Practice, wanted: Part) -> Practice:
    """The part takes the place of the one with its id, or comes last."""
    name = LISTS[type(wanted)]
    parts: tuple[Part, ...] = getattr(practice, name)
    if wanted.id in {one.id for one in parts}:
        changed = tuple(wanted if one.id == wanted.id else one for one in parts)
    else:
        changed = (*parts, wanted)
    return _with_list(practice, name, changed)


def without_part(practice: Practice, kind: type[One], id_: str) -> Practice:
    """Raises `NoSuchPart`, and `StillUsed` if something else of the practice refers to it."""
    gone = part(practice, kind, id_)
    if users := list(_users(practice, gone)):
        raise StillUsed(f"{id_!r} is still used by {', '.join(users)}", used_by=users)
    name = LISTS[kind]
    return _with_list(practice, name, tuple(one for one in getattr(practice, name) if one.id != id_))


def with_hours(practice: Practice, practitioner: str, hours: tuple[WeeklyHours, ...]) -> Practice:
    return with_part(practice, replace(part(practice, Practitioner, practitioner), hours=hours))


def with_exception(practice: Practice, practitioner: str, exception: DayException) -> Practice:
    """The exception takes the place of the one of its day; they are kept in order."""
    person = part(practice, Practitioner, practitioner)
    others = (one for one in person.exceptions if one.day != exception.day)
    exceptions = tuple(sorted((*others, exception), key=lambda one: one.day))
    return with_part(practice, replace(person, exceptions=exceptions))


def without_exception(practice: Practice, practitioner: str, day: date) -> Practice:
    person = part(practice, Practitioner, practitioner)
    left = tuple(one for one in person.exceptions if one.day != day)
    if left == person.exceptions:
        raise NoSuchPart(f"{practitioner!r} has no exception on {day}")
    return with_part(practice, replace(person, exceptions=left))


def with_block(practice: Practice, practitioner: str, block: Block) -> Practice:
    """The same block once more changes nothing."""
    person = part(practice, Practitioner, practitioner)
    if block in person.blocks:
        return practice
    return with_part(practice, replace(person, blocks=(*person.blocks, block)))


def without_block(practice: Practice, practitioner: str, id_: str) -> Practice:
    person = part(practice, Practitioner, practitioner)
    left = tuple(one for one in person.blocks if block_id(one) != id_)
    if left == person.blocks:
        raise NoSuchPart(f"{practitioner!r} has no block {id_!r}")
    return with_part(practice, replace(person, blocks=left))


def block_id(block: Block) -> str:
    """What a block is addressed by; it derives from all that the block says."""
    return fingerprint(block.starts_at.isoformat(), block.ends_at.isoformat(), block.note)[:16]


def _users(practice: Practice, gone: Part) -> Iterator[str]:
    """Paths of what refers to a part; nothing in a practice refers to rooms or practitioners."""
    if isinstance(gone, Place):
        yield from (f"rooms[{room.id}].place" for room in practice.rooms if room.place == gone.id)
        yield from (f"practitioners[{one.id}].hours" for one in practice.practitioners if gone.id in one.places)
    if isinstance(gone, Service):
        for person in practice.practitioners:
            if gone.id in person.services:
                yield f"practitioners[{person.id}].services"
            if gone.id in {reset.service for reset in person.load.resets}:
                yield f"practitioners[{person.id}].load.resets"


def _with_list(practice: Practice, name: str, parts: tuple[Part, ...]) -> Practice:
    changed: Practice = replace(practice, **{name: parts})  # type: ignore[arg-type]  # the name says which list it is
    return changed
