"""Legal holds over HTTP: whose health checks are neither erased nor forgotten, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.screening.actions import HoldUnknown, ReasonTooShort, Retention
from services.screening.ports import Hold
from services.screening.routes.hand import hand_of
from services.screening.routes.parts import PRIVATE
from services.screening.routes.payloads import Shown
from shared.httpkit import Answer, Ask, Payload, Route, Who


class HoldIn(Payload):
    """`reason` is kept sealed, and shown to the practice only."""

    reason: Annotated[str, Field(max_length=2000)]


class HoldOut(Shown):
    client: str
    by: str
    at: datetime


class ReasonedHoldOut(HoldOut):
    reason: str


class HoldsOut(Shown):
    """The oldest first."""

    holds: list[ReasonedHoldOut]


class HoldRoutes:
    def __init__(self, retention: Retention) -> None:
        self._retention = retention

    async def place(self, ask: Ask[HoldIn, None]) -> Answer:
        practice, client = ask.path["practice"], ask.path["client"]
        held = await self._retention.hold(practice, client, reason=ask.body.reason, hand=hand_of(ask))
        return Answer(200, _shown(held), headers=PRIVATE)

    async def release(self, ask: Ask[None, None]) -> Answer:
        await self._retention.release(ask.path["practice"], ask.path["client"], hand=hand_of(ask))
        return Answer(204)

    async def held(self, ask: Ask[None, None]) -> Answer:
        held = await self._retention.held(ask.path["practice"])
        shown = [ReasonedHoldOut(**_shown(one).model_dump(), reason=reason) for one, reason in held]
        return Answer(200, HoldsOut(holds=shown), headers=PRIVATE)


def routes(retention: Retention) -> Sequence[Route]:
    to = HoldRoutes(retention)
    return (
        Route(
            method="PUT",
            path="/v1/practices/{practice}/clients/{client}/hold",
            handler=to.place,
            summary="Hold all that is kept of a client: it is neither erased nor forgotten until the hold ends",
            body=HoldIn,
            answers={200: HoldOut},
            refuses=(ReasonTooShort,),
            who=Who.OPERATOR,
        ),
        Route(
            method="DELETE",
            path="/v1/practices/{practice}/clients/{client}/hold",
            handler=to.release,
            summary="End the hold; what was to be erased meanwhile is erased soon",
            answers={204: None},
            refuses=(HoldUnknown,),
            who=Who.OPERATOR,
        ),
        Route(
            method="GET",
            path="/v1/practices/{practice}/holds",
            handler=to.held,
            summary="Every hold with its reason, the oldest first",
            answers={200: HoldsOut},
            who=Who.OPERATOR,
        ),
    )


def _shown(held: Hold) -> HoldOut:
    return HoldOut(client=held.client, by=held.by, at=held.at)
