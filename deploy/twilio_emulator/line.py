"""The number as a phone sees it: takes a text from a phone, minds the opt-out words, asks the webhook, answers."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

from deploy.twilio_emulator.account import API_VERSION, Account
from deploy.twilio_emulator.background import Background
from deploy.twilio_emulator.carrier import Carrier
from deploy.twilio_emulator.keywords import ANSWERS, Wish, wish
from deploy.twilio_emulator.message import Direction, Message, Status
from deploy.twilio_emulator.messages import Messages
from deploy.twilio_emulator.text import segments
from deploy.twilio_emulator.webhooks import Posted, Webhooks
from shared.clock import Clock

PLACES = ("City", "State", "Zip")
XML = frozenset({"text/xml", "application/xml", "text/html"})


class Line:
    def __init__(
        self,
        account: Account,
        messages: Messages,
        carrier: Carrier,
        webhooks: Webhooks,
        background: Background,
        *,
        now: Clock,
        fresh: Callable[[], str],
    ) -> None:
        self._account, self._messages, self._carrier, self._webhooks = account, messages, carrier, webhooks
        self._background, self._now, self._fresh = background, now, fresh

    def text(self, phone: str, body: str) -> Message:
        """Takes a text from a phone; the webhook hears of it in the background."""
        at = self._now()
        taken = self._messages.put(
            Message(
                sid=f"SM{self._fresh()}",
                direction=Direction.INBOUND,
                to=self._account.number,
                sender=phone,
                body=body,
                status=Status.RECEIVED,
                created_at=at,
                updated_at=at,
                sent_at=at,
                service=self._account.service,
            )
        )
        self._mind(phone, wished := wish(body))
        if self._account.inbound_url:
            self._background.start(self._ask(self._account.inbound_url, taken, wished))
        return taken

    def _mind(self, phone: str, wished: Wish | None) -> None:
        """Twilio answers a stop always, a start only to who had stopped, a call for help only to who has not."""
        was_out = phone in self._messages.opted_out
        if wished is Wish.STOP or (wished is Wish.START and was_out):
            self._messages.opt(phone, out=wished is Wish.STOP)
        if wished is Wish.STOP or (wished is Wish.START and was_out) or (wished is Wish.HELP and not was_out):
            self._reply(phone, ANSWERS[wished])

    async def _ask(self, url: str, taken: Message, wished: Wish | None) -> None:
        params = inbound(taken, self._account)
        if wished and self._account.advanced_opt_out:
            params["OptOutType"] = str(wished)
        answer = await self._webhooks.post(url, params)
        for body in replies(answer):
            if taken.phone not in self._messages.opted_out:
                self._reply(taken.phone, body)

    def _reply(self, phone: str, body: str) -> None:
        at = self._now()
        text = self._messages.put(
            Message(
                sid=f"SM{self._fresh()}",
                direction=Direction.REPLY,
                to=phone,
                sender=self._account.number,
                body=body,
                status=Status.QUEUED,
                created_at=at,
                updated_at=at,
                service=self._account.service,
            )
        )
        self._carrier.take(text)


def inbound(text: Message, account: Account) -> dict[str, str]:
    """The parameters of an inbound webhook; Twilio sends the places even where it knows none, as blanks."""
    sides = {"From": text.sender or "", "To": text.to}
    params = {
        "AccountSid": account.sid,
        "ApiVersion": API_VERSION,
        "Body": text.body,
        "MessageSid": text.sid,
        "NumMedia": "0",
        "NumSegments": str(segments(text.body)),
        "SmsMessageSid": text.sid,
        "SmsSid": text.sid,
        "SmsStatus": "received",
    }
    for side, number in sides.items():
        params |= {side: number, f"{side}Country": "US" if number.startswith("+1") else ""}
        params |= {f"{side}{place}": "" for place in PLACES}
    return params | ({"MessagingServiceSid": account.service} if account.service else {})


def replies(answer: Posted) -> list[str]:
    """The texts that a TwiML answer asks for; anything else asks for none."""
    if answer.outcome != "200" or answer.content_type not in XML or not answer.body.strip():
        return []
    try:
        root = ElementTree.fromstring(answer.body)  # noqa: S314 - from the service under test, on this machine
    except ElementTree.ParseError:
        return []
    said = ["".join(message.itertext()).strip() for message in root.iter("Message")]
    return [body for body in said if body]
