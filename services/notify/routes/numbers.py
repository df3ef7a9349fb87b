"""How the provider takes our texts: the sender they leave by, and the numbers that take none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from services.notify.actions.numbers import MarkUnknown, Numbers
from services.notify.domain.mark import Mark
from services.notify.domain.sender import NEVER, Limits, Sender, refreshed
from shared.httpkit import Answer, Ask, Route, Who

BAD = "/v1/practices/{practice}/bad-numbers"


class PauseState(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    by: str
    why: str
    at: datetime


class SenderState(BaseModel):
    """`bucket` are the segments that may leave at this moment; a limit of 0 is none."""

    sender: str
    standing: str = Field(examples=["open", "half_open", "shut", "resting", "paused"])
    bucket: float | None
    segments_per_second: float
    spent_today: int
    segments_per_day: int
    day: str | None
    failures: int
    breaks: int
    shut_until: datetime | None
    rests_until: datetime | None
    rests_why: str | None
    paused: PauseState | None
    resumed_at: datetime | None
    resumed_by: str | None

    @classmethod
    def of(cls, kept: Sender, limits: Limits) -> SenderState:
        """As it is at this moment: what is kept is the bucket and the day of the last text."""
        sender = refreshed(kept, limits)
        return cls(
            sender=sender.name,
            standing=sender.standing.value,
            bucket=sender.tokens if limits.per_second else None,
            segments_per_second=limits.per_second,
            spent_today=sender.spent,
            segments_per_day=limits.per_day,
            day=sender.day if sender.at > NEVER else None,
            failures=sender.failures,
            breaks=sender.trips,
            shut_until=sender.shut_until,
            rests_until=sender.rests_until,
            rests_why=sender.rests_why,
            paused=None if sender.paused is None else PauseState.model_validate(sender.paused),
            resumed_at=sender.resumed_at,
            resumed_by=sender.resumed_by,
        )


class SenderStates(BaseModel):
    senders: list[SenderState]


class BadNumber(BaseModel):
    """The number itself is not kept: it is the one of this visit. The desk asks the client for another."""

    model_config = ConfigDict(from_attributes=True)

    appointment: str
    why: str
    code: int
    at: datetime


class BadNumbers(BaseModel):
    numbers: list[BadNumber]

    @classmethod
    def of(cls, marks: Sequence[Mark]) -> BadNumbers:
        return cls(numbers=[BadNumber.model_validate(mark) for mark in marks])


@dataclass(frozen=True, slots=True)
class Reach:
    numbers: Numbers

    def routes(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path="/v1/senders",
                handler=self.senders,
                summary="The sender: whether it rests, is paused or shut, its bucket, and what is spent of the day",
                answers={200: SenderStates},
                who=Who.OPERATOR,
            ),
            Route(
                method="GET",
                path=BAD,
                handler=self.bad,
                summary="Visits whose number takes no texts, newest first: somebody has to ask for another number",
                answers={200: BadNumbers},
                who=Who.OPERATOR,
            ),
            Route(
                method="DELETE",
                path=BAD + "/{appointment}",
                handler=self.clear,
                summary="Text the number of this visit again",
                answers={204: None},
                refuses=(MarkUnknown,),
                who=Who.OPERATOR,
            ),
        ]

    async def senders(self, _: Ask[None, None]) -> Answer:
        senders = await self.numbers.senders()
        return Answer(200, SenderStates(senders=[SenderState.of(one, self.numbers.limits) for one in senders]))

    async def bad(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, BadNumbers.of(await self.numbers.bad(ask.path["practice"])))

    async def clear(self, ask: Ask[None, None]) -> Answer:
        await self.numbers.clear(ask.path["practice"], ask.path["appointment"])
        return Answer(204)
