"""Who gives visits, for the practice's owners: names, services, licences and how much in a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from services.booking.console.fields import Field, Group, Kind, Speak, Values, lines, number
from services.booking.console.part_pages import Row, names_of_cells, new_id, own_field
from services.booking.console.reaching import dialled
from services.booking.console.sheets import Sheet
from services.booking.domain.editing import part, with_part, without_part
from services.booking.domain.practice import RASTER_MINUTES, Practice, Practitioner
from services.booking.domain.practitioner_check import LONGEST_PAUSE_MINUTES

OWN: Final = ("name", "profession", "licence_type", "licence_number", "alerts_phone", "services", "directories")
MOST_IN_A_ROW: Final = 20
GROUPS: Final = (
    Group("", (Field(name="name", is_needed=True), Field(name="profession"), Field(name="services", kind=Kind.TICKS))),
    Group(
        "more",
        (
            Field(name="alerts_phone", type="tel", most=40),
            Field(name="licence_type"),
            Field(name="licence_number"),
            number("most_in_a_row", 1, MOST_IN_A_ROW, is_needed=False),
            number("pause_minutes", 0, LONGEST_PAUSE_MINUTES, step=RASTER_MINUTES),
            Field(name="directories", kind=Kind.PROSE, most=5000),
        ),
    ),
)
MOST_DIRECTORIES: Final = 10


class People:
    name = "person"

    def sheet(self, practice: Practice, id_: str | None, speak: Speak) -> Sheet:  # noqa: ARG002  of every sort
        nobody = Practitioner(id="", name="", services=tuple(one.id for one in practice.services), hours=())
        old = nobody if id_ is None else part(practice, Practitioner, id_)
        load = {"most_in_a_row": old.load.most_in_a_row, "pause_minutes": old.load.pause_minutes}
        return Sheet(
            part=self.name,
            title=old.name,
            id=old.id,
            groups=GROUPS,
            kept={name: getattr(old, name) for name in OWN} | load,
            changed=lambda now, values: _changed(now, id_, values),
            field_of=own_field(
                Practitioner,
                practice,
                old.id,
                {"load.most_in_a_row": "most_in_a_row", "load.pause_minutes": "pause_minutes"},
            ),
            choices={"services": [(one.id, one.name) for one in practice.services]},
            slips=lambda values: ["directories"] if len(lines(values["directories"])) > MOST_DIRECTORIES else [],
        )

    def rows(self, practice: Practice, speak: Speak, locale: str) -> Sequence[Row]:  # noqa: ARG002  of every sort
        return [Row(one.id, one.name, tuple(_told(practice, one, speak))) for one in practice.practitioners]

    def without(self, practice: Practice, id_: str) -> Practice:
        return without_part(practice, Practitioner, id_)


def _told(practice: Practice, one: Practitioner, speak: Speak) -> Iterator[str]:
    if one.profession:
        yield one.profession
    given = ", ".join(service.name for service in practice.services if service.id in one.services)
    yield given or speak("Gives nothing yet")
    places = ", ".join(place.name for place in practice.places if place.id in one.places)
    yield places or speak("Has no hours yet, so nobody can book a visit.")


def _changed(practice: Practice, id_: str | None, values: Values) -> Practice:
    """Services keep the order in which they were; new ones come last."""
    taken = names_of_cells(practice)
    new = Practitioner(id="" if id_ else new_id(values["name"], taken, "person"), name="", services=(), hours=())
    old = part(practice, Practitioner, id_) if id_ else new
    own: dict[str, Any] = {name: values[name] for name in OWN}
    own["alerts_phone"] = dialled(values["alerts_phone"], practice.country)
    own["directories"] = lines(values["directories"])
    stay = [one for one in old.services if one in values["services"]]
    own["services"] = tuple(dict.fromkeys((*stay, *values["services"])))
    load = replace(old.load, most_in_a_row=values["most_in_a_row"], pause_minutes=values["pause_minutes"])
    changed: Practitioner = replace(old, **own, load=load)
    return with_part(practice, changed)
