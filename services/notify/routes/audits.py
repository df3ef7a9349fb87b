"""What the nightly audits found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from services.notify.actions.auditing import Auditing
from shared.httpkit import Answer, Ask, Route, Who


class AuditView(BaseModel):
    """One day by Greenwich: how many texts the provider lists, how many are ours, and what does not fit."""

    model_config = ConfigDict(from_attributes=True)

    day: date
    done_at: datetime
    is_clean: bool
    whole: bool
    listed: int
    posted: int
    duplicates: int
    per_ten_thousand: float
    strangers: int
    missing: int
    forgotten: int
    examples: list[str]


class AuditsAnswer(BaseModel):
    audits: list[AuditView]


@dataclass(frozen=True, slots=True)
class Books:
    auditing: Auditing

    def routes(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path="/v1/audits",
                handler=self.audits,
                summary="The last 31 days: whether every text that the provider sent is one of ours, and there once",
                answers={200: AuditsAnswer},
                who=Who.OPERATOR,
            )
        ]

    async def audits(self, _: Ask[None, None]) -> Answer:
        kept = await self.auditing.kept()
        return Answer(200, AuditsAnswer(audits=[AuditView.model_validate(audit) for audit in kept]))
