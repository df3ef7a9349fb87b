"""Stopping texts by hand and letting them go on, and how the installation stands."""

from __future__ import annotations

from dataclasses import dataclass

from services.notify.actions.desk import PracticeUnknown
from services.notify.actions.pauses import Pauses, SenderUnknown, TemplateUnknown
from services.notify.domain.sender import Limits
from services.notify.routes.desk_views import DeskState, PauseAsked, PausedTemplate, PausedView
from services.notify.routes.hand import hand_of
from services.notify.routes.numbers import SenderState
from shared.httpkit import Answer, Ask, Route, Who

PAUSED = "/v1/practices/{practice}/paused"
SENDER = "/v1/senders/{sender}/pause"


@dataclass(frozen=True, slots=True)
class Stops:
    """`live`: texts go to the provider itself, and cost money."""

    pauses: Pauses
    live: bool
    limits: Limits

    def routes(self) -> list[Route]:
        return [*self._templates(), *self._senders()]

    def _templates(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path=PAUSED,
                handler=self.paused,
                summary="The paused templates of a practice, and how many of their texts wait",
                answers={200: PausedView},
                refuses=(PracticeUnknown,),
                who=Who.OPERATOR,
            ),
            Route(
                method="PUT",
                path=PAUSED + "/{template}",
                handler=self.pause,
                summary="Keep the texts of a template back; one is dropped only when it is of no use any more",
                answers={200: PausedView},
                refuses=(PracticeUnknown, TemplateUnknown),
                who=Who.OPERATOR,
            ),
            Route(
                method="DELETE",
                path=PAUSED + "/{template}",
                handler=self.resume,
                summary="Let the texts of a template go on, within ten minutes",
                answers={200: PausedView},
                refuses=(PracticeUnknown, TemplateUnknown),
                who=Who.OPERATOR,
            ),
        ]

    def _senders(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path="/v1/desk/state",
                handler=self.state,
                summary="Whether texts leave, to whom and by which sender, and what waits",
                answers={200: DeskState},
                who=Who.OPERATOR,
            ),
            Route(
                method="PUT",
                path=SENDER,
                handler=self.pause_sender,
                summary="Let no text leave by this sender; all wait",
                body=PauseAsked,
                answers={200: SenderState},
                refuses=(SenderUnknown,),
                who=Who.OPERATOR,
            ),
            Route(
                method="DELETE",
                path=SENDER,
                handler=self.resume_sender,
                summary="Let texts leave by this sender again, out of a pause, a rest or a break",
                answers={200: SenderState},
                refuses=(SenderUnknown,),
                who=Who.OPERATOR,
            ),
        ]

    async def paused(self, ask: Ask[None, None]) -> Answer:
        return await self._shown(ask.path["practice"])

    async def pause(self, ask: Ask[None, None]) -> Answer:
        await self.pauses.pause(ask.path["practice"], ask.path["template"], by=hand_of(ask))
        return await self._shown(ask.path["practice"])

    async def resume(self, ask: Ask[None, None]) -> Answer:
        await self.pauses.resume(ask.path["practice"], ask.path["template"], by=hand_of(ask))
        return await self._shown(ask.path["practice"])

    async def state(self, _: Ask[None, None]) -> Answer:
        shown = [SenderState.of(sender, self.limits) for sender in await self.pauses.senders()]
        backlog = await self.pauses.backlog()
        return Answer(200, DeskState.of(self.pauses.leave, backlog, shown, live=self.live))

    async def pause_sender(self, ask: Ask[PauseAsked, None]) -> Answer:
        sender = await self.pauses.pause_sender(ask.path["sender"], by=hand_of(ask), why=ask.body.why)
        return Answer(200, SenderState.of(sender, self.limits))

    async def resume_sender(self, ask: Ask[None, None]) -> Answer:
        sender = await self.pauses.resume_sender(ask.path["sender"], by=hand_of(ask))
        return Answer(200, SenderState.of(sender, self.limits))

    async def _shown(self, practice: str) -> Answer:
        paused = await self.pauses.paused(practice)
        shown = [PausedTemplate(template=template, waiting=count) for template, count in paused.items()]
        return Answer(200, PausedView(paused=shown))
