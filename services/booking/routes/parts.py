"""The routes of the parts of a practice: its places, rooms, services and practitioners, each as a whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from services.booking import profile
from services.booking.actions import Booking
from services.booking.domain import editing
from services.booking.domain.editing import NoSuchPart, Part, StillUsed
from services.booking.domain.practice import Place, Practice, Practitioner, Room, Service
from services.booking.domain.practice_check import InvalidPractice
from services.booking.domain.refusals import NoSuchPractice
from services.booking.routes.hand import etag
from services.booking.routes.practices import PRACTICE
from services.booking.routes.settings import EDITING, edited
from services.booking.routes.settings_payloads import Stored
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, Route, Who


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """One sort of part: its list, its document, and how the domain reads it."""

    name: str
    list_: str
    document: type[BaseModel]
    kind: type[Part]
    read: Callable[[Any], Part]


SORTS: Final = (
    Sort(name="place", list_="places", document=profile.Place, kind=Place, read=profile.place),
    Sort(name="room", list_="rooms", document=profile.Room, kind=Room, read=profile.room),
    Sort(name="service", list_="services", document=profile.Service, kind=Service, read=profile.service),
    Sort(
        name="practitioner",
        list_="practitioners",
        document=profile.Practitioner,
        kind=Practitioner,
        read=profile.practitioner,
    ),
)

Handler = Callable[[Ask[Any, None]], Awaitable[Answer]]


class PartRoutes:
    def __init__(self, booking: Booking) -> None:
        self._booking = booking

    def routes(self) -> Sequence[Route]:
        return [route for sort in SORTS for route in self._routes_of(sort)]

    def _routes_of(self, sort: Sort) -> Iterator[Route]:
        path = f"{PRACTICE}/{sort.list_}/{{{sort.name}}}"
        yield Route(
            method="GET",
            path=path,
            handler=_named(self._shown(sort), f"show_{sort.name}"),
            summary=f"The {sort.name}, as it can be put again",
            answers={200: sort.document},
            refuses=(NoSuchPractice, NoSuchPart),
            who=Who.OPERATOR,
            scope="practice:read",
        )
        yield self._changing(
            "PUT", path, _named(self._put(sort), f"put_{sort.name}"), f"Replace the {sort.name}, or add it", sort
        )
        yield self._changing(
            "DELETE",
            path,
            _named(self._removed(sort), f"remove_{sort.name}"),
            f"Remove the {sort.name}; visits that are booked stand, and are listed",
            None,
            NoSuchPart,
            StillUsed,
        )

    @staticmethod
    def _changing(
        method: str, path: str, handler: Handler, summary: str, taken: Sort | None, *refuses: type[Refusal]
    ) -> Route:
        return Route(
            method=method,
            path=path,
            handler=handler,
            summary=summary,
            body=None if taken is None else taken.document,
            answers={200: Stored},
            refuses=(*EDITING, *refuses),
            who=Who.OPERATOR,
            scope="practice:write",
            versioned=True,
        )

    def _shown(self, sort: Sort) -> Handler:
        async def show(ask: Ask[Any, None]) -> Answer:
            kept = await self._booking.profiles.get(ask.path["practice"])
            editing.part(kept.practice, sort.kind, ask.path[sort.name])
            documents = getattr(profile.written(kept.practice), sort.list_)
            found = next(one for one in documents if one.id == ask.path[sort.name])
            return Answer(200, found, headers=etag(kept.version))

        return show

    def _put(self, sort: Sort) -> Handler:
        async def put(ask: Ask[Any, None]) -> Answer:
            if ask.body.id != ask.path[sort.name]:
                raise InvalidPractice(f"id: {ask.body.id!r} is not the {sort.name} of the address", field="id")
            return await edited(self._booking, ask, lambda practice: editing.with_part(practice, sort.read(ask.body)))

        return put

    def _removed(self, sort: Sort) -> Handler:
        async def remove(ask: Ask[Any, None]) -> Answer:
            def without(practice: Practice) -> Practice:
                return editing.without_part(practice, sort.kind, ask.path[sort.name])

            return await edited(self._booking, ask, without)

        return remove


def _named(handler: Handler, name: str) -> Handler:
    """The description of the interface calls an operation by the name of its handler."""
    handler.__name__ = name
    return handler
