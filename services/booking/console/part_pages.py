"""The pages of one sort of part of the practice: a list, a form to add or change one, and taking one out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services.booking.console.fields import Speak
from services.booking.console.sheets import Desk, Sheet
from services.booking.domain.editing import LISTS, Part
from services.booking.domain.practice import Practice
from services.booking.domain.starter import LONGEST_ID, slug
from shared.console import OWNERS, see
from shared.httpkit import Answer, Ask, Route
from shared.staff import Staff


@dataclass(frozen=True, slots=True)
class Row:
    """One part on a list."""

    id: str
    name: str
    told: Sequence[str]


class Sort(Protocol):
    """`name` stands in addresses and words."""

    name: str

    def sheet(self, practice: Practice, id_: str | None, speak: Speak) -> Sheet:
        """To change the part, or to add one; raises `NoSuchPart`."""

    def rows(self, practice: Practice, speak: Speak, locale: str) -> Sequence[Row]: ...

    def without(self, practice: Practice, id_: str) -> Practice:
        """Raises `NoSuchPart` and `StillUsed`."""


@dataclass(frozen=True, slots=True)
class PartPages:
    """`path` is that of the list, which may hold several sorts."""

    desk: Desk
    sort: Sort

    def routes(self) -> Sequence[Route]:
        route, sort = self.desk.console.route, self.sort.name
        one, new = f"/console/{sort}/{{part}}", f"/console/add-{sort}"
        return [
            route("GET", new, self.show, f"The form for one {sort} more", OWNERS),
            route("POST", new, self.save, f"Add one {sort}", OWNERS),
            route("GET", one, self.show, f"The form of one {sort}", OWNERS),
            route("POST", one, self.save, f"Change one {sort}", OWNERS),
            route("POST", f"{one}/remove", self.remove, f"Take one {sort} out of the practice", OWNERS),
        ]

    async def show(self, ask: Ask[None, None], staff: Staff) -> Answer:
        return await self.desk.show(ask, staff, self._make(ask, staff))

    async def save(self, ask: Ask[None, None], staff: Staff) -> Answer:
        return await self.desk.save(ask, staff, self._make(ask, staff))

    async def remove(self, ask: Ask[None, None], staff: Staff) -> Answer:
        await self.desk.edit(ask, staff, lambda practice: self.sort.without(practice, ask.path["part"]))
        return see(f"{self.desk.here}?saved=yes")

    def _make(self, ask: Ask[Any, Any], staff: Staff) -> Callable[[Practice], Sheet]:
        speak = self.desk.console.translated(staff)
        return lambda practice: self.sort.sheet(practice, ask.path.get("part"), speak)


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page with the lists of some sorts."""

    desk: Desk
    path: str
    title: str
    sorts: Sequence[Sort]

    def routes(self) -> Sequence[Route]:
        page = self.desk.console.route("GET", self.path, self.show, f"The list: {self.title.lower()}", OWNERS)
        return [page, *(route for sort in self.sorts for route in PartPages(self.desk, sort).routes())]

    async def show(self, ask: Ask[None, None], staff: Staff) -> Answer:
        practice = (await self.desk.booking.profiles.get(staff.practice)).practice
        speak = self.desk.console.translated(staff)
        lists = [(sort.name, sort.rows(practice, speak, staff.locale)) for sort in self.sorts]
        said = await self.desk.said(ask, staff)
        title = speak(self.title)
        return self.desk.console.show("part_list.html", staff, here=self.desk.here, title=title, lists=lists, **said)


def new_id(name: str, taken: set[str], fallback: str) -> str:
    """What an address can hold of the name, and a number if another has it already."""
    stem = slug(name) or fallback
    candidates = (stem, *(f"{stem[: LONGEST_ID - 4].rstrip('-')}-{count}" for count in range(2, 1000)))
    return next(one for one in candidates if one not in taken)


def names_of_cells(practice: Practice) -> set[str]:
    """Practitioners and rooms share one list of ids."""
    return {one.id for one in practice.practitioners} | {one.id for one in practice.rooms}


def own_field(kind: type[Part], practice: Practice, id_: str, names: Mapping[str, str]) -> Callable[[str], str]:
    """Which field of this part's form the path in a practice belongs to; empty for other parts' paths."""
    ids = [one.id for one in getattr(practice, LISTS[kind])]
    index = ids.index(id_) if id_ in ids else len(ids)
    start = f"{LISTS[kind]}[{index}]."

    def field_of(path: str) -> str:
        if not path.startswith(start):
            return ""
        own = re.sub(r"\[\d+\]", "", path.removeprefix(start))
        return names.get(own, own)

    return field_of
