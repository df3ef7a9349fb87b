"""The desk of one practice: its clients' lines of time, cancel, retry and resend, and what did not arrive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.notify.actions.dead_letters import DeadLetters
from services.notify.actions.desk import CodeForgotten, Desk, MessageBegun, MessageUnknown
from services.notify.actions.timelines import Timelines
from services.notify.domain.again import NotToBeResent, ResentOften
from services.notify.routes import places
from services.notify.routes.desk_views import (
    ClientAsked,
    ClientLine,
    DeadPage,
    DeadQuery,
    DeadView,
    ReplayAsked,
    ReplayedView,
)
from services.notify.routes.hand import hand_of
from services.notify.routes.views import MessageView, Timeline
from shared.clock import Clock
from shared.httpkit import Answer, Ask, Route, Who

PRACTICE = "/v1/practices/{practice}"
ONE = PRACTICE + "/messages/{appointment}/{step}/{about}"


@dataclass(frozen=True, slots=True)
class Desks:
    """Whatever is of another practice is not found."""

    desk: Desk
    timelines: Timelines
    dead_letters: DeadLetters
    now: Clock

    def routes(self) -> list[Route]:
        return [*self._lines(), *self._deeds(), *self._dead()]

    def _lines(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path=PRACTICE + "/appointments/{appointment}/messages",
                handler=self.of_visit,
                summary="The texts of one visit, offer or check of a number of this practice, in order of time",
                answers={200: Timeline},
                who=Who.OPERATOR,
            ),
            Route(
                method="POST",
                path=PRACTICE + "/timeline",
                handler=self.of_client,
                summary="All texts to one number and its replies by what they meant, newest first",
                body=ClientAsked,
                answers={200: ClientLine},
                who=Who.OPERATOR,
            ),
        ]

    def _deeds(self) -> list[Route]:
        given: dict[str, Any] = {"answers": {200: MessageView}, "who": Who.OPERATOR, "method": "POST"}
        return [
            Route(
                path=f"{ONE}/cancel",
                handler=self.cancel_own,
                summary="Never send this practice's text, if it has not begun to be sent",
                refuses=(MessageUnknown, MessageBegun),
                **given,
            ),
            Route(
                path=f"{ONE}/retry",
                handler=self.retry_own,
                summary="Send this practice's text that failed, was skipped or was cancelled, if it is true and of use",
                refuses=(MessageUnknown, MessageBegun, CodeForgotten),
                **given,
            ),
            Route(
                path=f"{ONE}/resend",
                handler=self.resend,
                summary="The same words once more for a client who lost them, if they are still true; 3 times a day",
                refuses=(MessageUnknown, NotToBeResent, ResentOften),
                **given,
            ),
        ]

    def _dead(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path=PRACTICE + "/dead",
                handler=self.dead,
                summary="Texts of the last 30 days that did not arrive, newest first, and why",
                query=DeadQuery,
                answers={200: DeadPage},
                who=Who.OPERATOR,
            ),
            Route(
                method="POST",
                path=PRACTICE + "/dead/replay",
                handler=self.replay,
                summary="Try all again that ended for one reason and are still of use; each is judged anew",
                body=ReplayAsked,
                answers={200: ReplayedView},
                who=Who.OPERATOR,
            ),
        ]

    async def of_visit(self, ask: Ask[None, None]) -> Answer:
        messages = await self.desk.timeline(ask.path["appointment"], ask.path["practice"])
        return Answer(200, Timeline(messages=[MessageView.of(message) for message in messages]))

    async def of_client(self, ask: Ask[ClientAsked, None]) -> Answer:
        body = ask.body
        entries, following = await self.timelines.page(
            ask.path["practice"], body.phone, before=places.read(body.before), limit=body.limit
        )
        return Answer(200, ClientLine.of(entries, following))

    async def cancel_own(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, MessageView.of(await self.desk.cancel(text_of(ask), **_whose(ask))))

    async def retry_own(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, MessageView.of(await self.desk.retry(text_of(ask), **_whose(ask))))

    async def resend(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, MessageView.of(await self.desk.resend(text_of(ask), **_whose(ask))))

    async def dead(self, ask: Ask[None, DeadQuery]) -> Answer:
        query, now = ask.query, self.now()
        found, following = await self.dead_letters.page(
            ask.path["practice"], why=query.why, before=places.read(query.before), limit=query.limit
        )
        shown = [DeadView.of(message, now) for message in found]
        return Answer(200, DeadPage(dead=shown, next=places.written(following)))

    async def replay(self, ask: Ask[ReplayAsked, None]) -> Answer:
        replayed = await self.dead_letters.replay(ask.path["practice"], why=ask.body.why, by=hand_of(ask))
        return Answer(200, ReplayedView.of(replayed))


def text_of(ask: Ask[Any, Any]) -> str:
    return "/".join(ask.path[part] for part in ("appointment", "step", "about"))


def _whose(ask: Ask[Any, Any]) -> dict[str, str]:
    return {"by": hand_of(ask), "practice": ask.path["practice"]}
