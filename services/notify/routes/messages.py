"""The operator's desk: the plan of a visit before it is real, its texts, cancel and retry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.notify.actions.desk import CodeForgotten, Desk, MessageBegun, MessageUnknown, PracticeUnknown
from services.notify.domain.text import ForbiddenWord
from services.notify.domain.wording import TooLong
from services.notify.routes.desk import text_of
from services.notify.routes.hand import hand_of
from services.notify.routes.payloads import PlanRequest
from services.notify.routes.views import MessageView, PlanAnswer, PlannedText, Timeline
from shared.httpkit import Answer, Ask, Route, Who


@dataclass(frozen=True, slots=True)
class Messages:
    desk: Desk

    def routes(self) -> list[Route]:
        desk: dict[str, Any] = {"who": Who.OPERATOR}
        one = "/v1/messages/{appointment}/{step}/{about}"
        return [
            Route(
                method="POST",
                path="/v1/practices/{practice}/plan",
                handler=self.plan,
                summary="Every text that a visit would get, and when; stores nothing and sends nothing",
                body=PlanRequest,
                answers={200: PlanAnswer},
                refuses=(PracticeUnknown, TooLong, ForbiddenWord),
                **desk,
            ),
            Route(
                method="GET",
                path="/v1/appointments/{appointment}/messages",
                handler=self.timeline,
                summary="The texts of one visit, offer or check of a number, in order of time, and what became of each",
                answers={200: Timeline},
                **desk,
            ),
            Route(
                method="POST",
                path=f"{one}/cancel",
                handler=self.cancel,
                summary="Never send a text that has not begun to be sent",
                answers={200: MessageView},
                refuses=(MessageUnknown, MessageBegun),
                **desk,
            ),
            Route(
                method="POST",
                path=f"{one}/retry",
                handler=self.retry,
                summary="Send a text that failed, was skipped or was cancelled, if it is still true and of use",
                answers={200: MessageView},
                refuses=(MessageUnknown, MessageBegun, CodeForgotten),
                **desk,
            ),
        ]

    async def plan(self, ask: Ask[PlanRequest, None]) -> Answer:
        practice = ask.body.practice(await self.desk.practice(ask.path["practice"]))
        previews = self.desk.preview(ask.body.to_visit(practice.id), practice)
        zone = ask.body.visit.client_zone
        return Answer(200, PlanAnswer(texts=[PlannedText.of(preview, zone) for preview in previews]))

    async def timeline(self, ask: Ask[None, None]) -> Answer:
        messages = await self.desk.timeline(ask.path["appointment"])
        return Answer(200, Timeline(messages=[MessageView.of(message) for message in messages]))

    async def cancel(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, MessageView.of(await self.desk.cancel(text_of(ask), by=hand_of(ask))))

    async def retry(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, MessageView.of(await self.desk.retry(text_of(ask), by=hand_of(ask))))
