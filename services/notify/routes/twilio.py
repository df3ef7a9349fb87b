"""Twilio's webhooks: a client's text, and what became of ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from services.notify.actions.receipts import Receipts
from services.notify.actions.replies import Inbound, Listening
from services.notify.gateway import Signatures
from shared.errors import Kind, Refusal
from shared.httpkit import Answer, Ask, Route

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
class Webhooks:
    listening: Listening
    receipts: Receipts
    signatures: Signatures

    def routes(self) -> list[Route]:
        return [
            Route(
                method="POST",
                path="/v1/twilio/inbound",
                handler=self.inbound,
                summary="Twilio hands over a client's text",
                form=True,
                answers={200: None},
                refuses=(SignatureInvalid, WebhookIncomplete),
            ),
            Route(
                method="POST",
                path="/v1/twilio/status/{code}/{attempt}",
                handler=self.receipt,
                summary="Twilio reports what became of a text",
                form=True,
                answers={204: None},
                refuses=(SignatureInvalid, WebhookIncomplete),
            ),
        ]

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
            reported_at=_minute(form.get("RawDlrDoneDate", "")),
        )
        return Answer(204)

    def _signed(self, ask: Ask[None, None]) -> dict[str, str]:
        shown = ask.headers.get("X-Twilio-Signature", "")
        form = dict(ask.form)
        if not self.signatures.match(ask.request.raw_path, form, shown):
            raise SignatureInvalid("the signature does not fit")
        return form


def _minute(told: str) -> datetime | None:
    """When the carrier reported on a text, by UTC; few carriers tell it, and none is taken at its word for more."""
    try:
        return datetime.strptime(told, "%y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None


def _needed(form: dict[str, str], name: str) -> str:
    if not form.get(name):
        raise WebhookIncomplete(f"{name} is missing")
    return form[name]
