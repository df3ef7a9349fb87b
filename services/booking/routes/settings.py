"""The routes of a practice's settings as a whole: replace, change what it says of itself, and take along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from services.booking import profile
from services.booking.actions import Booking
from services.booking.actions.profiles import ChangedMeanwhile
from services.booking.domain.practice import Practice
from services.booking.domain.practice_check import InvalidPractice
from services.booking.domain.refusals import NoSuchPractice
from services.booking.routes.hand import etag, hand_of, relied_on
from services.booking.routes.practices import PRACTICE
from services.booking.routes.settings_payloads import Stored, stored
from shared.errors import Refusal
from shared.httpkit import Answer, Ask, InvalidRequest, Route, Who

EDITING: Final[tuple[type[Refusal], ...]] = (InvalidPractice, InvalidRequest, ChangedMeanwhile, NoSuchPractice)


class SettingRoutes:
    def __init__(self, booking: Booking) -> None:
        self._booking = booking

    def routes(self) -> Sequence[Route]:
        return [*self._changing(), *self._taking_along()]

    def _changing(self) -> Sequence[Route]:
        return [
            Route(
                method="PUT",
                path=PRACTICE,
                handler=self.put_practice,
                summary="Replace the whole profile of a practice, or begin one",
                body=profile.Profile,
                answers={200: Stored},
                refuses=(InvalidPractice, InvalidRequest, ChangedMeanwhile),
                who=Who.OPERATOR,
                scope="practice:write",
                versioned=True,
            ),
            Route(
                method="PATCH",
                path=PRACTICE,
                handler=self.change_practice,
                summary="Change what the practice says of itself; its places, rooms, services and people stay",
                body=profile.Own,
                answers={200: Stored},
                refuses=EDITING,
                who=Who.OPERATOR,
                scope="practice:write",
                versioned=True,
            ),
        ]

    def _taking_along(self) -> Sequence[Route]:
        return [
            Route(
                method="GET",
                path=f"{PRACTICE}/export",
                handler=self.export_practice,
                summary="The whole profile, as it can be loaded again",
                answers={200: profile.Profile},
                refuses=(NoSuchPractice,),
                who=Who.OPERATOR,
                scope="practice:read",
            ),
            Route(
                method="GET",
                path=f"{PRACTICE}/export.toml",
                handler=self.export_practice_as_toml,
                summary="The same as a TOML file",
                answers={200: None},
                refuses=(NoSuchPractice,),
                who=Who.OPERATOR,
                scope="practice:read",
            ),
        ]

    async def put_practice(self, ask: Ask[profile.Profile, None]) -> Answer:
        if ask.body.id != ask.path["practice"]:
            raise InvalidPractice(f"id: {ask.body.id!r} is not the practice of the address", field="id")
        practice = profile.read(ask.body)
        edited = await self._booking.profiles.put(practice, hand=hand_of(ask), version=relied_on(ask))
        return Answer(200, stored(edited), headers=etag(edited.kept.version))

    async def change_practice(self, ask: Ask[profile.Own, None]) -> Answer:
        return await edited(self._booking, ask, lambda practice: profile.with_own(practice, ask.body))

    async def export_practice(self, ask: Ask[None, None]) -> Answer:
        kept = await self._booking.profiles.get(ask.path["practice"])
        return Answer(200, profile.written(kept.practice), headers=etag(kept.version))

    async def export_practice_as_toml(self, ask: Ask[None, None]) -> Answer:
        kept = await self._booking.profiles.get(ask.path["practice"])
        return Answer(
            200, text=profile.as_toml(kept.practice), content_type="application/toml", headers=etag(kept.version)
        )


async def edited(booking: Booking, ask: Ask[Any, Any], change: Callable[[Practice], Practice]) -> Answer:
    """The answer to a change of a part: the new version, and the visits that now fall outside."""
    done = await booking.profiles.edit(ask.path["practice"], change, hand=hand_of(ask), version=relied_on(ask))
    return Answer(200, stored(done), headers=etag(done.kept.version))
