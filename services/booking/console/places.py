"""Places and rooms, for the practice's owners: where clients come to, and what is free only once at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from services.booking.console.fields import Field, Group, Kind, Speak, Values
from services.booking.console.part_pages import Row, names_of_cells, new_id, own_field
from services.booking.console.reaching import zones
from services.booking.console.sheets import Sheet
from services.booking.domain.editing import part, with_part, without_part
from services.booking.domain.practice import Place, Practice, Room

PLACE: Final = (
    Group(
        "",
        (
            Field(name="name", is_needed=True),
            Field(name="address", most=200, is_needed=True, complete="street-address"),
            Field(name="zone", kind=Kind.CHOICE),
        ),
    ),
)
ROOM: Final = (Group("", (Field(name="name", is_needed=True), Field(name="place", kind=Kind.CHOICE))),)


class Places:
    name = "place"

    def sheet(self, practice: Practice, id_: str | None, speak: Speak) -> Sheet:  # noqa: ARG002  of every sort
        new = Place(id="", name="", address="", zone=practice.zone)
        old = new if id_ is None else part(practice, Place, id_)
        return Sheet(
            part=self.name,
            title=old.name,
            id=old.id,
            groups=PLACE,
            kept={"name": old.name, "address": old.address, "zone": old.zone},
            changed=lambda now, values: _changed_place(now, id_, values),
            field_of=own_field(Place, practice, old.id, {}),
            choices={"zone": zones(old.zone)},
        )

    def rows(self, practice: Practice, speak: Speak, locale: str) -> Sequence[Row]:  # noqa: ARG002  of every sort
        return [Row(one.id, one.name, (one.address,)) for one in practice.places]

    def without(self, practice: Practice, id_: str) -> Practice:
        return without_part(practice, Place, id_)


class Rooms:
    name = "room"

    def sheet(self, practice: Practice, id_: str | None, speak: Speak) -> Sheet:  # noqa: ARG002  of every sort
        old = Room(id="", place="", name="") if id_ is None else part(practice, Room, id_)
        return Sheet(
            part=self.name,
            title=old.name or old.id,
            id=old.id,
            groups=ROOM,
            kept={"name": old.name or old.id, "place": old.place},
            changed=lambda now, values: _changed_room(now, id_, values),
            field_of=own_field(Room, practice, old.id, {}),
            choices={"place": [(one.id, one.name) for one in practice.places]},
        )

    def rows(self, practice: Practice, speak: Speak, locale: str) -> Sequence[Row]:  # noqa: ARG002  of every sort
        names = {one.id: one.name for one in practice.places}
        return [Row(one.id, one.name or one.id, (names.get(one.place, ""),)) for one in practice.rooms]

    def without(self, practice: Practice, id_: str) -> Practice:
        return without_part(practice, Room, id_)


def _changed_place(practice: Practice, id_: str | None, values: Values) -> Practice:
    taken = {one.id for one in practice.places}
    new = Place(id="" if id_ else new_id(values["name"], taken, "place"), name="", address="", zone="")
    changed: Place = replace(part(practice, Place, id_) if id_ else new, **values)
    return with_part(practice, changed)


def _changed_room(practice: Practice, id_: str | None, values: Values) -> Practice:
    """A room that has no name is called by its id, and stays so until it is given another."""
    taken = names_of_cells(practice)
    if id_ is None:
        return with_part(practice, Room(id=new_id(values["name"], taken, "room"), **values))
    old = part(practice, Room, id_)
    name = old.name if values["name"] == (old.name or old.id) else values["name"]
    return with_part(practice, replace(old, name=name, place=values["place"]))
