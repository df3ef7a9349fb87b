"""Notify's doors: the operator's desk, Twilio's webhooks, and the short links in texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from services.notify.actions.clients import Clients, ExportUnknown
from services.notify.actions.desk import CodeForgotten, Desk, LinkExpired, MessageBegun, MessageUnknown, PracticeUnknown
from services.notify.actions.receipts import Receipts
from services.notify.actions.replies import Inbound, Listening
from services.notify.domain.text import ForbiddenWord
from services.notify.gateway import Signatures
from services.notify.library import TooLong
from services.notify.payloads import ExportAnswer, MessageView, PlanAnswer, PlannedText, PlanRequest, Timeline
from shared.errors import Kind, Refusal
from shared.httpkit import Answer, Ask, Route, Who
from shared.tokens import Tokens

NO_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


class SignatureInvalid(Refusal):
    """The webhook was not signed by Twilio for this address and account."""

    slug: ClassVar[str] = "signature-invalid"
    kind: ClassVar[Kind] = Kind.FORBIDDEN


class WebhookIncomplete(Refusal):
    """A signed webhook lacks what every one of its kind carries."""

    slug: ClassVar[str] = "webhook-incomplete"
    kind: ClassVar[Kind] = Kind.INVALID


@dataclass(frozen=True, slots=True)
class Doors:
    desk: Desk
    listening: Listening
    clients: Clients
    receipts: Receipts
    signatures: Signatures
    tokens: Tokens
    public_origin: str

    async def plan(self, ask: Ask[PlanRequest, None]) -> Answer:
        practice = ask.body.practice(await self.desk.practice(ask.path["practice"]))
        previews = self.desk.preview(ask.body.to_visit(practice.id), practice)
        zone = ask.body.visit.client_zone
        return Answer(200, PlanAnswer(texts=[PlannedText.of(preview, zone) for preview in previews]))

    async def timeline(self, ask: Ask[None, None]) -> Answer:
        messages = await self.desk.timeline(ask.path["appointment"])
        return Answer(200, Timeline(messages=[MessageView.of(message) for message in messages]))

    async def cancel(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, MessageView.of(await self.desk.cancel(_message_id(ask))))

    async def retry(self, ask: Ask[None, None]) -> Answer:
        return Answer(200, MessageView.of(await self.desk.retry(_message_id(ask))))

    async def export(self, ask: Ask[None, None]) -> Answer:
        export = await self.clients.exported(ask.path["ask"], ask.path["practice"])
        return Answer(200, ExportAnswer.of(ask.path["ask"], export), headers={"Cache-Control": "no-store"})

    async def inbound(self, ask: Ask[None, None]) -> Answer:
        form = self._signed(ask)
        await self.listening.hear(
            Inbound(
                sid=_needed(form, "MessageSid"),
                phone=_needed(form, "From"),
                body=form.get("Body", ""),
                opt_out_type=form.get("OptOutType") or None,
            )
        )
        return Answer(200, text=NO_ANSWER, content_type="text/xml")

    async def receipt(self, ask: Ask[None, None]) -> Answer:
        form = self._signed(ask)
        code = form.get("ErrorCode", "")
        await self.receipts.take(
            ask.path["code"],
            ask.path["attempt"],
            sid=_needed(form, "MessageSid"),
            status=_needed(form, "MessageStatus"),
            error_code=int(code) if code.isdecimal() else None,
        )
        return Answer(204)

    async def link(self, ask: Ask[None, None]) -> Answer:
        page = await self.desk.page(ask.path["code"])
        token = self.tokens.mint(page.id, page.practice, page.expires_at)
        address = f"{self.public_origin}/booking/{page.leads_to}/{page.id}?{urlencode({'token': token})}"
        return Answer(303, headers={"Location": address, "Referrer-Policy": "no-referrer"})

    def _signed(self, ask: Ask[None, None]) -> dict[str, str]:
        shown = ask.headers.get("X-Twilio-Signature", "")
        form = dict(ask.form)
        if not self.signatures.match(ask.request.raw_path, form, shown):
            raise SignatureInvalid("the signature does not fit")
        return form


def _message_id(ask: Ask[None, None]) -> str:
    return "/".join(ask.path[part] for part in ("appointment", "step", "about"))


def _needed(form: dict[str, str], name: str) -> str:
    if not form.get(name):
        raise WebhookIncomplete(f"{name} is missing")
    return form[name]


def routes(doors: Doors) -> list[Route]:
    return [*_of_the_desk(doors), *_of_the_public(doors)]


def _of_the_desk(doors: Doors) -> list[Route]:
    desk: dict[str, Any] = {"who": Who.OPERATOR}
    one = "/v1/messages/{appointment}/{step}/{about}"
    return [
        Route(
            method="POST",
            path="/v1/practices/{practice}/plan",
            handler=doors.plan,
            summary="Every text that a visit would get, and when; stores nothing and sends nothing",
            body=PlanRequest,
            answers={200: PlanAnswer},
            refuses=(PracticeUnknown, TooLong, ForbiddenWord),
            **desk,
        ),
        Route(
            method="GET",
            path="/v1/practices/{practice}/exports/{ask}",
            handler=doors.export,
            summary="All texts, consents and replies of a client, for the export that booking was asked for",
            answers={200: ExportAnswer},
            refuses=(ExportUnknown,),
            **desk,
        ),
        Route(
            method="GET",
            path="/v1/appointments/{appointment}/messages",
            handler=doors.timeline,
            summary="The texts of one visit, offer or check of a number, in order of time, with what became of each",
            answers={200: Timeline},
            **desk,
        ),
        Route(
            method="POST",
            path=f"{one}/cancel",
            handler=doors.cancel,
            summary="Never send a text that has not begun to be sent",
            answers={200: MessageView},
            refuses=(MessageUnknown, MessageBegun),
            **desk,
        ),
        Route(
            method="POST",
            path=f"{one}/retry",
            handler=doors.retry,
            summary="Send a text that failed, was skipped or was cancelled, if it is still true and of use",
            answers={200: MessageView},
            refuses=(MessageUnknown, MessageBegun, CodeForgotten),
            **desk,
        ),
    ]


def _of_the_public(doors: Doors) -> list[Route]:
    return [
        Route(
            method="POST",
            path="/v1/twilio/inbound",
            handler=doors.inbound,
            summary="Twilio hands over a client's text",
            form=True,
            answers={200: None},
            refuses=(SignatureInvalid, WebhookIncomplete),
        ),
        Route(
            method="POST",
            path="/v1/twilio/status/{code}/{attempt}",
            handler=doors.receipt,
            summary="Twilio reports what became of a text",
            form=True,
            answers={204: None},
            refuses=(SignatureInvalid, WebhookIncomplete),
        ),
        Route(
            method="GET",
            path="/n/{code}",
            handler=doors.link,
            summary="The link in a text leads to its visit or its offered time",
            answers={303: None},
            refuses=(LinkExpired,),
        ),
    ]
